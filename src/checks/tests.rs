//! Checks of a running backend: peers on loopback, configured as a file would.

mod fixture;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use pontoon_engine::{
    backend::Backend,
    server::{AdminState, Status},
    units::{ProxyId, ServerId, Weight},
};

use self::fixture::{Fixture, Listener};

const FIRST: ServerId = ServerId(0);

#[tokio::test]
async fn a_killed_server_goes_down_after_fall_and_comes_back_after_rise() {
    let listener = Listener::new();
    let address = listener.address;
    let fixture = Fixture::start(&format!("server s0 {address}"));
    fixture.status(FIRST, Status::Up).await;
    drop(listener);
    fixture.status(FIRST, Status::Down).await;
    let view = fixture.view(FIRST);
    assert_eq!((view.failed_checks, view.went_down), (3, 1));
    let check = view.last_check.unwrap();
    assert_eq!(check.info.as_deref(), Some("Connection refused"));
    let _revived = Listener::at(address);
    fixture.status(FIRST, Status::Up).await;
}

#[tokio::test]
async fn maintenance_stops_checks_and_its_end_restarts_them() {
    let (ours, other) = (Listener::new(), Listener::new());
    let fixture = Fixture::start(&format!(
        "option tcp-check\ntcp-check send x\nserver s0 {}\nserver s1 {}",
        ours.address, other.address
    ));
    ours.accepted(1).await;
    fixture.set_admin(FIRST, AdminState::Maintenance);
    // One check may have been under way; the other server's checks tell the time.
    other.accepted(other.count() + 2).await;
    let before = ours.count();
    other.accepted(other.count() + 5).await;
    assert_eq!(ours.count(), before);
    fixture.set_admin(FIRST, AdminState::Ready);
    ours.accepted(before + 2).await;
}

#[tokio::test]
async fn a_server_that_hangs_has_one_check_at_a_time() {
    let (open, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let listener = Listener::serving({
        let (open, most) = (Arc::clone(&open), Arc::clone(&most));
        move |mut stream| {
            most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Ends when the check gives up.
            let _gone = std::io::Read::read(&mut stream, &mut [0; 16]);
            open.fetch_sub(1, Ordering::SeqCst);
        }
    });
    let fixture = Fixture::start(&format!(
        "option tcp-check\ntcp-check expect string never\nserver s0 {}",
        listener.address
    ));
    listener.accepted(4).await;
    assert_eq!(most.load(Ordering::SeqCst), 1);
    fixture.status(FIRST, Status::Down).await;
}

#[tokio::test]
async fn an_agent_is_asked_and_drains_its_server() {
    let agent = Listener::serving(|mut stream| {
        let mut question = [0; 16];
        let length = std::io::Read::read(&mut stream, &mut question).unwrap_or(0);
        let answer: &[u8] = if question[..length] == *b"how\n" {
            b"drain\n"
        } else {
            b"maint\n"
        };
        // The check may have given up.
        let _gone = std::io::Write::write_all(&mut stream, answer);
    });
    let listener = Listener::new();
    let fixture = Fixture::start(&format!(
        "server s0 {} agent-check agent-port {} agent-inter {} agent-send \"how\\n\"",
        listener.address,
        agent.address.port(),
        fixture::INTERVAL,
    ));
    fixture.status(FIRST, Status::DrainByAgent).await;
}

#[tokio::test]
async fn a_recovered_server_starts_slowly() {
    let listener = Listener::new();
    let address = listener.address;
    drop(listener);
    let fixture = Fixture::start(&format!("server s0 {address} weight 100 slowstart 2s"));
    fixture.status(FIRST, Status::Down).await;
    let _revived = Listener::at(address);
    fixture.status(FIRST, Status::Up).await;
    let full = Weight::new(100).unwrap();
    let first = fixture.view(FIRST).effective_weight;
    assert!(first < full, "{first}");
    let began = Instant::now();
    fixture
        .until("full weight", |view| view.effective_weight == full)
        .await;
    assert!(began.elapsed() > Duration::from_secs(1));
}

#[tokio::test]
async fn errors_of_live_traffic_bring_the_next_check_forward() {
    let listener = Listener::new();
    let fixture = Fixture::start(&format!(
        "server s0 {} inter 600s fastinter {} observe layer4 error-limit 2 on-error fastinter",
        listener.address,
        fixture::INTERVAL,
    ));
    fixture.checked_all().await;
    let failed_before = fixture.view(FIRST).failed_checks;
    drop(listener);
    for _ in 0..2 {
        let now = Instant::now();
        let observe = |backend: &mut Backend| backend.observed(FIRST, false, now);
        fixture.running.with_backend(ProxyId(0), now, observe);
    }
    fixture
        .until("a failed check", |view| view.failed_checks > failed_before)
        .await;
}

#[tokio::test]
async fn a_server_elsewhere_follows_the_one_it_tracks() {
    let listener = Listener::new();
    let address = listener.address;
    let fixture = Fixture::of(format!(
        "
backend be
    server s0 {address} check inter {}
backend follower
    server s0 {address} track be/s0
",
        fixture::INTERVAL
    ));
    fixture.status(FIRST, Status::Up).await;
    drop(listener);
    fixture.status_in(ProxyId(1), FIRST, Status::Down).await;
}

/// The figure to hold: 1,000 servers checked every second, on this thread and in the kernel.
#[tokio::test]
#[ignore = "a measurement of half a minute, for optimised builds"]
async fn a_thousand_servers_cost_less_than_a_tenth_of_a_core() {
    const SERVERS: u32 = 1000;
    let listener = Listener::new();
    let server = |id: u32| format!("server s{id} {} inter 1s\n", listener.address);
    let fixture = Fixture::start(&(0..SERVERS).map(server).collect::<String>());
    fixture.checked_all().await;
    let (began, used) = (Instant::now(), cpu_time());
    tokio::time::sleep(Duration::from_secs(20)).await;
    let share = (cpu_time() - used).as_secs_f64() / began.elapsed().as_secs_f64();
    eprintln!(
        "measured: {SERVERS} servers, each checked every second, take {:.2} % of a core",
        share * 100.0
    );
    assert_eq!(fixture.usable(), SERVERS);
    assert!(share < 0.1, "{share}");
}

fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.try_into().unwrap()
}
