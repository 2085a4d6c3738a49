//! `/tmp/keepalived.data`: the settings and the state, one a line, with keepalived's keys. What it
//! tells of things that are not here (IPVS, SNMP, BFD, sockets) is left out.

use std::fmt::{self, Write as _};

use pontoon_config::keepalived::model::{
    Command, Global, Group, Instance, Notify, TrackFile, TrackProcess, TrackScript, Tracks,
};
use pontoon_engine::vrrp::{
    Role, Version,
    settings::{Announcements, Preempt},
    view::InstanceView,
};

use super::{Shown, route};
use crate::{
    election::track::{ScriptState, ScriptView},
    log::date::Calendar,
};

/// The whole text.
pub(in crate::election) fn data(shown: &Shown) -> String {
    let mut page = Page::default();
    page.title("Global definitions");
    global(&mut page, &shown.model.global);
    page.title("VRRP Topology");
    for (index, instance, view) in shown.instances() {
        let source = shown.sources.get(index).copied().flatten();
        Topology {
            shown,
            index,
            instance,
            view,
        }
        .write(&mut page, source);
    }
    if !shown.model.groups.is_empty() {
        page.title("VRRP Sync groups");
        let groups = shown.model.groups.iter();
        groups.for_each(|it| group(&mut page, shown, it));
    }
    trackers(&mut page, shown);
    page.0
}

/// Text in the making.
#[derive(Default)]
struct Page(String);

impl Page {
    fn title(&mut self, text: &str) {
        self.line(0, format_args!("------< {text} >------"));
    }

    /// ` Key = value`
    fn entry(&mut self, depth: usize, key: &str, value: impl fmt::Display) {
        self.line(depth, format_args!("{key} = {value}"));
    }

    fn line(&mut self, depth: usize, text: impl fmt::Display) {
        let indent = if depth == 0 { 0 } else { 2 * depth - 1 };
        // Writing to a string cannot fail.
        let _always = writeln!(self.0, "{:indent$}{text}", "");
    }

    fn list(&mut self, title: &str, entries: impl Iterator<Item = String>) {
        for (number, entry) in entries.enumerate() {
            if number == 0 {
                self.line(2, format_args!("{title} :"));
            }
            self.line(3, entry);
        }
    }
}

fn global(page: &mut Page, global: &Global) {
    let router_id = global.router_id.as_deref().unwrap_or_default();
    page.entry(1, "Router ID", router_id);
    page.entry(1, "Dynamic interfaces", global.dynamic_interfaces);
    page.entry(1, "VRRP IPv4 mcast group", global.group4);
    page.entry(1, "VRRP IPv6 mcast group", global.group6);
    let interval = global.garp_interval.as_secs_f64();
    page.entry(1, "Gratuitous ARP interval", format_args!("{interval:.6}"));
    let interval = global.gna_interval.as_secs_f64();
    page.entry(1, "Gratuitous NA interval", format_args!("{interval:.6}"));
    let delay = global.startup_delay.as_secs_f64();
    page.entry(1, "VRRP startup delay", format_args!("{delay:.6}"));
    let changes = global.notify_priority_changes;
    page.entry(1, "VRRP notify priority changes", changes);
    page.entry(1, "VRRP process priority", global.nice.unwrap_or(0));
    let realtime = global.realtime_priority.unwrap_or(0);
    page.entry(1, "VRRP realtime priority", realtime);
    let security = if global.script_security {
        "enabled"
    } else {
        "disabled"
    };
    page.line(1, format_args!("Script security {security}"));
    if let Some(user) = &global.script_user {
        let (uid, gid) = (user.uid, user.gid);
        page.line(1, format_args!("Default script uid:gid {uid}:{gid}"));
    }
}

/// An instance.
struct Topology<'a> {
    shown: &'a Shown,
    index: usize,
    instance: &'a Instance,
    view: &'a InstanceView,
}

