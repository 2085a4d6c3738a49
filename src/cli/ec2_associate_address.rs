//! Started as `ec2-associate-address`: moves an Elastic IP once, as the old tool did, so that
//! notify scripts which call it go on working.

mod arguments;

use std::{env, net::Ipv4Addr, process::ExitCode, time::Duration};

use pontoon_config::{
    keepalived::model::{Aws, FloatingIp, HttpProxy, Provider},
    source::Location,
};
use pontoon_engine::floating_ip::event::{Failure, Whereabouts};

use self::arguments::{Arguments, Asked, UsageError};
use super::say;
use crate::cloud::{client::Client, environment::Environment, fence::Permit, problem::OpenError};

/// What one call may take.
const LIMIT: Duration = Duration::from_secs(10);
/// What our environment may say beside the keys that were given.
const PASSED_ON: &[&str] = &[
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// Why the address was not moved.
#[derive(Debug, thiserror::Error)]
enum AssociateError {
    #[error("{0} (-h tells how it is used)")]
    Usage(#[from] UsageError),
    #[error("{0}")]
    Open(#[from] OpenError),
    #[error("{address} is with {holder}; to take it from there, say --allow-reassociation")]
    Taken { address: Ipv4Addr, holder: String },
    #[error("{}", .0.text)]
    Call(Failure),
    #[error("cannot start: {0}")]
    Runtime(#[from] std::io::Error),
}

/// Does what the arguments say: exits with 0 if the address is associated, with 1 if not.
#[must_use]
pub(super) fn main(words: impl Iterator<Item = std::ffi::OsString>) -> ExitCode {
    let words = words.map(|word| word.to_string_lossy().into_owned());
    match Asked::parse(words, |name| env::var(name).ok()) {
        Ok(Asked::Help) => say::line(HELP),
        Ok(Asked::Version) => {
            say::line(format_args!(
                "ec2-associate-address of pontoon {}",
                version()
            ));
        }
        Ok(Asked::Associate(arguments)) => {
            if arguments.secret_is_open {
                say::warning(OPEN_SECRET);
            }
            match associate(&arguments) {
                Ok(line) => say::line(line),
                Err(error) => return fail(&error),
            }
        }
        Err(error) => return fail(&error.into()),
    }
    ExitCode::SUCCESS
}

fn fail(error: &AssociateError) -> ExitCode {
    say::warning(format_args!("ec2-associate-address: error: {error}"));
    ExitCode::FAILURE
}

const fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

const OPEN_SECRET: &str = "ec2-associate-address: warning: a secret key on a command line can be \
                           read by every user of this machine; a floating_ip block in \
                           keepalived.conf needs none";

const HELP: &str = "\
Usage: ec2-associate-address [ADDRESS | -a ALLOCATION] {-i INSTANCE | -n INTERFACE} [OPTIONS]

Associates an Elastic IP with an instance, as the tool of this name did.

  -a, --allocation-id ID         the address by its allocation
  -i, --instance ID              the instance (also: -instance)
  -n, --network-interface ID     the interface, where an instance has several
  -p, --private-ip-address IP    the private address that it leads to
      --allow-reassociation      take it from whoever has it
  -O, --aws-access-key KEY       or AWS_ACCESS_KEY
  -W, --aws-secret-key SECRET    or AWS_SECRET_KEY; without keys: those of the instance's role
  -T, --security-token TOKEN     or AWS_DELEGATION_TOKEN
  -U, --url URL                  or EC2_URL
      --region REGION            as the URL says if nothing is said

It calls once. To have the address follow the master, verified and tried again, put a floating_ip
block into keepalived.conf (docs/floating-ip.md).";

/// The line that the old tool wrote.
fn associate(arguments: &Arguments) -> Result<String, AssociateError> {
    let mut client = Client::in_environment(&described(arguments), &environment(arguments))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(bring(&mut client, arguments))?;
    Ok(line(arguments))
}

async fn bring(client: &mut Client, arguments: &Arguments) -> Result<(), AssociateError> {
    let permit = Permit::by_hand();
    match client
        .describe(&permit)
        .await
        .map_err(AssociateError::Call)?
    {
        // To map it again may be billed.
        Whereabouts::Here => Ok(()),
        Whereabouts::With(holder) if !arguments.reassociate => Err(AssociateError::Taken {
            address: arguments.address.unwrap_or(Ipv4Addr::UNSPECIFIED),
            holder: holder.name,
        }),
        Whereabouts::With(_) | Whereabouts::Nowhere => client
            .associate(&permit)
            .await
            .map_err(AssociateError::Call),
    }
}

/// `ADDRESS`, the address, and with whom it is now.
fn line(arguments: &Arguments) -> String {
    let address = arguments.address.map(|address| address.to_string());
    let holder = arguments.instance.as_ref().or(arguments.interface.as_ref());
    let columns = [
        Some("ADDRESS".to_owned()),
        address,
        holder.cloned(),
        arguments.allocation.clone(),
    ];
    let columns: Vec<_> = columns.into_iter().flatten().collect();
    columns.join("\t")
}

/// The `floating_ip` block that says the same.
fn described(arguments: &Arguments) -> FloatingIp {
    let aws = Aws {
        region: arguments.place(),
        allocation_id: arguments.allocation.clone(),
        instance_id: arguments.instance.clone(),
        network_interface: arguments.interface.clone(),
        private_ip: arguments.private_ip,
        ..Aws::default()
    };
    FloatingIp {
        address: arguments.address.unwrap_or(Ipv4Addr::UNSPECIFIED).into(),
        location: Location {
            file: "command line".into(),
            line: 1,
        },
        provider: Provider::Aws(aws),
        verify_interval: LIMIT,
        api_timeout: LIMIT,
        endpoint: arguments.url.as_ref().map(|url| with_scheme(url)),
        proxy: HttpProxy::Environment,
        ca_file: None,
    }
}

fn with_scheme(url: &str) -> String {
    if url.contains("://") {
        url.to_owned()
    } else {
        format!("https://{url}")
    }
}

/// With keys of its own, nothing else that might hold some is looked at.
fn environment(arguments: &Arguments) -> Environment {
    let (Some(access), Some(secret)) = (&arguments.access_key, &arguments.secret_key) else {
        return Environment::of_process();
    };
    let ours = Environment::of_process();
    let passed_on = PASSED_ON
        .iter()
        .filter_map(|name| Some((*name, ours.get(name)?)));
    let keys = [
        ("AWS_ACCESS_KEY_ID", Some(access.as_str())),
        ("AWS_SECRET_ACCESS_KEY", Some(secret.as_str())),
        ("AWS_SESSION_TOKEN", arguments.token.as_deref()),
    ];
    let keys = keys
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    keys.chain(passed_on).collect()
}
