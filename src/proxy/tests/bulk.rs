//! Bulk, and what it leaves behind.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    thread,
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
