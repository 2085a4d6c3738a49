use std::{
    io::{ErrorKind, Read as _},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use pontoon_config::keepalived::model::{Aws, FloatingIp, HttpProxy, PeerHost, Provider};
use pontoon_lab::wait;

use super::*;
use crate::election::testing::{Room, location, model};

const ID: InstanceId = InstanceId(0);
const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(34, 249, 49, 35));
const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 1, 190));

/// A provider that takes connections and never answers.
struct Silent(TcpListener);

impl Silent {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    fn caller(&self) -> Option<TcpStream> {
        match self.0.accept() {
            Ok((stream, _)) => Some(stream),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        }
    }
}

fn address(provider: &Silent) -> FloatingIp {
    FloatingIp {
        address: ADDRESS,
        location: location(),
        provider: Provider::Aws(Aws {
            region: Some("eu-west-1".into()),
            metadata_endpoint: Some(provider.url()),
            peers: vec![PeerHost {
                address: PEER,
                private_ip: [10, 0, 1, 190].into(),
            }],
            ..Aws::default()
        }),
        verify_interval: Duration::from_secs(10),
        api_timeout: Duration::from_secs(60),
        endpoint: Some(provider.url()),
        proxy: HttpProxy::None,
        ca_file: None,
    }
}

fn file(addresses: Vec<FloatingIp>) -> Model {
    let mut model = model();
    model.instances[0].floating_ips = addresses;
    model
}

fn standing(master: bool, peers: &[Peer]) -> Standing<'_> {
    Standing {
        master,
        priority: Priority(101),
        peers,
        source: None,
    }
}

/// The loop turns until this is there; no call may be answered meanwhile.
async fn until<T>(floating: &mut Floating, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + wait::PATIENCE;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain");
        let turn = tokio::time::timeout(Duration::from_millis(5), floating.next());
        if let Ok(answered) = turn.await {
            panic!("{answered:?}");
        }
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(work)
}

