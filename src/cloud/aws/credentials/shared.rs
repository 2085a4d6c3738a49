//! The files that AWS's own tools share: `~/.aws/credentials` and `~/.aws/config` (AWS SDKs and Tools
//! Reference Guide, "Shared config and credentials files").

use std::{
    collections::BTreeMap,
    fmt, io,
    path::{Path, PathBuf},
};

use super::web_identity::WebIdentity;
use crate::cloud::{
    aws::keys::Keys,
    environment::Environment,
    file,
    problem::{Problem, unnumbered},
};

/// Ways to keys that other tools know and this program does not, and what to do instead.
const REFUSED: [(&str, &str); 5] = [
    (
        "credential_process",
        "run it yourself and write its keys to the profile",
    ),
    ("sso_session", "a daemon cannot log in"),
    ("sso_start_url", "a daemon cannot log in"),
    ("source_profile", "no role is assumed with other keys"),
    ("credential_source", "no role is assumed with other keys"),
];

/// One profile of both files.
pub(super) struct Profile {
    name: String,
    settings: BTreeMap<String, String>,
    /// Where its keys would be.
    file: PathBuf,
}

/// The values may be secrets.
impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The profile to be used: the one that is named, that of `AWS_PROFILE`, or `default`.
///
/// # Errors
/// It was named and is not there, or a file cannot be read.
pub(super) fn profile(
    named: Option<&str>,
    environment: &Environment,
) -> Result<Option<Profile>, Problem> {
    let named = named.or_else(|| environment.get("AWS_PROFILE"));
    let name = named.unwrap_or("default");
    let credentials = place("AWS_SHARED_CREDENTIALS_FILE", "credentials", environment);
    let config = place("AWS_CONFIG_FILE", "config", environment);
    let in_config = if name == "default" {
        name.to_owned()
    } else {
        format!("profile {name}")
    };
    // The default profile may bear either title; what stands in credentials counts more.
    let mut settings = BTreeMap::new();
    for (file, titles) in [
        (&config, vec![in_config, "profile default".into()]),
        (&credentials, vec![name.to_owned()]),
    ] {
        let sections = file.as_deref().map(read).transpose()?.unwrap_or_default();
        let wanted = |title: &String| name == "default" || title != "profile default";
        for title in titles.iter().filter(|title| wanted(title)) {
            settings.extend(sections.get(title).cloned().unwrap_or_default());
        }
    }
    let file = credentials.unwrap_or_else(|| "~/.aws/credentials".into());
    if settings.is_empty() && named.is_some() {
        let text = format!(
            "there is no profile {name:?} in {} or in config beside it",
            file.display()
        );
        return Err(Problem::refused(
            text,
            "look at profile and AWS_PROFILE, and at HOME, AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE",
        ));
    }
    let found = Profile {
        name: name.to_owned(),
        settings,
        file,
    };
    Ok(Some(found).filter(|profile| !profile.settings.is_empty()))
}

fn place(variable: &str, name: &str, environment: &Environment) -> Option<PathBuf> {
    let home = environment.get("HOME");
    match environment.get(variable) {
        Some(path) => match (path.strip_prefix("~/"), home) {
            (Some(rest), Some(home)) => Some(PathBuf::from(home).join(rest)),
            _ => Some(path.into()),
        },
        None => Some(PathBuf::from(home?).join(".aws").join(name)),
    }
}

type Sections = BTreeMap<String, BTreeMap<String, String>>;

/// A file that is not there has no sections.
fn read(path: &Path) -> Result<Sections, Problem> {
    match file::text(path) {
        Ok(text) => Ok(sections(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Sections::new()),
        Err(error) => {
            let text = format!("{}: {}", path.display(), unnumbered(error));
            Err(Problem::refused(text, "let this process read it"))
        }
    }
}

/// `[title]`, `key = value`, comments. Indented lines belong to the value above, which is none that
/// matters here.
fn sections(text: &str) -> Sections {
    let mut sections = Sections::new();
    let mut title = String::new();
    for line in text.lines() {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with(['#', ';']) || line.starts_with([' ', '\t']) {
            continue;
        }
        if let Some(inner) = bare
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next())
        {
            let words: Vec<&str> = inner.split_whitespace().collect();
            title = words.join(" ").replace('"', "");
        } else if let Some((key, value)) = bare.split_once('=') {
            let value = value.split(" #").next().unwrap_or_default().trim();
            let section = sections.entry(title.clone()).or_default();
            section.insert(key.trim().to_ascii_lowercase(), value.to_owned());
        }
    }
    sections
}

