//! The table of lines about checks.

use super::{CheckDraft, CheckMethod as M, http, options, tcp};
use crate::keyword::{Keyword, Parser, Sections};

const EXPECT: &str = "[min-recv <bytes>] [comment <text>] [ok-status <status>] [error-status <status>] [tout-status <status>] [on-success <format>] [on-error <format>] [!] <match> <pattern>";
const CONNECT: &str = "[default] [port <port>] [addr <address>] [send-proxy] [ssl] [sni <name>] [linger] [comment <text>]";
const SEND: &str = "[meth <method>] [{ uri | uri-lf } <uri>] [ver <version>] [hdr <name> <value>]… [{ body | body-lf } <text>] [comment <text>]";

/// All keywords about checks.
#[rustfmt::skip]
pub static KEYWORDS: &[Keyword<CheckDraft>] = &[
    yes("external-check command", "<path>", "The program that checks a server.", options::external_command),
    yes("external-check path", "<list>", "Where that program finds others.", options::external_path),
    yes("http-check", "<step>", "A step of an HTTP check.", options::unknown_step),
    yes("http-check comment", "<text>", "Names the next step in reports.", http::comment),
    yes("http-check connect", CONNECT, "Opens a connection.", http::connect),
    yes("http-check disable-on-404", "", "A server that answers 404 finishes its sessions and takes no new ones.", http::disable_on_404),
    yes("http-check expect", EXPECT, "What the answer must look like.", http::expect),
    yes("http-check send", SEND, "Sends a request.", http::send),
    yes("http-check send-state", "", "Tells the server in a header how it is seen.", http::send_state),
    yes("option external-check", "", "Checks with a program.", options::external),
    yes("option httpchk", "[[<method>] <uri> [<version>]]", "Checks with HTTP requests.", http::option),
    yes("option ldap-check", "", "Checks with an LDAP bind.",
        |draft, args, _, d| options::plain(draft, M::Ldap, args, d)),
    yes("option mysql-check", "[user <name> [post-41 | pre-41]]", "Checks with a MySQL greeting or login.", options::mysql),
    yes("option pgsql-check", "user <name>", "Checks with a PostgreSQL start-up message.", options::postgres),
    yes("option redis-check", "", "Checks with a Redis PING.",
        |draft, args, _, d| options::plain(draft, M::Redis, args, d)),
    yes("option smtpchk", "[<hello> <domain>]", "Checks with an SMTP greeting.", options::smtp),
    Keyword::refused("option spop-check", Sections::SERVER, "", "Checks an agent of stream processing.",
        "the protocol is not spoken: use `option tcp-check`"),
    yes("option ssl-hello-chk", "", "Checks with a TLS ClientHello.",
        |draft, args, _, d| options::plain(draft, M::SslHello, args, d)),
    yes("option tcp-check", "", "Checks with a script of `tcp-check` lines.", tcp::option),
    yes("tcp-check", "<step>", "A step of a script.", options::unknown_step),
    yes("tcp-check comment", "<text>", "Names the next step in reports.", tcp::comment),
    yes("tcp-check connect", CONNECT, "Opens a connection.", tcp::connect),
    yes("tcp-check expect", EXPECT, "What the server must send.", tcp::expect),
    yes("tcp-check send", "<text> [comment <text>]", "Sends a text.", tcp::send),
    yes("tcp-check send-binary", "<hex> [comment <text>]", "Sends bytes.", tcp::send_binary),
    Keyword::refused("tcp-check send-binary-lf", Sections::SERVER, "<format>", "Sends bytes made for each check.",
        "use `tcp-check send-binary` with fixed bytes, or `tcp-check send-lf`"),
    yes("tcp-check send-lf", "<format> [comment <text>]", "Sends a text made for each check.", tcp::send_format),
];

const fn yes(
    name: &'static str,
    syntax: &'static str,
    doc: &'static str,
    parse: Parser<CheckDraft>,
) -> Keyword<CheckDraft> {
    Keyword::<CheckDraft>::supported(name, Sections::SERVER, syntax, doc, parse)
}
