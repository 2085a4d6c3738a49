//! A peer that computes its checksum another way is heard, and the log says so once.

use pontoon_engine::vrrp::{
    Priority, Version, Vrid,
    event::{Advert, Checksum},
    packet::emit_as,
};
use pontoon_lab::netns;
use pontoon_sys::vrrp::{Family, Way, open_unicast, send};

use super::{
    add,
    duo::{Duo, FAST, one},
};
use crate::harness::{Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    let run = heard_in_every_way as fn() -> Outcome;
    add(
        tests,
        &[("checksums_of_all_kinds_are_heard_and_named_once", run)],
    );
}

/// A hand-made master on the second host, which sends some adverts each way.
fn heard_in_every_way() -> Outcome {
    const AGAIN: usize = 5;
    let unicast = "unicast_src_ip 10.0.1.1\n unicast_peer {\n 10.0.1.2\n }";
    let mut duo = Duo::new([&format!("{FAST}{}", one(100, unicast)), FAST])?;
    duo.start(0)?;
    duo.says(0, "(VI_1) Entering MASTER STATE")?;
    let ways = [
        (Checksum::Message, "the message only"),
        (
            Checksum::MulticastPseudoHeader,
            "a pseudo-header with the multicast group and the message",
        ),
        (Checksum::PseudoHeader, "pseudo-header and message"),
    ];
    for (number, (way, name)) in ways.into_iter().enumerate() {
        for _ in 0..AGAIN {
            advertise(&duo, way)?;
        }
        let line = format!("(VI_1) 10.0.1.2 computes its checksum over {name}");
        duo.says(0, &line)?;
        // Whatever it sends, it is heard: a master of 200 is followed.
        duo.until("it to be backup", || !duo.holds(0, "10.0.1.100"))?;
        let told = duo.count(0, "computes its checksum over");
        assert_eq!(told, number + 1, "{}", duo.output(0).join("\n"));
    }
    assert_eq!(duo.count(0, "dropped"), 0, "{}", duo.output(0).join("\n"));
    Ok(())
}

fn advertise(duo: &Duo, way: Checksum) -> Outcome {
    let (from, to) = ([10, 0, 1, 2].into(), [10, 0, 1, 1].into());
    let advert = Advert {
        version: Version::V3,
        vrid: Vrid::new(51).ok_or("no such router")?,
        priority: Priority(200),
        interval: std::time::Duration::from_millis(100),
        addresses: vec![[10, 0, 1, 100].into()],
        password: None,
    };
    let payload = emit_as(way, &advert, from, to);
    let way = Way {
        from,
        to,
        interface: None,
        hop_limit: 255,
    };
    let sent = netns::inside(duo.host(1).namespace(), || {
        Ok(open_unicast(Family::V4).and_then(|socket| send(socket, way, &payload)))
    });
    Ok(sent??)
}
