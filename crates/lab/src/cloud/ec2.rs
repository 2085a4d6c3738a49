//! The EC2 Query API, version 2016-11-15: where is an address, bring it somewhere.

mod associate;
mod describe;

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Instant,
};

use super::{
    Call, Shared,
    faults::Faults,
    form,
    http::{Request, Response},
    lock,
    server::{Answer, Service},
    signature::{self, Offence, Scope, Signer},
    xml,
};

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";
const VERSION: &str = "2016-11-15";
const FORM: &str = "application/x-www-form-urlencoded";

/// The API of one cloud.
pub(super) struct Ec2(pub(super) Arc<Shared>);

/// A refusal, as the API words it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// The caller's fault, as most are.
    fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }
}

impl Service for Ec2 {
    fn faults(&self) -> &Faults {
        &self.0.api_faults
    }

    fn handle(&self, request: &Request, source: IpAddr) -> Answer {
        let parameters = Parameters::of(request);
        let name = |parameters: &Parameters| parameters.peek("Action").unwrap_or_default();
        let action = parameters.as_ref().map(name).unwrap_or_default();
        let dry_run =
            |parameters: &Parameters| parameters.peek("DryRun").is_some_and(|is| is == "true");
        let dry_run = parameters.as_ref().is_ok_and(dry_run);
        let result = parameters.and_then(|parameters| self.answer(request, parameters));
        let outcome = result
            .as_ref()
            .map_or_else(|refusal| refusal.code, |_| "ok");
        lock(&self.0.calls).push(Call {
            at: Instant::now(),
            action: action.clone(),
            dry_run,
            by: signature::claimed_key(request),
            source,
            outcome: outcome.to_owned(),
        });
        let response = result.unwrap_or_else(|refusal| refused(&refusal));
        Answer { action, response }
    }
}

impl Ec2 {
    fn answer(&self, request: &Request, mut parameters: Parameters) -> Result<Response, Refusal> {
        self.is_host(request)?;
        if self.0.api_faults.throttled() {
            return Err(Refusal::new(
                503,
                "RequestLimitExceeded",
                "Request limit exceeded.",
            ));
        }
        if self.0.api_faults.is_sick() {
            let message = "An internal error has occurred";
            return Err(Refusal::new(500, "InternalError", message));
        }
        let action = parameters.take("Action").ok_or_else(|| {
            Refusal::bad(
                "MissingAction",
                "The request must contain the parameter Action",
            )
        })?;
        match parameters.take("Version") {
            Some(version) if version == VERSION => {}
            version => return Err(no_version(version)),
        }
        let signer = self.signer(request)?;
        match action.as_str() {
            "DescribeAddresses" => describe::describe(self, &signer, parameters),
            "AssociateAddress" => associate::associate(self, &signer, parameters),
            other => {
                let message = format!("The action {other} is not valid for this web service.");
                Err(Refusal::bad("InvalidAction", message))
            }
        }
    }

    /// Refuses what was meant for another service or region.
    fn is_host(&self, request: &Request) -> Result<(), Refusal> {
        let world = lock(&self.0.world);
        let named = request.header("host").unwrap_or_default();
        let host = named.rsplit_once(':').map_or(named, |(host, _)| host);
        let own = format!("ec2.{}.amazonaws.com", world.region());
        let local = host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        if host == own || local {
            return Ok(());
        }
        Err(Refusal::new(
            404,
            "NoSuchHost",
            format!("{named} is not served here"),
        ))
    }

    fn signer(&self, request: &Request) -> Result<Signer, Refusal> {
        let region = lock(&self.0.world).region().to_owned();
        let scope = Scope {
            region: &region,
            service: "ec2",
            now: jiff::Timestamp::now().as_second(),
        };
        signature::verify(request, &scope, &lock(&self.0.vault)).map_err(unauthenticated)
    }