#[test]
fn a_call_begins_with_mastership_and_is_dropped_with_it() {
    let room = Room::new("floating");
    let provider = Silent::new();
    run(async {
        let mut floating = Floating::new(&file(vec![address(&provider)]), room.log.clone());
        floating.follow(ID, &standing(false, &[]), Instant::now());
        assert!(floating.status(ID, Instant::now())[0].call.is_none());

        floating.follow(ID, &standing(true, &[]), Instant::now());
        let mut caller = until(&mut floating, || provider.caller()).await;
        let status = &floating.status(ID, Instant::now())[0];
        assert_eq!(status.call.as_ref().unwrap().what, "describe");
        assert_eq!(
            (status.phase.as_str(), status.counters.describes),
            ("looking", 1)
        );

        floating.follow(ID, &standing(false, &[]), Instant::now());
        let status = &floating.status(ID, Instant::now())[0];
        assert!(
            status.call.is_none() && status.phase == "idle",
            "{status:?}"
        );
        // Nobody holds the connection any more.
        caller.set_nonblocking(true).unwrap();
        let mut buffer = [0; 4096];
        until(&mut floating, || match caller.read(&mut buffer) {
            Ok(0) => Some(()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Some(()),
            _ => None,
        })
        .await;
    });
}

#[test]
fn a_call_that_was_ordered_and_not_begun_does_not_begin_any_more() {
    let room = Room::new("floating");
    let provider = Silent::new();
    run(async {
        let mut floating = Floating::new(&file(vec![address(&provider)]), room.log.clone());
        floating.follow(ID, &standing(true, &[]), Instant::now());
        floating.follow(ID, &standing(false, &[]), Instant::now());
        let began = Instant::now();
        let soon = || (began.elapsed() > Duration::from_millis(50)).then_some(());
        until(&mut floating, soon).await;
        assert!(provider.caller().is_none());
    });
}

/// Before mastership, and not for its calls to wait for: they begin at once.
#[test]
fn a_preparation_asks_metadata_only_and_makes_way_for_a_call() {
    let room = Room::new("floating");
    let (api, metadata) = (Silent::new(), Silent::new());
    let mut file_address = address(&api);
    let Provider::Aws(aws) = &mut file_address.provider else {
        panic!("another provider");
    };
    aws.metadata_endpoint = Some(metadata.url());
    run(async {
        let mut floating = Floating::new(&file(vec![file_address]), room.log.clone());
        let now = Instant::now();
        assert!(floating.poll_timeout().is_some_and(|due| due <= now));
        floating.timeout(now);
        let _preparing = until(&mut floating, || metadata.caller()).await;
        assert_eq!(floating.poll_timeout(), None);
        assert!(api.caller().is_none());
        let status = &floating.status(ID, Instant::now())[0];
        assert!(status.call.is_none() && status.ready_ago.is_none());

        floating.follow(ID, &standing(true, &[]), Instant::now());
        // The same question again, by the call.
        let _calling = until(&mut floating, || metadata.caller()).await;
        assert!(floating.status(ID, Instant::now())[0].call.is_some());
        floating.follow(ID, &standing(false, &[]), Instant::now());
        let soon = floating.poll_timeout().unwrap() - Instant::now();
        assert!(soon > Duration::from_secs(50), "{soon:?}");
    });
}

/// Nobody listens where metadata should be.
#[test]
fn a_node_that_is_not_ready_says_so_once() {
    let room = Room::new("floating");
    let api = Silent::new();
    let mut file_address = address(&api);
    let Provider::Aws(aws) = &mut file_address.provider else {
        panic!("another provider");
    };
    aws.metadata_endpoint = Some("http://127.0.0.1:1".into());
    run(async {
        let mut floating = Floating::new(&file(vec![file_address]), room.log.clone());
        let mut now = Instant::now();
        for _ in 0..3 {
            now = now.max(floating.poll_timeout().unwrap());
            floating.timeout(now);
            let ended = tokio::time::timeout(wait::PATIENCE, floating.next()).await;
            floating.answered(ended.unwrap(), now);
        }
        let waits = floating.poll_timeout().unwrap() - now;
        assert_eq!(waits, Duration::from_secs(20));
        let trouble = floating.status(ID, now)[0].not_ready.clone().unwrap();
        let wanted =
            "127.0.0.1 port 1 cannot be reached: Connection refused: is this an EC2 instance?";
        assert!(trouble.text.contains(wanted), "{}", trouble.text);
        let logged = room.logged();
        let line = "floating IP 34.249.49.35 could not be taken by this node: instance metadata: ";
        assert_eq!(logged.matches(line).count(), 1, "{logged}");
        assert!(api.caller().is_none());
    });
}

#[test]
fn a_reload_keeps_what_is_reached_as_before() {
    let room = Room::new("floating");
    let (provider, other) = (Silent::new(), Silent::new());
    run(async {
        let mut floating = Floating::new(&file(vec![address(&provider)]), room.log.clone());
        floating.follow(ID, &standing(true, &[]), Instant::now());
        let _caller = until(&mut floating, || provider.caller()).await;

        let mut slower = address(&provider);
        slower.verify_interval = Duration::from_secs(20);
        floating.reload(&file(vec![slower]));
        assert!(floating.status(ID, Instant::now())[0].call.is_some());

        floating.reload(&file(vec![address(&other)]));
        let fresh = &floating.status(ID, Instant::now())[0];
        assert_eq!(
            (fresh.phase.as_str(), fresh.counters.describes),
            ("idle", 0)
        );
        floating.follow(ID, &standing(true, &[]), Instant::now());
        let _caller = until(&mut floating, || other.caller()).await;

        floating.reload(&file(Vec::new()));
        assert_eq!(floating.instances(), []);
    });
}

#[test]
fn it_is_asserted_by_a_master_only() {
    let room = Room::new("floating");
    let provider = Silent::new();
    let mut floating = Floating::new(&file(vec![address(&provider)]), room.log.clone());
    let now = Instant::now();
    let why = floating.assert(None, now).unwrap_err();
    assert!(why.contains("VI_1 is not master here"), "{why}");
    let why = floating.assert(Some(PEER), now).unwrap_err();
    assert!(why.contains("no floating_ip 10.0.1.190"), "{why}");
    floating.follow(ID, &standing(true, &[]), now);
    assert_eq!(floating.assert(Some(ADDRESS), now), Ok(vec![ADDRESS]));
    let why = Floating::new(&file(Vec::new()), room.log.clone()).assert(None, now);
    assert!(why.unwrap_err().contains("has no floating_ip"));
}

#[test]
fn an_authority_that_cannot_be_read_is_told_at_once() {
    let room = Room::new("floating");
    let provider = Silent::new();
    let mut unreadable = address(&provider);
    unreadable.ca_file = Some("/nonexistent/ca.pem".into());
    let _floating = Floating::new(&file(vec![unreadable]), room.log.clone());
    let logged = room.logged();
    let wanted = "(VI_1) floating IP 34.249.49.35 cannot be asked for: ca_file \
                  /nonexistent/ca.pem";
    assert!(logged.contains(wanted), "{logged}");
}
