//! What is refused, because leaving it out would change what the file means, and what has no
//! effect for reasons of its own.

use super::ProxyDraft;
use crate::haproxy::keyword::{Keyword, Sections};

const PROXY: Sections = Sections::PROXY;
const SERVER: Sections = Sections::SERVER;
const NOT_DEFAULTS: Sections = PROXY.but(Sections::DEFAULTS);
const SERVER_ONLY: Sections = SERVER.but(Sections::DEFAULTS);

const STICK: &str = "stick tables are not supported; `balance source` keeps a client on its server";
const MAIL: &str = "mails are not sent; send alerts from what reads the log";
const DISPATCH: &str = "write a `server` line with the address";
const TRANSPARENT: &str = "name the servers; the original destination is not followed";

pub(super) const KEYWORDS: &[Keyword<ProxyDraft>] = &[
    Keyword::refused(
        "stick-table",
        NOT_DEFAULTS,
        "type <type> size <size> […]",
        "A table of clients.",
        STICK,
    ),
    Keyword::refused(
        "stick match",
        SERVER_ONLY,
        "<pattern> […]",
        "Find a client's server in a table.",
        STICK,
    ),
    Keyword::refused(
        "stick on",
        SERVER_ONLY,
        "<pattern> […]",
        "Keep a client on its server by a table.",
        STICK,
    ),
    Keyword::refused(
        "stick store-request",
        SERVER_ONLY,
        "<pattern> […]",
        "Remember a client's server in a table.",
        STICK,
    ),
    Keyword::refused(
        "stick store-response",
        SERVER_ONLY,
        "<pattern> […]",
        "Remember a client's server in a table.",
        STICK,
    ),
    Keyword::refused(
        "persist",
        SERVER,
        "rdp-cookie[(<name>)]",
        "Keep a client on its server by an RDP cookie.",
        "use `balance source`, which keeps a client on its server as well",
    ),
    Keyword::refused(
        "email-alert from",
        PROXY,
        "<address>",
        "Mail upon changes.",
        MAIL,
    ),
    Keyword::refused(
        "email-alert level",
        PROXY,
        "<level>",
        "Mail upon changes.",
        MAIL,
    ),
    Keyword::refused(
        "email-alert mailers",
        PROXY,
        "<name>",
        "Mail upon changes.",
        MAIL,
    ),
    Keyword::refused(
        "email-alert myhostname",
        PROXY,
        "<name>",
        "Mail upon changes.",
        MAIL,
    ),
    Keyword::refused(
        "email-alert to",
        PROXY,
        "<address>",
        "Mail upon changes.",
        MAIL,
    ),
    Keyword::refused(
        "dispatch",
        SERVER_ONLY,
        "<address>:<port>",
        "Send everything to one address.",
        DISPATCH,
    ),
    Keyword::refused(
        "option transparent",
        SERVER,
        "",
        "Follow the original destination.",
        TRANSPARENT,
    ),
    Keyword::refused(
        "transparent",
        SERVER,
        "",
        "Follow the original destination (obsolete).",
        TRANSPARENT,
    ),
    Keyword::refused(
        "filter",
        NOT_DEFAULTS,
        "<name> […]",
        "Run a filter over the bytes.",
        "filters are not supported; remove the line",
    ),
    Keyword::refused(
        "use-fcgi-app",
        SERVER_ONLY,
        "<name>",
        "Speak FastCGI to servers.",
        "use `mode tcp`, or a web server",
    ),
    Keyword::refused(
        "option independent-streams",
        PROXY,
        "",
        "Let data of one way not prolong the other's timeout.",
        "remove the line; data of either way keeps a session alive",
    ),
];