    /// Checks the right to an action, and ends a dry run.
    fn authorise(signer: &Signer, action: &str, dry_run: bool) -> Result<(), Refusal> {
        if !signer.may(&format!("ec2:{action}")) {
            let message = format!(
                "You are not authorized to perform this operation. User: \
                 arn:aws:iam::123456789012:user/{} is not authorized to perform: ec2:{action} \
                 because no identity-based policy allows the ec2:{action} action",
                signer.access_key
            );
            return Err(Refusal::new(403, "UnauthorizedOperation", message));
        }
        if dry_run {
            let message = "Request would have succeeded, but DryRun flag is set.";
            return Err(Refusal::new(412, "DryRunOperation", message));
        }
        Ok(())
    }
}

fn no_version(version: Option<String>) -> Refusal {
    match version {
        None => missing("Version"),
        Some(version) => {
            let message =
                format!("The requested version ({version}) of service AmazonEC2 does not exist");
            Refusal::bad("NoSuchVersion", message)
        }
    }
}

fn missing(parameter: &str) -> Refusal {
    let message = format!("The request must contain the parameter {parameter}");
    Refusal::bad("MissingParameter", message)
}

fn unauthenticated(offence: Offence) -> Refusal {
    match offence {
        Offence::Unsigned => Refusal::new(
            403,
            "MissingAuthenticationToken",
            "Request is missing Authentication Token",
        ),
        Offence::Incomplete(why) => Refusal::bad("IncompleteSignature", why),
        Offence::Wrong => Refusal::new(
            401,
            "AuthFailure",
            "AWS was not able to validate the provided access credentials",
        ),
        Offence::Expired => Refusal::bad("RequestExpired", "Request has expired."),
    }
}

/// A made-up number that tells requests apart.
fn request_id() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("00000000-0000-4000-8000-{number:012x}")
}

fn refused(refusal: &Refusal) -> Response {
    let error = xml::text("Code", refusal.code) + &xml::text("Message", &refusal.message);
    let errors = xml::element("Errors", &xml::element("Error", &error));
    let id = xml::text("RequestID", &request_id());
    let body = xml::element("Response", &(errors + &id));
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}");
    Response::new(refusal.status, "text/xml;charset=UTF-8", body)
}

fn agreed(action: &str, content: &str) -> Response {
    let content = xml::text("requestId", &request_id()) + content;
    let body = xml::document(&format!("{action}Response"), NAMESPACE, &content);
    Response::new(200, "text/xml;charset=UTF-8", body)
}

/// The parameters of a request; whoever understands one takes it.
#[derive(Debug)]
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn of(request: &Request) -> Result<Self, Refusal> {
        let malformed = || Refusal::bad("MalformedQueryString", "The query cannot be decoded");
        if request.path != "/" {
            return Err(Refusal::new(404, "NoSuchPath", "There is only /"));
        }
        let text = match request.method.as_str() {
            "GET" => request.query.clone(),
            "POST" => {
                let kind = request.header("content-type").unwrap_or_default();
                if !kind.starts_with(FORM) || !request.query.is_empty() {
                    return Err(malformed());
                }
                String::from_utf8(request.body.clone()).map_err(|_| malformed())?
            }
            _ => return Err(Refusal::new(405, "MethodNotAllowed", "GET or POST")),
        };
        form::decode(&text).map(Self).ok_or_else(malformed)
    }

    fn peek(&self, name: &str) -> Option<String> {
        let mut pairs = self.0.iter();
        pairs
            .find(|(each, _)| each == name)
            .map(|(_, value)| value.clone())
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|(each, _)| each == name)?;
        Some(self.0.remove(index).1)
    }

    fn take_bool(&mut self, name: &str) -> Result<Option<bool>, Refusal> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let message = || format!("Invalid value '{value}' for {name}; expecting a boolean");
        let parsed = value.parse::<bool>();
        parsed
            .map(Some)
            .map_err(|_| Refusal::bad("InvalidParameterValue", message()))
    }

    /// `name.1`, `name.2` and so on.
    fn take_list(&mut self, name: &str) -> Vec<String> {
        let numbered = (1..).map_while(|number| self.take(&format!("{name}.{number}")));
        numbered.collect()
    }

    /// Refuses what nobody has taken.
    fn end(self) -> Result<(), Refusal> {
        let Some((name, _)) = self.0.first() else {
            return Ok(());
        };
        let message = format!("The parameter {name} is not recognized");
        Err(Refusal::bad("UnknownParameter", message))
    }
}
