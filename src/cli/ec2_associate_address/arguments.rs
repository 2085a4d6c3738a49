//! The command line of `ec2-associate-address`, as the old tool of the EC2 API tools took it.

use std::net::Ipv4Addr;

use pontoon_config::similar;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// `-h`, `-?`, `--help`.
    Help,
    /// `-V`, `--version`.
    Version,
    /// An association.
    Associate(Box<Arguments>),
}

/// An association.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Arguments {
    /// The Elastic IP.
    pub(super) address: Option<Ipv4Addr>,
    /// `-a`, `--allocation-id`.
    pub(super) allocation: Option<String>,
    /// `-i`, `--instance`.
    pub(super) instance: Option<String>,
    /// `-n`, `--network-interface`.
    pub(super) interface: Option<String>,
    /// `-p`, `--private-ip-address`.
    pub(super) private_ip: Option<Ipv4Addr>,
    /// `--allow-reassociation`.
    pub(super) reassociate: bool,
    /// `-O`, `--aws-access-key`; `AWS_ACCESS_KEY`.
    pub(super) access_key: Option<String>,
    /// `-W`, `--aws-secret-key`; `AWS_SECRET_KEY`.
    pub(super) secret_key: Option<String>,
    /// The secret stands on the command line.
    pub(super) secret_is_open: bool,
    /// `-T`, `--security-token`; `AWS_DELEGATION_TOKEN`.
    pub(super) token: Option<String>,
    /// `-U`, `--url`; `EC2_URL`.
    pub(super) url: Option<String>,
    /// `--region`.
    pub(super) region: Option<String>,
}

/// Why a command line is not understood. Each says what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum UsageError {
    #[error("unknown option '{0}'{1}")]
    Unknown(String, String),
    #[error("option '{0}' is not supported: {1}")]
    Unsupported(String, &'static str),
    #[error("option '{0}' needs a value; is a variable of the script empty?")]
    NoValue(String),
    #[error("'{1}', given to '{0}', is no IPv4 address")]
    NoAddress(String, String),
    #[error("'{0}' is no IPv4 address: the Elastic IP stands alone, options begin with '-'")]
    Stray(String),
    #[error("there are two addresses, {0} and {1}: one is associated at a time")]
    TwoAddresses(Ipv4Addr, Ipv4Addr),
    #[error("say which address: its IP, or its allocation with -a")]
    NoTarget,
    #[error("say where to: the instance with -i, or the interface with -n")]
    NoHolder,
    #[error("say either -i or -n: an interface already says which instance")]
    TwoHolders,
    #[error("a key has two halves: say both -O and -W, or AWS_ACCESS_KEY and AWS_SECRET_KEY")]
    HalfAKey,
    #[error("say where EC2 is: --region, or its URL with -U or EC2_URL")]
    NoPlace,
}

/// What an option does with its value.
type Take = fn(&mut Arguments, &Given<'_>) -> Result<(), UsageError>;

/// An option as it was given.
struct Given<'a> {
    name: &'a str,
    value: &'a str,
}

/// An option that takes a value, by all its names.
struct Valued {
    names: &'static [&'static str],
    take: Take,
}

/// In the order of the old tool's help. `-instance` is how its users wrote it.
const VALUED: &[Valued] = &[
    Valued {
        names: &["-a", "--allocation-id"],
        take: |to, it| set(&mut to.allocation, it),
    },
    Valued {
        names: &["-i", "--instance", "-instance"],
        take: |to, it| set(&mut to.instance, it),
    },
    Valued {
        names: &["-n", "--network-interface"],
        take: |to, it| set(&mut to.interface, it),
    },
    Valued {
        names: &["-p", "--private-ip-address"],
        take: |to, it| {
            let parsed = it.value.parse();
            let wrong = |_| UsageError::NoAddress(it.name.into(), shown(it.value));
            to.private_ip = Some(parsed.map_err(wrong)?);
            Ok(())
        },
    },
    Valued {
        names: &["-O", "--aws-access-key"],
        take: |to, it| set(&mut to.access_key, it),
    },
    Valued {
        names: &["-W", "--aws-secret-key"],
        take: |to, it| {
            to.secret_is_open = true;
            set(&mut to.secret_key, it)
        },
    },
    Valued {
        names: &["-T", "--security-token"],
        take: |to, it| set(&mut to.token, it),
    },
    Valued {
        names: &["-U", "--url"],
        take: |to, it| set(&mut to.url, it),
    },
    Valued {
        names: &["--region"],
        take: |to, it| set(&mut to.region, it),
    },
];

