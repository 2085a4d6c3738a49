//! What a master puts up besides plain IPv4 addresses, asked of the kernel.

use pontoon_lab::netns;

use super::{
    add,
    duo::{Duo, FAST, fast, one},
};
use crate::harness::{Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    add(
        tests,
        &[
            ("addresses_are_put_up_as_written", as_written),
            ("routes_follow_the_master", routes),
            ("static_addresses_last_as_long_as_the_program", statics),
            ("an_ipv6_address_moves_with_its_neighbours", ipv6),
            ("a_tentative_address_is_waited_for", tentative),
        ],
    );
}

fn as_written() -> Outcome {
    let more = "virtual_ipaddress_excluded {\n 10.0.2.7/32 dev lo scope host\n fd00:1::77/64\n }";
    let list = "10.0.1.100/24 brd 10.0.1.255 dev eth0 label eth0:vip\n \
                10.0.1.101/25 brd + scope link\n 10.0.1.102";
    let file = |priority| format!("{FAST}{}", fast("VI_1", 51, priority, list, more));
    let mut duo = Duo::settled([&file(150), &file(100)])?;
    let shown = |what: &str| duo.ip(0, what);
    let eth0 = shown("-4 -o addr show dev eth0")?;
    let line = |address: &str| {
        eth0.lines()
            .find(|line| line.contains(address))
            .unwrap_or("")
            .to_owned()
    };
    for (address, rest) in [
        ("10.0.1.100/24", "brd 10.0.1.255 scope global secondary"),
        ("10.0.1.100/24", " eth0:vip"),
        ("10.0.1.101/25", "brd 10.0.1.127 scope link"),
        ("10.0.1.102/32", "scope global"),
    ] {
        assert!(line(address).contains(rest), "{address} {rest} in\n{eth0}");
    }
    let lo = shown("-o addr show dev lo")?;
    assert!(lo.contains("10.0.2.7/32 scope host lo"), "{lo}");
    assert!(duo.holds(0, "fd00:1::77"));
    duo.stop(0)?;
    duo.master(1)?;
    for address in ["10.0.1.101", "10.0.1.102", "10.0.2.7", "fd00:1::77"] {
        duo.held_by(1, address)?;
    }
    Ok(())
}

fn routes() -> Outcome {
    let more = "virtual_routes {\n 10.7.0.0/16 via 10.0.1.254 dev eth0 metric 7\n \
                10.8.0.0/16 dev eth0 table 100\n }";
    let file = |priority| format!("{FAST}{}", one(priority, more));
    let mut duo = Duo::settled([&file(150), &file(100)])?;
    let has = |duo: &Duo, which| {
        let main = duo.ip(which, "route show 10.7.0.0/16").unwrap_or_default();
        let other = duo.ip(which, "route show table all").unwrap_or_default();
        (
            main.contains("via 10.0.1.254 dev eth0") && main.contains("metric 7"),
            other.contains("10.8.0.0/16 dev eth0 table 100"),
        )
    };
    duo.until("routes on the first", || has(&duo, 0) == (true, true))?;
    assert_eq!(has(&duo, 1), (false, false));
    duo.stop(0)?;
    duo.until("routes on the second", || has(&duo, 1) == (true, true))?;
    assert_eq!(has(&duo, 0), (false, false));
    Ok(())
}

fn statics() -> Outcome {
    let lasting = "static_ipaddress {\n 10.0.1.200/24 dev eth0\n}\n";
    let file = |priority| format!("{FAST}{lasting}{}", one(priority, ""));
    let plain = format!("{FAST}{}", one(150, ""));
    let mut duo = Duo::new([&plain, &file(100).replace("200/24", "201/24")])?;
    duo.start(0)?;
    duo.start(1)?;
    duo.master(0)?;
    // A backup has them, too.
    duo.held_by(1, "10.0.1.201")?;
    duo.reload(0, &file(150))?;
    duo.held_by(0, "10.0.1.200")?;
    duo.reload(0, &plain)?;
    duo.until("it to go", || !duo.holds(0, "10.0.1.200"))?;
    duo.stop(1)?;
    duo.until("it to go", || !duo.holds(1, "10.0.1.201"))?;
    assert_eq!(duo.count(0, "Entering MASTER STATE"), 1);
    Ok(())
}

/// Version 3 by IPv6; a neighbour that has the address in its table is told of the new place.
fn ipv6() -> Outcome {
    let list = "fe80::100/64\n fd00:1::100/64";
    let file = |priority| format!("{FAST}{}", fast("VI_6", 6, priority, list, ""));
    let mut duo = Duo::new([&file(150), &file(100)])?;
    let neighbour = duo.network.host("c", &["fd00:1::50/64"])?;
    duo.start(0)?;
    duo.start(1)?;
    duo.held_by(0, "fd00:1::100")?;
    let ping = || {
        let mut ping = netns::command(&neighbour, "ping");
        let sent = ping.args(["-c1", "-W1", "fd00:1::100"]).output();
        sent.is_ok_and(|output| output.status.success())
    };
    duo.until("an answer", ping)?;
    for (away, to) in [(0, 1), (1, 0)] {
        let wanted = netns::hardware_address(duo.host(to).namespace(), "eth0")?;
        if away == 0 {
            duo.stop(0)?;
        } else {
            duo.start(0)?;
        }
        duo.held_by(to, "fd00:1::100")?;
        duo.held_by(to, "fe80::100")?;
        duo.until("the neighbour to be told", || {
            netns::neighbour(&neighbour, "fd00:1::100")
                .is_ok_and(|known| known == Some(wanted.clone()))
        })?;
        duo.until("an answer", ping)?;
    }
    for which in [0, 1] {
        assert_eq!(
            duo.count(which, "FAULT"),
            0,
            "{}",
            duo.output(which).join("\n")
        );
    }
    Ok(())
}

/// The kernel asks for a second or two whether somebody else has the link-local address.
fn tentative() -> Outcome {
    let list = "fe80::100/64\n fd00:1::100/64";
    let mut duo = Duo::new([&format!("{FAST}{}", fast("VI_6", 6, 100, list, "")), FAST])?;
    let again = "echo 1 >/proc/sys/net/ipv6/conf/eth0/accept_dad; \
                 ip link set eth0 down; ip link set eth0 up";
    duo.host(0).run(&["bash", "-c", again])?;
    duo.until("a tentative address", || {
        let shown = duo.ip(0, "-6 addr show dev eth0 tentative");
        shown.is_ok_and(|shown| shown.contains("fe80"))
    })?;
    duo.start(0)?;
    duo.until("it to be master", || duo.holds(0, "fd00:1::100"))?;
    assert_eq!(duo.count(0, "FAULT"), 0, "{}", duo.output(0).join("\n"));
    Ok(())
}
