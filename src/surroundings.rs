//! What the configuration language asks of this machine.

mod pattern;
pub mod remembered;

use std::{
    io::Read as _,
    net::{IpAddr, ToSocketAddrs},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use pontoon_config::{haproxy::Surroundings, keepalived};

use crate::files::{self, without_number};

/// This machine: its environment, resolver, files and accounts.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Surroundings for System {
    fn variable(&self, name: &str) -> Option<String> {
        // A name with `=` or NUL makes `var_os` give nothing rather than panic.
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    }

    fn resolve(&self, host: &str) -> Vec<IpAddr> {
        let found = (host, 0).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        let mut addresses = Vec::new();
        for address in found.unwrap_or_default() {
            if !addresses.contains(&address.ip()) {
                addresses.push(address.ip());
            }
        }
        addresses
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        files::read_bounded(path, files::LONGEST)
            .map_err(|error| without_number(&error.to_string()))
    }

    fn kernel_setting(&self, name: &str) -> Option<String> {
        let file = Path::new("/proc/sys").join(name.replace('.', "/"));
        let text = std::fs::read_to_string(file).ok()?;
        Some(text.trim().to_owned())
    }

    fn permissions(&self, path: &str) -> Option<u32> {
        // A pipe or a device is not what somebody else may have changed.
        let found = std::fs::metadata(path).ok().filter(|it| it.is_file())?;
        Some(found.permissions().mode() & 0o7777)
    }

    fn user_id(&self, name: &str) -> Option<u32> {
        account(Path::new(PASSWD), name)
    }

    fn group_id(&self, name: &str) -> Option<u32> {
        account(Path::new("/etc/group"), name)
    }
}

impl keepalived::Surroundings for System {
    fn variable(&self, name: &str) -> Option<String> {
        Surroundings::variable(self, name)
    }

    fn glob(&self, pattern: &str) -> Vec<String> {
        pattern::files(pattern)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        Surroundings::read(self, path)
    }

    fn user(&self, name: &str) -> Option<(u32, u32)> {
        let text = std::fs::read(PASSWD).ok()?;
        find_user(&String::from_utf8_lossy(&text), name)
    }

    fn group(&self, name: &str) -> Option<u32> {
        self.group_id(name)
    }

    fn permissions(&self, path: &str) -> Option<u32> {
        Surroundings::permissions(self, path)
    }

    fn script(&self, path: &str) -> Option<String> {
        // A pipe would keep us waiting, and a program is no script. Nor is what the kernel calls a
        // file without a length: /proc/kmsg keeps its readers waiting, too.
        let found = std::fs::metadata(path).ok()?;
        if !found.is_file() || !(1..=LONGEST_SCRIPT).contains(&found.len()) {
            return None;
        }
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).ok()?;
        file.take(LONGEST_SCRIPT).read_to_end(&mut bytes).ok()?;
        let text = !bytes.contains(&0);
        text.then(|| String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// No script is longer.
const LONGEST_SCRIPT: u64 = 256 * 1024;

impl System {
    /// The host's name without its domain: what lines `@id` of a `keepalived.conf` are for.
    pub fn config_id() -> String {
        let names = rustix::system::uname();
        let name = names.nodename().to_string_lossy().into_owned();
        name.split('.').next().unwrap_or_default().to_owned()
    }
}

const PASSWD: &str = "/etc/passwd";

/// The numbers of a user and its primary group.
fn find_user(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        Some((uid, fields.next()?.parse().ok()?))
    })
}

/// The number in the third field of the line that begins with `name:`. Both files agree so far.
fn account(file: &Path, name: &str) -> Option<u32> {
    let text = std::fs::read(file).ok()?;
    find_account(&String::from_utf8_lossy(&text), name)
}

fn find_account(text: &str, name: &str) -> Option<u32> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        fields.nth(1)?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_their_whole_name() {
        let text = "haproxy2:x:1:1::/:\nhaproxy:x:106:112::/var/lib/haproxy:/usr/sbin/nologin\n";
        assert_eq!(find_account(text, "haproxy"), Some(106));
        assert_eq!(find_account(text, "hapro"), None);
        assert_eq!(find_account("bad:x\n", "bad"), None);
        assert_eq!(find_user(text, "haproxy"), Some((106, 112)));
    }

    #[test]
    fn scripts_are_texts_of_a_script_s_length() {
        let script = |path: &str| keepalived::Surroundings::script(&System, path);
        assert!(script("Cargo.toml").is_some_and(|text| text.contains("pontoon")));
        let program = std::env::current_exe().unwrap();
        assert_eq!(script(&program.to_string_lossy()), None);
        assert_eq!(script("src"), None);
        assert_eq!(script("/dev/null"), None);
        assert_eq!(script("/proc/self/status"), None);
    }

    #[test]
    fn this_machine_has_a_root_and_a_localhost() {
        assert_eq!(System.user_id("root"), Some(0));
        assert_eq!(System.group_id("root"), Some(0));
        assert!(System.resolve("localhost").iter().any(IpAddr::is_loopback));
        assert!(System.read("/nonexistent").is_err());
        assert_eq!(System.variable("NO=NAME"), None);
    }
}