impl Profile {
    fn get(&self, key: &str) -> Option<&str> {
        self.settings
            .get(key)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// `region`.
    pub(super) fn region(&self) -> Option<String> {
        self.get("region").map(str::to_owned)
    }

    /// Its keys, if it has any.
    ///
    /// # Errors
    /// It has half of a pair, or another way to keys that is not supported.
    pub(super) fn keys(&self) -> Result<Option<Keys>, Problem> {
        match (
            self.get("aws_access_key_id"),
            self.get("aws_secret_access_key"),
        ) {
            (Some(access), Some(secret)) if self.get("role_arn").is_none() => Ok(Some(Keys {
                access: access.to_owned(),
                secret: secret.to_owned(),
                token: self.get("aws_session_token").map(str::to_owned),
                expires: None,
                origin: format!("profile {} ({})", self.name, self.file.display()),
            })),
            (Some(_), None) | (None, Some(_)) => {
                let text = format!(
                    "profile {:?} has only one half of a pair of keys",
                    self.name
                );
                Err(Problem::refused(
                    text,
                    "give it aws_access_key_id and aws_secret_access_key",
                ))
            }
            _ => self.other_ways(),
        }
    }

    fn other_ways(&self) -> Result<Option<Keys>, Problem> {
        match REFUSED.iter().find(|(key, _)| self.get(key).is_some()) {
            None => Ok(None),
            Some((key, why)) => {
                let text = format!(
                    "profile {:?} wants {key}, which is not supported",
                    self.name
                );
                Err(Problem::refused(
                    text,
                    format!("{why}; use an instance role, or keys"),
                ))
            }
        }
    }

    /// The role it has assumed with a token in a file, if it does.
    ///
    /// # Errors
    /// It does so by half.
    pub(super) fn web_identity(&self) -> Result<Option<WebIdentity>, Problem> {
        match (self.get("role_arn"), self.get("web_identity_token_file")) {
            (None, None) => Ok(None),
            (Some(role), Some(file)) => Ok(Some(WebIdentity {
                token_file: file.to_owned(),
                role: role.to_owned(),
                session: self
                    .get("role_session_name")
                    .unwrap_or("pontoon")
                    .to_owned(),
            })),
            _ => {
                let text = format!(
                    "profile {:?} has one of role_arn and web_identity_token_file",
                    self.name
                );
                Err(Problem::refused(text, "give it both, or neither"))
            }
        }
    }

    /// It was to be used, and nothing in it leads to keys.
    pub(super) fn empty(&self) -> Problem {
        let text = format!("profile {:?} has no keys", self.name);
        Problem::refused(text, "give it aws_access_key_id and aws_secret_access_key")
    }
}

/// For [`crate::fuzzing`]: whatever a file says of a profile, no error shows its keys.
pub(super) fn fuzz(text: &str) -> bool {
    let mut understood = false;
    for (name, settings) in sections(text) {
        let profile = Profile {
            name,
            settings,
            file: PathBuf::new(),
        };
        let secret = profile.get("aws_secret_access_key").map(str::to_owned);
        let keys = profile.keys();
        understood |= keys.is_ok();
        if let (Err(problem), Some(secret)) = (keys, secret) {
            // A short one may be part of any word, or stand in the name of the profile.
            let told = secret.len() > 40 && !profile.name.contains(&secret);
            assert!(!told || !problem.text.contains(&secret), "{}", problem.text);
        }
    }
    understood
}

#[cfg(test)]
mod tests {
    use pontoon_lab::temp::TempDir;

    use super::*;

    const CREDENTIALS: &str = "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key=a=b/+\n\n\
        # kept for later\n[prod]\naws_access_key_id=AKIAPROD\naws_secret_access_key=s\naws_session_token = t\n\
        [half]\naws_access_key_id=AKIAHALF\n";
    const CONFIG: &str = "[default]\nregion = eu-west-1\ns3 =\n  region = us-east-1\n[profile prod]\n\
        region=eu-central-1\n[profile process]\ncredential_process = /bin/true\n[profile pod]\n\
        role_arn = arn:aws:iam::1:role/r\nweb_identity_token_file = /t\n[sso-session x]\nsso_start_url=u\n";

    fn home() -> (TempDir, Environment) {
        let folder = TempDir::new("aws").unwrap();
        std::fs::create_dir(folder.path().join(".aws")).unwrap();
        std::fs::write(folder.path().join(".aws/credentials"), CREDENTIALS).unwrap();
        std::fs::write(folder.path().join(".aws/config"), CONFIG).unwrap();
        let environment = Environment::from([("HOME", folder.path().to_str().unwrap())]);
        (folder, environment)
    }

    #[test]
    fn the_default_profile_is_used_if_none_is_named() {
        let (_folder, environment) = home();
        let found = profile(None, &environment).unwrap().unwrap();
        let keys = found.keys().unwrap().unwrap();
        assert_eq!(
            (keys.access.as_str(), keys.secret.as_str()),
            ("AKIADEFAULT", "a=b/+")
        );
        assert_eq!(found.region().as_deref(), Some("eu-west-1"));
    }

    #[test]
    fn a_named_profile_takes_its_keys_and_its_region_from_both_files() {
        let (_folder, environment) = home();
        let found = profile(Some("prod"), &environment).unwrap().unwrap();
        let keys = found.keys().unwrap().unwrap();
        assert_eq!(
            (keys.access.as_str(), keys.token.as_deref()),
            ("AKIAPROD", Some("t"))
        );
        assert_eq!(found.region().as_deref(), Some("eu-central-1"));
        assert!(profile(Some("nowhere"), &environment).is_err());
    }

    #[test]
    fn ways_to_keys_that_are_not_supported_are_refused() {
        let (_folder, environment) = home();
        let refused = |name| {
            profile(Some(name), &environment)
                .unwrap()
                .unwrap()
                .keys()
                .unwrap_err()
                .text
        };
        assert!(refused("process").contains("credential_process"));
        assert!(refused("half").contains("half"));
    }

    #[test]
    fn a_profile_may_assume_a_role_with_a_token_file() {
        let (_folder, environment) = home();
        let found = profile(Some("pod"), &environment).unwrap().unwrap();
        assert_eq!(found.keys().unwrap(), None);
        assert_eq!(
            found.web_identity().unwrap().unwrap().role,
            "arn:aws:iam::1:role/r"
        );
    }

    #[test]
    fn no_files_are_no_profile() {
        let nowhere = Environment::from([("HOME", "/nowhere")]);
        assert!(profile(None, &nowhere).unwrap().is_none());
        assert!(profile(None, &Environment::default()).unwrap().is_none());
    }
}
