//! Requests of HTTP checks.

use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::{
        Context,
        check::{HttpRequest, steps},
        log_format::{self, Piece},
        value::{required, text_after},
    },
    source::{Span, Word},
};

/// What one line says of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Request {
    method: Option<String>,
    uri: Option<String>,
    version: Option<String>,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Request {
    /// This, and where it says nothing the other; headers of both.
    pub(super) fn or(self, other: &Self) -> Self {
        let mut headers = self.headers;
        headers.extend(other.headers.iter().cloned());
        Self {
            method: self.method.or_else(|| other.method.clone()),
            uri: self.uri.or_else(|| other.uri.clone()),
            version: self.version.or_else(|| other.version.clone()),
            headers,
            body: self.body.or_else(|| other.body.clone()),
        }
    }

    pub(super) fn finish(self) -> HttpRequest {
        HttpRequest {
            method: self.method.unwrap_or_else(|| "OPTIONS".to_owned()),
            uri: self.uri.unwrap_or_else(|| "/".to_owned()),
            version: self.version.unwrap_or_else(|| "HTTP/1.0".to_owned()),
            headers: self.headers,
            body: self.body.unwrap_or_default(),
        }
    }
}

/// The words after `option httpchk`: nothing, a URI, or a method, a URI and maybe a version.
pub(super) fn of_option(args: &mut Args<'_>, d: &mut Diagnostics) -> Option<Request> {
    let mut request = Request::default();
    let Some(first) = args.next() else {
        return Some(request);
    };
    let Some(uri) = args.next() else {
        request.uri = Some(first.text.clone());
        return Some(request);
    };
    request.method = Some(first.text.clone());
    request.uri = Some(uri.text.clone());
    if let Some(version) = args.next() {
        versioned(version, &mut request, d)?;
    }
    Some(request)
}

/// Headers and a body may hide behind the version, as was once the only way.
fn versioned(word: &Word, request: &mut Request, d: &mut Diagnostics) -> Option<()> {
    let (version, hidden) = word.text.split_once("\r\n").unwrap_or((&word.text, ""));
    request.version = Some(version_of(version, word, d)?);
    if hidden.is_empty() {
        return Some(());
    }
    d.warning(
        "obsolete",
        word.span,
        "headers behind the version are an old trick",
    )
    .suggest("use `http-check send` with `hdr` and `body`");
    let (headers, body) = hidden.split_once("\r\n\r\n").unwrap_or((hidden, ""));
    for line in headers.split("\r\n").filter(|line| !line.is_empty()) {
        let Some((name, value)) = line.split_once(':') else {
            d.error("bad-header", word.span, format!("`{line}` is not a header"))
                .suggest("as in `Host: db.example`");
            return None;
        };
        let header = (name.trim().to_owned(), value.trim().to_owned());
        request.headers.push(header);
    }
    request.body = (!body.is_empty()).then(|| body.as_bytes().to_vec());
    Some(())
}

fn version_of(text: &str, word: &Word, d: &mut Diagnostics) -> Option<String> {
    if matches!(text, "HTTP/1.0" | "HTTP/1.1") {
        return Some(text.to_owned());
    }
    let message = format!("`{text}` is not a version that checks speak");
    d.error("bad-choice", word.span, message)
        .suggest("HTTP/1.0 or HTTP/1.1");
    None
}

const PARAMETERS: &[&str] = &["body", "comment", "hdr", "meth", "uri", "ver"];

/// The words after `http-check send`, and where its comment stands.
pub(super) fn of_send(
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<(Request, Option<Span>)> {
    let mut request = Request::default();
    let mut comment = None;
    while let Some(word) = args.next() {
        match word.text.as_str() {
            "meth" => request.method = Some(text_after(args, "a method", d)?),
            "uri" => request.uri = Some(text_after(args, "a URI", d)?),
            "uri-lf" => request.uri = Some(constant(required(args, "a URI", d)?, cx, d)?),
            "ver" => {
                let version = required(args, "a version", d)?;
                request.version = Some(version_of(&version.text, version, d)?);
            }
            "hdr" => {
                let name = text_after(args, "a name and a value", d)?;
                let value = constant(required(args, "a name and a value", d)?, cx, d)?;
                request.headers.push((name, value));
            }
            "body" => request.body = Some(text_after(args, "a body", d)?.into_bytes()),
            "body-lf" => {
                let body = constant(required(args, "a body", d)?, cx, d)?;
                request.body = Some(body.into_bytes());
            }
            "comment" => {
                text_after(args, "a comment", d)?;
                comment = Some(word.span);
            }
            _ => return steps::unknown(word, PARAMETERS, "send", d),
        }
    }
    Some((request, comment))
}

/// A format without variables.
fn constant(word: &Word, cx: &Context<'_>, d: &mut Diagnostics) -> Option<String> {
    let format = log_format::parse_verbatim(word, cx, d)?;
    let mut text = String::new();
    for piece in &format.pieces {
        let Piece::Text(part) = piece else {
            d.error(
                "unsupported",
                word.span,
                "a value made for each check is not supported in a request",
            )
            .suggest("write a fixed text, and `%%` for the sign `%`");
            return None;
        };
        text.push_str(part);
    }
    Some(text)
}
