//! Signature Version 4 (AWS General Reference, "Signing AWS API requests").

use hmac::{Hmac, KeyInit, Mac};
use hyper::header::{self, HeaderName};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::keys::Keys;
use crate::cloud::{http::Request, problem::Problem};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What a signature is good for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) region: &'a str,
    /// `ec2`, `sts`.
    pub(super) service: &'a str,
}

/// The request with its date, its token and its signature.
///
/// # Errors
/// `Refused`: a key or a token cannot be sent.
pub(super) fn sign(
    request: Request,
    keys: &Keys,
    scope: Scope<'_>,
    at: Timestamp,
) -> Result<Request, Problem> {
    let time = at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut request = request.header(HeaderName::from_static("x-amz-date"), &time)?;
    if let Some(token) = &keys.token {
        request = request.header(HeaderName::from_static("x-amz-security-token"), token)?;
    }
    let (day, _) = time.split_at(8);
    let place = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let (canonical, signed) = canonical(&request);
    let text = format!(
        "{ALGORITHM}\n{time}\n{place}\n{}",
        hex(&Sha256::digest(canonical))
    );
    let signature = hex(&mac(&signing_key(&keys.secret, day, scope), &text));
    let access = &keys.access;
    let value = format!(
        "{ALGORITHM} Credential={access}/{place}, SignedHeaders={signed}, Signature={signature}"
    );
    request.header(header::AUTHORIZATION, &value)
}

/// What is hashed of a request, and the names of the headers in it.
fn canonical(request: &Request) -> (String, String) {
    let mut headers: Vec<(String, String)> = request
        .headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            let words: Vec<&str> = value.split_whitespace().collect();
            (name.as_str().to_owned(), words.join(" "))
        })
        .collect();
    headers.push(("host".to_owned(), request.host()));
    headers.sort();
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let signed = names.join(";");
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let mut query: Vec<&str> = request.uri.query().unwrap_or_default().split('&').collect();
    query.sort_unstable();
    let whole = format!(
        "{}\n{}\n{}\n{lines}\n{signed}\n{}",
        request.method,
        escaped(request.uri.path(), b"/"),
        query.join("&"),
        hex(&Sha256::digest(&request.body)),
    );
    (whole, signed)
}

fn signing_key(secret: &str, day: &str, scope: Scope<'_>) -> Vec<u8> {
    let first = format!("AWS4{secret}").into_bytes();
    [day, scope.region, scope.service, "aws4_request"]
        .into_iter()
        .fold(first, |key, part| mac(&key, part))
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    #[expect(
        clippy::expect_used,
        reason = "HMAC takes keys of any length (RFC 2104)"
    )]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A form's body: `Action=DescribeAddresses&Version=…`.
pub(super) fn form(parameters: &[(&str, &str)]) -> Vec<u8> {
    let pair =
        |(name, value): &(&str, &str)| format!("{}={}", escaped(name, b""), escaped(value, b""));
    let pairs: Vec<String> = parameters.iter().map(pair).collect();
    pairs.join("&").into_bytes()
}

/// Percent-encoded, but for the unreserved characters of RFC 3986 and those in `also`.
fn escaped(text: &str, also: &[u8]) -> String {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || also.contains(&byte);
    text.bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;

    /// The keys of AWS's published examples.
    fn example(token: Option<&str>) -> Keys {
        Keys {
            access: "AKIDEXAMPLE".into(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            token: token.map(str::to_owned),
            expires: None,
            origin: String::new(),
        }
    }

    fn signature(request: Request, service: &str) -> String {
        let scope = Scope {
            region: "us-east-1",
            service,
        };
        let at = "2015-08-30T12:36:00Z".parse().unwrap();
        let signed = sign(request, &example(None), scope, at).unwrap();
        signed.headers[header::AUTHORIZATION]
            .to_str()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn the_signing_key_of_the_general_reference() {
        let scope = Scope {
            region: "us-east-1",
            service: "iam",
        };
        let key = signing_key(&example(None).secret, "20150830", scope);
        let published = "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9";
        assert_eq!(hex(&key), published);
    }

    #[test]
    fn a_query_with_a_header_as_in_the_general_reference() {
        let uri = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08";
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        let request = Request::get(uri.parse().unwrap())
            .header(header::CONTENT_TYPE, form)
            .unwrap();
        assert_eq!(
            signature(request, "iam"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }

    #[test]
    fn a_bare_request_as_in_the_test_suite() {
        let request = Request::get("https://example.amazonaws.com/".parse().unwrap());
        let signature = signature(request, "service");
        assert!(
            signature.ends_with("5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            "{signature}"
        );
    }

    #[test]
    fn a_form_as_in_the_test_suite() {
        let uri = "https://example.amazonaws.com/".parse().unwrap();
        let request = Request::new(Method::POST, uri, b"Param1=value1".to_vec());
        let form = "application/x-www-form-urlencoded";
        let request = request.header(header::CONTENT_TYPE, form).unwrap();
        let signature = signature(request, "service");
        assert!(
            signature.ends_with("ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
            "{signature}"
        );
    }

    #[test]
    fn a_token_is_sent_and_signed() {
        let scope = Scope {
            region: "eu-west-1",
            service: "ec2",
        };
        let request = Request::get("https://example.amazonaws.com/".parse().unwrap());
        let signed = sign(
            request,
            &example(Some("session")),
            scope,
            Timestamp::UNIX_EPOCH,
        )
        .unwrap();
        let line = signed.headers[header::AUTHORIZATION].to_str().unwrap();
        assert!(
            line.contains("SignedHeaders=host;x-amz-date;x-amz-security-token,"),
            "{line}"
        );
        assert_eq!(signed.headers["x-amz-security-token"], "session");
    }

    #[test]
    fn what_is_special_in_a_form_is_escaped() {
        assert_eq!(form(&[("A.1", "a b/c+é~")]), b"A.1=a%20b%2Fc%2B%C3%A9~");
    }
}
