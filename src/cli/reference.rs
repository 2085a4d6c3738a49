//! `pontoon reference`: every keyword, and what is done with it.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use pontoon_config::reference::{self, Language};

/// What follows `pontoon reference`.
#[derive(Debug, Args)]
pub struct ReferenceArgs {
    /// Of which file
    #[arg(value_enum, default_value_t = File::Haproxy)]
    pub file: File,
    /// How the table is written
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    pub format: Format,
}

/// The files there are references of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum File {
    /// `haproxy.cfg`
    Haproxy,
    /// `keepalived.conf`
    Keepalived,
}

/// How the table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// As in `docs/reference/`.
    Markdown,
    /// For programs.
    Json,
    /// A page for `man -l`, of section 5.
    Man,
}

/// Writes the table to standard output.
#[must_use]
pub fn run(args: &ReferenceArgs) -> ExitCode {
    let language = match args.file {
        File::Haproxy => Language::Haproxy,
        File::Keepalived => Language::Keepalived,
    };
    let text = match args.format {
        Format::Markdown => reference::markdown(language),
        Format::Json => reference::json(language) + "\n",
        Format::Man => reference::man(language),
    };
    // A closed pipe (`pontoon reference | head`) is the reader's choice.
    let _ = io::stdout().lock().write_all(text.as_bytes());
    ExitCode::SUCCESS
}
