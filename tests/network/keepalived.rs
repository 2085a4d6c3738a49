//! The real keepalived at the other end of the cable.

use std::time::Duration;

use pontoon::election::network::NetworkEvent;
use pontoon_config::keepalived::model::Instance;
use pontoon_engine::vrrp::{Priority, Version, event::Checksum};
use pontoon_lab::{needs::Need, netns, program::Program, temp::TempDir};

use super::{
    on_a_stage,
    stage::{Stage, VI, advert, instance, model, same, unicast},
};
use crate::harness::{Outcome, Test};

/// Version 3 needs not wait for seconds.
const FAST: Duration = Duration::from_millis(100);

/// Adds them.
pub(super) fn register(tests: &mut Vec<Test>) {
    let mut add = |name: &str, run: fn() -> Outcome| {
        let name = format!("keepalived_understands_{name}_and_is_understood");
        tests.push(on_a_stage(&name, run).needs(Need::Program("keepalived")));
    };
    add("version_2", || {
        talk(&instance(&["10.0.1.9/24"]), "", Checksum::Message)
    });
    add("a_password", || {
        let settings = Instance {
            password: Some(*b"secret\0\0"),
            ..instance(&["10.0.1.9/24", "10.0.1.10/32"])
        };
        let words = "authentication { \n auth_type PASS \n auth_pass secret \n }";
        talk(&settings, words, Checksum::Message)
    });
    add("version_3", || {
        let settings = Instance {
            version: Version::V3,
            interval: FAST,
            ..instance(&["10.0.1.9/24"])
        };
        talk(&settings, "", Checksum::PseudoHeader)
    });
    add("ipv6", || {
        let settings = Instance {
            interval: FAST,
            ..instance(&["fe80::9/128", "fd00::9/128"])
        };
        talk(&settings, "", Checksum::PseudoHeader)
    });
    add("unicast", || {
        let settings = unicast(&["10.0.1.9/24"], &["10.0.1.2"]);
        let words = "unicast_src_ip 10.0.1.2 \n unicast_peer { \n 10.0.1.1 \n }";
        talk(&settings, words, Checksum::Message)
    });
    add("unicast_over_ipv6", || {
        let settings = Instance {
            interval: FAST,
            ..unicast(&["fe80::9/128", "fd00::9/128"], &["fd00::2"])
        };
        let words = "unicast_src_ip fd00::2 \n unicast_peer { \n fd00::1 \n }";
        talk(&settings, words, Checksum::PseudoHeader)
    });
}

/// A keepalived that is alone becomes master, and steps back when it hears us.
fn talk(settings: &Instance, words: &str, checksum: Checksum) -> Outcome {
    let stage = Stage::new()?;
    let folder = TempDir::new("keepalived")?;
    let file = folder.write("keepalived.conf", configuration(settings, words))?;
    let mut node = stage.node(&stage.a, model(vec![settings.clone()]))?;
    let mut command = netns::command(&stage.b, "keepalived");
    command.args(["--dont-fork", "--log-console", "--log-detail", "--vrrp"]);
    command.arg("-f").arg(file);
    command.arg("-p").arg(folder.path().join("pid"));
    command.arg("-r").arg(folder.path().join("vrrp.pid"));
    let keepalived = Program::start(&mut command)?;
    let heard = node.hears("keepalived", |event| match event {
        NetworkEvent::Heard { heard, .. } => Some(heard),
        _ => None,
    })?;
    let mut theirs = advert(settings);
    same(heard.checksum, checksum, "keepalived's checksum")?;
    same(heard.advert, theirs.clone(), "its advertisement")?;

    theirs.priority = Priority(200);
    node.network.send(VI, &theirs);
    let stepped_back =
        |line: &str| line.contains("Entering BACKUP STATE") && !line.contains("init");
    keepalived.wait_for_line("keepalived to step back", stepped_back)?;
    node.says("cannot", 0)
}

fn configuration(settings: &Instance, words: &str) -> String {
    let version = match settings.version {
        Version::V2 => 2,
        Version::V3 => 3,
    };
    let addresses = settings.addresses.iter();
    let addresses: Vec<_> = addresses
        .map(|one| format!("{}/{}", one.address, one.prefix))
        .collect();
    format!(
        "vrrp_instance VI_1 {{\n version {version}\n interface eth0\n virtual_router_id 51\n \
         priority 100\n advert_int {}\n {words}\n virtual_ipaddress {{\n {}\n }}\n}}\n",
        settings.interval.as_secs_f64(),
        addresses.join("\n ")
    )
}
