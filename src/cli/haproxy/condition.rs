//! `-cc`: whether a condition of the files holds.

use std::process::ExitCode;

use pontoon_config::haproxy::conditional;

use super::{arguments::Arguments, configuration::Machine};
use crate::proxy::process::announce::Announcer;

/// 0: it holds; 1: it does not; 2: it cannot be told.
pub(super) fn evaluate(condition: &str, arguments: &Arguments, announcer: &Announcer) -> ExitCode {
    match conditional::evaluate(condition, &Machine { arguments }) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(problem) => {
            announcer.alert(format!("config : Failed to evaluate condition: {problem}"));
            ExitCode::from(2)
        }
    }
}
