//! The endpoint that ECS and EKS give a container.

use std::{net::IpAddr, path::Path};

use hyper::{Uri, header};

use super::issued;
use crate::cloud::{
    aws::keys::Keys,
    environment::Environment,
    file,
    http::{Call, Http, Request},
    problem::{Problem, unnumbered},
};

/// Where ECS answers.
const ECS: &str = "http://169.254.170.2";

/// Clear text is sent to nobody but these: ECS, and EKS over IPv4 and IPv6.
const NEARBY: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];

/// Where to ask, and with what.
pub(super) struct Container<'a> {
    uri: Uri,
    environment: &'a Environment,
}

/// The endpoint that the environment names, if it names one.
pub(super) fn of_environment(environment: &Environment) -> Result<Option<Container<'_>>, Problem> {
    const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
    let (name, text) = match (environment.get(RELATIVE), environment.get(FULL)) {
        (Some(path), _) => (RELATIVE, format!("{ECS}{path}")),
        (None, Some(uri)) => (FULL, uri.to_owned()),
        (None, None) => return Ok(None),
    };
    let wrong = |reason: &str| Problem::refused(format!("{name}: {reason}"), "");
    let uri: Uri = text.parse().map_err(|_| wrong("this is not a URL"))?;
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if is_nearby(&uri) => {}
        _ => {
            return Err(wrong(
                "only https, or http to this host or to the endpoints of ECS and EKS",
            ));
        }
    }
    Ok(Some(Container { uri, environment }))
}

fn is_nearby(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address: Option<IpAddr> = host.parse().ok();
    NEARBY.contains(&host) || host == "localhost" || address.is_some_and(|ip| ip.is_loopback())
}

impl Container<'_> {
    /// Asks for keys; `http` is for an endpoint that is not nearby.
    pub(super) async fn ask(&self, http: &Http, call: &Call<'_>) -> Result<Keys, Problem> {
        const WHO: &str = "the container's endpoint";
        let mut request = Request::get(self.uri.clone());
        if let Some(token) = self.authorization()? {
            request = request.header(header::AUTHORIZATION, &token)?;
        }
        let answer = if self.uri.scheme_str() == Some("https") {
            http.send(request, call).await?
        } else {
            Http::nearby().send(request, call).await?
        };
        if !answer.status.is_success() {
            let text = format!("{WHO} answers with status {}", answer.status.as_u16());
            return Err(Problem::unwell(
                text,
                "does the task or the pod have a role?",
            ));
        }
        issued::keys(&answer.text(), WHO, "the container's role".into())
    }

    /// What is sent to be let in; its file is read each time, for it changes.
    fn authorization(&self) -> Result<Option<String>, Problem> {
        const FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
        if let Some(path) = self.environment.get(FILE) {
            let text = file::text(Path::new(path)).map_err(|error| {
                Problem::refused(format!("{FILE} {path}: {}", unnumbered(error)), "")
            })?;
            return Ok(Some(text.trim().to_owned()));
        }
        let token = self.environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
        Ok(token.map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(name: &str, value: &str) -> Result<String, String> {
        let environment = Environment::from([(name, value)]);
        let found = of_environment(&environment).map_err(|problem| problem.text)?;
        Ok(found.unwrap().uri.to_string())
    }

    #[test]
    fn secrets_go_in_clear_text_only_to_those_nearby() {
        let full = |value| uri("AWS_CONTAINER_CREDENTIALS_FULL_URI", value);
        assert!(full("http://169.254.170.23/v1/credentials").is_ok());
        assert!(full("http://[fd00:ec2::23]/v1/credentials").is_ok());
        assert!(full("http://127.0.0.1:51679/x").is_ok());
        assert!(full("https://keys.example/x").is_ok());
        assert!(full("http://keys.example/x").is_err());
        let relative = uri(
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "/v2/credentials/x",
        );
        assert_eq!(relative.unwrap(), "http://169.254.170.2/v2/credentials/x");
        assert!(of_environment(&Environment::default()).unwrap().is_none());
    }
}
