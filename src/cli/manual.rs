//! `pontoon manual` and `pontoon completions`: what a package carries besides the program.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Command};
use clap_complete::Shell;
use pontoon_config::reference::{self, Language};

use crate::proxy::process::announce::{Announcer, Style};

/// What follows `pontoon manual`.
#[derive(Debug, Args)]
pub(super) struct ManualArgs {
    /// The folder; what is missing of it is made
    #[arg(value_name = "FOLDER")]
    pub(super) folder: PathBuf,
}

/// Writes all pages: the program and its commands, and the languages of both files.
pub(super) fn run(args: &ManualArgs, program: Command) -> ExitCode {
    match write(&args.folder, program) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let announcer = Announcer::new(Style::Pontoon, false);
            let folder = args.folder.display();
            announcer.alert(format!("cannot write the pages into {folder}: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path, program: Command) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(program, folder)?;
    for (name, language) in [
        ("pontoon-haproxy.cfg.5", Language::Haproxy),
        ("pontoon-keepalived.conf.5", Language::Keepalived),
    ] {
        fs::write(folder.join(name), reference::man(language))?;
    }
    Ok(())
}

/// Prints what a shell reads.
pub(super) fn completions(shell: Shell, program: &Command) -> ExitCode {
    // What processes ask one another is hidden; bash would offer it all the same.
    let shown = program.get_subcommands().filter(|it| !it.is_hide_set());
    let mut shown = Command::new("pontoon").subcommands(shown.cloned());
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut shown, "pontoon", &mut text);
    // A closed pipe is the reader's choice.
    let _ = io::stdout().lock().write_all(&text);
    ExitCode::SUCCESS
}