const REASSOCIATE: &str = "--allow-reassociation";
const HELP: &[&str] = &["-h", "-?", "--help"];
const VERSION: &[&str] = &["-V", "--version"];

/// What the old tool knew and we do not do.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("-K", "X.509 keys ended with EC2's SOAP API; use -O and -W"),
    (
        "--private-key",
        "X.509 keys ended with EC2's SOAP API; use -O and -W",
    ),
    (
        "-C",
        "X.509 certificates ended with EC2's SOAP API; use -O and -W",
    ),
    (
        "--cert",
        "X.509 certificates ended with EC2's SOAP API; use -O and -W",
    ),
    (
        "-D",
        "`pontoon floating-ip preflight` tries the rights without moving anything",
    ),
    (
        "--auth-dry-run",
        "`pontoon floating-ip preflight` tries the rights without moving anything",
    ),
    ("--connection-timeout", "a call has 10 s in all"),
    ("--request-timeout", "a call has 10 s in all"),
    ("-v", "leave it out"),
    ("--verbose", "leave it out"),
    ("--debug", "leave it out"),
    ("-H", "leave it out"),
    ("--headers", "leave it out"),
    ("--show-empty-fields", "leave it out"),
    ("--hide-tags", "leave it out"),
];

impl Asked {
    /// Reads a command line, without the program's name; `environment` is asked for what it does
    /// not say.
    pub(super) fn parse(
        words: impl IntoIterator<Item = String>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, UsageError> {
        let mut words = words.into_iter();
        let mut arguments = Arguments::default();
        while let Some(word) = words.next() {
            let (name, inline) = split(&word);
            if HELP.contains(&name) {
                return Ok(Self::Help);
            }
            if VERSION.contains(&name) {
                return Ok(Self::Version);
            }
            if name == REASSOCIATE {
                arguments.reassociate = true;
            } else if name.starts_with('-') {
                let take = taker(name)?;
                let value = inline.map(str::to_owned).or_else(|| words.next());
                // An unset variable of a script leaves nothing, or lets the next option slip in.
                let value = value.filter(|it| !it.is_empty() && !known(it));
                let value = value.ok_or_else(|| UsageError::NoValue(name.to_owned()))?;
                take(
                    &mut arguments,
                    &Given {
                        name,
                        value: &value,
                    },
                )?;
            } else {
                arguments.stands_alone(&word)?;
            }
        }
        arguments.ask(environment);
        arguments.check()?;
        Ok(Self::Associate(Box::new(arguments)))
    }
}

impl Arguments {
    fn stands_alone(&mut self, word: &str) -> Result<(), UsageError> {
        let address = word.parse();
        let address = address.map_err(|_| UsageError::Stray(shown(word)))?;
        match self.address.replace(address) {
            Some(first) => Err(UsageError::TwoAddresses(first, address)),
            None => Ok(()),
        }
    }

    fn ask(&mut self, environment: impl Fn(&str) -> Option<String>) {
        let said = |name: &str| environment(name).filter(|value| !value.is_empty());
        for (field, name) in [
            (&mut self.access_key, "AWS_ACCESS_KEY"),
            (&mut self.secret_key, "AWS_SECRET_KEY"),
            (&mut self.token, "AWS_DELEGATION_TOKEN"),
            (&mut self.url, "EC2_URL"),
        ] {
            if field.is_none() {
                *field = said(name);
            }
        }
    }

