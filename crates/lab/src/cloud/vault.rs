//! Keys, those who may use them, and the roles that hand out new ones.

use std::time::{Duration, Instant};

/// A pair of keys.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) access_key: String,
    pub(super) secret: String,
    pub(super) session_token: Option<String>,
    pub(super) allowed: Vec<String>,
    expires: Option<Instant>,
}

impl Key {
    pub(super) fn has_expired(&self) -> bool {
        self.expires.is_some_and(|end| end <= Instant::now())
    }

    fn remaining(&self) -> Duration {
        self.expires.map_or(Duration::MAX, |end| {
            end.saturating_duration_since(Instant::now())
        })
    }
}

/// A key as it is handed out.
#[derive(Debug, Clone)]
pub(super) struct Issued {
    pub(super) access_key: String,
    pub(super) secret: String,
    pub(super) session_token: String,
    pub(super) issued: jiff::Timestamp,
    pub(super) expires: jiff::Timestamp,
}

/// Something that hands out keys.
#[derive(Debug)]
struct Role {
    name: String,
    allowed: Vec<String>,
    lifetime: Duration,
    last: Option<(Key, Issued)>,
}

/// Which role somebody may have.
#[derive(Debug)]
enum Claim {
    Instance,
    WebIdentity {
        token: String,
    },
    Container {
        path: String,
        authorization: Option<String>,
    },
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Vault {
    keys: Vec<Key>,
    roles: Vec<(Claim, Role)>,
    minted: u32,
}

/// Why no key is handed out at a container's endpoint or for a web identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoKey {
    Unknown,
    Forbidden,
}

impl Vault {
    pub(super) fn add(
        &mut self,
        access_key: &str,
        secret: &str,
        session_token: Option<&str>,
        allowed: &[&str],
    ) {
        self.keys.push(Key {
            access_key: access_key.to_owned(),
            secret: secret.to_owned(),
            session_token: session_token.map(str::to_owned),
            allowed: owned(allowed),
            expires: None,
        });
    }

    /// The key of this name, if the session token is its own.
    pub(super) fn find(&self, access_key: &str, session_token: Option<&str>) -> Option<&Key> {
        self.keys.iter().find(|key| {
            key.access_key == access_key && key.session_token.as_deref() == session_token
        })
    }

    pub(super) fn instance_role(&mut self, name: &str, allowed: &[&str], lifetime: Duration) {
        self.roles
            .retain(|(claim, _)| !matches!(claim, Claim::Instance));
        self.role(Claim::Instance, name, allowed, lifetime);
    }

    pub(super) fn web_identity(
        &mut self,
        arn: &str,
        token: &str,
        allowed: &[&str],
        lifetime: Duration,
    ) {
        let token = token.to_owned();
        self.role(Claim::WebIdentity { token }, arn, allowed, lifetime);
    }

    pub(super) fn container(
        &mut self,
        path: &str,
        authorization: Option<&str>,
        allowed: &[&str],
        lifetime: Duration,
    ) {
        let claim = Claim::Container {
            path: path.to_owned(),
            authorization: authorization.map(str::to_owned),
        };
        self.role(claim, "container", allowed, lifetime);
    }

    fn role(&mut self, claim: Claim, name: &str, allowed: &[&str], lifetime: Duration) {
        let role = Role {
            name: name.to_owned(),
            allowed: owned(allowed),
            lifetime,
            last: None,
        };
        self.roles.push((claim, role));
    }

    /// What nobody else may see.
    pub(super) fn secrets(&self) -> impl Iterator<Item = String> {
        let of_key = |key: &Key| [Some(key.secret.clone()), key.session_token.clone()];
        self.keys.iter().flat_map(of_key).flatten()
    }

    pub(super) fn expire_roles(&mut self) {
        for key in self.keys.iter_mut().filter(|key| key.expires.is_some()) {
            key.expires = Some(Instant::now());
        }
        for (_, role) in &mut self.roles {
            role.last = None;
        }
    }

    /// The name of the machines' role.
    pub(super) fn instance_role_name(&self) -> Option<String> {
        let mut roles = self.roles.iter();
        let (_, role) = roles.find(|(claim, _)| matches!(claim, Claim::Instance))?;
        Some(role.name.clone())
    }

    /// The machines' key of the day.
    pub(super) fn for_instance(&mut self, name: &str) -> Option<Issued> {
        let index =
            self.position(|claim, role| matches!(claim, Claim::Instance) && role.name == name)?;
        Some(self.issue(index))
    }

    /// A key for whoever shows a web identity.
    pub(super) fn for_web_identity(&mut self, arn: &str, shown: &str) -> Result<Issued, NoKey> {
        let index = self
            .position(|claim, role| matches!(claim, Claim::WebIdentity { .. }) && role.name == arn);
        let index = index.ok_or(NoKey::Unknown)?;
        let good = matches!(&self.roles[index].0, Claim::WebIdentity { token } if token == shown);
        if !good {
            return Err(NoKey::Forbidden);
        }
        // Each assumption makes a session of its own.
        self.roles[index].1.last = None;
        Ok(self.issue(index))
    }

    /// The key of the day of a container's endpoint.
    pub(super) fn for_container(&mut self, at: &str, shown: Option<&str>) -> Result<Issued, NoKey> {
        let index =
            self.position(|claim, _| matches!(claim, Claim::Container { path, .. } if path == at));
        let index = index.ok_or(NoKey::Unknown)?;
        let Claim::Container { authorization, .. } = &self.roles[index].0 else {
            return Err(NoKey::Unknown);
        };
        if authorization.as_deref() != shown {
            return Err(NoKey::Forbidden);
        }
        Ok(self.issue(index))
    }

    fn position(&self, wanted: impl Fn(&Claim, &Role) -> bool) -> Option<usize> {
        self.roles
            .iter()
            .position(|(claim, role)| wanted(claim, role))
    }

    /// The role's key; a new one if a quarter of its life is left.
    fn issue(&mut self, index: usize) -> Issued {
        let (_, role) = &mut self.roles[index];
        if let Some((key, issued)) = &role.last
            && key.remaining() > role.lifetime / 4
        {
            return issued.clone();
        }
        self.minted += 1;
        let now = jiff::Timestamp::now();
        let (expires, lifetime) = end(now, role.lifetime);
        let issued = Issued {
            access_key: format!("ASIATEST{:012}", self.minted),
            secret: format!("secret/of+{:030}", self.minted),
            session_token: format!("session//token+of=={:08}", self.minted),
            issued: now,
            expires,
        };
        let key = Key {
            access_key: issued.access_key.clone(),
            secret: issued.secret.clone(),
            session_token: Some(issued.session_token.clone()),
            allowed: role.allowed.clone(),
            expires: Some(Instant::now() + lifetime),
        };
        role.last = Some((key.clone(), issued.clone()));
        self.keys.push(key);
        issued
    }
}

/// The first whole second after a lifetime, for ends are told in seconds; and how long that is.
fn end(now: jiff::Timestamp, lifetime: Duration) -> (jiff::Timestamp, Duration) {
    let exact = now + lifetime;
    let whole = jiff::Timestamp::from_second(exact.as_second() + 1).unwrap_or(exact);
    let left = Duration::try_from(whole.duration_since(now)).unwrap_or(lifetime);
    (whole, left)
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}
