//! What an interface does beyond its addresses: `net.ipv4.conf.*`.

use std::{fs, io};

/// Whether, when a main IPv4 address goes, the others of its network stay. Returns what it was.
///
/// # Errors
/// There is no such interface, or `/proc/sys` may not be written.
pub fn set_promote_secondaries(name: &str, on: bool) -> io::Result<bool> {
    let path = format!("/proc/sys/net/ipv4/conf/{name}/promote_secondaries");
    let before = fs::read_to_string(&path)?.trim() != "0";
    if before != on {
        fs::write(&path, if on { "1" } else { "0" })?;
    }
    Ok(before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{in_private_network, ip};

    #[test]
    fn secondary_addresses_outlive_the_main_one() {
        in_private_network(|| {
            set_promote_secondaries("lo", false).unwrap();
            assert!(!set_promote_secondaries("lo", true).unwrap());
            ip("addr add 10.0.1.1/24 dev lo");
            ip("addr add 10.0.1.9/24 dev lo");
            ip("addr del 10.0.1.1/24 dev lo");
            assert!(ip("addr show dev lo").contains("10.0.1.9/24"));
            assert!(set_promote_secondaries("nonesuch", true).is_err());
        });
    }
}