    fn check(&self) -> Result<(), UsageError> {
        if self.address.is_none() && self.allocation.is_none() {
            return Err(UsageError::NoTarget);
        }
        match (&self.instance, &self.interface) {
            (None, None) => return Err(UsageError::NoHolder),
            (Some(_), Some(_)) => return Err(UsageError::TwoHolders),
            _ => {}
        }
        if self.access_key.is_some() != self.secret_key.is_some() {
            return Err(UsageError::HalfAKey);
        }
        if self.place().is_none() {
            return Err(UsageError::NoPlace);
        }
        Ok(())
    }

    /// The region: as it was said, or as the URL's name says it (`ec2.eu-west-1.amazonaws.com`).
    pub(super) fn place(&self) -> Option<String> {
        let from_url = || region_of(self.url.as_deref()?);
        self.region.clone().or_else(from_url)
    }
}

fn region_of(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', ':', '?']).next()?;
    let mut labels = host.split('.');
    match (labels.next(), labels.next(), labels.next()) {
        (Some("ec2"), Some("amazonaws"), Some("com")) => Some("us-east-1".to_owned()),
        (Some("ec2"), Some(region), Some(_)) => Some(region.to_owned()),
        // An endpoint of another name; SigV4 needs some region, and this is the tool's default.
        _ => Some("us-east-1".to_owned()),
    }
}

fn set(field: &mut Option<String>, option: &Given<'_>) -> Result<(), UsageError> {
    *field = Some(option.value.to_owned());
    Ok(())
}

/// `--region=eu-west-1`.
fn split(word: &str) -> (&str, Option<&str>) {
    match word.split_once('=') {
        Some((name, value)) if name.starts_with("--") => (name, Some(value)),
        _ => (word, None),
    }
}

fn taker(name: &str) -> Result<Take, UsageError> {
    if let Some(valued) = VALUED.iter().find(|it| it.names.contains(&name)) {
        return Ok(valued.take);
    }
    if let Some((_, instead)) = UNSUPPORTED.iter().find(|(it, _)| *it == name) {
        return Err(UsageError::Unsupported(name.to_owned(), instead));
    }
    let nearest = similar::nearest(name, names());
    let advice = nearest.map_or_else(
        || "; -h lists those there are".to_owned(),
        |it| format!("; did you mean '{it}'?"),
    );
    Err(UsageError::Unknown(shown(name), advice))
}

/// A word that is not understood, as far as it may be shown: with a variable of a script unset, or
/// `-W$KEY`, it may be a secret.
fn shown(word: &str) -> String {
    const LONGEST: usize = 24;
    let attached = ["-O", "-W", "-T"].into_iter();
    let attached = attached.filter(|it| word.starts_with(it)).map(str::len);
    let keep = match attached.max() {
        Some(option) if word.len() > option => option,
        _ if word.chars().count() > LONGEST => 4,
        _ => return word.to_owned(),
    };
    word.chars().take(keep).chain(['…']).collect()
}

/// All options that are done.
fn names() -> impl Iterator<Item = &'static str> {
    let valued = VALUED.iter().flat_map(|it| it.names);
    valued.copied().chain([REASSOCIATE])
}

