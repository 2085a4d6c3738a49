//! For tests: models that exist in memory only, and a log that can be read.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, time::Duration};

use pontoon_config::{
    keepalived::model::{Account, Command, Global, Instance, Model, Notify, Tracks},
    source::Location,
};
use pontoon_engine::vrrp::{
    Priority, Version, Vrid,
    settings::{Announcements, Preempt},
};
use pontoon_lab::temp::TempDir;

use super::log::{Log, Outlets};

/// A model without anything, whose scripts run as whoever runs the test.
pub(super) fn model() -> Model {
    Model {
        global: Global {
            script_user: Some(Account {
                name: "root".into(),
                uid: rustix::process::geteuid().as_raw(),
                gid: rustix::process::getegid().as_raw(),
            }),
            ..Global::default()
        },
        scripts: Vec::new(),
        files: Vec::new(),
        processes: Vec::new(),
        instances: vec![instance("VI_1")],
        groups: Vec::new(),
        static_addresses: Vec::new(),
    }
}

/// An instance that tracks nothing.
pub(super) fn instance(name: &str) -> Instance {
    Instance {
        name: name.into(),
        location: location(),
        interface: "eth0".into(),
        vrid: Vrid::new(1).unwrap(),
        version: Version::V2,
        ipv6: false,
        priority: Priority::DEFAULT,
        interval: Duration::from_secs(1),
        wants_master: false,
        preempt: Preempt::AtOnce,
        source: None,
        track_source: false,
        unicast_peers: None,
        check_unicast_source: false,
        unicast_ttl: None,
        password: None,
        addresses: Vec::new(),
        excluded: Vec::new(),
        routes: Vec::new(),
        promote_secondaries: false,
        announcements: Announcements {
            repeat: 5,
            again_after: Duration::from_secs(5),
            refresh: None,
            refresh_repeat: 1,
            lower_prio_repeat: 5,
            lower_prio_again_after: Duration::from_secs(5),
        },
        down_timer_adverts: 3,
        lower_prio_no_advert: false,
        higher_prio_send_advert: true,
        skip_address_check: false,
        accept: true,
        track_primary: true,
        track_proxy: true,
        floating_ips: Vec::new(),
        tracks: Tracks::default(),
        notify: Notify::default(),
        debug: 0,
    }
}

pub(super) fn location() -> Location {
    Location {
        file: "keepalived.conf".into(),
        line: 1,
    }
}

pub(super) fn command(line: impl Into<String>) -> Command {
    Command {
        line: line.into(),
        user: None,
        location: location(),
    }
}

/// A directory with a log, programs and what they write.
pub(super) struct Room {
    pub(super) directory: TempDir,
    pub(super) log: Log,
}

impl Room {
    pub(super) fn new(purpose: &str) -> Self {
        let directory = TempDir::new(purpose).unwrap();
        let outlets = Outlets {
            syslog: None,
            console: None,
            file: Some(directory.path().join("log")),
            detail: true,
        };
        let log = Log::open(&outlets, "test").unwrap();
        Self { directory, log }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What was logged so far.
    pub(super) fn logged(&self) -> String {
        self.log.flush();
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// A program; `@/` in its text stands for this directory. Tells how to call it.
    pub(super) fn program(&self, name: &str, text: &str) -> String {
        let directory = self.directory.path().display().to_string();
        let text = format!(
            "#!/bin/sh\n{}\n",
            text.replace("@/", &format!("{directory}/"))
        );
        let path = self.directory.write(name, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    /// The content of a file; nothing if there is none.
    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }
}
