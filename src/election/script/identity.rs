//! As whom a script runs.

use pontoon_config::keepalived::model::{Account, Global};
use pontoon_sys::process::{account, privilege, script};

/// The user that scripts run as if it exists and nothing is said (keepalived.conf(5),
/// `script_user`).
const DEFAULT_USER: &str = "keepalived_script";

/// A user with its groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// Its name, for messages.
    pub(super) name: String,
    /// Its numbers.
    pub(super) numbers: script::Identity,
    /// It is the one we run as: there is nothing to change.
    ourselves: bool,
}

impl Identity {
    /// The user that was written.
    pub(super) fn of(account: &Account) -> Self {
        let groups = account::groups_of(&account.name, account.gid);
        Self {
            name: account.name.clone(),
            numbers: script::Identity {
                uid: account.uid,
                gid: account.gid,
                groups: groups.unwrap_or_else(|_| vec![account.gid]),
            },
            // A plain user may run scripts as itself, and may not even set the groups it has.
            ourselves: !privilege::is_root() && account.uid == rustix::process::geteuid().as_raw(),
        }
    }

    /// The user of all scripts for which none is written.
    pub(super) fn default_of(global: &Global) -> Self {
        if let Some(account) = &global.script_user {
            return Self::of(account);
        }
        match account::user(DEFAULT_USER).filter(|_| privilege::is_root()) {
            Some(user) => Self::of(&Account {
                name: user.name,
                uid: user.uid,
                gid: user.gid,
            }),
            None => Self::ourselves(),
        }
    }

    fn ourselves() -> Self {
        let uid = rustix::process::geteuid().as_raw();
        let gid = rustix::process::getegid().as_raw();
        let groups = rustix::process::getgroups().unwrap_or_default();
        Self {
            name: account::user_numbered(uid).map_or_else(|| uid.to_string(), |user| user.name),
            numbers: script::Identity {
                uid,
                gid,
                groups: groups.into_iter().map(|group| group.as_raw()).collect(),
            },
            ourselves: true,
        }
    }

    /// What a child has to become.
    pub(super) fn to_become(&self) -> Option<script::Identity> {
        (!self.ourselves).then(|| self.numbers.clone())
    }

    pub(super) fn is_root(&self) -> bool {
        self.numbers.uid == 0
    }

    /// Whether the bits of a file (`rwx` in its lowest three) allow it.
    pub(super) fn may_run(&self, mode: u32, owner: u32, group: u32) -> bool {
        if self.is_root() {
            return mode & 0o111 != 0;
        }
        if self.numbers.uid == owner {
            return mode & 0o100 != 0;
        }
        if self.numbers.gid == group || self.numbers.groups.contains(&group) {
            return mode & 0o010 != 0;
        }
        mode & 0o001 != 0
    }
}

#[cfg(test)]
impl Identity {
    /// Somebody for a test, in one group.
    pub(super) fn plain(name: &str, uid: u32, gid: u32) -> Self {
        Self {
            name: name.into(),
            numbers: script::Identity {
                uid,
                gid,
                groups: vec![gid],
            },
            ourselves: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_class_that_fits_decides() {
        let alice = Identity::plain("alice", 1000, 1000);
        assert!(alice.may_run(0o700, 1000, 0));
        assert!(!alice.may_run(0o077, 1000, 0), "its own bits count");
        assert!(alice.may_run(0o710, 0, 1000));
        assert!(!alice.may_run(0o701, 0, 1000), "its group's bits count");
        assert!(alice.may_run(0o701, 0, 0));
        assert!(!alice.may_run(0o700, 0, 0));
    }

    #[test]
    fn root_may_run_what_anybody_may_run() {
        let root = Identity::plain("root", 0, 0);
        assert!(root.may_run(0o001, 1000, 1000));
        assert!(!root.may_run(0o666, 0, 0));
    }
}
