//! The HTTP proxy in between, if there is one.

use http_body_util::Empty;
use hyper::{
    Method, Uri,
    body::Bytes,
    client::conn::http1,
    header::{self, HeaderValue},
};
use hyper_util::{
    client::proxy::matcher::{Intercept, Matcher},
    rt::TokioIo,
};
use pontoon_config::keepalived::model::HttpProxy;
use tokio::time::timeout_at;

use super::{
    Call,
    dial::{self, Stream},
    tls::Tls,
};
use crate::cloud::{
    environment::Environment,
    problem::{OpenError, Problem},
};

/// Which proxy is asked for what.
pub(super) struct Proxy(Option<Matcher>);

/// One proxy.
pub(super) struct Hop(Intercept);

impl Proxy {
    /// None for anything.
    pub(super) const fn none() -> Self {
        Self(None)
    }

    /// As the file says.
    pub(super) fn new(written: &HttpProxy, environment: &Environment) -> Result<Self, OpenError> {
        match written {
            HttpProxy::None => Ok(Self::none()),
            HttpProxy::Url(url) => {
                let url = usable("proxy", url)?;
                Ok(Self(Some(Matcher::builder().all(url).build())))
            }
            HttpProxy::Environment => Self::of(environment),
        }
    }

    /// As the usual variables say. `HTTP_PROXY` in capitals counts, too: this is no CGI program.
    fn of(environment: &Environment) -> Result<Self, OpenError> {
        let either = |small: &'static str, large: &'static str| {
            let large = || Some((large, environment.get(large)?));
            environment
                .get(small)
                .map(|url| (small, url))
                .or_else(large)
        };
        let url = |found: Option<(&'static str, &str)>| match found {
            Some((name, url)) => usable(name, url),
            None => Ok(String::new()),
        };
        let no = either("no_proxy", "NO_PROXY").map_or("", |(_, names)| names);
        let matcher = Matcher::builder()
            .all(url(either("all_proxy", "ALL_PROXY"))?)
            .http(url(either("http_proxy", "HTTP_PROXY"))?)
            .https(url(either("https_proxy", "HTTPS_PROXY"))?)
            .no(no.to_owned())
            .build();
        Ok(Self(Some(matcher)))
    }

    /// The proxy on the way to `uri`.
    pub(super) fn towards(&self, uri: &Uri) -> Option<Hop> {
        self.0.as_ref()?.intercept(uri).map(Hop)
    }
}

/// A proxy's URL with its scheme. Its user and password are not shown.
fn usable(name: &'static str, url: &str) -> Result<String, OpenError> {
    let whole = if url.contains("://") {
        url.to_owned()
    } else {
        format!("http://{url}")
    };
    let wrong = |reason: &str| OpenError::Url {
        name,
        url: url
            .rsplit_once('@')
            .map_or(url, |(_, host)| host)
            .to_owned(),
        reason: reason.to_owned(),
    };
    let uri: Uri = whole.parse().map_err(|_| wrong("this is not a URL"))?;
    match uri.scheme_str() {
        Some("http" | "https") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(whole),
        _ => Err(wrong("only http:// and https:// proxies are supported")),
    }
}

impl Hop {
    /// A stream to the proxy itself.
    pub(super) async fn open(&self, tls: &Tls, call: &Call<'_>) -> Result<Stream, Problem> {
        let uri = self.0.uri();
        let stream = dial::tcp(uri, call).await.map_err(|p| self.blame(p))?;
        if uri.scheme_str() != Some("https") {
            return Ok(stream);
        }
        tls.wrap(stream, uri, call).await.map_err(|p| self.blame(p))
    }

    /// What the proxy wants to know of us.
    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        self.0.basic_auth().cloned()
    }

    /// A stream through the proxy to where `uri` leads (RFC 9110, 9.3.6).
    pub(super) async fn tunnel(
        &self,
        uri: &Uri,
        tls: &Tls,
        call: &Call<'_>,
    ) -> Result<Stream, Problem> {
        let stream = self.open(tls, call).await?;
        let target = format!("{}:{}", uri.host().unwrap_or_default(), dial::port(uri));
        match timeout_at(call.deadline, self.ask(stream, &target)).await {
            Ok(answer) => answer.map_err(|p| self.blame(p)),
            Err(_) => Err(self.blame(Problem::unwell(
                format!("no way to {target} within {:?}", call.limit),
                "",
            ))),
        }
    }

    async fn ask(&self, stream: Stream, target: &str) -> Result<Stream, Problem> {
        let broken = |error: hyper::Error| Problem::unwell(super::told(&error), "");
        let no_target = |_| Problem::refused(format!("{target:?} is no host and port"), "");
        let mut request = hyper::Request::new(Empty::<Bytes>::new());
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = target.parse().map_err(no_target)?;
        let host = HeaderValue::from_str(target);
        let host = host.map_err(|_| Problem::refused(format!("{target:?} is no host"), ""))?;
        request.headers_mut().insert(header::HOST, host);
        if let Some(secret) = self.authorization() {
            request
                .headers_mut()
                .insert(header::PROXY_AUTHORIZATION, secret);
        }
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        let upgraded = async {
            let answer = sender.send_request(request).await.map_err(broken)?;
            if !answer.status().is_success() {
                let text = format!("it answers {} to CONNECT {target}", answer.status());
                return Err(Problem::unwell(
                    text,
                    "let the proxy allow it, or name the host in NO_PROXY",
                ));
            }
            hyper::upgrade::on(answer).await.map_err(broken)
        };
        let upgraded = super::driven(upgraded, connection.with_upgrades()).await?;
        Ok(Box::new(TokioIo::new(upgraded)))
    }

    fn blame(&self, problem: Problem) -> Problem {
        let uri = self.0.uri();
        let host = uri.host().unwrap_or_default();
        Problem {
            text: format!("proxy {host}:{}: {}", dial::port(uri), problem.text),
            ..problem
        }
    }
}
