//! Bulk, and what it leaves behind.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    thread,
    time::{Duration, Instant},
};

use socket2::SockRef;

use super::fixture::{Fixture, echo, read_all, server};

/// More than the sockets of a session hold.
const BULK: usize = 12 << 20;

/// Sends bulk to an echo server, and reads it back.
fn exchange_bulk(client: &TcpStream) {
    let mut sender = client.try_clone().unwrap();
    let sending = thread::spawn(move || sender.write_all(&vec![7; BULK]));
    let mut left = client.take(BULK as u64);
    let got = std::io::copy(&mut left, &mut std::io::sink()).unwrap();
    assert_eq!(got, BULK as u64);
    sending.join().unwrap().unwrap();
}

/// However long a busy machine takes.
const WITHOUT_TIMEOUTS: &str = "timeout client 0\ntimeout server 0";

/// Bytes that tell where they belong.
fn pattern(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn bulk_that_is_gathered_arrives_as_it_was_sent_and_messages_after_it_at_once() {
    // No power of two, so that a lost buffer shows.
    const PIECE: usize = 1_000_003;
    const PIECES: usize = 128;
    const LATE: Duration = Duration::from_millis(500);
    let fixture = Fixture::start(&[echo()], 1, WITHOUT_TIMEOUTS);
    let mut client = fixture.connect();
    for _ in 0..2 {
        let mut sender = client.try_clone().unwrap();
        let sending = thread::spawn(move || {
            let piece = pattern(PIECE);
            (0..PIECES).try_for_each(|_| sender.write_all(&piece))
        });
        let (piece, mut got) = (pattern(PIECE), vec![0; PIECE]);
        for _ in 0..PIECES {
            client.read_exact(&mut got).unwrap();
            assert!(got == piece, "bytes were lost, doubled or changed");
        }
        sending.join().unwrap().unwrap();
        for _ in 0..20 {
            let asked = Instant::now();
            client.write_all(b"ping").unwrap();
            client.read_exact(&mut got[..4]).unwrap();
            assert_eq!(&got[..4], b"ping");
            assert!(asked.elapsed() < LATE, "{:?}", asked.elapsed());
        }
    }
    client.shutdown(Shutdown::Write).unwrap();
    assert!(read_all(&client).unwrap().is_empty());
}

#[test]
fn more_bulk_than_pipes_arrives_whole() {
    const SESSIONS: usize = 40;
    let fixture = Fixture::start(&[echo()], 1, WITHOUT_TIMEOUTS);
    let clients: Vec<TcpStream> = (0..SESSIONS).map(|_| fixture.connect()).collect();
    thread::scope(|scope| {
        for mut client in &clients {
            let mut sender = client.try_clone().unwrap();
            scope.spawn(move || sender.write_all(&pattern(BULK / 4)).unwrap());
            scope.spawn(move || {
                let mut got = vec![0; BULK / 4];
                client.read_exact(&mut got).unwrap();
                assert!(got == pattern(BULK / 4));
            });
        }
    });
}

#[test]
fn urgent_data_do_not_stop_bulk() {
    // Reads late, so that the urgent byte comes while bulk is under way.
    let counting = server(|mut stream| {
        thread::spawn(move || {
            let got = std::io::copy(&mut stream, &mut std::io::sink()).unwrap();
            stream.write_all(&got.to_be_bytes()).unwrap();
        });
    });
    let fixture = Fixture::start(&[counting], 1, "");
    let mut client = fixture.connect();
    let block = vec![0; BULK / 4];
    for _ in 0..4 {
        client.write_all(&block).unwrap();
        SockRef::from(&client).send_out_of_band(b"!").unwrap();
    }
    client.write_all(&block).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let answer = read_all(&client).unwrap();
    // The last urgent byte is left out; earlier ones are ordinary by then, or left out as well.
    let got = u64::from_be_bytes(answer.try_into().unwrap());
    let sent = 5 * block.len() as u64;
    assert!((sent..=sent + 3).contains(&got), "{got} of {sent}");
}

#[test]
fn bulk_is_copied_where_splicing_is_switched_off() {
    for lines in [
        "no option splice-auto",
        "no option splice-request\nno option splice-response",
    ] {
        let fixture = Fixture::start(&[echo()], 1, &format!("{WITHOUT_TIMEOUTS}\n{lines}"));
        exchange_bulk(&fixture.connect());
    }
}

#[test]
fn who_is_idle_after_bulk_holds_no_pipe() {
    // More sessions than there are pipes.
    const SESSIONS: usize = 80;
    const SPARE: usize = 2 * 16;
    let fixture = Fixture::start(&[echo()], 1, WITHOUT_TIMEOUTS);
    let held: Vec<TcpStream> = (0..SESSIONS).map(|_| fixture.connect()).collect();
    held.iter().for_each(exchange_bulk);
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    let pipes = open
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter(|link| link.to_string_lossy().starts_with("pipe:"))
        .count();
    // Other tests of this process may have some, too.
    assert!(pipes <= 2 * SPARE, "{pipes} ends of pipes");
}

#[test]
fn who_is_refused_while_sending_learns_why() {
    let refusing = server(|mut stream| {
        let mut first = [0; 1000];
        let _some = stream.read(&mut first).unwrap();
        stream.write_all(b"too large").unwrap();
        // Closed with bytes unread: a reset follows the words.
    });
    let fixture = Fixture::start(&[refusing], 1, "");
    for _ in 0..20 {
        let client = fixture.connect();
        let mut sender = client.try_clone().unwrap();
        // Breaks off once the session is over.
        let sending = thread::spawn(move || sender.write_all(&vec![7; BULK]).is_err());
        assert_eq!(read_all(&client).unwrap(), b"too large");
        sending.join().unwrap();
    }
}
