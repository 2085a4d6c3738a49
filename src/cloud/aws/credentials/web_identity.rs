//! A role that is assumed with somebody else's token (`AssumeRoleWithWebIdentity`).

use std::path::Path;

use crate::cloud::{
    aws::{
        complaint::element,
        keys::Keys,
        query::{Caller, Service, usual_endpoint},
    },
    environment::Environment,
    file,
    http::Call,
    problem::{Problem, unnumbered},
};

use super::Means;

/// What is needed to assume it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WebIdentity {
    pub(super) token_file: String,
    pub(super) role: String,
    /// How this session is called in AWS's own logs.
    pub(super) session: String,
}

/// What the environment says, if it says anything.
pub(super) fn of_environment(environment: &Environment) -> Result<Option<WebIdentity>, Problem> {
    let Some(token_file) = environment.get("AWS_WEB_IDENTITY_TOKEN_FILE") else {
        return Ok(None);
    };
    let Some(role) = environment.get("AWS_ROLE_ARN") else {
        let text = "AWS_WEB_IDENTITY_TOKEN_FILE is in the environment, AWS_ROLE_ARN is not";
        return Err(Problem::refused(text, "set both, or neither"));
    };
    Ok(Some(WebIdentity {
        token_file: token_file.to_owned(),
        role: role.to_owned(),
        session: environment
            .get("AWS_ROLE_SESSION_NAME")
            .unwrap_or("pontoon")
            .to_owned(),
    }))
}

impl WebIdentity {
    /// Asks STS; the file is read each time, for its token is renewed there.
    pub(super) async fn assume(&self, means: &Means<'_>, call: &Call<'_>) -> Result<Keys, Problem> {
        const ACTION: &str = "AssumeRoleWithWebIdentity";
        let path = &self.token_file;
        let token = file::text(Path::new(path)).map_err(|error| {
            Problem::refused(
                format!("the web identity token {path}: {}", unnumbered(error)),
                "may this process read it?",
            )
        })?;
        let usual = usual_endpoint("sts", means.region);
        let Some(uri) = means.sts.or(usual.as_ref()) else {
            return Err(Problem::refused(
                format!("{:?} is no region", means.region),
                "",
            ));
        };
        let service = Service {
            http: means.http,
            uri,
            name: "sts",
            region: means.region,
            version: "2011-06-15",
        };
        let parameters = [
            ("RoleArn", self.role.as_str()),
            ("RoleSessionName", &self.session),
            ("WebIdentityToken", token.trim()),
        ];
        let origin = format!("the role {} (web identity)", self.role);
        let answer = service
            .call(ACTION, &parameters, Caller::Unsigned(&origin), call)
            .await?;
        issued(&answer, origin)
    }
}

fn issued(xml: &str, origin: String) -> Result<Keys, Problem> {
    let keys = || {
        Some(Keys {
            access: element(xml, "AccessKeyId")?,
            secret: element(xml, "SecretAccessKey")?,
            token: Some(element(xml, "SessionToken")?),
            expires: Some(element(xml, "Expiration")?.parse().ok()?),
            origin,
        })
    };
    keys()
        .ok_or_else(|| Problem::unanswered("the credentials that STS gives are not understood", ""))
}

/// For [`crate::fuzzing`]: no error quotes what may be a key.
pub(super) fn fuzz(xml: &str) -> bool {
    let keys = issued(xml, String::new());
    if let Err(problem) = &keys {
        assert_eq!(
            problem.text,
            "the credentials that STS gives are not understood"
        );
    }
    keys.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_sts_is_read() {
        let xml = "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
            <AssumeRoleWithWebIdentityResult><AssumedRoleUser><Arn>a</Arn></AssumedRoleUser><Credentials>\
            <SessionToken>t&amp;t</SessionToken><SecretAccessKey>s</SecretAccessKey>\
            <Expiration>2026-10-24T23:00:23Z</Expiration><AccessKeyId>ASIAEXAMPLE</AccessKeyId>\
            </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
        let keys = issued(xml, String::new()).unwrap();
        assert_eq!(
            (keys.access.as_str(), keys.secret.as_str()),
            ("ASIAEXAMPLE", "s")
        );
        assert_eq!(keys.token.as_deref(), Some("t&t"));
        assert_eq!(keys.expires, "2026-10-24T23:00:23Z".parse().ok());
        assert!(issued("<html>", String::new()).is_err());
    }

    #[test]
    fn the_file_without_the_role_is_an_error() {
        let half = Environment::from([("AWS_WEB_IDENTITY_TOKEN_FILE", "/t")]);
        assert!(of_environment(&half).is_err());
        assert_eq!(of_environment(&Environment::default()), Ok(None));
    }
}