impl Topology<'_> {
    fn write(&self, page: &mut Page, source: Option<std::net::IpAddr>) {
        let (instance, view) = (self.instance, self.view);
        page.entry(1, "VRRP Instance", &instance.name);
        let version = match instance.version {
            Version::V2 => 2,
            Version::V3 => 3,
        };
        page.entry(2, "VRRP Version", version);
        if let Some(group) = self.group() {
            page.entry(2, "Sync group", &group.name);
        }
        page.entry(2, "State", view.role);
        self.master(page);
        page.entry(2, "Wantstate", view.role);
        let faults = view.contributions.iter().filter(|it| it.faults).count();
        let key = "Number of interface and track script faults";
        page.entry(2, key, faults);
        page.entry(2, "Last transition", self.clock(view.since));
        if let Some(at) = view.master_down_at {
            page.entry(2, "Read timeout", self.clock(at));
        }
        page.entry(2, "Interface", &instance.interface);
        if !instance.track_primary {
            page.line(2, "VRRP interface tracking disabled");
        }
        self.source(page, source);
        announcements(page, &instance.announcements);
        self.protocol(page);
        self.addresses(page);
        self.peers(page);
        tracks(page, self.shown, &instance.tracks);
        notify(page, &instance.notify);
    }

    fn group(&self) -> Option<&Group> {
        let mut groups = self.shown.model.groups.iter();
        groups.find(|group| group.members.contains(&self.index))
    }

    fn master(&self, page: &mut Page) {
        if self.view.role != Role::Backup {
            return;
        }
        let Some(master) = self.view.master else {
            return;
        };
        page.entry(2, "Master router", master);
        let mut peers = self.view.peers.iter();
        if let Some(peer) = peers.find(|peer| peer.address == master) {
            page.entry(2, "Master priority", peer.priority);
            let interval = peer.interval.as_secs_f64();
            page.entry(2, "Master advert int", format_args!("{interval:.2} sec"));
        }
    }

    fn source(&self, page: &mut Page, source: Option<std::net::IpAddr>) {
        let text = source.map_or_else(|| "(none)".to_owned(), |source| source.to_string());
        let configured = if self.instance.source.is_some() {
            " (from configuration)"
        } else {
            ""
        };
        page.entry(2, "Using src_ip", format_args!("{text}{configured}"));
        if self.instance.unicast_peers.is_none() {
            let global = &self.shown.model.global;
            if self.instance.ipv6 {
                page.line(2, format_args!("Multicast address {}", global.group6));
            } else {
                page.line(2, format_args!("Multicast address {}", global.group4));
            }
        }
    }

    fn protocol(&self, page: &mut Page) {
        let (instance, view) = (self.instance, self.view);
        page.entry(2, "Down timer adverts", instance.down_timer_adverts);
        let lower = !instance.lower_prio_no_advert;
        page.entry(2, "Send advert after receive lower priority advert", lower);
        let higher = instance.higher_prio_send_advert;
        let key = "Send advert after receive higher priority advert";
        page.entry(2, key, higher);
        page.entry(2, "Virtual Router ID", instance.vrid);
        page.entry(2, "Priority", view.base_priority);
        page.entry(2, "Effective priority", view.priority);
        page.entry(2, "Total priority", self.total());
        let interval = match instance.version {
            Version::V2 => format!("{} sec", instance.interval.as_secs()),
            Version::V3 => format!("{} milli-sec", instance.interval.as_millis()),
        };
        page.entry(2, "Advert interval", interval);
        let word = |on: bool| if on { "enabled" } else { "disabled" };
        page.entry(2, "Accept", word(instance.accept));
        page.entry(2, "Preempt", word(instance.preempt != Preempt::Never));
        if let Preempt::After(delay) = instance.preempt {
            let delay = delay.as_secs_f32();
            page.entry(2, "Preempt delay", format_args!("{delay} secs"));
        }
        let promote = word(instance.promote_secondaries);
        page.entry(2, "Promote_secondaries", promote);
        self.authentication(page);
    }

    /// Before it is kept within 1 to 254.
    fn total(&self) -> i32 {
        let added = self
            .view
            .contributions
            .iter()
            .map(|it| i32::from(it.weight));
        i32::from(self.view.base_priority.0) + added.sum::<i32>()
    }

    fn authentication(&self, page: &mut Page) {
        if self.instance.version == Version::V3 {
            return;
        }
        let Some(password) = self.instance.password else {
            return page.entry(2, "Authentication type", "none");
        };
        let password = String::from_utf8_lossy(&password);
        page.entry(2, "Authentication type", "SIMPLE_PASSWORD");
        page.entry(2, "Password", password.trim_end_matches('\0'));
    }

    fn addresses(&self, page: &mut Page) {
        let instance = self.instance;
        let count = instance.addresses.len();
        page.line(2, format_args!("Virtual IP ({count}):"));
        for address in &instance.addresses {
            page.line(3, self.shown.address(instance, address));
        }
        let excluded = instance.excluded.iter();
        let excluded = excluded.map(|it| self.shown.address(instance, it));
        page.list("Virtual IP Excluded", excluded);
        page.list("Virtual Routes", instance.routes.iter().map(route));
    }

    fn peers(&self, page: &mut Page) {
        let Some(peers) = &self.instance.unicast_peers else {
            return;
        };
        if let Some(ttl) = self.instance.unicast_ttl {
            page.entry(2, "Unicast TTL", ttl);
        }
        let strict = if self.instance.check_unicast_source {
            "yes"
        } else {
            "no"
        };
        page.line(2, format_args!("Check unicast src : {strict}"));
        let peers = peers.iter().map(|peer| {
            let (least, most) = (peer.min_ttl.unwrap_or(0), peer.max_ttl.unwrap_or(255));
            format!("{} min_ttl {least} max_ttl {most}", peer.address)
        });
        page.list("Unicast Peer", peers);
    }

    /// `1795353456.435304 (Sun Nov 22 13:17:36.435304 2026)`.
    fn clock(&self, at: std::time::Instant) -> String {
        let seconds = self.shown.clock_of(at);
        let since = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let mut date = Vec::new();
        Calendar::local().asctime(&mut date, std::time::SystemTime::UNIX_EPOCH + since);
        let date = String::from_utf8_lossy(&date).into_owned();
        let (before, year) = date.rsplit_once(' ').unwrap_or((&date, ""));
        let micros = since.subsec_micros();
        format!(
            "{}.{micros:06} ({before}.{micros:06} {year})",
            since.as_secs()
        )
    }
}

