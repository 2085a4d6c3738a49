//! What stands outside of all blocks: the blocks themselves.

use std::time::Duration;

use super::{
    address::{self, AddressDraft},
    context::Context,
    global::GlobalDraft,
    group::GroupDraft,
    instance::InstanceDraft,
    keyword::{self, Block, Keyword},
    script::ScriptDraft,
    statement::Line,
    track_file::FileDraft,
    track_process::ProcessDraft,
    value, virtual_server,
};
use crate::source::Word;

/// All files as written.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// `global_defs`.
    pub(super) global: GlobalDraft,
    /// `vrrp_script`.
    pub(super) scripts: Vec<ScriptDraft>,
    /// `track_file`, `vrrp_track_file`.
    pub(super) files: Vec<FileDraft>,
    /// `vrrp_track_process`.
    pub(super) processes: Vec<ProcessDraft>,
    /// `vrrp_instance`.
    pub(super) instances: Vec<InstanceDraft>,
    /// `vrrp_sync_group`.
    pub(super) groups: Vec<GroupDraft>,
    /// `static_ipaddress`.
    pub(super) static_addresses: Vec<AddressDraft>,
}

impl Block for Written {
    const NAME: &'static str = "";
    const TABLES: &'static [&'static [Keyword<Self>]] = &[READ, PROCESS, LVS];
}

const READ: &[Keyword<Written>] = &[
    Keyword::list(
        "global_defs",
        "{ … }",
        "What concerns the process, and defaults.",
        |written, line, ctx| keyword::read(line.body(ctx), &mut written.global, ctx),
    ),
    Keyword::list(
        "vrrp_script",
        "<name> { … }",
        "A script that is run again and again.",
        |written, line, ctx| {
            named(&mut written.scripts, ScriptDraft::new, line, ctx);
        },
    ),
    Keyword::list(
        "vrrp_track_file",
        "<name> { … }",
        "A file with a number in it (the older name).",
        track_file,
    ),
    Keyword::list(
        "track_file",
        "<name> { … }",
        "A file with a number in it.",
        track_file,
    ),
    Keyword::list(
        "vrrp_track_process",
        "<name> { … }",
        "A process that must run.",
        |written, line, ctx| {
            named(&mut written.processes, ProcessDraft::new, line, ctx);
        },
    ),
    Keyword::list(
        "vrrp_instance",
        "<name> { … }",
        "A virtual router this node takes part in.",
        |written, line, ctx| {
            named(&mut written.instances, InstanceDraft::new, line, ctx);
        },
    ),
    Keyword::list(
        "vrrp_sync_group",
        "<name> { … }",
        "Instances that go master and backup together.",
        |written, line, ctx| {
            named(&mut written.groups, GroupDraft::new, line, ctx);
        },
    ),
    Keyword::list(
        "static_ipaddress",
        "{ <address> … }",
        "Addresses that are put up at start and taken away at the end.",
        |written, line, ctx| {
            let found = address::entries(line.body(ctx), ctx);
            written.static_addresses.extend(found);
        },
    ),
    Keyword::list(
        "garp_group",
        "{ … }",
        "Pauses between announcements on some interfaces. The longest holds for all interfaces.",
        garp_group,
    ),
];

const LINKS: &str = "the kernel tells of every change of a link";

const PROCESS: &[Keyword<Written>] = &[
    Keyword::refused(
        "net_namespace",
        "<name>",
        "The network namespace to run in.",
        "start Pontoon inside it: `ip netns exec NAME pontoon …`",
    ),
    Keyword::refused(
        "net_namespace_ipvs",
        "[<name>]",
        "The network namespace of IPVS.",
        "leave it out: there is no IPVS here",
    ),
    Keyword::inert(
        "namespace_with_ipsets",
        "",
        "A packet filter in the namespace.",
        "no packet filter is set up",
    ),
    Keyword::without(
        "instance",
        "<name>",
        "The name of this keepalived among others.",
        "`--name` names a node, `-p` its pid file",
    ),
    Keyword::without(
        "use_pid_dir",
        "",
        "Pid files go to /run/keepalived.",
        "`-p` names the pid file",
    ),
    Keyword::inert(
        "linkbeat_use_polling",
        "",
        "Asks interfaces for their state again and again.",
        LINKS,
    ),
    Keyword::without(
        "child_wait_time",
        "<seconds>",
        "How long processes may take to end.",
        "the election ends after its last notify script, at most `notify_timeout`",
    ),
    swallowed(
        "linkbeat_interfaces",
        "{ <interface> [MII|ETHTOOL|IOCTL] … }",
        "Asks these interfaces for their state again and again. It has no effect: the kernel tells of every change of a link.",
    ),
    Keyword::supported(
        "interface_up_down_delays",
        "{ <interface> <seconds> [<seconds>] … }",
        "How long an interface may be down. It has no effect, and Pontoon warns.",
        |_, line, ctx| {
            let message = "`interface_up_down_delays` has no effect: an interface that goes down counts at once";
            ctx.d.warning("not-done", line.span(), message);
            line.body_if_any();
        },
    ),
    Keyword::refused(
        "track_group",
        "<name> { … }",
        "Instances that track static addresses.",
        "leave it out: static addresses are not tracked",
    ),
    Keyword::refused(
        "static_routes",
        "{ <route> … }",
        "Routes that stay on the machine.",
        "set them up with the machine's other routes; `virtual_routes` follow the master",
    ),
    Keyword::refused(
        "static_rules",
        "{ <rule> … }",
        "Routing rules that stay on the machine.",
        "set them up with the machine's other rules",
    ),
    Keyword::refused(
        "bfd_instance",
        "<name> { … }",
        "Bidirectional forwarding detection.",
        "there is no BFD here; with version 3 `advert_int 0.1` notices a silent peer in 0.3 s",
    ),
];

