//! Bringing floating IPs here by hand.

use std::{
    net::IpAddr,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use pontoon_engine::floating_ip::event::{Failure, Whereabouts};

use super::{
    FloatingIpError, Subject, Words, block_on, say,
    verify::{self, Found},
};
use crate::{
    cli::ask::{AskError, ask},
    cloud::{client::Client, fence::Permit},
    election::status::FloatingIpStatus,
    node::status::{Answer, Request},
};

/// How long an address may take to be seen here.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// Between two questions to a provider: it may limit how many it answers.
const CALL_PAUSE: Duration = Duration::from_secs(2);

/// What follows `pontoon floating-ip associate`.
#[derive(Debug, Args)]
pub(super) struct AssociateArgs {
    #[command(flatten)]
    words: Words,
    /// Although the running node is not master; its master will bring it back
    #[arg(long)]
    force: bool,
}

/// Brings each here, and waits until it is.
pub(super) fn run(args: &AssociateArgs) -> Result<ExitCode, FloatingIpError> {
    let mut worst = Found::Here;
    for subject in args.words.subjects()? {
        let through_node = subject.running.is_some() && !args.force;
        let found = if through_node {
            through(args, &subject)?
        } else {
            block_on(directly(&subject))?
        };
        worst = worst.max(found);
    }
    Ok(worst.exit())
}

/// The running node does it: it knows whether it is master.
fn through(args: &AssociateArgs, subject: &Subject) -> Result<Found, FloatingIpError> {
    let address = subject.file.address;
    let whom = &args.words.whom;
    let request = Request::Associate {
        address: Some(address),
    };
    let asked = Instant::now();
    match ask(&whom.path()?, &request)? {
        Answer::Associating(_) => {}
        Answer::Refused(why) => {
            say(format!(
                "{}: refused: {why} (--force does it all the same)",
                subject.name()
            ));
            return Ok(Found::Elsewhere);
        }
        other => return Err(AskError::Unexpected(Box::new(other)).into()),
    }
    loop {
        let status = status_of(args, address)?;
        let Some(status) = status else {
            say(format!(
                "{}: the node does not know it any more",
                subject.name()
            ));
            return Ok(Found::Unknown);
        };
        if seen_here_since(&status, asked) {
            say(format!("{}: here", subject.name()));
            return Ok(Found::Here);
        }
        if asked.elapsed() > PATIENCE {
            say(format!("{}: {}", subject.name(), hindrance(&status)));
            return Ok(Found::Elsewhere);
        }
        thread::sleep(PAUSE);
    }
}

/// What the node knows of the address now.
fn status_of(
    args: &AssociateArgs,
    address: IpAddr,
) -> Result<Option<FloatingIpStatus>, FloatingIpError> {
    let subjects = args.words.subjects()?;
    let found = subjects.iter().find(|it| it.file.address == address);
    Ok(found.and_then(Subject::status).cloned())
}

fn seen_here_since(status: &FloatingIpStatus, asked: Instant) -> bool {
    let seen = status.seen.as_ref();
    seen.is_some_and(|seen| seen.place == "here" && seen.ago < asked.elapsed().as_secs_f64())
}

fn hindrance(status: &FloatingIpStatus) -> String {
    let why = status.last_failure.as_ref();
    let why = why.map_or_else(
        || "see `pontoon floating-ip status`".to_owned(),
        |failure| failure.text.clone(),
    );
    format!("not here after {} s: {why}", PATIENCE.as_secs())
}

/// No node: the provider is asked, told, and asked again until it says that the address is here.
async fn directly(subject: &Subject) -> Found {
    let answer = bring(subject).await;
    verify::tell(subject, &answer)
}

async fn bring(subject: &Subject) -> Result<Whereabouts, Failure> {
    let permit = Permit::by_hand();
    let mut client = verify::open(subject)?;
    if client.describe(&permit).await? == Whereabouts::Here {
        return Ok(Whereabouts::Here);
    }
    client.associate(&permit).await?;
    until_here(&mut client, &permit).await
}

async fn until_here(client: &mut Client, permit: &Permit) -> Result<Whereabouts, Failure> {
    let began = Instant::now();
    loop {
        let found = client.describe(permit).await?;
        if found == Whereabouts::Here || began.elapsed() > PATIENCE {
            return Ok(found);
        }
        tokio::time::sleep(CALL_PAUSE).await;
    }
}