fn announcements(page: &mut Page, it: &Announcements) {
    page.entry(2, "Gratuitous ARP delay", it.again_after.as_secs());
    page.entry(2, "Gratuitous ARP repeat", it.repeat);
    let refresh = it.refresh.unwrap_or_default();
    page.entry(2, "Gratuitous ARP refresh", refresh.as_secs());
    page.entry(2, "Gratuitous ARP refresh repeat", it.refresh_repeat);
    let delay = it.lower_prio_again_after.as_secs();
    page.entry(2, "Gratuitous ARP lower priority delay", delay);
    let repeat = it.lower_prio_repeat;
    page.entry(2, "Gratuitous ARP lower priority repeat", repeat);
}

fn tracks(page: &mut Page, shown: &Shown, tracks: &Tracks) {
    let model = &shown.model;
    let reversed = |reverse: bool| if reverse { " reverse" } else { "" };
    let interfaces = tracks.interfaces.iter();
    page.list(
        "Tracked interfaces",
        interfaces.map(|it| format!("{} weight {}{}", it.name, it.weight, reversed(it.reverse))),
    );
    let scripts = tracks.scripts.iter();
    let scripts = scripts.filter_map(|it| Some((it, model.scripts.get(it.index)?)));
    page.list(
        "Tracked scripts",
        scripts.map(|(it, script)| {
            format!(
                "{} weight {}{}",
                script.name,
                it.weight,
                reversed(it.reverse)
            )
        }),
    );
    let files = tracks.files.iter();
    let files = files.filter_map(|it| Some((it, model.files.get(it.index)?)));
    page.list(
        "Tracked files",
        files.map(|(it, file)| {
            format!(
                "{}, weight {}{}",
                file.name,
                it.weight,
                reversed(it.reverse)
            )
        }),
    );
    let processes = tracks.processes.iter();
    let processes = processes.filter_map(|it| Some((it, model.processes.get(it.index)?)));
    page.list(
        "Tracked processes",
        processes.map(|(it, process)| {
            format!(
                "{}, weight {}{}",
                process.name,
                it.weight,
                reversed(it.reverse)
            )
        }),
    );
}

