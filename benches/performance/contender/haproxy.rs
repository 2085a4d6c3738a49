//! `haproxy.cfg`, for HAProxy and for us: the same text but for what each alone has.

use std::fmt::Write as _;

use super::{Contender, Launch};
use crate::setting::Plan;

/// Sessions at most: as many as the largest workload needs, and some. They take two descriptors each, and Docker's
/// and Debian's hard limits are not far above.
const MAXCONN: u32 = 9300;

// Writing into a String cannot fail.
pub(super) fn launch(contender: Contender, plan: &Plan) -> Launch {
    Launch {
        file: "haproxy.cfg",
        text: text(contender, plan),
        second: None,
        words: ["-db", "-f", "{}/haproxy.cfg"].map(str::to_owned).to_vec(),
        variable: None,
    }
}

fn text(contender: Contender, plan: &Plan) -> String {
    let setting = &plan.setting;
    let mut text = format!(
        "global\n    nbthread {}\n    maxconn {MAXCONN}\n",
        setting.threads
    );
    for line in own_lines(contender) {
        let _ok = writeln!(text, "    {line}");
    }
    if setting.dropped {
        text += "    user haproxy\n    group haproxy\n    chroot /var/lib/haproxy\n";
    }
    if setting.log {
        let _ok = writeln!(text, "    log {} local0", plan.log);
    }
    let _ok = write!(
        text,
        "defaults\n    mode tcp\n    maxconn {MAXCONN}\n    timeout connect 5s\n    \
         timeout client 1m\n    timeout server 1m\n    balance roundrobin\n"
    );
    if contender == Contender::HaproxySplice {
        text += "    option splice-request\n    option splice-response\n";
    }
    if setting.log {
        text += "    log global\n    option tcplog\n";
    }
    for (number, front) in plan.fronts.iter().enumerate() {
        let _ok = writeln!(text, "listen l{number}\n    bind {front} backlog 8192");
        for (number, server) in plan.servers.iter().enumerate() {
            let _ok = writeln!(text, "    server s{number} {server}");
        }
    }
    text
}

const fn own_lines(contender: Contender) -> &'static [&'static str] {
    match contender {
        Contender::Pontoon | Contender::PontoonOther => &["tune.pontoon.engine epoll"],
        Contender::HaproxySplice => &["maxpipes 200", "tune.pipesize 1048576"],
        _ => &[],
    }
}
