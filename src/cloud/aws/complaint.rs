//! What AWS says when it does not do what it was asked, and what to do about it.

use std::time::Duration;

use hyper::{StatusCode, header};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimeParser};
use quick_xml::{Reader, events::Event};

use crate::cloud::{http::Answer, problem::Problem};

/// A clock that is off by this has signatures refused before long: AWS accepts five minutes.
const SKEW: SignedDuration = SignedDuration::from_mins(4);

/// An error in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) status: StatusCode,
    /// `InvalidAddress.NotFound`; empty if the answer has none.
    pub(super) code: String,
    /// AWS's own words.
    pub(super) message: String,
    /// How far its clock is ahead of ours, if it says.
    pub(super) ahead: Option<SignedDuration>,
    /// When to come again, if it says.
    pub(super) after: Option<Duration>,
}

/// What was asked for, to be named in messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Of whom: `ec2.eu-west-1.amazonaws.com`.
    pub(super) host: &'a str,
    /// `ec2:AssociateAddress`.
    pub(super) action: &'a str,
    /// Where the keys were from, or whom keys were asked for.
    pub(super) origin: &'a str,
}

impl Complaint {
    /// Of an answer that is none of success.
    pub(super) fn of(answer: &Answer, now: Timestamp) -> Self {
        let text = answer.text();
        let date = answer
            .headers
            .get(header::DATE)
            .and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
        Self {
            status: answer.status,
            code: element(&text, "Code").unwrap_or_default(),
            message: readable(&element(&text, "Message").unwrap_or_default()),
            ahead: date.map(|date| date.duration_since(now)),
            after: answer.retry_after(),
        }
    }

    /// A call that was only tried out would have been carried out.
    pub(super) fn is_dry_run(&self) -> bool {
        self.code == "DryRunOperation"
    }

    /// The keys are no longer good; others may be.
    pub(super) fn is_expiry(&self) -> bool {
        // EC2 has one code for a clock that is wrong and for keys whose session has ended.
        ["ExpiredToken", "ExpiredTokenException", "RequestExpired"].contains(&self.code.as_str())
    }

    /// Something is wrong with the keys, whatever it is.
    pub(super) fn is_about_keys(&self) -> bool {
        let codes = [
            "AuthFailure",
            "InvalidClientTokenId",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ];
        self.is_expiry() || codes.contains(&self.code.as_str())
    }

    /// What this node was believed to be is not there.
    pub(super) fn is_about_this_node(&self) -> bool {
        let about = [
            "InvalidNetworkInterface",
            "InvalidInstance",
            "InvalidPrivateIpAddress",
            "InvalidParameterValue",
        ];
        about.iter().any(|start| self.code.starts_with(start))
    }

    /// The allocation that was looked up is not there.
    pub(super) fn is_about_allocation(&self) -> bool {
        self.code.starts_with("InvalidAllocationID")
    }

    /// For the operator.
    pub(super) fn problem(&self, asked: Asked<'_>) -> Problem {
        let Self {
            status,
            code,
            message,
            ..
        } = self;
        let said = match (code.as_str(), message.as_str()) {
            ("", _) => format!("status {status}"),
            (code, "") => code.to_owned(),
            (code, message) => format!("{code} ({message})"),
        };
        let text = format!("{} answers {} with {said}", asked.host, asked.action);
        if throttles(code) || *status == StatusCode::TOO_MANY_REQUESTS {
            return Problem::throttled(self.after, text);
        }
        if let Some(advice) = self.advice(asked) {
            return Problem::refused(text, advice);
        }
        match status.as_u16() {
            503 => Problem::unwell(text, ""),
            500..=599 => Problem::unanswered(text, ""),
            200..=299 => Problem::unanswered(text, "is endpoint right?"),
            _ if code.is_empty() => Problem::refused(text, "is endpoint right?"),
            _ => Problem::refused(text, ""),
        }
    }

