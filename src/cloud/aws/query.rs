//! The Query API: a signed form there, XML back.

use hyper::{Method, Uri, header};
use jiff::Timestamp;

use super::{
    complaint::{Asked, Complaint},
    keys::Keys,
    signature::{self, Scope},
};
use crate::cloud::{
    http::{Call, Http, Request},
    problem::Problem,
};

/// An API in a region.
#[derive(Debug)]
pub(super) struct Service<'a> {
    pub(super) http: &'a Http,
    pub(super) uri: &'a Uri,
    /// `ec2`, `sts`: in signatures and in the names of rights.
    pub(super) name: &'static str,
    pub(super) region: &'a str,
    /// Of the API.
    pub(super) version: &'static str,
}

/// Why a call was not done.
#[derive(Debug)]
pub(super) struct Undone {
    /// What AWS has said, if it was AWS that said no.
    pub(super) complaint: Option<Complaint>,
    /// For the operator.
    pub(super) problem: Problem,
}

impl From<Problem> for Undone {
    fn from(problem: Problem) -> Self {
        Self {
            complaint: None,
            problem,
        }
    }
}

impl From<Undone> for Problem {
    fn from(undone: Undone) -> Self {
        undone.problem
    }
}

impl Service<'_> {
    /// Calls one action and gives back the XML of its answer.
    pub(super) async fn call(
        &self,
        action: &str,
        parameters: &[(&str, &str)],
        caller: Caller<'_>,
        call: &Call<'_>,
    ) -> Result<String, Undone> {
        let mut form = vec![("Action", action), ("Version", self.version)];
        form.extend_from_slice(parameters);
        let kind = "application/x-www-form-urlencoded; charset=utf-8";
        let mut request = Request::new(Method::POST, self.uri.clone(), signature::form(&form))
            .header(header::CONTENT_TYPE, kind)?;
        if let Caller::With(keys) = caller {
            let scope = Scope {
                region: self.region,
                service: self.name,
            };
            request = signature::sign(request, keys, scope, Timestamp::now())?;
        }
        let answer = self.http.send(request, call).await?;
        if answer.status.is_success() {
            return Ok(answer.text().into_owned());
        }
        let complaint = Complaint::of(&answer, Timestamp::now());
        let problem = complaint.problem(Asked {
            host: self.uri.host().unwrap_or_default(),
            action: &format!("{}:{action}", self.name),
            origin: caller.origin(),
        });
        Err(Undone {
            complaint: Some(complaint),
            problem,
        })
    }
}

/// Who calls.
#[derive(Debug, Clone, Copy)]
pub(super) enum Caller<'a> {
    /// The request is signed.
    With(&'a Keys),
    /// It is not; this is who asks, for messages.
    Unsigned(&'a str),
}

impl<'a> Caller<'a> {
    fn origin(self) -> &'a str {
        match self {
            Self::With(keys) => &keys.origin,
            Self::Unsigned(origin) => origin,
        }
    }
}

/// Where a service is in a region, if nothing else is said.
pub(super) fn usual_endpoint(service: &str, region: &str) -> Option<Uri> {
    let suffix = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    format!("https://{service}.{region}.{suffix}/").parse().ok()
}

/// The region in the usual name of a service: `eu-west-1` of `ec2.eu-west-1.amazonaws.com`.
pub(super) fn region_of(uri: &Uri) -> Option<&str> {
    let host = uri.host()?;
    let host = host.strip_suffix(".cn").unwrap_or(host);
    let mut labels = host.strip_suffix(".amazonaws.com")?.rsplit('.');
    let last = labels.find(|label| *label != "vpce");
    last.filter(|label| label.contains('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_has_its_endpoint_and_an_endpoint_its_region() {
        let there = |region| usual_endpoint("ec2", region).unwrap();
        assert_eq!(
            there("eu-west-1").to_string(),
            "https://ec2.eu-west-1.amazonaws.com/"
        );
        assert_eq!(
            there("cn-north-1").to_string(),
            "https://ec2.cn-north-1.amazonaws.com.cn/"
        );
        assert_eq!(region_of(&there("eu-west-1")), Some("eu-west-1"));
        assert_eq!(region_of(&there("cn-north-1")), Some("cn-north-1"));
        let private = "https://vpce-0abc-x.ec2.eu-west-1.vpce.amazonaws.com/"
            .parse()
            .unwrap();
        assert_eq!(region_of(&private), Some("eu-west-1"));
        assert_eq!(
            region_of(&"https://ec2.amazonaws.com/".parse().unwrap()),
            None
        );
        assert_eq!(region_of(&"http://127.0.0.1:5555/".parse().unwrap()), None);
    }
}
