//! Started under its own name: `pontoon run`, `status`, `floating-ip`, `check`, `reference`, `demo`.

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use super::{
    check, floating_ip, manual, plan, reference, reload, say, server, status, switchover, top, why,
};
use crate::{
    demo, election,
    proxy::process::announce::{Announcer, Style},
    supervisor,
};

/// One program that keeps one address afloat: a TCP load balancer that runs haproxy.cfg, and an
/// election over who holds the address that runs keepalived.conf, both unchanged.
#[derive(Debug, Parser)]
#[command(name = "pontoon", version, arg_required_else_help = true)]
#[command(
    after_help = "Started under the name `haproxy`, `keepalived` or `ec2-associate-address` (a link), \
                  it takes that program's options."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a node in the foreground: a supervisor, and the proxy and the election it watches
    Run(RunArgs),
    /// Tell how a running node is: its role and why, its processes, addresses, scripts
    Status(status::StatusArgs),
    /// Tell what a reload would change, before it is done
    Plan(plan::PlanArgs),
    /// Let a running node read its files again: established sessions go on
    Reload(reload::ReloadArgs),
    /// Watch a running node on a terminal: servers, sessions, election; with keys to act
    Top(top::TopArgs),
    /// Tell why a server is down, why this node is or is not master, and what happened lately
    Why(why::WhyArgs),
    /// Give a server no new sessions; established ones go on
    Drain(server::DrainArgs),
    /// Give a server sessions again, as its checks allow
    Ready(server::ServerArgs),
    /// Neither check a server nor give it sessions
    Maint(server::ServerArgs),
    /// Hand mastership to a peer on purpose, once it says that it is ready
    Switchover(switchover::SwitchoverArgs),
    /// A cloud's addresses by hand: tell where they are, bring them here, try everything out
    FloatingIp(floating_ip::FloatingIpArgs),
    /// Tell every problem of every file in one pass
    Check(check::CheckArgs),
    /// Print the keywords: supported, without effect, refused
    Reference(reference::ReferenceArgs),
    /// Print what completes this program's arguments in a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Write the pages for man(1) into a folder
    Manual(manual::ManualArgs),
    /// Two nodes, three databases, a client and a cloud in namespaces of their own; without root
    /// where the kernel allows
    Demo(DemoArgs),
    /// Whether this program can go on where a supervisor of that version was: what that one would
    /// leave is on standard input
    #[command(hide = true)]
    CanResume { version: u32 },
    /// Whether this program can go on where an election with these arguments was
    #[command(hide = true, name = election::resume::QUESTION)]
    CanResumeElection {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Tell the version
    Version,
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

/// What follows `pontoon run`.
#[derive(Debug, Args)]
struct RunArgs {
    /// Files of either language, told apart by their content: haproxy.cfg (or directories whose
    /// `*.cfg` files are read in the order of their names), and at most one keepalived.conf
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// The node's name, for `pontoon status --name`
    #[arg(long)]
    name: Option<String>,
    /// Where `pontoon status` asks, instead of /run/pontoon/NAME.sock
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
}

impl From<RunArgs> for supervisor::Node {
    fn from(args: RunArgs) -> Self {
        let RunArgs {
            files,
            name,
            socket,
        } = args;
        Self {
            files,
            name,
            socket,
        }
    }
}

/// What follows `pontoon demo`.
#[derive(Debug, Args)]
struct DemoArgs {
    /// The proxy only, with three tiny servers, on loopback and without namespaces
    #[arg(long, conflicts_with_all = ["script", "plain"])]
    local: bool,
    /// Play a fixed tour of less than 45 seconds and sum up; fails if a step does
    #[arg(long)]
    script: bool,
    /// Lines instead of a picture, as where standard output is no terminal
    #[arg(long)]
    plain: bool,
}

impl From<DemoArgs> for demo::Options {
    fn from(args: DemoArgs) -> Self {
        let DemoArgs {
            local,
            script,
            plain,
        } = args;
        Self {
            local,
            script,
            plain,
        }
    }
}

/// Does what the arguments say.
pub(super) fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args: Vec<_> = args.collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return misused(&error, &args),
    };
    match cli.command {
        Command::Run(args) => supervisor::run(args.into()),
        Command::Status(args) => status::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Reload(args) => reload::run(&args),
        Command::Top(args) => top::run(&args),
        Command::Why(args) => why::run(&args),
        Command::Drain(args) => server::drain(&args),
        Command::Ready(args) => server::ready(&args),
        Command::Maint(args) => server::maint(&args),
        Command::Switchover(args) => switchover::run(&args),
        Command::FloatingIp(args) => floating_ip::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Reference(args) => reference::run(&args),
        Command::Completions { shell } => manual::completions(shell, &Cli::command()),
        Command::Manual(args) => manual::run(&args, Cli::command()),
        Command::Demo(args) => demo::run(args.into()),
        Command::CanResume { version } => {
            if supervisor::resume::is_readable(version, std::io::stdin()) {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Command::CanResumeElection { arguments } => {
            super::keepalived::can_resume(arguments.into_iter())
        }
        Command::Version => version(),
        Command::Other(words) => unknown(&words),
    }
}

fn misused(error: &clap::Error, args: &[OsString]) -> ExitCode {
    // If nobody reads it, nobody wanted it.
    let _unread = error.print();
    // Of a plan, 2 says that something would change.
    let of_plan = args.get(1).is_some_and(|word| word == "plan");
    match u8::try_from(error.exit_code()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) if of_plan => ExitCode::FAILURE,
        Ok(code) => ExitCode::from(code),
        Err(_) => ExitCode::from(2),
    }
}

fn version() -> ExitCode {
    say::line(format_args!("pontoon {}", env!("CARGO_PKG_VERSION")));
    ExitCode::SUCCESS
}

fn unknown(words: &[OsString]) -> ExitCode {
    let name = words.first().map(|word| word.to_string_lossy());
    let name = name.as_deref().unwrap_or_default();
    let announcer = Announcer::new(Style::Pontoon, false);
    let known = [
        "run",
        "status",
        "plan",
        "reload",
        "top",
        "why",
        "drain",
        "ready",
        "maint",
        "switchover",
        "floating-ip",
        "check",
        "reference",
        "completions",
        "manual",
        "demo",
        "version",
        "help",
    ];
    let nearest = pontoon_config::similar::nearest(name, known);
    let advice = nearest.map_or_else(String::new, |known| format!("did you mean '{known}'? "));
    announcer.alert(format!(
        "unknown command '{name}'; {advice}see 'pontoon help'"
    ));
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declaration_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn run_wants_files() {
        assert!(Cli::try_parse_from(["pontoon", "run"]).is_err());
        assert!(Cli::try_parse_from(["pontoon", "run", "a.cfg", "b.cfg"]).is_ok());
    }
}