    fn advice(&self, asked: Asked<'_>) -> Option<String> {
        let Asked { action, origin, .. } = asked;
        let advice = match self.code.as_str() {
            "UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException" => {
                format!("allow {action} in the IAM policy behind {origin}")
            }
            "AuthFailure" if self.message.contains("permission to access") => {
                "the address or the interface belongs to another account, or to a service such as a \
                 NAT gateway"
                    .into()
            }
            _ if self.is_about_keys() => self.about_keys(origin),
            "OptInRequired" | "Blocked" | "PendingVerification" => {
                "the account cannot use EC2: see its state in the AWS console".into()
            }
            "InvalidAddress.NotFound" | "InvalidAddress.Malformed" => {
                "the account has no such Elastic IP in this region: look at floating_ip, region and \
                 whose account the credentials are of"
                    .into()
            }
            code if code.starts_with("InvalidAllocationID") => {
                "the account has no such allocation in this region: correct allocation_id, or leave \
                 it out to have it looked up"
                    .into()
            }
            code if code.starts_with("InvalidNetworkInterface") => {
                "correct network_interface, or leave it out to have it looked up".into()
            }
            "InvalidInstanceID" => {
                "the instance has several interfaces: name network_interface instead of instance_id"
                    .into()
            }
            code if code.starts_with("InvalidInstanceID") => {
                "correct instance_id, or leave it out to have it looked up".into()
            }
            "InvalidPrivateIpAddress" | "InvalidParameterValue" | "InvalidParameterCombination" => {
                "look at private_ip: it has to be a private address of this node's interface".into()
            }
            "IncorrectInstanceState" => "the instance has to be running".into(),
            "Resource.AlreadyAssociated" => {
                "reassociation was asked for all the same: is endpoint that of EC2?".into()
            }
            "InvalidAction" | "UnsupportedOperation" => {
                "is endpoint that of EC2 in this region?".into()
            }
            "Gateway.NotAttached" => "attach an internet gateway to the VPC".into(),
            _ => return None,
        };
        Some(advice)
    }

    fn about_keys(&self, origin: &str) -> String {
        match self.ahead {
            Some(ahead) if ahead.abs() > SKEW => {
                let side = if ahead.is_positive() {
                    "behind"
                } else {
                    "ahead of"
                };
                let by = ahead.abs().as_secs();
                format!("this machine's clock is {by} s {side} that of AWS: set it")
            }
            _ if self.code == "RequestExpired" => {
                "look at this machine's clock, or whether the keys are still valid".into()
            }
            _ if self.is_expiry() => format!("the keys of {origin} have expired: renew them"),
            _ => format!("AWS does not accept the keys of {origin}: look at key and secret"),
        }
    }
}

fn throttles(code: &str) -> bool {
    let codes = [
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "EC2ThrottledException",
        "BandwidthLimitExceeded",
        "SlowDown",
    ];
    codes.contains(&code)
}

/// In one line, without the part that only `sts:DecodeAuthorizationMessage` can read, and without
/// what was signed: the session token is in it.
fn readable(message: &str) -> String {
    const LONGEST: usize = 500;
    let plain = [
        "Encoded authorization failure message",
        "The Canonical String",
        "The String-to-Sign",
    ]
    .into_iter()
    .fold(message, |text, mark| {
        text.split(mark).next().unwrap_or_default()
    });
    let line: Vec<&str> = plain.split_whitespace().collect();
    line.join(" ")
        .trim_end_matches('.')
        .chars()
        .take(LONGEST)
        .collect()
}

