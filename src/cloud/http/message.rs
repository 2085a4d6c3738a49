//! What is sent, and what comes back.

use std::{borrow::Cow, fmt, time::Duration};

use http_body_util::Full;
use hyper::{
    HeaderMap, Method, StatusCode, Uri,
    body::Bytes,
    header::{self, HeaderName, HeaderValue},
    http::uri::PathAndQuery,
};
use serde::de::DeserializeOwned;

use crate::cloud::problem::{OpenError, Problem};

/// What we call ourselves.
const AGENT: &str = concat!("pontoon/", env!("CARGO_PKG_VERSION"));

/// A request. Its headers and its body may hold secrets: neither is ever shown.
pub struct Request {
    /// GET, POST, PUT.
    pub method: Method,
    /// With scheme and host.
    pub uri: Uri,
    /// All but `Host`, `User-Agent`, `Connection` and `Content-Length`.
    pub headers: HeaderMap,
    /// May be empty.
    pub body: Vec<u8>,
}

/// An answer, read to its end.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

/// A URL that can be called: `http` or `https`, with a host, without a user.
///
/// # Errors
/// It is none; `name` is the keyword or the variable it comes from.
pub fn callable(name: &'static str, text: &str) -> Result<Uri, OpenError> {
    let wrong = |reason: &str| OpenError::Url {
        name,
        url: text.to_owned(),
        reason: reason.to_owned(),
    };
    let uri: Uri = text.parse().map_err(|_| wrong("this is not a URL"))?;
    match uri.scheme_str() {
        Some("http" | "https") => {}
        _ => return Err(wrong("it has to begin with http:// or https://")),
    }
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if authority.contains('@') {
        return Err(OpenError::Url {
            name,
            url: "(hidden)".into(),
            reason: "it must not hold a user or a password".into(),
        });
    }
    Ok(uri)
}

/// `path` (with its query) below `base`, which may have a path of its own.
///
/// # Errors
/// `Refused`: what comes of it is no URL.
pub fn below(base: &Uri, path: &str) -> Result<Uri, Problem> {
    let whole = format!("{}{path}", base.path().trim_end_matches('/'));
    let no_url = |_| Problem::refused(format!("{whole:?} is no path of a URL"), "");
    let path: PathAndQuery = whole.parse().map_err(no_url)?;
    let mut parts = base.clone().into_parts();
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).map_err(|_| Problem::refused(format!("{whole:?} is no URL"), ""))
}

impl Request {
    /// A request without headers.
    #[must_use]
    pub fn new(method: Method, uri: Uri, body: Vec<u8>) -> Self {
        Self {
            method,
            uri,
            headers: HeaderMap::new(),
            body,
        }
    }

    /// A GET without headers.
    #[must_use]
    pub fn get(uri: Uri) -> Self {
        Self::new(Method::GET, uri, Vec::new())
    }

    /// With one header more.
    ///
    /// # Errors
    /// `Refused`: the value has bytes that no header can have.
    pub fn header(mut self, name: HeaderName, value: &str) -> Result<Self, Problem> {
        let no_header = |_| {
            let text =
                format!("what is to be sent as {name} holds a line break or a control character");
            Problem::refused(
                text,
                "look for a stray line end in the file or variable it is from",
            )
        };
        let mut value = HeaderValue::from_str(value).map_err(no_header)?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }

    /// What the `Host` header says: host and port, without the port that is usual.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.uri.host().unwrap_or_default();
        let usual = if self.uri.scheme_str() == Some("https") {
            443
        } else {
            80
        };
        match self.uri.port_u16() {
            Some(port) if port != usual => format!("{host}:{port}"),
            _ => host.to_owned(),
        }
    }

    /// As hyper sends it: with the whole URL if a proxy is to read it.
    pub(super) fn into_hyper(self, whole: bool) -> Result<hyper::Request<Full<Bytes>>, Problem> {
        let host = self.host();
        let no_host = |_| Problem::refused(format!("{host:?} is no name of a host"), "");
        let host = HeaderValue::from_str(&host).map_err(no_host)?;
        let mut request = hyper::Request::new(Full::new(Bytes::from(self.body)));
        *request.method_mut() = self.method;
        *request.headers_mut() = self.headers;
        let own = [
            (header::HOST, host),
            (header::USER_AGENT, HeaderValue::from_static(AGENT)),
            (header::CONNECTION, HeaderValue::from_static("close")),
        ];
        request.headers_mut().extend(own);
        *request.uri_mut() = if whole {
            self.uri
        } else {
            let path = self.uri.into_parts().path_and_query;
            path.unwrap_or_else(|| PathAndQuery::from_static("/"))
                .into()
        };
        Ok(request)
    }
}

impl Answer {
    /// Its body as text.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// Its body as JSON.
    ///
    /// # Errors
    /// `Unanswered`: it is not what `of` should have sent.
    pub fn json<T: DeserializeOwned>(&self, of: &str) -> Result<T, Problem> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // serde_json's own words may quote the value, and that may be a secret.
            let place = format!("line {} column {}", error.line(), error.column());
            let text = format!("the answer of {of} is not understood: {place}");
            Problem::unanswered(
                text,
                "is endpoint right, and is there no other server in between?",
            )
        })
    }

    /// What `Retry-After` says, if it says seconds.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.headers.get(header::RETRY_AFTER)?.to_str().ok()?;
        value.trim().parse().ok().map(Duration::from_secs)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.host())
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.status, self.body.len())
    }
}
