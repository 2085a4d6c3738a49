//! The table of lines about checks.

use super::{CheckDraft, CheckMethod as M, exasol, http, options, tcp};
use crate::haproxy::keyword::{Keyword, Parser, Sections};

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
    no("http-check expect status-code", "<expression>", "Makes up the code of the report.", STATUS_CODE),
    yes("http-check send", SEND, "Sends a request. Formats (`uri-lf`, `body-lf`, and values of headers) must not hold variables.", http::send),
    yes("http-check send-state", "", "Tells the server in a header how it is seen.", http::send_state),
    no("http-check set-var", VARIABLE, "Sets a variable for later steps.", VARIABLES),
    no("http-check set-var-fmt", VARIABLE_FORMAT, "Sets a variable for later steps.", VARIABLES),
    no("http-check unset-var", "(<name>)", "Forgets a variable.", VARIABLES),
    yes("option exasol-check", "[clear | fingerprint <hex>]", "Checks an Exasol database: TLS, WebSocket, and a login until the server shows the key for passwords. Pontoon's own.", exasol::option),
    yes("option external-check", "", "Checks with a program.", options::external),
    yes("option httpchk", "[[<method>] <uri> [<version>]]", "Checks with HTTP requests.", http::option),
    yes("option ldap-check", "", "Checks with an LDAP bind.",
        |draft, args, _, d| options::plain(draft, M::Ldap, args, d)),
    yes("option mysql-check", "[user <name> [post-41 | pre-41]]", "Checks with a MySQL greeting or login.", options::mysql),
    yes("option pgsql-check", "user <name>", "Checks with a PostgreSQL start-up message.", options::postgres),
    yes("option redis-check", "", "Checks with a Redis PING.",
        |draft, args, _, d| options::plain(draft, M::Redis, args, d)),
    yes("option smtpchk", "[<hello> <domain>]", "Checks with an SMTP greeting.", options::smtp),
    no("option spop-check", "", "Checks an agent of stream processing.",
        "the protocol is not spoken: use `option tcp-check`"),
    yes("option ssl-hello-chk", "", "Checks with a TLS ClientHello.",
        |draft, args, _, d| options::plain(draft, M::SslHello, args, d)),
    yes("option tcp-check", "", "Checks with a script of `tcp-check` lines.", tcp::option),
    yes("tcp-check", "<step>", "A step of a script.", options::unknown_step),
    yes("tcp-check comment", "<text>", "Names the next step in reports.", tcp::comment),
    yes("tcp-check connect", CONNECT, "Opens a connection.", tcp::connect),
    yes("tcp-check expect", EXPECT, "What the server must send.", tcp::expect),
    no("tcp-check expect status-code", "<expression>", "Makes up the code of the report.", STATUS_CODE),
    yes("tcp-check send", "<text> [comment <text>]", "Sends a text.", tcp::send),
    yes("tcp-check send-binary", "<hex> [comment <text>]", "Sends bytes.", tcp::send_binary),
    no("tcp-check send-binary-lf", "<format>", "Sends bytes made for each check.",
        "use `tcp-check send-binary` with fixed bytes, or `tcp-check send-lf`"),
    yes("tcp-check send-lf", "<format> [comment <text>]", "Sends a text made for each check.", tcp::send_format),
    no("tcp-check set-var", VARIABLE, "Sets a variable for later steps.", VARIABLES),
    no("tcp-check set-var-fmt", VARIABLE_FORMAT, "Sets a variable for later steps.", VARIABLES),
    no("tcp-check unset-var", "(<name>)", "Forgets a variable.", VARIABLES),
];

const VARIABLE: &str = "(<name>) <expression>";
const VARIABLE_FORMAT: &str = "(<name>) <format>";
const VARIABLES: &str = "checks have no variables: write the value itself where it is used";
/// What to do instead of `status-code`.
pub(super) const STATUS_CODE: &str = "remove it: the report names the code that the server sent";

const fn no(
    name: &'static str,
    syntax: &'static str,
    doc: &'static str,
    instead: &'static str,
) -> Keyword<CheckDraft> {
    Keyword::refused(name, Sections::SERVER, syntax, doc, instead)
}

const fn yes(
    name: &'static str,
    syntax: &'static str,
    doc: &'static str,
    parse: Parser<CheckDraft>,
) -> Keyword<CheckDraft> {
    Keyword::<CheckDraft>::supported(name, Sections::SERVER, syntax, doc, parse)
}
