//! Backends, and what their servers do when they are checked.

use pontoon_lab::script::Does::{self, Hangs, Hears, Resets, Says};

/// A backend with one server.
pub(super) struct Scenario {
    /// The backend's name.
    pub(super) name: &'static str,
    /// Its lines.
    pub(super) lines: &'static [&'static str],
    /// What stands behind `check` on the server's line; `@PORT@` is its port.
    pub(super) parameters: &'static str,
    /// How the line begins that is compared, before the server's name.
    pub(super) line: &'static str,
    /// The server.
    pub(super) server: Server,
}

/// Who is checked.
#[derive(Clone, Copy)]
pub(super) enum Server {
    /// One that does this with each connection.
    Scripted(&'static [Does]),
    /// Nobody listens.
    Nowhere,
    /// Nobody answers.
    Silent,
}

use Server::{Nowhere, Scripted, Silent};

const fn scenario(name: &'static str, lines: &'static [&'static str], server: Server) -> Scenario {
    Scenario {
        name,
        lines,
        parameters: "",
        line: "Health check for server ",
        server,
    }
}

const fn with(parameters: &'static str, scenario: Scenario) -> Scenario {
    Scenario {
        parameters,
        ..scenario
    }
}

/// A server whose agent says this; the line that follows begins like this.
const fn agent(name: &'static str, line: &'static str, script: &'static [Does]) -> Scenario {
    Scenario {
        name,
        lines: &[],
        parameters: "agent-check agent-port @PORT@ agent-inter 600",
        line,
        server: Scripted(script),
    }
}

const AGENT: &str = "Agent check for server ";
const HANGS: Server = Scripted(&[Hangs]);
const CLOSES: Server = Scripted(&[]);
const HEARS_AND_CLOSES: Server = Scripted(&[Hears]);
const OK_200: Server = Scripted(&[Hears, Says(b"HTTP/1.0 200 OK\r\n\r\n")]);
const FOUND_302: Server = Scripted(&[Hears, Says(b"HTTP/1.1 302 Foo\r\nFoo: baz, bar\r\n\r\n")]);
const BODY: Server = Scripted(&[
    Hears,
    Says(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
    Hangs,
]);

const MYSQL_LOGIN: &[Does] = &[
    Says(b"\x17\0\0\0\x0a5.5.5-10.11.6-MariaDB\0"),
    Hears,
    Says(b"\x07\0\0\x02\0\0\0\x02\0\0\0"),
    Hangs,
];

/// All of them.
pub(super) const SCENARIOS: &[Scenario] = &[
    scenario("l4-ok", &[], HANGS),
    scenario("l4-refused", &[], Nowhere),
    scenario("l4-silent", &[], Silent),
    scenario(
        "l4-timeouts",
        &["timeout connect 200ms", "timeout check 300ms"],
        Silent,
    ),
    with(
        "check-send-proxy",
        scenario("l4-proxy", &[], Scripted(&[Hears, Hangs])),
    ),
    scenario("tcp-no-steps", &["option tcp-check"], HANGS),
    scenario("tcp-no-steps-refused", &["option tcp-check"], Nowhere),
    scenario("tcp-no-steps-silent", &["option tcp-check"], Silent),
    with(
        "check-ssl verify none",
        // One that closes without reading is heard to close or to reset, as it happens.
        scenario("tcp-no-steps-tls", &["option tcp-check"], HEARS_AND_CLOSES),
    ),
    scenario(
        "tcp-send-refused",
        &["option tcp-check", "tcp-check send x"],
        Nowhere,
    ),
    scenario(
        "tcp-connect",
        &["option tcp-check", "tcp-check connect"],
        HANGS,
    ),
    scenario(
        "tcp-send",
        &["option tcp-check", "tcp-check send x"],
        HEARS_AND_CLOSES,
    ),
    scenario(
        "tcp-expect",
        &["option tcp-check", "tcp-check expect string hello"],
        Scripted(&[Says(b"hello"), Hangs]),
    ),
    scenario(
        "tcp-mismatch",
        &[
            "option tcp-check",
            "tcp-check expect string hello comment hi\\ there",
        ],
        Scripted(&[Says(b"bye")]),
    ),
    scenario(
        "tcp-comments",
        &[
            "option tcp-check",
            "tcp-check comment one",
            "tcp-check comment two",
            "tcp-check expect string hello",
        ],
        Scripted(&[Says(b"bye")]),
    ),
    scenario(
        "tcp-comment-of-connect",
        &[
            "option tcp-check",
            "tcp-check comment one",
            "tcp-check connect",
            "tcp-check expect string hello",
        ],
        Scripted(&[Says(b"bye")]),
    ),
    scenario(
        "tcp-empty",
        &["option tcp-check", "tcp-check expect rstring x comment rx"],
        CLOSES,
    ),
    scenario(
        "tcp-reset",
        &[
            "option tcp-check",
            "tcp-check send x",
            "tcp-check expect string hello",
        ],
        Scripted(&[Hears, Resets]),
    ),
    scenario(
        "tcp-late",
        &[
            "option tcp-check",
            "tcp-check connect",
            "tcp-check send PING\\r\\n",
            "tcp-check expect string +PONG",
        ],
        Scripted(&[Hears, Says(b"-ERR\r\n"), Hangs]),
    ),
    scenario(
        "tcp-unwanted",
        &["option tcp-check", "tcp-check expect ! string bad"],
        Scripted(&[Says(b"very bad thing"), Hangs]),
    ),
    scenario(
        "tcp-regex",
        &["option tcp-check", "tcp-check expect rstring ^a+$"],
        Scripted(&[Says(b"bbb")]),
    ),
    scenario(
        "tcp-binary",
        &["option tcp-check", "tcp-check expect binary 4142"],
        Scripted(&[Says(b"xx")]),
    ),
    scenario(
        "tcp-binary-late",
        &["option tcp-check", "tcp-check expect binary 4142"],
        HANGS,
    ),
    scenario(
        "tcp-rbinary",
        &["option tcp-check", "tcp-check expect rbinary 41.*42"],
        Scripted(&[Says(b"AxxB"), Hangs]),
    ),
    scenario(
        "tcp-statuses",
        &[
            "option tcp-check",
            "tcp-check expect error-status L7STS string hello",
        ],
        Scripted(&[Says(b"xx")]),
    ),
    scenario(
        "tcp-ok-status",
        &[
            "option tcp-check",
            "tcp-check expect ok-status L7OKC string hello",
        ],
        Scripted(&[Says(b"hello")]),
    ),
    scenario(
        "tcp-on-error",
        &[
            "option tcp-check",
            "tcp-check expect on-error all\\ is\\ bad string hello",
        ],
        Scripted(&[Says(b"xx")]),
    ),
    scenario(
        "tcp-min-recv",
        &[
            "option tcp-check",
            "tcp-check expect min-recv 4 string hello",
        ],
        Scripted(&[Says(b"xxxxxx"), Hangs]),
    ),
    scenario(
        "tcp-second-refused",
        &[
            "option tcp-check",
            "tcp-check connect",
            "tcp-check connect port @NOWHERE@ comment second",
        ],
        HANGS,
    ),
    scenario(
        "tcp-second-silent",
        &[
            "option tcp-check",
            "tcp-check connect",
            "tcp-check connect port @SILENT@",
        ],
        HANGS,
    ),
    scenario(
        "tcp-initial-refused",
        &["option tcp-check", "tcp-check send x"],
        Nowhere,
    ),
    scenario(
        "tcp-format",
        &[
            "option tcp-check",
            "tcp-check send-lf be-%[be_name]",
            "tcp-check expect string ok",
        ],
        Scripted(&[Hears, Says(b"ok"), Hangs]),
    ),
    scenario("http-ok", &["option httpchk"], OK_200),
    scenario(
        "http-404",
        &["option httpchk"],
        Scripted(&[Hears, Says(b"HTTP/1.0 404 Not Found\r\n\r\n")]),
    ),
    scenario(
        "http-404-stops",
        &["option httpchk", "http-check disable-on-404"],
        Scripted(&[Hears, Says(b"HTTP/1.0 404 Not Found\r\n\r\n")]),
    ),
    scenario(
        "http-junk",
        &["option httpchk"],
        Scripted(&[Hears, Says(b"FOO BAR\r\n\r\n")]),
    ),
    scenario("http-empty", &["option httpchk"], HEARS_AND_CLOSES),
    scenario("http-late", &["option httpchk"], HANGS),
    scenario("http-refused", &["option httpchk"], Nowhere),
    scenario(
        "http-reset",
        &["option httpchk"],
        Scripted(&[Hears, Resets]),
    ),
    scenario(
        "http-status",
        &[
            "option httpchk",
            "http-check expect status 200-299,301 comment second",
        ],
        FOUND_302,
    ),
    scenario(
        "http-comments-that-nobody-sees",
        &[
            "option httpchk",
            "http-check comment before",
            "http-check connect comment connecting",
            "http-check comment again",
            "http-check send uri /x comment sending",
            "http-check expect status 200",
        ],
        FOUND_302,
    ),
    scenario(
        "http-comment-before",
        &[
            "option httpchk",
            "http-check comment first",
            "http-check comment second",
            "http-check expect status 200",
        ],
        FOUND_302,
    ),
    scenario(
        "http-rstatus",
        &["option httpchk", "http-check expect ! rstatus ^3"],
        FOUND_302,
    ),
    scenario(
        "http-header",
        &["option httpchk", "http-check expect hdr name foo value bar"],
        FOUND_302,
    ),
    scenario(
        "http-header-mismatch",
        &[
            "option httpchk",
            "http-check expect fhdr name foo value -m end bazz",
        ],
        FOUND_302,
    ),
    scenario(
        "http-request",
        &[
            "option httpchk",
            "http-check send-state",
            "http-check send meth GET uri /x ver HTTP/1.1 hdr Host foo.bar hdr X-y z body hello",
        ],
        OK_200,
    ),
    scenario(
        "http-request-in-the-version",
        &["option httpchk GET /abc HTTP/1.1\\r\\nHost:\\ www\\r\\nFoo:\\ bar"],
        OK_200,
    ),
    with(
        "send-proxy-v2",
        scenario(
            "tcp-proxy-v2",
            &["option tcp-check", "tcp-check expect string a"],
            Scripted(&[Hears, Says(b"a"), Hangs]),
        ),
    ),
    scenario(
        "pgsql-ok",
        &["option pgsql-check user foo"],
        Scripted(&[Hears, Says(b"R\0\0\0\x0c\0\0\0\x05salt"), Hangs]),
    ),
    scenario(
        "mysql-login",
        &["option mysql-check user foo"],
        Scripted(MYSQL_LOGIN),
    ),
    scenario(
        "mysql-old-login",
        &["option mysql-check user foo pre-41"],
        Scripted(MYSQL_LOGIN),
    ),
    scenario(
        "http-body",
        &["option httpchk", "http-check expect string abc"],
        BODY,
    ),
    scenario(
        "http-body-mismatch",
        &["option httpchk", "http-check expect rstring ^b"],
        BODY,
    ),
    scenario(
        "http-unwanted",
        &["option httpchk", "http-check expect ! string abc"],
        BODY,
    ),
    scenario(
        "redis-error",
        &["option redis-check"],
        Scripted(&[Hears, Says(b"-ERR foo\r\n")]),
    ),
    scenario(
        "redis-password",
        &["option redis-check"],
        Scripted(&[Hears, Says(b"-NOAUTH Authentication required.\r\n"), Hangs]),
    ),
    scenario("redis-empty", &["option redis-check"], HEARS_AND_CLOSES),
    scenario(
        "smtp-ok",
        &["option smtpchk EHLO foo.bar"],
        Scripted(&[
            Says(b"220 mx ESMTP\r\n"),
            Hears,
            Says(b"250-hi there\r\n250 END\r\n"),
            Hears,
            Says(b"221 bye\r\n"),
        ]),
    ),
    scenario(
        "smtp-refuses",
        &["option smtpchk"],
        Scripted(&[Says(b"421 go away\r\n"), Hangs]),
    ),
    scenario(
        "smtp-junk",
        &["option smtpchk"],
        Scripted(&[Says(b"hello world\r\n"), Hangs]),
    ),
    scenario("smtp-empty", &["option smtpchk"], CLOSES),
    scenario(
        "smtp-no-goodbye",
        &["option smtpchk"],
        Scripted(&[Says(b"220 mx\r\n"), Hears, Says(b"250 hi\r\n"), Hears]),
    ),
    scenario(
        "pgsql-error",
        &["option pgsql-check user foo"],
        Scripted(&[
            Hears,
            Says(b"E\0\0\0\x20SFATAL\0C28000\0Mno such role\0\0"),
            Hangs,
        ]),
    ),
    scenario(
        "pgsql-junk",
        &["option pgsql-check user foo"],
        Scripted(&[Hears, Says(b"hello world this is junk"), Hangs]),
    ),
    scenario(
        "pgsql-empty",
        &["option pgsql-check user foo"],
        HEARS_AND_CLOSES,
    ),
    scenario(
        "mysql-blocked",
        &["option mysql-check user foo"],
        Scripted(&[Says(b"\x0f\0\0\0\xff\x6a\x04Host blocked"), Hangs]),
    ),
    scenario("mysql-late", &["option mysql-check user foo"], HANGS),
    scenario(
        "mysql-greeting",
        &["option mysql-check"],
        Scripted(&[Says(b"\x17\0\0\0\x0a5.5.5-10.11.6-MariaDB\0"), Hangs]),
    ),
    scenario(
        "ldap-refuses",
        &["option ldap-check"],
        Scripted(&[
            Hears,
            Says(b"0\x0c\x02\x01\x01a\x07\x0a\x01\x31\x04\0\x04\0"),
            Hangs,
        ]),
    ),
    scenario(
        "ldap-junk",
        &["option ldap-check"],
        Scripted(&[Hears, Says(b"hello world this is"), Hangs]),
    ),
    scenario("ldap-empty", &["option ldap-check"], HEARS_AND_CLOSES),
    scenario(
        "hello-ok",
        &["option ssl-hello-chk"],
        Scripted(&[Hears, Says(b"\x15\x03\0\0\x02\x02\x28"), Hangs]),
    ),
    scenario(
        "hello-junk",
        &["option ssl-hello-chk"],
        Scripted(&[Hears, Says(b"hello world"), Hangs]),
    ),
    scenario("hello-late", &["option ssl-hello-chk"], HANGS),
    scenario("hello-empty", &["option ssl-hello-chk"], HEARS_AND_CLOSES),
    with(
        "check-ssl verify none",
        scenario("tls-refused", &[], Nowhere),
    ),
    with("check-ssl verify none", scenario("tls-late", &[], HANGS)),
    with(
        "check-ssl verify none",
        scenario(
            "tls-junk",
            &[],
            Scripted(&[Hears, Says(b"hello world, no tls"), Hangs]),
        ),
    ),
    scenario(
        "external-true",
        &["option external-check", "external-check command /bin/true"],
        Nowhere,
    ),
    scenario(
        "external-false",
        &["option external-check", "external-check command /bin/false"],
        Nowhere,
    ),
    scenario(
        "external-missing",
        &[
            "option external-check",
            "external-check command /nonexistent",
        ],
        Nowhere,
    ),
    agent("agent-up", AGENT, &[Says(b"up\n")]),
    agent("agent-down", AGENT, &[Says(b"down # because of\n")]),
    agent("agent-down-server", "Server ", &[Says(b"down\n")]),
    agent("agent-stopped", AGENT, &[Says(b"stopped\r\nmore")]),
    agent("agent-drains", "Server ", &[Says(b"drain\n")]),
    agent("agent-maintains", "Server ", &[Says(b"maint\n")]),
    agent("agent-empty", AGENT, &[]),
    agent("agent-late", AGENT, &[Hangs]),
    agent("agent-no-line", AGENT, &[Says(b"up")]),
    with(
        "agent-check agent-port @NOWHERE@ agent-inter 600",
        agent("agent-refused", AGENT, &[Hangs]),
    ),
    with(
        "agent-check agent-port @PORT@ agent-inter 600 agent-send who\\n",
        agent("agent-asked", AGENT, &[Hears, Says(b"up 75%\n")]),
    ),
];
