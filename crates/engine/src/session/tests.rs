use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn timeouts() -> Timeouts {
    Timeouts {
        client: Some(30 * SECOND),
        connect: Some(5 * SECOND),
        server: Some(40 * SECOND),
        ..Timeouts::default()
    }
}

fn relaying(start: Instant) -> Life {
    let mut life = Life::new(false, &timeouts(), start);
    life.step(Step::Relay, &timeouts(), start);
    life
}

fn end(cause: Cause, phase: Phase) -> Option<Expired> {
    Some(Expired::End(Termination::new(cause, phase)))
}

#[test]
fn a_client_that_owes_its_header_is_timed_out() {
    let start = Instant::now();
    let life = Life::new(true, &timeouts(), start);
    assert_eq!(life.poll_timeout(&timeouts()), Some(start + 30 * SECOND));
    assert_eq!(life.handle_timeout(&timeouts(), start + 29 * SECOND), None);
    let expired = life.handle_timeout(&timeouts(), start + 30 * SECOND);
    assert_eq!(expired, end(Cause::ClientTimeout, Phase::Request));
}

#[test]
fn inspection_ends_with_its_delay() {
    let start = Instant::now();
    let mut life = Life::new(false, &timeouts(), start);
    life.step(Step::Inspect(Some(3 * SECOND)), &timeouts(), start);
    assert_eq!(life.poll_timeout(&timeouts()), Some(start + 3 * SECOND));
    let expired = life.handle_timeout(&timeouts(), start + 3 * SECOND);
    assert_eq!(expired, Some(Expired::InspectionOver));
}

#[test]
fn without_a_queue_timeout_the_connect_timeout_counts() {
    let start = Instant::now();
    let mut life = Life::new(false, &timeouts(), start);
    life.step(Step::Queue, &timeouts(), start);
    let expired = life.handle_timeout(&timeouts(), start + 5 * SECOND);
    assert_eq!(expired, end(Cause::ServerTimeout, Phase::Queue));

    let patient = Timeouts {
        queue: Some(60 * SECOND),
        ..timeouts()
    };
    life.step(Step::Queue, &patient, start);
    assert_eq!(life.poll_timeout(&patient), Some(start + 60 * SECOND));
}

#[test]
fn a_slow_connection_fails_and_a_refused_one_waits_its_turn() {
    let start = Instant::now();
    let mut life = Life::new(false, &timeouts(), start);
    life.step(Step::Connect, &timeouts(), start);
    let expired = life.handle_timeout(&timeouts(), start + 5 * SECOND);
    assert_eq!(expired, Some(Expired::ConnectFailed));
    life.step(Step::TurnAround(SECOND), &timeouts(), start);
    assert_eq!(life.handle_timeout(&timeouts(), start), None);
    let expired = life.handle_timeout(&timeouts(), start + SECOND);
    assert_eq!(expired, Some(Expired::TryAgain));
}

#[test]
fn whoever_is_silent_first_is_to_blame() {
    let start = Instant::now();
    let mut life = relaying(start);
    let expired = life.handle_timeout(&timeouts(), start + 30 * SECOND);
    assert_eq!(expired, Some(Expired::Silent(Cause::ClientTimeout)));

    life.client_acted(start + 20 * SECOND);
    assert_eq!(life.poll_timeout(&timeouts()), Some(start + 40 * SECOND));
    let expired = life.handle_timeout(&timeouts(), start + 40 * SECOND);
    assert_eq!(expired, Some(Expired::Silent(Cause::ServerTimeout)));
}

#[test]
fn who_is_not_expected_to_act_is_not_timed_out() {
    let start = Instant::now();
    let mut life = relaying(start);
    // The client has sent all it had: only the server is waited for.
    life.expect(false, true, start + SECOND);
    assert_eq!(life.poll_timeout(&timeouts()), Some(start + 40 * SECOND));
    // Its answer waits for the client, who starts afresh.
    life.expect(true, false, start + 35 * SECOND);
    assert_eq!(life.poll_timeout(&timeouts()), Some(start + 65 * SECOND));
}

#[test]
fn a_tunnel_timeout_replaces_both_until_one_side_closes() {
    let start = Instant::now();
    let mut life = relaying(start);
    let tunnel = Timeouts {
        tunnel: Some(3600 * SECOND),
        client_fin: Some(2 * SECOND),
        ..timeouts()
    };
    assert_eq!(life.poll_timeout(&tunnel), Some(start + 3600 * SECOND));
    life.half_close();
    assert_eq!(life.poll_timeout(&tunnel), Some(start + 2 * SECOND));
    let expired = life.handle_timeout(&tunnel, start + 2 * SECOND);
    assert_eq!(expired, Some(Expired::Silent(Cause::ClientTimeout)));
}

#[test]
fn endings_are_named_after_the_stage() {
    let start = Instant::now();
    let mut life = Life::new(false, &timeouts(), start);
    let name = |life: &Life, incident| life.ending(incident).to_string();
    assert_eq!(name(&life, Incident::ClientBroke), "CR");
    life.step(Step::Queue, &timeouts(), start);
    assert_eq!(name(&life, Incident::ClientLeft), "CQ");
    assert_eq!(name(&life, Incident::ClientBroke), "CD");
    life.step(Step::Connect, &timeouts(), start);
    assert_eq!(name(&life, Incident::ClientLeft), "CC");
    assert_eq!(name(&life, Incident::ServerGone), "SC");
    life.step(Step::Relay, &timeouts(), start);
    assert_eq!(name(&life, Incident::ServerGone), "SD");
    assert_eq!(name(&life, Incident::Ordered(Cause::Killed)), "K-");
}

#[test]
fn without_timeouts_a_session_waits_forever() {
    let start = Instant::now();
    let none = Timeouts::default();
    let life = Life::new(true, &none, start);
    assert_eq!(life.poll_timeout(&none), None);
    assert_eq!(life.handle_timeout(&none, start + 9999 * SECOND), None);
}
