//! `pontoon reference`: every keyword, and what is done with it.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use pontoon_config::reference;

/// What follows `pontoon reference`.
#[derive(Debug, Args)]
pub struct ReferenceArgs {
    /// How the table is written
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    pub format: Format,
}

/// How the table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// As in `docs/reference/haproxy.md`.
    Markdown,
    /// For programs.
    Json,
}

/// Writes the table to standard output.
#[must_use]
pub fn run(args: &ReferenceArgs) -> ExitCode {
    let text = match args.format {
        Format::Markdown => reference::markdown(),
        Format::Json => reference::json() + "\n",
    };
    // A closed pipe (`pontoon reference | head`) is the reader's choice.
    let _ = io::stdout().lock().write_all(text.as_bytes());
    ExitCode::SUCCESS
}
