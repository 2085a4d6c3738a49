//! The Security Token Service, version 2011-06-15: keys for a web identity.

use std::{net::IpAddr, sync::Arc, time::Instant};

use super::{
    Call, Shared,
    faults::Faults,
    form,
    http::{Request, Response},
    lock, metadata,
    server::{Answer, Service},
    vault::{Issued, NoKey},
    xml,
};

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
const ACTION: &str = "AssumeRoleWithWebIdentity";
const KNOWN: [&str; 8] = [
    "Action",
    "Version",
    "RoleArn",
    "RoleSessionName",
    "WebIdentityToken",
    "DurationSeconds",
    "Policy",
    "ProviderId",
];

/// The service.
pub(super) struct Sts(pub(super) Arc<Shared>);

struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
}

impl Service for Sts {
    fn faults(&self) -> &Faults {
        &self.0.api_faults
    }

    fn handle(&self, request: &Request, source: IpAddr) -> Answer {
        let result = self.assume(request);
        let outcome = result
            .as_ref()
            .map_or_else(|refusal| refusal.code, |_| "ok");
        lock(&self.0.calls).push(Call {
            at: Instant::now(),
            action: ACTION.to_owned(),
            dry_run: false,
            by: String::new(),
            source,
            outcome: outcome.to_owned(),
        });
        Answer {
            action: ACTION.to_owned(),
            response: result.unwrap_or_else(|refusal| refused(&refusal)),
        }
    }
}

impl Sts {
    fn assume(&self, request: &Request) -> Result<Response, Refusal> {
        if self.0.api_faults.throttled() {
            return Err(refusal("Throttling", "Rate exceeded"));
        }
        let parameters = parameters(request)?;
        let get = |name: &'static str| {
            let mut pairs = parameters.iter();
            let found = pairs.find(|(each, _)| each == name);
            let value = found.map(|(_, value)| value.as_str());
            value.ok_or_else(|| refusal("MissingParameter", format!("There is no {name}")))
        };
        if let Some((name, _)) = parameters
            .iter()
            .find(|(name, _)| !KNOWN.contains(&name.as_str()))
        {
            return Err(refusal("ValidationError", format!("What is {name}?")));
        }
        if get("Action")? != ACTION || get("Version")? != "2011-06-15" {
            let message = "Could not find the operation for this version";
            return Err(refusal("InvalidAction", message));
        }
        let (role, session) = (get("RoleArn")?, get("RoleSessionName")?);
        if !(2..=64).contains(&session.len()) || !session.chars().all(is_of_session) {
            let message = "The RoleSessionName does not satisfy its pattern";
            return Err(refusal("ValidationError", message));
        }
        let mut vault = lock(&self.0.vault);
        match vault.for_web_identity(role, get("WebIdentityToken")?) {
            Ok(issued) => Ok(agreed(&issued, role, session)),
            Err(NoKey::Unknown) => Err(Refusal {
                status: 403,
                code: "AccessDenied",
                message: format!("Not authorized to perform sts:{ACTION}"),
            }),
            Err(NoKey::Forbidden) => Err(refusal(
                "InvalidIdentityToken",
                "The web identity token provided could not be validated",
            )),
        }
    }
}

fn refusal(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal {
        status: 400,
        code,
        message: message.into(),
    }
}

const fn is_of_session(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || matches!(character, '_' | '+' | '=' | ',' | '.' | '@' | '-')
}

fn parameters(request: &Request) -> Result<Vec<(String, String)>, Refusal> {
    let text = match request.method.as_str() {
        "GET" => Some(request.query.clone()),
        "POST" => String::from_utf8(request.body.clone()).ok(),
        _ => None,
    };
    let decoded = text.and_then(|text| form::decode(&text));
    decoded.ok_or_else(|| refusal("MalformedQueryString", "The query cannot be decoded"))
}

fn refused(refusal: &Refusal) -> Response {
    let error = xml::text("Type", "Sender")
        + &xml::text("Code", refusal.code)
        + &xml::text("Message", &refusal.message);
    let id = xml::text("RequestId", "00000000-0000-4000-8000-000000000000");
    let content = xml::element("Error", &error) + &id;
    let body = xml::document("ErrorResponse", NAMESPACE, &content);
    Response::new(refusal.status, "text/xml", body)
}

fn agreed(issued: &Issued, role: &str, session: &str) -> Response {
    let key = xml::text("SessionToken", &issued.session_token)
        + &xml::text("SecretAccessKey", &issued.secret)
        + &xml::text("Expiration", &metadata::time(issued.expires))
        + &xml::text("AccessKeyId", &issued.access_key);
    let user = xml::text("Arn", &format!("{role}/{session}"))
        + &xml::text("AssumedRoleId", &format!("AROATEST:{session}"));
    let result = xml::element("AssumedRoleUser", &user) + &xml::element("Credentials", &key);
    let id = xml::text("RequestId", "00000000-0000-4000-8000-000000000000");
    let content =
        xml::element(&format!("{ACTION}Result"), &result) + &xml::element("ResponseMetadata", &id);
    let body = xml::document(&format!("{ACTION}Response"), NAMESPACE, &content);
    Response::new(200, "text/xml", body)
}