/// The text of the first element of that name.
pub(super) fn element(xml: &str, name: &str) -> Option<String> {
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) if start.local_name().as_ref() == name => {
                let end = start.to_end().into_owned();
                let text = reader.read_text(end.name()).ok()?;
                return Some(quick_xml::escape::unescape(&text).ok()?.into_owned());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;
    use pontoon_engine::floating_ip::event::{Failure, FailureKind};

    use super::*;

    fn complaint(status: u16, code: &str, message: &str) -> Complaint {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{code}</Code>\
             <Message>{message}</Message></Error></Errors><RequestID>x</RequestID></Response>"
        );
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.into_bytes(),
        };
        Complaint::of(&answer, Timestamp::UNIX_EPOCH)
    }

    fn line(complaint: &Complaint) -> (FailureKind, String) {
        let asked = Asked {
            host: "ec2.eu-west-1.amazonaws.com",
            action: "ec2:AssociateAddress",
            origin: "the instance role pontoon",
        };
        let Failure { kind, text } = complaint.problem(asked).into();
        (kind, text)
    }

    #[test]
    fn a_missing_right_is_named_with_whom_it_is_to_be_given() {
        let message = "You are not authorized to perform this operation. Encoded authorization \
                       failure message: abcdefghijklmnopqrstuvwxyz";
        let (kind, text) = line(&complaint(403, "UnauthorizedOperation", message));
        assert_eq!(kind, FailureKind::Refused);
        assert_eq!(
            text,
            "ec2.eu-west-1.amazonaws.com answers ec2:AssociateAddress with UnauthorizedOperation (You are \
             not authorized to perform this operation): allow ec2:AssociateAddress in the IAM policy behind \
             the instance role pontoon"
        );
    }

    #[test]
    fn too_many_calls_are_told_apart_from_a_provider_that_is_not_well() {
        let (kind, _) = line(&complaint(
            503,
            "RequestLimitExceeded",
            "Request limit exceeded.",
        ));
        assert_eq!(kind, FailureKind::Throttled { after: None });
        let (kind, _) = line(&complaint(503, "Unavailable", "Try again."));
        assert_eq!(kind, FailureKind::Unwell);
        let (kind, _) = line(&complaint(500, "InternalError", "Oops."));
        assert_eq!(
            kind,
            FailureKind::Unanswered,
            "it may have been carried out"
        );
    }

    #[test]
    fn a_wrong_clock_is_named_where_keys_are_doubted() {
        let mut wrong = complaint(
            401,
            "AuthFailure",
            "AWS was not able to validate the credentials",
        );
        assert!(
            line(&wrong).1.ends_with("look at key and secret"),
            "{}",
            line(&wrong).1
        );
        wrong.ahead = Some(SignedDuration::from_mins(-20));
        let (_, text) = line(&wrong);
        assert!(
            text.ends_with("this machine's clock is 1200 s ahead of that of AWS: set it"),
            "{text}"
        );
    }

    #[test]
    fn the_clock_of_aws_is_read_from_its_answer() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::DATE,
            "Thu, 01 Jan 1970 00:10:00 GMT".parse().unwrap(),
        );
        let answer = Answer {
            status: StatusCode::FORBIDDEN,
            headers,
            body: Vec::new(),
        };
        let complaint = Complaint::of(&answer, Timestamp::UNIX_EPOCH);
        assert_eq!(complaint.ahead, Some(SignedDuration::from_mins(10)));
    }

    #[test]
    fn every_known_error_says_what_to_do() {
        for code in [
            "UnauthorizedOperation",
            "AuthFailure",
            "ExpiredToken",
            "RequestExpired",
            "InvalidAddress.NotFound",
            "InvalidAllocationID.NotFound",
            "InvalidNetworkInterfaceID.NotFound",
            "InvalidInstanceID.NotFound",
            "OptInRequired",
        ] {
            let problem = complaint(400, code, "").problem(Asked {
                host: "h",
                action: "a",
                origin: "o",
            });
            assert_eq!(problem.kind, FailureKind::Refused, "{code}");
            assert!(!problem.advice.is_empty(), "{code}");
        }
    }

    #[test]
    fn an_address_of_somebody_else_is_no_matter_of_keys() {
        let message = "You do not have permission to access the specified resource.";
        let (_, text) = line(&complaint(400, "AuthFailure", message));
        assert!(text.contains("such as a NAT gateway"), "{text}");
    }

    #[test]
    fn what_was_signed_is_not_repeated() {
        let message = "The request signature we calculated does not match. The Canonical String for \
                       this request should have been\n'POST\n/\n\nx-amz-security-token:hush'";
        let (_, text) = line(&complaint(403, "SignatureDoesNotMatch", message));
        assert!(text.contains("does not match"), "{text}");
        assert!(!text.contains("hush"), "{text}");
    }

    #[test]
    fn an_answer_that_is_no_xml_at_all_is_still_told() {
        let answer = Answer {
            status: StatusCode::BAD_GATEWAY,
            headers: HeaderMap::new(),
            body: b"<html><p>proxy error".to_vec(),
        };
        let (kind, text) = line(&Complaint::of(&answer, Timestamp::UNIX_EPOCH));
        assert_eq!(kind, FailureKind::Unanswered);
        assert!(text.ends_with("with status 502 Bad Gateway"), "{text}");
    }
}
