//! What every area needs: tests that can be skipped for a reason, and the path of our program.

use std::path::Path;

use libtest_mimic::{Completion, Failed, Trial};
use pontoon_lab::{
    needs::{self, Need},
    problem::Problem,
};

/// What a test returns.
pub(crate) type Outcome = Result<(), Failure>;

/// Why a test failed.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// The same, with a word on how to see it again.
    pub(crate) fn with(self, hint: &str) -> Self {
        Self(format!("{}\n{hint}", self.0))
    }

    /// Whether its reason contains this.
    pub(crate) fn mentions(&self, text: &str) -> bool {
        self.0.contains(text)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(problem.to_string())
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

/// One test.
pub(crate) struct Test {
    name: String,
    needs: Vec<Need>,
    run: Box<dyn FnOnce() -> Outcome + Send>,
}

impl Test {
    /// A test named `area::behaviour`.
    pub(crate) fn new(
        name: impl Into<String>,
        run: impl FnOnce() -> Outcome + Send + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            needs: Vec::new(),
            run: Box::new(run),
        }
    }

    /// What it cannot do without.
    pub(crate) fn needs(mut self, need: Need) -> Self {
        self.needs.push(need);
        self
    }

    /// How it is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// For the runner.
    pub(crate) fn into_trial(self) -> Trial {
        let Self { name, needs, run } = self;
        Trial::ignorable_test(name, move || {
            let missing: Vec<_> = needs.into_iter().filter_map(Need::missing).collect();
            if missing.is_empty() {
                return run()
                    .map(|()| Completion::Completed)
                    .map_err(|Failure(text)| text.into());
            }
            let reason = missing.join("; ");
            if needs::required() {
                return Err(Failed::from(format!("required, but {reason}")));
            }
            Ok(Completion::ignored_with(reason))
        })
    }
}

/// Our program.
pub(crate) fn pontoon() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_pontoon"))
}

/// Tells a figure, for whoever runs the long forms.
#[expect(
    clippy::print_stderr,
    reason = "a test's figures have no other way out"
)]
pub(crate) fn measured(what: &str) {
    eprintln!("measured: {what}");
}
