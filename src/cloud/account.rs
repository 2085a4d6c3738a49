//! What the providers have in common where servers have numbers: a bearer's token, JSON over HTTP,
//! and a metadata service that tells a server its number.

use std::{fmt, net::IpAddr, path::PathBuf, time::Duration};

use hyper::{Method, StatusCode, Uri, header};
use pontoon_config::keepalived::model::{FloatingIp, ServerCloud};
use pontoon_engine::floating_ip::event::{FailureKind, Holder, Whereabouts};
use serde::Deserialize;

use super::{
    client::Finding,
    environment::Environment,
    fence::Permit,
    file,
    http::{Answer, Call, Http, Request, below, callable},
    problem::{OpenError, Problem, unnumbered},
};

const METADATA: &str = "http://169.254.169.254";

/// What is one provider's own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Brand {
    /// Its name.
    pub(super) name: &'static str,
    /// Where its API is.
    pub(super) endpoint: &'static str,
    /// The variables that may hold a token; the first is the one to recommend.
    pub(super) variables: &'static [&'static str],
    /// Where its metadata service tells a server's number.
    pub(super) number: &'static str,
    /// What it calls a server.
    pub(super) server: &'static str,
    /// How to get a token that may do what is needed.
    pub(super) token: &'static str,
}

/// One address at such a provider.
#[derive(Debug)]
pub(super) struct Account {
    /// The address.
    pub(super) address: IpAddr,
    brand: &'static Brand,
    api: Http,
    endpoint: Uri,
    nearby: Http,
    metadata: Uri,
    token: Token,
    own: ServerCloud,
    /// This server's number, once it is known.
    number: Option<u64>,
}

/// What an API says when it refuses: `code` and `id` are two providers' names for one thing.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Refusal {
    #[serde(default, alias = "id")]
    pub(super) code: String,
    #[serde(default)]
    pub(super) message: String,
}

impl Account {
    pub(super) fn new(
        brand: &'static Brand,
        file: &FloatingIp,
        own: &ServerCloud,
        environment: &Environment,
    ) -> Result<Self, OpenError> {
        let endpoint = file.endpoint.as_deref().unwrap_or(brand.endpoint);
        let metadata = own.metadata_endpoint.as_deref().unwrap_or(METADATA);
        Ok(Self {
            address: file.address,
            brand,
            api: Http::to_api(file, environment)?,
            endpoint: callable("endpoint", endpoint)?,
            nearby: Http::nearby(),
            metadata: callable("metadata_endpoint", metadata)?,
            token: Token::new(brand, own, environment),
            own: own.clone(),
            number: own.server_id,
        })
    }

    /// Asks the API something.
    pub(super) async fn get(&self, path: &str, call: &Call<'_>) -> Result<Answer, Problem> {
        let request = Request::get(below(&self.endpoint, path)?);
        self.send(request, call).await
    }

    /// Has the API do something.
    pub(super) async fn post(
        &self,
        path: &str,
        body: &serde_json::Value,
        call: &Call<'_>,
    ) -> Result<Answer, Problem> {
        let uri = below(&self.endpoint, path)?;
        let request = Request::new(Method::POST, uri, body.to_string().into_bytes());
        let request = request.header(header::CONTENT_TYPE, "application/json")?;
        self.send(request, call).await
    }

    async fn send(&self, request: Request, call: &Call<'_>) -> Result<Answer, Problem> {
        let token = self.token.read()?;
        let request = request.header(header::AUTHORIZATION, &format!("Bearer {token}"))?;
        self.api.send(request, call).await
    }

    /// This server's number, asked of the metadata service the first time.
    pub(super) async fn number(&mut self, call: &Call<'_>) -> Result<u64, Problem> {
        if let Some(number) = self.number {
            return Ok(number);
        }
        let number = self.ask_number(call).await?;
        self.number = Some(number);
        Ok(number)
    }

    /// Finds out what a call needs, and whether the API can be reached; it is not asked anything.
    pub(super) async fn prepare(&mut self, call: &Call<'_>) -> Result<(), Problem> {
        self.token.read()?;
        self.number(call).await?;
        self.api.reach(&self.endpoint, call).await
    }

    async fn ask_number(&self, call: &Call<'_>) -> Result<u64, Problem> {
        let Brand { name, server, .. } = self.brand;
        let advice = format!("say server_id, or run on a {server} of {name}");
        let request = Request::get(below(&self.metadata, self.brand.number)?);
        let sent = self.nearby.send(request, call).await;
        let answer = sent.map_err(|problem| match problem.kind {
            // Not the service's fault: the call is no longer wanted.
            FailureKind::Refused => problem,
            _ => {
                let text = format!("the metadata service: {}", problem.text);
                Problem::unwell(text, advice.clone())
            }
        })?;
        let text = answer.text();
        match text.trim().parse() {
            Ok(number) if answer.status == StatusCode::OK => Ok(number),
            _ => {
                let text = format!(
                    "the metadata service does not tell the number of this {server}: it says {}",
                    answer.status
                );
                Err(Problem::refused(text, advice))
            }
        }
    }

