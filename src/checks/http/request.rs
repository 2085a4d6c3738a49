//! Writes the request of `http-check send`.

use pontoon_config::haproxy::check::HttpRequest;

/// The bytes of a request. Header names go out in lower case, as HAProxy writes them.
pub(super) fn encode(request: &HttpRequest, state: Option<&str>) -> Vec<u8> {
    let HttpRequest {
        method,
        uri,
        version,
        headers,
        body,
    } = request;
    let mut out = format!("{method} {uri} {version}\r\n");
    let mut header = |name: &str, value: &str| {
        for part in [&name.to_ascii_lowercase(), ": ", value, "\r\n"] {
            out.push_str(part);
        }
    };
    // The length is ours to say.
    let ours = |name: &str| {
        name.eq_ignore_ascii_case("content-length")
            || name.eq_ignore_ascii_case("transfer-encoding")
    };
    for (name, value) in headers.iter().filter(|(name, _)| !ours(name)) {
        header(name, value);
    }
    if let Some(state) = state {
        header("x-haproxy-server-state", state);
    }
    if !body.is_empty() {
        header("content-length", &body.len().to_string());
    }
    let says_connection = headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("connection"));
    if version != "HTTP/1.0" && !says_connection {
        header("connection", "close");
    }
    out.push_str("\r\n");
    let mut out = out.into_bytes();
    out.extend_from_slice(body);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(version: &str) -> HttpRequest {
        HttpRequest {
            method: "GET".into(),
            uri: "/x".into(),
            version: version.into(),
            headers: vec![
                ("Host".into(), "foo.bar".into()),
                ("X-y".into(), "z".into()),
            ],
            body: b"hello".to_vec(),
        }
    }

    #[test]
    fn http_1_1_says_that_it_closes() {
        let text = encode(&request("HTTP/1.1"), None);
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "GET /x HTTP/1.1\r\nhost: foo.bar\r\nx-y: z\r\ncontent-length: 5\r\n\
             connection: close\r\n\r\nhello"
        );
    }

    #[test]
    fn the_state_stands_behind_the_headers() {
        let text = encode(&request("HTTP/1.0"), Some("UP 1/3"));
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "GET /x HTTP/1.0\r\nhost: foo.bar\r\nx-y: z\r\nx-haproxy-server-state: UP 1/3\r\n\
             content-length: 5\r\n\r\nhello"
        );
    }
}
