//! The congestion control of connections to servers (`cc`): whether the kernel has it, and whether
//! this process may choose it, is found out at start and not by the first session.
//!
//! Listeners are set up while we are still the user who started us; accepted connections take their
//! algorithm over. A connection to a server is made by the user that we become, who may choose
//! only what `net.ipv4.tcp_allowed_congestion_control` lists. Nothing else that a process
//! without `CAP_NET_ADMIN` could do gives its own connections another one.

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr},
};

use pontoon_config::haproxy::model::Model;
use pontoon_sys::{
    option,
    process::privilege,
    socket::{self, Address},
};

/// An algorithm that connections to servers shall have, and cannot.
#[derive(Debug, thiserror::Error)]
#[error("'{server}': cannot choose the congestion control '{name}': {}", hint(.cause))]
pub(super) struct CongestionError {
    /// `backend/server`: the first that asks for it.
    server: String,
    name: String,
    cause: io::Error,
}

fn hint(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::NotFound => {
            "the kernel does not have it (net.ipv4.tcp_available_congestion_control tells what it \
             has, modprobe may add it)"
                .to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "the user we run as may not; add it to net.ipv4.tcp_allowed_congestion_control"
                .to_owned()
        }
        _ => cause.to_string(),
    }
}

/// Chooses each algorithm once, on a socket that goes nowhere: as the user who has started us,
/// for whom the kernel also loads what it has as a module, and as the one we become.
///
/// # Errors
/// All algorithms that cannot be chosen.
pub(super) fn try_out(model: &Model) -> Result<(), Vec<CongestionError>> {
    let becomes_another = model.global.uid.is_some_and(|uid| uid != 0);
    let errors: Vec<_> = wanted(model)
        .into_iter()
        .filter_map(|(name, server)| {
            let mut chosen = choose(name);
            if becomes_another && chosen.is_ok() {
                let as_another = privilege::without_network_administration(|| choose(name));
                chosen = as_another.and_then(|chosen| chosen);
            }
            let cause = chosen.err()?;
            let name = name.to_owned();
            Some(CongestionError {
                server,
                name,
                cause,
            })
        })
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

/// The algorithms that servers ask for, each with the first server that does.
fn wanted(model: &Model) -> BTreeMap<&str, String> {
    let mut wanted = BTreeMap::new();
    for proxy in model.proxies.iter().filter(|proxy| !proxy.disabled) {
        for server in proxy.backend.iter().flat_map(|side| &side.servers) {
            if let Some(name) = &server.congestion_control {
                wanted
                    .entry(name.as_str())
                    .or_insert_with(|| format!("{}/{}", proxy.name, server.settings.name));
            }
        }
    }
    wanted
}

fn choose(name: &str) -> io::Result<()> {
    let anywhere = Address::Ip(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
    let socket = socket::stream_for(&anywhere)?;
    option::set_congestion_control(&socket, name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::model;

    fn problems(parameters: &str) -> Vec<String> {
        let text =
            format!("backend be\n server s1 127.0.0.1:1\n server s2 127.0.0.1:2 {parameters}\n");
        let errors = try_out(&model(text)).err().unwrap_or_default();
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_every_kernel_has_and_allows_passes() {
        assert_eq!(problems(""), [""; 0]);
        assert_eq!(problems("cc reno"), [""; 0]);
    }

    #[test]
    fn what_the_kernel_does_not_have_is_told_with_its_server() {
        let found = problems("cc nonesuch");
        assert_eq!(found.len(), 1);
        let expected = "'be/s2': cannot choose the congestion control 'nonesuch': the kernel ";
        assert!(found[0].starts_with(expected), "{found:?}");
    }
}