    /// Where the address is, from the number of the server that has it.
    pub(super) async fn whereabouts(
        &mut self,
        holder: Option<u64>,
        call: &Call<'_>,
    ) -> Result<Whereabouts, Problem> {
        let Some(holder) = holder else {
            return Ok(Whereabouts::Nowhere);
        };
        if self.number(call).await? == holder {
            return Ok(Whereabouts::Here);
        }
        let peer = self.own.peers.iter().find(|peer| peer.server_id == holder);
        Ok(Whereabouts::With(Holder {
            name: format!("{} {holder}", self.brand.server),
            peer: peer.map(|peer| peer.address),
        }))
    }

    /// What a refusal means that every API of this kind knows; the rest is the provider's own.
    pub(super) fn refused(&self, answer: &Answer, refusal: &Refusal) -> Problem {
        let Brand { name, token, .. } = self.brand;
        let text = format!("{name} says {}", told(answer, refusal));
        match answer.status.as_u16() {
            401 => Problem::refused(
                format!("{text}: it does not know the token of {}", self.token),
                *token,
            ),
            403 => Problem::refused(
                format!("{text}: the token of {} may not do this", self.token),
                *token,
            ),
            409 | 423 => Problem::unwell(text, "something else is being done to the address"),
            429 => Problem::throttled(answer.retry_after(), text),
            503 => Problem::unwell(text, ""),
            500..=599 => Problem::unanswered(text, ""),
            _ => Problem::refused(text, "look at the provider's page about this error"),
        }
    }

    /// Tries out the metadata service, the token and the address; nothing is moved.
    pub(super) async fn look(&self, limit: Duration) -> Vec<Finding> {
        let permit = Permit::by_hand();
        let call = Call::within(limit, &permit);
        let server = self.brand.server;
        let number = match self.own.server_id {
            Some(number) => Ok(format!("this is {server} {number}, as the file says")),
            None => {
                let number = self.ask_number(&call).await;
                number.map(|number| format!("this is {server} {number}"))
            }
        };
        let token = self.token.read();
        let token = token.map(|_| format!("there is one in {}", self.token));
        vec![Finding::of("metadata", number), Finding::of("token", token)]
    }
}

/// An address as preflight shows it.
pub(super) fn found(seen: Result<Whereabouts, Problem>) -> Finding {
    let told = |whereabouts| match whereabouts {
        Whereabouts::Here => "it is here".to_owned(),
        Whereabouts::Nowhere => "it is assigned to nobody".to_owned(),
        Whereabouts::With(Holder { name, peer: None }) => {
            format!("it is with {name}, which is none of the peers")
        }
        Whereabouts::With(Holder { name, .. }) => format!("it is with {name}"),
    };
    Finding::of("address", seen.map(told))
}

fn told(answer: &Answer, refusal: &Refusal) -> String {
    let status = answer.status.as_u16();
    let Refusal { code, message } = refusal;
    match (code.is_empty(), message.is_empty()) {
        (true, true) => status.to_string(),
        (_, true) => format!("{status} {code}"),
        _ => format!("{status} {code} ({message})"),
    }
}

/// Where a token is from. It is read anew for each call, so that a new one counts at once.
enum Token {
    File(PathBuf),
    Variable(&'static str, String),
    Missing(&'static Brand),
}

impl Token {
    fn new(brand: &'static Brand, own: &ServerCloud, environment: &Environment) -> Self {
        if let Some(path) = &own.token_file {
            return Self::File(path.clone());
        }
        let said = |name: &&'static str| Some((*name, environment.get(name)?.to_owned()));
        let found = brand.variables.iter().find_map(said);
        found.map_or(Self::Missing(brand), |(name, token)| {
            Self::Variable(name, token)
        })
    }

    fn read(&self) -> Result<String, Problem> {
        let token = match self {
            Self::Variable(_, token) => token.trim().to_owned(),
            Self::File(path) => {
                let read = file::text(path).map_err(|error| {
                    let text = format!(
                        "the token cannot be read from {}: {}",
                        path.display(),
                        unnumbered(error)
                    );
                    Problem::refused(text, "token_file must be there and readable")
                })?;
                read.trim().to_owned()
            }
            Self::Missing(brand) => {
                let variable = brand.variables.first().copied().unwrap_or_default();
                let text = format!("there is no token for {}", brand.name);
                let advice = format!("say token_file, or set {variable} ({})", brand.token);
                return Err(Problem::refused(text, advice));
            }
        };
        if token.is_empty() {
            let text = format!("the token of {self} is empty");
            return Err(Problem::refused(text, "put the token there"));
        }
        Ok(token)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Variable(name, _) => f.write_str(name),
            Self::Missing(_) => f.write_str("nowhere"),
        }
    }
}

/// As [`fmt::Display`]: the token itself is never shown.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