/// Whether a word is an option of ours, and so no value.
fn known(word: &str) -> bool {
    names().any(|name| name == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, UsageError> {
        parse_with(line, &[])
    }

    fn parse_with(line: &str, environment: &[(&str, &str)]) -> Result<Arguments, UsageError> {
        let words = line.split(' ').map(str::to_owned);
        let value = |name: &str| {
            let found = environment.iter().find(|(it, _)| *it == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        match Asked::parse(words, value)? {
            Asked::Associate(arguments) => Ok(*arguments),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_line_of_the_how_to_is_understood() {
        let line = "-O Key -W Secret -U https://ec2.eu-west-1.amazonaws.com 34.249.49.35 \
                    -instance i-0a -p 10.0.1.207 --allow-reassociation";
        let arguments = parse(line).unwrap();
        assert_eq!(arguments.place().as_deref(), Some("eu-west-1"));
        let expected = Arguments {
            address: Some([34, 249, 49, 35].into()),
            instance: Some("i-0a".into()),
            private_ip: Some([10, 0, 1, 207].into()),
            reassociate: true,
            access_key: Some("Key".into()),
            secret_key: Some("Secret".into()),
            secret_is_open: true,
            url: Some("https://ec2.eu-west-1.amazonaws.com".into()),
            ..Arguments::default()
        };
        assert_eq!(arguments, expected);
    }

    #[test]
    fn what_the_line_leaves_out_the_environment_says() {
        let environment = [
            ("AWS_ACCESS_KEY", "Key"),
            ("AWS_SECRET_KEY", "Secret"),
            ("EC2_URL", "https://ec2.us-west-2.amazonaws.com/"),
        ];
        let arguments = parse_with("-a eipalloc-1 -n eni-1", &environment).unwrap();
        assert_eq!(arguments.place().as_deref(), Some("us-west-2"));
        assert_eq!(arguments.secret_key.as_deref(), Some("Secret"));
        assert!(!arguments.secret_is_open);
        let told = parse_with("1.2.3.4 -i i-1 -O Mine --region=eu-north-1", &environment).unwrap();
        assert_eq!(told.access_key.as_deref(), Some("Mine"));
        assert_eq!(told.place().as_deref(), Some("eu-north-1"));
    }

    #[test]
    fn mistakes_say_what_to_do() {
        let cases = [
            (
                "1.2.3.4 -i i-1 --regoin x",
                "unknown option '--regoin'; did you mean '--region'?",
            ),
            (
                "1.2.3.4 -i i-1 -K key.pem",
                "X.509 keys ended with EC2's SOAP API; use -O and -W",
            ),
            (
                "1.2.3.4 -instance -p 10.0.0.1",
                "option '-instance' needs a value",
            ),
            ("1.2.3.4 -i", "option '-i' needs a value"),
            (
                "1.2.3.4 -i i-1 -p ten",
                "'ten', given to '-p', is no IPv4 address",
            ),
            ("1.2.3.4 i-1", "'i-1' is no IPv4 address"),
            ("1.2.3.4 1.2.3.5 -i i-1", "two addresses"),
            ("-i i-1", "say which address"),
            ("1.2.3.4", "say where to"),
            ("1.2.3.4 -i i-1 -n eni-1", "either -i or -n"),
            ("1.2.3.4 -i i-1", "say where EC2 is"),
            ("1.2.3.4 -i i-1 --region x -O Key", "a key has two halves"),
        ];
        for (line, wanted) in cases {
            let said = parse(line).unwrap_err().to_string();
            assert!(said.contains(wanted), "{line}: {said}");
        }
    }

    #[test]
    fn urls_name_their_region() {
        for (url, region) in [
            ("https://ec2.eu-west-1.amazonaws.com", "eu-west-1"),
            ("https://ec2.eu-west-1.amazonaws.com:443/", "eu-west-1"),
            ("ec2.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("https://ec2.amazonaws.com", "us-east-1"),
            ("http://127.0.0.1:5555", "us-east-1"),
        ] {
            assert_eq!(region_of(url).as_deref(), Some(region), "{url}");
        }
    }

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        const SECRET: &str = "notARealSecretKeyAtAllButAsLongAsOneIs00";
        for line in [
            format!("1.2.3.4 -i i-1 {SECRET}"),
            format!("1.2.3.4 -i i-1 -W{SECRET}"),
            format!("1.2.3.4 -i i-1 --{SECRET}"),
            format!("1.2.3.4 -i i-1 -p {SECRET}"),
            format!("1.2.3.4 -i i-1 -O -W {SECRET}"),
        ] {
            let error = parse(&line).unwrap_err().to_string();
            assert!(!error.contains(&SECRET[..10]), "{error}");
        }
        let short = parse("1.2.3.4 -i i-1 -Whush").unwrap_err().to_string();
        assert!(short.starts_with("unknown option '-W…'"), "{short}");
    }
}
