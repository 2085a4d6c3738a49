//! How an instance speaks to the others.

use std::net::IpAddr;

use super::{At, InstanceDraft};
use crate::{
    keepalived::{
        context::Context,
        keyword::{self, Block, Keyword},
        model::UnicastPeer,
        statement::{Line, Statement},
        value,
    },
    source::Word,
};

pub(super) const KEYWORDS: &[Keyword<InstanceDraft>] = &[
    Keyword::supported(
        "interface",
        "<interface>",
        "Where the others are, and where the addresses go.",
        |draft, line, ctx| {
            let span = line.span();
            let name = value::interface_after(line, ctx);
            draft.bad_interface = name.is_none();
            draft.interface = name.map(|value| At { value, span });
        },
    ),
    Keyword::supported(
        "unicast_src_ip",
        "<address>",
        "The address that unicast advertisements come from (the interface's first).",
        |draft, line, ctx| {
            draft.unicast = Some(line.span());
            source(draft, line, ctx);
        },
    ),
    Keyword::supported(
        "mcast_src_ip",
        "<address>",
        "The address that multicast advertisements come from (the interface's first).",
        source,
    ),
    Keyword::supported(
        "track_src_ip",
        "",
        "While the interface lacks that address, the instance is at fault.",
        |draft, _, _| draft.track_source = true,
    ),
    Keyword::list(
        "unicast_peer",
        "{ <address> [min_ttl <0…255>] [max_ttl <0…255>] … }",
        "The others, one by one, instead of a multicast group.",
        peers,
    ),
    Keyword::supported(
        "unicast_ttl",
        "<0…255>",
        "How far unicast advertisements may travel (255).",
        |draft, line, ctx| {
            draft.unicast = Some(line.span());
            draft.unicast_ttl = value::integer_after(line, "a TTL", 0..=255, ctx);
        },
    ),
    Keyword::supported(
        "check_unicast_src",
        "",
        "Others than the peers are not heard.",
        |draft, line, _| {
            draft.unicast = Some(line.span());
            draft.check_unicast_source = true;
        },
    ),
    Keyword::supported(
        "unicast_fault_no_peer",
        "",
        "Without peers the instance must not run.",
        |draft, _, _| draft.fault_without_peer = true,
    ),
    Keyword::supported(
        "authentication",
        "{ auth_type PASS, auth_pass <password> }",
        "The password of version 2, in clear text.",
        |draft, line, ctx| {
            let mut auth = AuthDraft::default();
            keyword::read(line.body(ctx), &mut auth, ctx);
            draft.auth_type = auth.kind;
            draft.auth_pass = auth.password;
        },
    ),
    Keyword::supported(
        "native_ipv6",
        "",
        "The instance speaks IPv6. Its addresses say so anyway.",
        |draft, _, _| {
            draft.ipv6.get_or_insert(true);
        },
    ),
];

fn source(draft: &mut InstanceDraft, line: &mut Line<'_>, ctx: &mut Context<'_>) {
    let span = line.span();
    if let Some(value) = value::address_after(line, ctx)
        && draft.is_of_family(value, span, ctx)
    {
        draft.source = Some(At { value, span });
    }
}

fn peers(draft: &mut InstanceDraft, line: &mut Line<'_>, ctx: &mut Context<'_>) {
    draft.unicast = Some(line.span());
    for statement in line.body(ctx) {
        let Some(peer) = peer(statement, ctx) else {
            continue;
        };
        let span = statement.span();
        if !draft.is_of_family(peer.address, span, ctx) {
            continue;
        }
        draft.check_unicast_source |= peer.min_ttl.is_some() || peer.max_ttl.is_some();
        let value = peer.address;
        if draft.peer_spans.iter().any(|other| other.value == value) {
            let message = format!("`{value}` stands twice in `unicast_peer`");
            ctx.d.warning("repeated", span, message);
        } else {
            draft.peer_spans.push(At { value, span });
            draft.peers.insert(peer);
        }
    }
}

fn peer(statement: &Statement, ctx: &mut Context<'_>) -> Option<UnicastPeer> {
    let address: Option<IpAddr> = value::address(&statement.words[0], ctx);
    let mut line = Line::new(statement);
    let mut ttls = [None, None];
    for (name, ttl) in ["min_ttl", "max_ttl"].into_iter().zip(&mut ttls) {
        if line.args.take_if(name) {
            *ttl = value::integer_after(&mut line, "a TTL", 0..=255, ctx);
        }
    }
    line.finish(ctx);
    address.map(|address| UnicastPeer {
        address,
        min_ttl: ttls[0],
        max_ttl: ttls[1],
    })
}

/// `authentication` as written.
#[derive(Debug, Default)]
pub(in crate::keepalived) struct AuthDraft {
    /// Whether `auth_type` is PASS.
    kind: Option<At<bool>>,
    password: Option<At<[u8; 8]>>,
}

impl Block for AuthDraft {
    const NAME: &'static str = "authentication";
    const TABLES: &'static [&'static [Keyword<Self>]] = &[&[
        Keyword::supported("auth_type", "PASS", "How; AH is refused.", auth_type),
        Keyword::supported(
            "auth_pass",
            "<password>",
            "The password; its first eight bytes count.",
            |draft, line, ctx| {
                if let Some(word) = line.required("a password", ctx) {
                    draft.password = Some(password(word, ctx));
                }
            },
        ),
    ]];
}

fn auth_type(draft: &mut AuthDraft, line: &mut Line<'_>, ctx: &mut Context<'_>) {
    let span = line.span();
    let Some(word) = line.required("`PASS`", ctx) else {
        return;
    };
    let value = word.text == "PASS";
    draft.kind = Some(At { value, span });
    if word.text == "AH" {
        let message =
            "`auth_type AH` is not supported: RFC 3768 took it out of the protocol in 2004";
        ctx.d
            .error("refused", word.span, message)
            .suggest("use `PASS`, or better none and a packet filter; change all nodes together");
    } else if !value {
        let message = format!("`{}` is no way to authenticate", word.text);
        ctx.fault("bad-auth-type", word.span, message)
            .suggest("`PASS`");
    }
}

fn password(word: &Word, ctx: &mut Context<'_>) -> At<[u8; 8]> {
    let bytes = word.text.as_bytes();
    if bytes.len() > 8 {
        let message = "only the first eight bytes of `auth_pass` count, as in keepalived";
        ctx.d.warning("long-password", word.span, message);
    }
    let mut value = [0; 8];
    for (place, byte) in value.iter_mut().zip(bytes) {
        *place = *byte;
    }
    At {
        value,
        span: word.span,
    }
}
