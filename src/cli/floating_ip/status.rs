//! What is known of floating IPs.

use std::process::ExitCode;

use super::{FloatingIpError, Words, say, verify};
use crate::cli::status::floating;

/// Tells what the running node knows; what it does not run, the provider is asked.
pub(super) fn run(words: &Words) -> Result<ExitCode, FloatingIpError> {
    let mut exit = ExitCode::SUCCESS;
    for subject in words.subjects()? {
        match (&subject.running, subject.status()) {
            (Some(instance), Some(status)) => {
                say(format!("{}: {}", instance.name, instance.role));
                say(floating::all(std::slice::from_ref(status)).trim_end());
            }
            _ => {
                say("no running node has this address; the provider says:");
                if verify::look(&subject)? == verify::Found::Unknown {
                    exit = ExitCode::from(super::UNKNOWN);
                }
            }
        }
    }
    Ok(exit)
}
