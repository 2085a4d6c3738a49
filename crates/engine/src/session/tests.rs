use super::*;

const SECOND: Span = seconds(1);

const fn seconds(n: u64) -> Span {
    Span::from_millis(n * 1000)
}

fn timeouts() -> Timeouts {
    Timeouts {
        client: Some(seconds(30)),
        connect: Some(seconds(5)),
        server: Some(seconds(40)),
        ..Timeouts::default()
    }
}

fn relaying(start: Moment) -> Life {
    let mut life = Life::new(false, &timeouts(), start);
    life.step(Step::Relay, &timeouts(), start);
    life
}

fn end(cause: Cause, phase: Phase) -> Option<Expired> {
    Some(Expired::End(Termination::new(cause, phase)))
}

#[test]
fn a_client_that_owes_its_header_is_timed_out() {
    let start = Moment::from_millis(77);
    let life = Life::new(true, &timeouts(), start);
    assert_eq!(life.poll_timeout(&timeouts()), Some(start + seconds(30)));
    assert_eq!(life.handle_timeout(&timeouts(), start + seconds(29)), None);
    let expired = life.handle_timeout(&timeouts(), start + seconds(30));
    assert_eq!(expired, end(Cause::ClientTimeout, Phase::Request));
}

#[test]
fn inspection_ends_with_its_delay() {
    let start = Moment::from_millis(77);
    let mut life = Life::new(false, &timeouts(), start);
    life.step(Step::Inspect(Some(seconds(3))), &timeouts(), start);
    assert_eq!(life.poll_timeout(&timeouts()), Some(start + seconds(3)));
    let expired = life.handle_timeout(&timeouts(), start + seconds(3));
    assert_eq!(expired, Some(Expired::InspectionOver));
}

#[test]
fn without_a_queue_timeout_the_connect_timeout_counts() {
    let start = Moment::from_millis(77);
    let mut life = Life::new(false, &timeouts(), start);
    life.step(Step::Queue, &timeouts(), start);
    let expired = life.handle_timeout(&timeouts(), start + seconds(5));
    assert_eq!(expired, end(Cause::ServerTimeout, Phase::Queue));

    let patient = Timeouts {
        queue: Some(seconds(60)),
        ..timeouts()
    };
    life.step(Step::Queue, &patient, start);
    assert_eq!(life.poll_timeout(&patient), Some(start + seconds(60)));
}

#[test]
fn a_slow_connection_fails_and_a_refused_one_waits_its_turn() {
    let start = Moment::from_millis(77);
    let mut life = Life::new(false, &timeouts(), start);
    life.step(Step::Connect, &timeouts(), start);
    let expired = life.handle_timeout(&timeouts(), start + seconds(5));
    assert_eq!(expired, Some(Expired::ConnectFailed));
    life.step(Step::TurnAround(SECOND), &timeouts(), start);
    assert_eq!(life.handle_timeout(&timeouts(), start), None);
    let expired = life.handle_timeout(&timeouts(), start + SECOND);
    assert_eq!(expired, Some(Expired::TryAgain));
}

#[test]
fn whoever_is_silent_first_is_to_blame() {
    let start = Moment::from_millis(77);
    let mut life = relaying(start);
    let expired = life.handle_timeout(&timeouts(), start + seconds(30));
    assert_eq!(expired, Some(Expired::Silent(Cause::ClientTimeout)));

    life.client_acted(start + seconds(20));
    assert_eq!(life.poll_timeout(&timeouts()), Some(start + seconds(40)));
    let expired = life.handle_timeout(&timeouts(), start + seconds(40));
    assert_eq!(expired, Some(Expired::Silent(Cause::ServerTimeout)));
}

#[test]
fn who_is_not_expected_to_act_is_not_timed_out() {
    let start = Moment::from_millis(77);
    let mut life = relaying(start);
    // The client has sent all it had: only the server is waited for.
    life.expect(false, true, start + SECOND);
    assert_eq!(life.poll_timeout(&timeouts()), Some(start + seconds(40)));
    // Its answer waits for the client, who starts afresh.
    life.expect(true, false, start + seconds(35));
    assert_eq!(life.poll_timeout(&timeouts()), Some(start + seconds(65)));
}

#[test]
fn acting_puts_a_deadline_off_and_only_that_needs_no_look() {
    let start = Moment::START;
    let mut life = relaying(start);
    assert!(life.take_hastened());
    life.client_acted(start + SECOND);
    life.server_acted(start + SECOND);
    life.expect(true, false, start + SECOND);
    assert!(!life.take_hastened());
    life.expect(true, true, start + SECOND);
    assert!(life.take_hastened());
    life.half_close();
    assert!(life.take_hastened());
}

#[test]
fn a_tunnel_timeout_replaces_both_until_one_side_closes() {
    let start = Moment::from_millis(77);
    let mut life = relaying(start);
    let tunnel = Timeouts {
        tunnel: Some(seconds(3600)),
        client_fin: Some(seconds(2)),
        ..timeouts()
    };
    assert_eq!(life.poll_timeout(&tunnel), Some(start + seconds(3600)));
    life.half_close();
    assert_eq!(life.poll_timeout(&tunnel), Some(start + seconds(2)));
    let expired = life.handle_timeout(&tunnel, start + seconds(2));
    assert_eq!(expired, Some(Expired::Silent(Cause::ClientTimeout)));
}

#[test]
fn endings_are_named_after_the_stage() {
    let start = Moment::from_millis(77);
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
    let start = Moment::from_millis(77);
    let none = Timeouts::default();
    let life = Life::new(true, &none, start);
    assert_eq!(life.poll_timeout(&none), None);
    assert_eq!(life.handle_timeout(&none, start + seconds(9999)), None);
}
