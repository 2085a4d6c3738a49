//! One request, one answer, over a connection of its own.
//!
//! A connection is not kept: calls are seconds apart, and one that a provider has closed in the
//! meantime would have to be told apart from one that took a request and lost it.

mod dial;
mod message;
mod proxy;
#[cfg(test)]
mod tests;
mod tls;

use std::{convert::Infallible, error::Error, fmt, future::Future, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{Uri, body::Bytes, client::conn::http1, header, header::HeaderValue};
use hyper_util::rt::TokioIo;
use pontoon_config::keepalived::model::FloatingIp;
use tokio::time::{Instant, timeout_at};

pub use message::{Answer, Request, below, callable};

use self::{dial::Stream, proxy::Proxy, tls::Tls};
use super::{
    environment::Environment,
    fence::Permit,
    problem::{OpenError, Problem, unnumbered},
};

/// No answer of any provider is this long.
const LONGEST_ANSWER: usize = 1 << 20;

/// Under what terms requests are made.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Asked before a request leaves.
    pub permit: &'a Permit,
    /// After it nothing is waited for.
    pub deadline: Instant,
    /// How long that was from the start, for messages.
    pub limit: Duration,
}

impl<'a> Call<'a> {
    /// So long from now, for as many requests as it takes.
    #[must_use]
    pub fn within(limit: Duration, permit: &'a Permit) -> Self {
        Self {
            permit,
            deadline: Instant::now() + limit,
            limit,
        }
    }
}

/// A client: what it trusts, and the way it goes.
pub struct Http {
    tls: Tls,
    proxy: Proxy,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").finish_non_exhaustive()
    }
}

impl Http {
    /// To a provider's API, as the file's `proxy` and `ca_file` say.
    ///
    /// # Errors
    /// The proxy's URL is none, or `ca_file` cannot be used.
    pub fn to_api(file: &FloatingIp, environment: &Environment) -> Result<Self, OpenError> {
        let tls = match &file.ca_file {
            Some(authorities) => Tls::of_file(authorities)?,
            None => Tls::of_machine(),
        };
        tls.prepare();
        Ok(Self {
            tls,
            proxy: Proxy::new(&file.proxy, environment)?,
        })
    }

    /// To a service on this machine or this link, such as instance metadata: never through a proxy.
    #[must_use]
    pub const fn nearby() -> Self {
        Self {
            tls: Tls::of_machine(),
            proxy: Proxy::none(),
        }
    }

    /// Sends a request and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// `Refused` if the permit holds no longer; `Unwell` if nothing has left; `Unanswered` if
    /// something has.
    pub async fn send(&self, request: Request, call: &Call<'_>) -> Result<Answer, Problem> {
        let name = request.host();
        permitted(call)?;
        let Way {
            stream,
            whole,
            secret,
        } = self.connect(&request.uri, call).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Problem::unwell(format!("{name}: {}", told(&error)), ""))?;
        let mut request = request.into_hyper(whole)?;
        request
            .headers_mut()
            .extend(secret.map(|secret| (header::PROXY_AUTHORIZATION, secret)));
        // No await between this question and the bytes: the request is handed over and the
        // connection written to in one poll.
        permitted(call)?;
        let conversation = driven(exchange(sender, request), connection);
        match timeout_at(call.deadline, conversation).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(reason)) => Err(Problem::unanswered(
                format!("{name} has not answered: {reason}"),
                "",
            )),
            Err(_) => Err(Problem::unanswered(
                format!("{name} has not answered within {:?}", call.limit),
                "if the network is well and the provider too, raise api_timeout",
            )),
        }
    }

    /// Goes the whole way to where `uri` leads, and says nothing there.
    ///
    /// # Errors
    /// `Refused` if the permit holds no longer, or the certificate is not trusted; else `Unwell`.
    pub async fn reach(&self, uri: &Uri, call: &Call<'_>) -> Result<(), Problem> {
        permitted(call)?;
        self.connect(uri, call).await.map(drop)
    }

    async fn connect(&self, uri: &Uri, call: &Call<'_>) -> Result<Way, Problem> {
        let secure = uri.scheme_str() == Some("https");
        let stream = match self.proxy.towards(uri) {
            None => dial::tcp(uri, call).await?,
            Some(proxy) if secure => proxy.tunnel(uri, &self.tls, call).await?,
            Some(proxy) => {
                return Ok(Way {
                    stream: proxy.open(&self.tls, call).await?,
                    whole: true,
                    secret: proxy.authorization(),
                });
            }
        };
        let stream = if secure {
            self.tls.wrap(stream, uri, call).await?
        } else {
            stream
        };
        Ok(Way {
            stream,
            whole: false,
            secret: None,
        })
    }
}

/// How a request gets to its destination.
struct Way {
    stream: Stream,
    /// A proxy at the other end wants to hear the whole URL.
    whole: bool,
    /// And this.
    secret: Option<HeaderValue>,
}

fn permitted(call: &Call<'_>) -> Result<(), Problem> {
    if call.permit.holds() {
        return Ok(());
    }
    Err(Problem::refused(
        "no longer wanted: mastership has ended",
        "",
    ))
}

async fn exchange(
    mut sender: http1::SendRequest<Full<Bytes>>,
    request: hyper::Request<Full<Bytes>>,
) -> Result<Answer, String> {
    let answer = sender.send_request(request).await.map_err(|e| told(&e))?;
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, LONGEST_ANSWER)
        .collect()
        .await
        .map_err(|error| format!("its answer broke off: {}", told(&*error)))?;
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body: body.to_bytes().to_vec(),
    })
}

/// An error with its causes: hyper's own words are often no more than `connection error`.
fn told(error: &dyn Error) -> String {
    let mut text = unnumbered(error);
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {}", unnumbered(error));
        cause = error.source();
    }
    text
}

/// What `work` gives, while `connection` is kept going; its end is not the end of the work, which
/// may have an answer to read.
async fn driven<T, C: Future>(work: impl Future<Output = T>, connection: C) -> T {
    let endless = async {
        connection.await;
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        biased;
        result = work => result,
        never = endless => match never {},
    }
}
