//! Where keys come from, in the order that AWS's own tools use: environment, shared files, web
//! identity, container endpoint, instance role.

mod container;
mod issued;
mod role;
mod shared;
mod web_identity;

use std::time::Duration;

use hyper::Uri;
use jiff::Timestamp;

use self::shared::Profile;
use super::{keys::Keys, metadata::Metadata};
use crate::cloud::{
    environment::Environment,
    http::{Call, Http},
    problem::Problem,
};

/// After a failure to renew keys that still work, it is not tried again for so long.
const PAUSE: Duration = Duration::from_secs(30);

/// The keys in use, and the way to further ones.
#[derive(Debug)]
pub(super) struct Credentials {
    environment: Environment,
    /// `profile`.
    profile: Option<String>,
    cached: Option<Keys>,
    /// Not before that are keys renewed that still work.
    pause: Option<Timestamp>,
}

/// What some of the sources need.
pub(super) struct Means<'a> {
    pub(super) metadata: &'a mut Metadata,
    /// The way to AWS.
    pub(super) http: &'a Http,
    /// `AWS_ENDPOINT_URL_STS`.
    pub(super) sts: Option<&'a Uri>,
    pub(super) region: &'a str,
}

impl Credentials {
    pub(super) const fn new(environment: Environment, profile: Option<String>) -> Self {
        Self {
            environment,
            profile,
            cached: None,
            pause: None,
        }
    }

    /// Keys that work for a while, new ones if need be.
    pub(super) async fn get(
        &mut self,
        means: &mut Means<'_>,
        call: &Call<'_>,
    ) -> Result<Keys, Problem> {
        let now = Timestamp::now();
        let paused = self.pause.is_some_and(|end| end > now);
        let usable = self.cached.clone().filter(|keys| !keys.expired(now));
        match usable {
            Some(keys) if paused || !keys.expiring(now) => Ok(keys),
            Some(keys) => Ok(match self.find(means, call).await {
                Ok(newer) => newer,
                Err(_) => {
                    self.pause = Some(now + PAUSE);
                    keys
                }
            }),
            None => self.find(means, call).await,
        }
    }

    /// As [`Self::get`], for a call to come: it is a problem already if there will be no new keys when
    /// those at hand end. Keys without an end are looked for again, for they may have been exchanged.
    pub(super) async fn freshen(
        &mut self,
        means: &mut Means<'_>,
        call: &Call<'_>,
    ) -> Result<Keys, Problem> {
        let now = Timestamp::now();
        let Some((keys, end)) = self.ending(now) else {
            self.forget();
            return self.find(means, call).await;
        };
        if !keys.expiring(now) {
            return Ok(keys);
        }
        let newer = self.find(means, call).await;
        newer.map_err(|problem| {
            self.pause = Some(now + PAUSE);
            let (origin, reason) = (&keys.origin, &problem.text);
            let text = format!("the keys of {origin} end at {end}, and new ones: {reason}");
            Problem { text, ..problem }
        })
    }

    /// The keys at hand that still work, and will not for ever.
    fn ending(&self, now: Timestamp) -> Option<(Keys, Timestamp)> {
        let keys = self.cached.clone().filter(|keys| !keys.expired(now))?;
        let end = keys.expires?;
        Some((keys, end))
    }

    /// The keys in use were not accepted.
    pub(super) fn forget(&mut self) {
        self.cached = None;
        self.pause = None;
    }

    /// The region that the profile names.
    pub(super) fn region(&self) -> Result<Option<String>, Problem> {
        Ok(self.profile()?.and_then(|profile| profile.region()))
    }

    async fn find(&mut self, means: &mut Means<'_>, call: &Call<'_>) -> Result<Keys, Problem> {
        let keys = self.ask_all(means, call).await?;
        if keys.expired(Timestamp::now()) {
            let text = format!("the keys of {} have already expired", keys.origin);
            return Err(Problem::refused(
                text,
                "look at this machine's clock and at who issues them",
            ));
        }
        self.cached = Some(keys.clone());
        Ok(keys)
    }

    async fn ask_all(&self, means: &mut Means<'_>, call: &Call<'_>) -> Result<Keys, Problem> {
        // A profile that the file names comes before what happens to be in the environment.
        if self.profile.is_none()
            && let Some(keys) = of_environment(&self.environment)?
        {
            return Ok(keys);
        }
        if let Some(profile) = self.profile()? {
            if let Some(keys) = profile.keys()? {
                return Ok(keys);
            }
            if let Some(identity) = profile.web_identity()? {
                return identity.assume(means, call).await;
            }
            if self.profile.is_some() {
                return Err(profile.empty());
            }
        }
        if let Some(identity) = web_identity::of_environment(&self.environment)? {
            return identity.assume(means, call).await;
        }
        if let Some(container) = container::of_environment(&self.environment)? {
            return container.ask(means.http, call).await;
        }
        let elsewhere = "none in the environment, the shared files or a container's endpoint";
        if self
            .environment
            .get("AWS_EC2_METADATA_DISABLED")
            .is_some_and(|v| v.eq_ignore_ascii_case("true"))
        {
            let text = format!(
                "no credentials: {elsewhere}, and AWS_EC2_METADATA_DISABLED forbids to ask further"
            );
            return Err(Problem::refused(
                text,
                "attach a role to the instance and unset it",
            ));
        }
        role::ask(means.metadata, call)
            .await
            .map_err(|problem| Problem {
                text: format!("no credentials: {elsewhere}; {}", problem.text),
                ..problem
            })
    }

