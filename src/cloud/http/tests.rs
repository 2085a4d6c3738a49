//! What the stories of `tests/cloud` do not see: the bytes themselves, and bytes that must not leave.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

use hyper::{Method, StatusCode};
use pontoon_config::keepalived::model::HttpProxy;
use pontoon_engine::floating_ip::event::FailureKind;

use super::*;
use crate::cloud::fence::Fence;

/// A server for one connection; what it has heard comes out of the channel when that has ended.
fn server(
    answer: impl FnOnce(&mut TcpStream) + Send + 'static,
) -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, heard) = mpsc::channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // What comes before a question is no answer.
        stream.peek(&mut [0]).ok();
        answer(&mut stream);
        stream.shutdown(std::net::Shutdown::Write).ok();
        let mut text = String::new();
        stream.read_to_string(&mut text).ok();
        tell.send(text).ok();
    });
    (address, heard)
}

fn request(address: SocketAddr) -> Request {
    let uri = format!("http://{address}/a/b?c=d").parse().unwrap();
    Request::new(Method::POST, uri, b"body".to_vec())
}

async fn send(http: &Http, request: Request, limit: Duration) -> Result<Answer, Problem> {
    let permit = Permit::by_hand();
    http.send(request, &Call::within(limit, &permit)).await
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "current_thread")]
async fn a_request_says_what_it_has_to() {
    let (address, heard) = server(|stream| {
        stream
            .write_all(b"HTTP/1.1 203 X\r\nRetry-After: 7\r\n\r\nhello")
            .unwrap();
    });
    let answer = send(&Http::nearby(), request(address), LONG).await.unwrap();
    assert_eq!(answer.status, StatusCode::NON_AUTHORITATIVE_INFORMATION);
    assert_eq!(answer.text(), "hello");
    assert_eq!(answer.retry_after(), Some(Duration::from_secs(7)));
    let heard = heard.recv().unwrap();
    assert!(heard.starts_with("POST /a/b?c=d HTTP/1.1\r\n"), "{heard}");
    assert!(heard.contains(&format!("host: {address}\r\n")), "{heard}");
    assert!(heard.ends_with("\r\n\r\nbody"), "{heard}");
}

#[tokio::test(flavor = "current_thread")]
async fn nothing_leaves_once_the_permit_holds_no_longer() {
    let (address, heard) = server(|_| {});
    let fence = Fence::default();
    let permit = fence.permit();
    let call = Call::within(LONG, &permit);
    // The fence is closed while the connection is made: after the first question, before the last.
    let http = Http::nearby();
    let sending = http.send(request(address), &call);
    let closing = async { fence.close() };
    let (sent, ()) = tokio::join!(sending, closing);
    assert_eq!(
        sent.unwrap_err().text,
        "no longer wanted: mastership has ended"
    );
    assert_eq!(heard.recv().unwrap(), "", "a connection, and not one byte");
}

#[tokio::test(flavor = "current_thread")]
async fn silence_ends_with_the_deadline_and_may_mean_anything() {
    let (hold, held) = mpsc::channel::<()>();
    let (address, _heard) = server(move |_| {
        held.recv().ok();
    });
    let silent = send(
        &Http::nearby(),
        request(address),
        Duration::from_millis(200),
    )
    .await;
    let problem = silent.unwrap_err();
    assert_eq!(problem.kind, FailureKind::Unanswered);
    assert_eq!(
        problem.text,
        "127.0.0.1:PORT has not answered within 200ms".replace("PORT", &address.port().to_string())
    );
    drop(hold);
}

#[tokio::test(flavor = "current_thread")]
async fn an_answer_without_end_is_given_up() {
    let (address, _heard) = server(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let piece = [b'x'; 65536];
        while stream.write_all(&piece).is_ok() {}
    });
    let problem = send(&Http::nearby(), request(address), LONG)
        .await
        .unwrap_err();
    assert_eq!(problem.kind, FailureKind::Unanswered);
    assert!(
        problem.text.contains("its answer broke off"),
        "{}",
        problem.text
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_closed_port_means_that_nothing_was_carried_out() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let problem = send(&Http::nearby(), request(address), LONG)
        .await
        .unwrap_err();
    assert_eq!(problem.kind, FailureKind::Unwell);
}

#[test]
fn a_proxy_is_chosen_as_the_usual_variables_say() {
    let environment = Environment::from([
        ("HTTPS_PROXY", "http://user:hush@proxy.example:3128"),
        ("NO_PROXY", "localhost,10.0.0.0/8,.internal"),
    ]);
    let proxy = Proxy::new(&HttpProxy::Environment, &environment).unwrap();
    let through = |uri: &str| proxy.towards(&uri.parse().unwrap()).is_some();
    assert!(through("https://ec2.eu-west-1.amazonaws.com/"));
    assert!(
        !through("http://ec2.eu-west-1.amazonaws.com/"),
        "no HTTP_PROXY"
    );
    assert!(!through("https://10.1.2.3/"));
    assert!(!through("https://api.internal/"));
    let none = Proxy::new(&HttpProxy::None, &environment).unwrap();
    assert!(
        none.towards(&"https://ec2.eu-west-1.amazonaws.com/".parse().unwrap())
            .is_none()
    );
}

#[test]
fn a_proxy_that_cannot_be_used_is_refused_without_its_password() {
    for url in ["socks5://user:hush@proxy:1080", "http://user:hush@ /"] {
        let refused = Proxy::new(&HttpProxy::Url(url.into()), &Environment::default());
        let text = refused.err().unwrap().to_string();
        assert!(!text.contains("hush"), "{text}");
    }
}

#[test]
fn an_endpoint_is_a_url_without_a_password() {
    assert!(callable("endpoint", "https://ec2.eu-west-1.amazonaws.com").is_ok());
    for url in [
        "ec2.eu-west-1.amazonaws.com",
        "ftp://x",
        "http://",
        "http://user:hush@x/",
    ] {
        let text = callable("endpoint", url).unwrap_err().to_string();
        assert!(!text.contains("hush"), "{text}");
    }
}

#[test]
fn neither_requests_nor_answers_show_what_is_in_them() {
    let uri = "http://x/".parse().unwrap();
    let request = Request::new(Method::POST, uri, b"hush".to_vec());
    let request = request.header(header::AUTHORIZATION, "hush").unwrap();
    assert_eq!(format!("{request:?}"), "POST x");
    let stray = Request::get("http://x/".parse().unwrap()).header(header::AUTHORIZATION, "hush\n");
    assert!(!stray.unwrap_err().text.contains("hush"));
}
