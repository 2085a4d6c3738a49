//! Files that decide what the process does, and that anybody may write.

use crate::{
    diagnostic::{Diagnostics, Severity},
    haproxy::{Surroundings, check::CheckMethod, model::Model, resolve::Written},
    source::Sources,
};

/// `chmod o+w`.
const BY_OTHERS: u32 = 0o002;

/// Warns of the configuration itself, and of programs that it starts.
pub(in crate::haproxy) fn check(
    sources: &Sources,
    model: &Model,
    written: &[Written<'_>],
    surroundings: &dyn Surroundings,
    d: &mut Diagnostics,
) {
    let open = |path: &str| {
        let permissions = surroundings.permissions(path);
        permissions.is_some_and(|mode| mode & BY_OTHERS != 0)
    };
    for file in sources.files().filter(|file| open(&file.name)) {
        let message = format!(
            "`{}` may be changed by every user of this machine",
            file.name
        );
        d.add(Severity::Warning, CODE, None, message)
            .suggest(format!("chmod o-w {}", file.name));
    }
    for (proxy, written) in model.proxies.iter().zip(written) {
        let method = proxy.backend.as_ref().map(|side| &*side.check);
        let Some(CheckMethod::External { command }) = method else {
            continue;
        };
        if open(command) && !proxy.disabled {
            let message = format!(
                "every user of this machine may change the program of these checks, `{command}`"
            );
            d.warning(CODE, written.section.span(), message)
                .suggest(format!("chmod o-w {command}"));
        }
    }
}

const CODE: &str = "world-writable";