fn notify(page: &mut Page, notify: &Notify) {
    let scripts: [(&str, &Option<Command>); 6] = [
        ("Backup state transition script", &notify.backup),
        ("Master state transition script", &notify.master),
        ("Fault state transition script", &notify.fault),
        ("Stop state transition script", &notify.stop),
        ("Generic state transition script", &notify.any),
        (
            "Master rx lower pri state transition script",
            &notify.lower_priority,
        ),
    ];
    for (key, command) in scripts {
        let Some(command) = command else { continue };
        let user = command.user.as_ref();
        let user = user.map_or_else(String::new, |user| {
            format!(", uid:gid {}:{}", user.uid, user.gid)
        });
        page.entry(2, key, format_args!("{}{user}", command.line));
    }
}

fn group(page: &mut Page, shown: &Shown, group: &Group) {
    let first = group
        .members
        .first()
        .and_then(|index| shown.views.get(*index));
    let role = first.map_or(Role::Init, |view| view.role);
    page.entry(1, "VRRP Sync Group", format_args!("{}, {role}", group.name));
    let members = group.members.iter();
    let members = members.filter_map(|index| shown.model.instances.get(*index));
    page.list(
        "VRRP member instances",
        members.map(|instance| instance.name.to_string()),
    );
    tracks(page, shown, &group.tracks);
    notify(page, &group.notify);
}

fn trackers(page: &mut Page, shown: &Shown) {
    let model = &shown.model;
    if !model.scripts.is_empty() {
        page.title("VRRP Scripts");
    }
    for script in &model.scripts {
        let view = shown.scripts.iter().find(|view| view.name == script.name);
        track_script(page, script, view);
    }
    if !model.files.is_empty() {
        page.title("VRRP Track files");
    }
    model.files.iter().for_each(|it| track_file(page, it));
    if !model.processes.is_empty() {
        page.title("VRRP Track processes");
    }
    let processes = model.processes.iter();
    processes.for_each(|it| track_process(page, it));
}

fn track_script(page: &mut Page, script: &TrackScript, view: Option<&ScriptView>) {
    page.entry(1, "VRRP Script", &script.name);
    page.entry(2, "Command", &script.command.line);
    let seconds = script.interval.as_secs_f32();
    page.entry(2, "Interval", format_args!("{seconds} sec"));
    let seconds = script.timeout.as_secs_f32();
    page.entry(2, "Timeout", format_args!("{seconds} sec"));
    let reverse = if script.reverse { " reverse" } else { "" };
    page.entry(2, "Weight", format_args!("{}{reverse}", script.weight));
    page.entry(2, "Rise", script.rise);
    page.entry(2, "Fall", script.fall);
    let init = if script.init_fail { "fail" } else { "unknown" };
    page.entry(2, "Init state", init);
    let Some(view) = view else { return };
    let status = match view.state {
        ScriptState::Unknown => "INIT",
        ScriptState::Up => "GOOD",
        ScriptState::Down => "BAD",
        ScriptState::Disabled => "DISABLED",
        ScriptState::Untracked => "UNUSED",
    };
    page.entry(2, "Status", status);
    if let Some(last) = &view.status {
        page.entry(2, "Last run", last);
    }
}

fn track_file(page: &mut Page, file: &TrackFile) {
    page.entry(1, "Track file", &file.name);
    page.entry(2, "File", file.path.display());
    page.entry(2, "Weight", file.weight);
}

fn track_process(page: &mut Page, process: &TrackProcess) {
    page.entry(1, "VRRP Track process", &process.name);
    page.entry(2, "Process", &process.process);
    page.entry(2, "Min processes", process.quorum);
    if let Some(most) = process.quorum_max {
        page.entry(2, "Max processes", most);
    }
    page.entry(2, "Weight", process.weight);
    page.entry(2, "Full command", process.full_command);
}