const LVS: &[Keyword<Written>] = &[
    Keyword::list(
        "virtual_server",
        "<address> <port> | fwmark <number> | group <name> { … }",
        "IPVS balancing. Refused, with the `listen` section of haproxy.cfg that does the same.",
        virtual_server::virtual_server,
    ),
    Keyword::list(
        "virtual_server_group",
        "<name> { … }",
        "Addresses of IPVS. Refused, with the `bind` lines of haproxy.cfg that do the same.",
        virtual_server::group,
    ),
    Keyword::refused(
        "SSL",
        "{ … }",
        "Certificates of checks.",
        "checks are in haproxy.cfg: `check-ssl`, `ca-file`",
    ),
];

/// A block whose content does not matter.
const fn swallowed(
    name: &'static str,
    syntax: &'static str,
    doc: &'static str,
) -> Keyword<Written> {
    Keyword::supported(name, syntax, doc, |_, line, ctx| {
        let message = format!("`{}` has no effect: {LINKS}", line.keyword());
        ctx.d.note("without-effect", line.span(), message);
        line.body_if_any();
    })
}

/// What has a name.
pub(super) trait Named {
    /// It, as written.
    fn name(&self) -> &Word;
}

macro_rules! named {
    ($($draft:ty),*) => {
        $(impl Named for $draft {
            fn name(&self) -> &Word {
                &self.name
            }
        })*
    };
}

named!(
    ScriptDraft,
    FileDraft,
    ProcessDraft,
    InstanceDraft,
    GroupDraft
);

/// Reads a block that has a name; the first of a name stays.
fn named<C: Block + Named>(
    list: &mut Vec<C>,
    new: fn(Word) -> C,
    line: &mut Line<'_>,
    ctx: &mut Context<'_>,
) {
    let Some(name) = line.required("a name", ctx).cloned() else {
        line.body_if_any();
        return;
    };
    let span = name.span;
    let taken = list.iter().any(|other| other.name().text == name.text);
    let mut draft = new(name);
    let Some(body) = line.body_or_fault(ctx) else {
        return;
    };
    keyword::read(body, &mut draft, ctx);
    if taken {
        let message = format!("`{} {}` is declared twice", C::NAME, draft.name().text);
        ctx.fault("duplicate-name", span, message + "; the first one counts");
    } else {
        list.push(draft);
    }
}

fn track_file(written: &mut Written, line: &mut Line<'_>, ctx: &mut Context<'_>) {
    named(&mut written.files, FileDraft::new, line, ctx);
}

/// `garp_group` as written.
#[derive(Debug, Default)]
pub(super) struct GarpGroupDraft {
    garp: Option<Duration>,
    gna: Option<Duration>,
}

impl Block for GarpGroupDraft {
    const NAME: &'static str = "garp_group";
    const TABLES: &'static [&'static [Keyword<Self>]] = &[&[
        Keyword::supported(
            "garp_interval",
            "<seconds>",
            "Between two gratuitous ARPs.",
            |draft, line, ctx| draft.garp = value::seconds_after(line, 3600, ctx),
        ),
        Keyword::supported(
            "gna_interval",
            "<seconds>",
            "Between two neighbour advertisements.",
            |draft, line, ctx| draft.gna = value::seconds_after(line, 3600, ctx),
        ),
        Keyword::inert(
            "interface",
            "<interface>",
            "The interface.",
            "the longest pause of all groups holds for every interface",
        ),
        Keyword::supported(
            "interfaces",
            "{ <interface> … }",
            "The interfaces. The longest pause of all groups holds for every interface.",
            |_, line, _| {
                line.body_if_any();
            },
        ),
    ]];
}

fn garp_group(written: &mut Written, line: &mut Line<'_>, ctx: &mut Context<'_>) {
    let mut group = GarpGroupDraft::default();
    keyword::read(line.body(ctx), &mut group, ctx);
    written.global.pause_at_least(group.garp, group.gna);
}
