//! The protocol over real sockets, against a process made by hand.

use std::{sync::Arc, time::Duration};

use pontoon_config::haproxy::model::{Access, SeverityOutput};
use pontoon_engine::address::Endpoint;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};

use super::{Terms, connection, session::Session};
use crate::admin::{fixture, stream::Stream};

/// A client of a process, which may do so much.
fn connect(access: Access) -> UnixStream {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    theirs.set_nonblocking(true).unwrap();
    let stream = Stream::new(ours.into(), &Endpoint::Abstract(Arc::default()), Vec::new());
    let terms = Terms {
        access,
        severity: SeverityOutput::None,
        patience: Duration::from_millis(500),
    };
    let session = Session::new(fixture::running("    stats enable"), terms);
    tokio::spawn(connection::serve(session, stream.unwrap()));
    UnixStream::from_std(theirs).unwrap()
}

/// What is answered to this, up to the end of the connection.
async fn say(access: Access, text: &str) -> String {
    let mut client = connect(access);
    client.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_script_gets_its_answers_and_the_end() {
    let version = crate::VERSION;
    let one = format!("{version}\n\n");
    assert_eq!(say(Access::User, "show version\n").await, one);
    let two = one.repeat(2);
    assert_eq!(say(Access::User, "show version; show version\n").await, two);
    assert_eq!(say(Access::User, "show version\nshow version\n").await, two);
    assert_eq!(
        say(Access::User, "show version;quit;show version\n").await,
        one
    );
}

#[tokio::test]
async fn a_person_is_asked_for_the_next_command() {
    let version = crate::VERSION;
    let answer = say(Access::User, "prompt\nshow version\nquit\n").await;
    assert_eq!(answer, format!("\n> {version}\n\n> "));
}

#[tokio::test]
async fn a_person_is_asked_for_the_rest_of_a_payload() {
    let mut client = connect(Access::User);
    client
        .write_all(b"prompt\nshow version <<\n")
        .await
        .unwrap();
    let mut asked = [0; 5];
    client.read_exact(&mut asked).await.unwrap();
    assert_eq!(&asked, b"\n> + ");
    client.write_all(b"anything\n\nquit\n").await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, format!("{}\n\n> ", crate::VERSION));
}

#[tokio::test]
async fn a_level_is_lowered_and_not_raised() {
    let answer = say(
        Access::Operator,
        "show cli level; user; operator; show cli level\n",
    )
    .await;
    assert_eq!(answer, "operator\n\n\nPermission denied\n\nuser\n\n");
}

#[tokio::test]
async fn a_silent_client_is_left() {
    assert_eq!(say(Access::User, "show vers").await, "");
    assert_eq!(say(Access::User, "prompt\n").await, "\n> ");
}

#[tokio::test]
async fn statistics_are_those_of_the_page_in_rows_that_were_asked_for() {
    let all = say(Access::User, "show stat\n").await;
    assert!(all.starts_with("# pxname,svname,"));
    assert!(all.ends_with("-,\n\n"));
    let servers = say(Access::User, "show stat be_exasol 4 -1\n").await;
    assert_eq!(servers.lines().count(), 12);
    let one = say(Access::User, "show stat -1 4 2 typed\n").await;
    assert!(one.contains(":KNS:str:going-down\n"), "{one}");
    assert!(!one.contains(":str:up\n"), "{one}");
    assert_eq!(
        say(Access::User, "show stat nobody -1 -1\n").await,
        "No such proxy.\n\n"
    );
}

#[tokio::test]
async fn values_of_the_process_are_found_by_name_and_by_number() {
    let plain = say(Access::User, "show info\n").await;
    assert!(plain.contains("\nMaxconn: 10000\n"), "{plain}");
    assert!(
        plain.contains("\ndescription: a <made-up> node\nStopping: 0\n"),
        "{plain}"
    );
    let typed = say(Access::User, "show info typed\n").await;
    assert!(typed.contains("\n15.Maxconn.1:CLP:u32:10000\n"), "{typed}");
    assert!(typed.ends_with("\n71.Tainted.1:SGP:str:0\n\n"), "{typed}");
    let json = say(Access::User, "show info json\n").await;
    let items: serde_json::Value = serde_json::from_str(json.trim_end()).unwrap();
    assert_eq!(items[0]["tags"]["origin"], "Product");
}