    fn profile(&self) -> Result<Option<Profile>, Problem> {
        shared::profile(self.profile.as_deref(), &self.environment)
    }
}

/// `AWS_ACCESS_KEY_ID` and its companions.
fn of_environment(environment: &Environment) -> Result<Option<Keys>, Problem> {
    let access = environment.get("AWS_ACCESS_KEY_ID");
    let secret = environment.get("AWS_SECRET_ACCESS_KEY");
    match (access, secret) {
        (None, None) => Ok(None),
        (Some(access), Some(secret)) => Ok(Some(Keys {
            access: access.to_owned(),
            secret: secret.to_owned(),
            token: environment.get("AWS_SESSION_TOKEN").map(str::to_owned),
            expires: None,
            origin: "the environment (AWS_ACCESS_KEY_ID)".into(),
        })),
        (Some(_), None) => Err(half("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
        (None, Some(_)) => Err(half("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID")),
    }
}

fn half(there: &str, missing: &str) -> Problem {
    let text = format!("{there} is in the environment, {missing} is not");
    Problem::refused(text, "set both, or neither and use an instance role")
}

/// For [`crate::fuzzing`]: keys as they are issued, and the files of AWS's tools.
pub(super) fn fuzz(text: &str) -> bool {
    let keys = issued::keys(text, "somebody", String::new());
    if let Err(problem) = &keys {
        assert!(problem.text.len() < text.len() + 100, "{}", problem.text);
    }
    keys.is_ok() | web_identity::fuzz(text) | shared::fuzz(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::fence::Permit;

    /// Nobody answers at that port: what comes was not asked of the network.
    async fn found(profile: Option<&str>, environment: Environment) -> Result<Keys, Problem> {
        let mut credentials = Credentials::new(environment, profile.map(str::to_owned));
        let mut metadata = Metadata::new("http://127.0.0.1:1", false).unwrap();
        let http = Http::nearby();
        let mut means = Means {
            metadata: &mut metadata,
            http: &http,
            sts: None,
            region: "eu-west-1",
        };
        let permit = Permit::by_hand();
        let call = Call::within(Duration::from_secs(5), &permit);
        credentials.get(&mut means, &call).await
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_environment_comes_first() {
        let environment = Environment::from([
            ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SESSION_TOKEN", "token"),
            ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere"),
        ]);
        let keys = found(None, environment).await.unwrap();
        assert_eq!(
            (keys.access.as_str(), keys.secret.as_str()),
            ("AKIAEXAMPLE", "secret")
        );
        assert_eq!(keys.token.as_deref(), Some("token"));
        let shown = format!("{keys:?}");
        assert!(
            !shown.contains("secret") && !shown.contains("token"),
            "{shown}"
        );
    }

    #[tokio::test(flavor = "current_thread")]
    async fn half_a_pair_of_keys_is_an_error() {
        let environment = Environment::from([("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")]);
        let problem = found(None, environment).await.unwrap_err();
        assert!(
            problem.text.contains("AWS_SECRET_ACCESS_KEY is not"),
            "{}",
            problem.text
        );
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_last_resort_is_the_instance_role() {
        let problem = found(None, Environment::default()).await.unwrap_err();
        let told = "no credentials: none in the environment, the shared files or a container's endpoint; \
                    instance metadata: 127.0.0.1 port 1 cannot be reached";
        assert!(problem.text.starts_with(told), "{}", problem.text);
    }

    /// Keys at hand, and nobody who has others.
    async fn freshened(expires: Option<Timestamp>) -> Result<Keys, Problem> {
        let mut credentials = Credentials::new(Environment::default(), None);
        credentials.cached = Some(Keys {
            access: "ASIAEXAMPLE".into(),
            secret: "secret".into(),
            token: None,
            expires,
            origin: "the instance role pontoon".into(),
        });
        let mut metadata = Metadata::new("http://127.0.0.1:1", false).unwrap();
        let http = Http::nearby();
        let mut means = Means {
            metadata: &mut metadata,
            http: &http,
            sts: None,
            region: "eu-west-1",
        };
        let permit = Permit::by_hand();
        let call = Call::within(Duration::from_secs(5), &permit);
        let freshened = credentials.freshen(&mut means, &call).await;
        // A call uses what still works, and does not wait for what has just failed.
        let got = credentials.get(&mut means, &call).await;
        assert_eq!(got.is_ok(), expires.is_some());
        freshened
    }

    #[tokio::test(flavor = "current_thread")]
    async fn keys_that_end_soon_without_new_ones_are_a_problem_already() {
        let now = Timestamp::now();
        let long = freshened(Some(now + Duration::from_secs(3600))).await;
        assert_eq!(long.unwrap().access, "ASIAEXAMPLE");
        let soon = now + Duration::from_secs(200);
        let problem = freshened(Some(soon)).await.unwrap_err();
        let told =
            format!("the keys of the instance role pontoon end at {soon}, and new ones: no ");
        assert!(problem.text.starts_with(&told), "{}", problem.text);
        let problem = freshened(None).await.unwrap_err();
        assert!(
            problem.text.starts_with("no credentials"),
            "{}",
            problem.text
        );
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_named_profile_has_to_be_there() {
        let environment = Environment::from([
            ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("HOME", "/nowhere"),
        ]);
        let problem = found(Some("prod"), environment).await.unwrap_err();
        assert!(
            problem.text.contains("no profile \"prod\""),
            "{}",
            problem.text
        );
    }
}
