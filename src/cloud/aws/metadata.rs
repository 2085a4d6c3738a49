//! What an instance is told about itself (EC2 User Guide, "Instance metadata"): IMDSv2, or v1 where the
//! file allows it.

use std::time::Duration;

use hyper::{Method, StatusCode, Uri, header::HeaderName};
use jiff::Timestamp;
use pontoon_engine::floating_ip::event::FailureKind;
use tokio::time::Instant;

use crate::cloud::{
    http::{self, Answer, Call, Http, Request, callable},
    problem::{OpenError, Problem},
};

/// The service answers from the same host; what takes longer does not come.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a token is asked for, and how long it is used.
const TOKEN_LIFE: (&str, Duration) = ("21600", Duration::from_secs(21_000));

/// The service of this instance.
#[derive(Debug)]
pub(super) struct Metadata {
    http: Http,
    base: Uri,
    /// `imds_v1 allow`.
    v1: bool,
    token: Option<Token>,
}

/// Leave to ask.
enum Token {
    /// Good until then.
    Until(String, Timestamp),
    /// There is none to be had, and the file allows to ask without: for a while.
    Without(Timestamp),
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Until(..) => "a token",
            Self::Without(_) => "no token",
        })
    }
}

impl Metadata {
    /// Nothing is asked yet.
    pub(super) fn new(endpoint: &str, v1: bool) -> Result<Self, OpenError> {
        Ok(Self {
            http: Http::nearby(),
            base: callable("metadata_endpoint", endpoint)?,
            v1,
            token: None,
        })
    }

    /// How it was last asked.
    pub(super) const fn version(&self) -> &'static str {
        match self.token {
            Some(Token::Without(_)) => "asked without a token (version 1)",
            _ => "asked with a token (version 2)",
        }
    }

    /// What stands below `latest/`, without surrounding space; `None` if there is nothing.
    pub(super) async fn get(
        &mut self,
        path: &str,
        call: &Call<'_>,
    ) -> Result<Option<String>, Problem> {
        let mut answer = self.ask(path, call).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            self.token = None;
            answer = self.ask(path, call).await?;
        }
        match answer.status {
            StatusCode::OK => Ok(Some(answer.text().trim().to_owned())),
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::UNAUTHORIZED if self.v1 => Err(Problem::refused(
                format!("instance metadata answers {path} with status 401"),
                "it wants a token but gives none: look at metadata_endpoint",
            )),
            status => Err(odd(path, status)),
        }
    }

    /// As [`Self::get`], of something that every instance has.
    pub(super) async fn expect(&mut self, path: &str, call: &Call<'_>) -> Result<String, Problem> {
        let found = self.get(path, call).await?;
        found.filter(|text| !text.is_empty()).ok_or_else(|| {
            let text = format!("instance metadata has no {path}");
            Problem::refused(
                text,
                "is metadata_endpoint right, and is this an EC2 instance?",
            )
        })
    }

    async fn ask(&mut self, path: &str, call: &Call<'_>) -> Result<Answer, Problem> {
        let mut request = Request::get(http::below(&self.base, &format!("/latest/{path}"))?);
        if let Some(token) = self.token(call).await? {
            request =
                request.header(HeaderName::from_static("x-aws-ec2-metadata-token"), &token)?;
        }
        let answer = self.http.send(request, &patient(call)).await;
        answer.map_err(unreachable)
    }

    /// The token to ask with, if one is to be had or needed.
    async fn token(&mut self, call: &Call<'_>) -> Result<Option<String>, Problem> {
        let now = Timestamp::now();
        match &self.token {
            Some(Token::Until(token, end)) if *end > now => return Ok(Some(token.clone())),
            Some(Token::Without(end)) if *end > now => return Ok(None),
            _ => {}
        }
        let (lifetime, life) = TOKEN_LIFE;
        let name = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
        let uri = http::below(&self.base, "/latest/api/token")?;
        let request = Request::new(Method::PUT, uri, Vec::new()).header(name, lifetime)?;
        let answer = self.http.send(request, &patient(call)).await;
        match answer {
            Ok(answer) if answer.status == StatusCode::OK => {
                let token = answer.text().trim().to_owned();
                self.token = Some(Token::Until(token.clone(), now + life));
                Ok(Some(token))
            }
            // With a hop limit of 1 the answer dies on the way into a container: that is a silence.
            Ok(_)
            | Err(Problem {
                kind: FailureKind::Unanswered,
                ..
            }) if self.v1 => {
                self.token = Some(Token::Without(now + Duration::from_secs(60)));
                Ok(None)
            }
            Ok(answer) => Err(no_token(answer.status)),
            Err(problem) => Err(unreachable(problem)),
        }
    }
}

/// The same terms, for less time.
fn patient<'a>(call: &Call<'a>) -> Call<'a> {
    let left = call.deadline.saturating_duration_since(Instant::now());
    let limit = PATIENCE.min(left);
    Call {
        permit: call.permit,
        deadline: Instant::now() + limit,
        limit: PATIENCE.min(call.limit),
    }
}

/// On an instance it always answers, so what keeps it from us is to be named.
fn unreachable(problem: Problem) -> Problem {
    match problem.kind {
        FailureKind::Unwell => Problem {
            text: format!("instance metadata: {}", problem.text),
            advice:
                "is this an EC2 instance? If not, say region, private_ip and network_interface or \
                     instance_id, and give credentials"
                    .into(),
            ..problem
        },
        FailureKind::Unanswered => Problem {
            text: format!("instance metadata: {}", problem.text),
            advice: "in a container, raise the instance's metadata hop limit to 2".into(),
            ..problem
        },
        _ => problem,
    }
}

fn no_token(status: StatusCode) -> Problem {
    let text = format!(
        "instance metadata gives no token (status {})",
        status.as_u16()
    );
    let advice = match status {
        StatusCode::FORBIDDEN => {
            "it is switched off for this instance: switch it on with aws ec2 \
            modify-instance-metadata-options --http-endpoint enabled"
        }
        _ => "if it speaks only version 1, say imds_v1 allow",
    };
    Problem::refused(text, advice)
}

fn odd(path: &str, status: StatusCode) -> Problem {
    let text = format!(
        "instance metadata answers {path} with status {}",
        status.as_u16()
    );
    if status.is_server_error() {
        return Problem::unwell(text, "");
    }
    Problem::refused(text, "is metadata_endpoint right?")
}
