//! What the kernel of this machine, as it is set, will not do for these files.

use std::collections::HashSet;

use crate::{
    diagnostic::Diagnostics,
    haproxy::{
        Surroundings,
        model::{Bind, Mode, Model, Proxy, Server},
        resolve::Written,
    },
    source::Span,
};

/// Warns once of each thing that is missing, however many lines ask for it.
pub(in crate::haproxy) fn check(
    model: &Model,
    written: &[Written<'_>],
    surroundings: &dyn Surroundings,
    d: &mut Diagnostics,
) {
    let mut lint = Lint {
        kernel: Kernel::of(surroundings),
        becomes: model.global.uid.filter(|uid| *uid != 0),
        told: HashSet::new(),
        d,
    };
    let started = |proxy: &Proxy| !proxy.disabled && proxy.mode == Mode::Tcp;
    for (proxy, written) in model.proxies.iter().zip(written) {
        if !started(proxy) {
            continue;
        }
        let binds = proxy.frontend.iter().flat_map(|side| &side.binds);
        for (bind, span) in binds.zip(&written.draft.bind_spans) {
            lint.bind(bind, *span);
        }
        let Some(side) = &proxy.backend else { continue };
        for (server, draft) in side.servers.iter().zip(&written.draft.servers) {
            lint.server(server, draft.span);
        }
    }
}

/// What the kernel says of itself; what is `None` it does not tell.
struct Kernel {
    congestion_controls: Option<String>,
    allowed_congestion_controls: Option<String>,
    fast_open: Option<u32>,
}

impl Kernel {
    fn of(surroundings: &dyn Surroundings) -> Self {
        let setting = |name: &str| surroundings.kernel_setting(&format!("net.ipv4.tcp_{name}"));
        Self {
            congestion_controls: setting("available_congestion_control"),
            allowed_congestion_controls: setting("allowed_congestion_control"),
            fast_open: setting("fastopen").and_then(|value| value.parse().ok()),
        }
    }
}

/// The bits of `net.ipv4.tcp_fastopen`.
const CLIENTS: u32 = 1;
const SERVERS: u32 = 2;

struct Lint<'d> {
    kernel: Kernel,
    /// Whom the process becomes once its listeners are open, unless it stays root.
    becomes: Option<u32>,
    /// The messages so far.
    told: HashSet<String>,
    d: &'d mut Diagnostics,
}

impl Lint<'_> {
    fn bind(&mut self, bind: &Bind, span: Span) {
        if let Some(name) = &bind.congestion_control {
            self.unknown(name, span);
        }
        if bind.fast_open {
            self.fast_open(SERVERS, "of listeners", span);
        }
    }

    fn server(&mut self, server: &Server, span: Span) {
        if let Some(name) = &server.congestion_control
            && self.unknown(name, span)
        {
            self.forbidden(name, span);
        }
        if server.fast_open {
            self.fast_open(CLIENTS, "towards servers", span);
        }
    }

    /// True if the kernel has it, or does not tell.
    fn unknown(&mut self, name: &str, span: Span) -> bool {
        let Some(list) = self.kernel.congestion_controls.clone() else {
            return true;
        };
        if has(&list, name) {
            return true;
        }
        let message = format!("the kernel of this machine has no congestion control `{name}` now");
        let advice = format!("it has {list}; another may come with `modprobe tcp_{name}`");
        self.tell("unknown-congestion-control", span, message, advice);
        false
    }

    /// Listeners are set up before the user changes, connections to servers come after.
    fn forbidden(&mut self, name: &str, span: Span) {
        let Some(list) = self.kernel.allowed_congestion_controls.clone() else {
            return;
        };
        if self.becomes.is_none() || has(&list, name) {
            return;
        }
        let message = format!(
            "`user` may not choose the congestion control `{name}` on this machine, so that the \
             process will not start"
        );
        let advice = format!("sysctl -w net.ipv4.tcp_allowed_congestion_control='{list} {name}'");
        self.tell("forbidden-congestion-control", span, message, advice);
    }

    fn fast_open(&mut self, bit: u32, whose: &str, span: Span) {
        let Some(set) = self.kernel.fast_open.filter(|set| set & bit == 0) else {
            return;
        };
        let message = format!("the kernel of this machine has TCP Fast Open {whose} switched off");
        let advice = format!("sysctl -w net.ipv4.tcp_fastopen={}", set | bit);
        self.tell("fast-open-off", span, message, advice);
    }

    fn tell(&mut self, code: &'static str, span: Span, message: String, advice: String) {
        if self.told.insert(message.clone()) {
            self.d.warning(code, span, message).suggest(advice);
        }
    }
}

fn has(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == name)
}
