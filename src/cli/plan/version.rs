//! One version of a node's files: what they mean and how they are written.

use std::fmt;

use pontoon_config::{
    diagnostic::{Diagnostic, Severity},
    haproxy, keepalived,
    outline::Section,
    render,
    source::SourceFile,
};

use crate::{
    checks::Checks,
    files::{self, Unreadable},
    language::Language,
    node::status::{AppliedFile, AppliedFiles},
    surroundings::{System, remembered::Remembered},
};

/// What is wrong with files, as `pontoon check` shows it.
#[derive(Debug, thiserror::Error)]
pub(super) struct Faults(String);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Both languages; `None`: there is no file in this one.
pub(super) struct Version {
    pub(super) proxy: Option<Of<haproxy::model::Model>>,
    pub(super) election: Option<Of<keepalived::model::Model>>,
}

/// The files of a language.
pub(super) struct Of<Model> {
    pub(super) model: Model,
    pub(super) outline: Vec<Section>,
}

impl Version {
    /// Files by these names, in the environment of this node.
    ///
    /// # Errors
    /// They cannot be read, or are wrong.
    pub(super) fn of_files(
        names: &[String],
        node: &AppliedFiles,
    ) -> Result<Self, super::PlanError> {
        let sources = files::read(names).map_err(|error: Unreadable| error)?;
        let (election, proxy): (Vec<_>, Vec<_>) = sources
            .into_iter()
            .partition(|source| Language::of(&source.text) == Language::Keepalived);
        let machine = Remembered {
            environment: &node.environment,
            files: &[],
        };
        Ok(Self::new(proxy, election, &machine)?)
    }

    /// What a node runs on.
    ///
    /// # Errors
    /// What was right when it was read is not any more: a certificate is gone, say.
    pub(super) fn applied(node: &AppliedFiles) -> Result<Self, Faults> {
        let machine = Remembered {
            environment: &node.environment,
            files: &node.election,
        };
        let source = |file: &AppliedFile| SourceFile {
            name: file.name.clone(),
            text: file.text.clone(),
        };
        // The others are included by the first.
        let election = node.election.first().map(source);
        let proxy = node.proxy.iter().map(source).collect();
        Self::new(proxy, election.into_iter().collect(), &machine)
    }

    fn new(
        proxy: Vec<SourceFile>,
        election: Vec<SourceFile>,
        machine: &Remembered<'_>,
    ) -> Result<Self, Faults> {
        let proxy = (!proxy.is_empty()).then(|| of_proxy(proxy, machine));
        let election = (!election.is_empty()).then(|| of_election(election, machine));
        Ok(Self {
            proxy: proxy.transpose()?,
            election: election.transpose()?,
        })
    }
}

fn of_proxy(
    sources: Vec<SourceFile>,
    machine: &Remembered<'_>,
) -> Result<Of<haproxy::model::Model>, Faults> {
    let outline = haproxy::outline(sources.clone(), machine);
    let loaded = haproxy::load(sources, machine);
    let Some(model) = loaded.model else {
        return Err(faults(&loaded.files, loaded.diagnostics.all()));
    };
    match Checks::load(&model) {
        Ok(_) => Ok(Of { model, outline }),
        Err(errors) => {
            let lines = errors.iter().map(|error| format!("error: {error}\n"));
            Err(Faults(lines.collect()))
        }
    }
}

fn of_election(
    sources: Vec<SourceFile>,
    machine: &Remembered<'_>,
) -> Result<Of<keepalived::model::Model>, Faults> {
    let settings = keepalived::Settings {
        config_id: System::config_id(),
        unknown_words: keepalived::Unknown::Error,
    };
    let outline = keepalived::outline(sources.clone(), &settings, machine);
    let loaded = keepalived::load(sources, &settings, machine);
    match loaded.model {
        Some(model) => Ok(Of { model, outline }),
        None => Err(faults(&loaded.files, loaded.diagnostics.all())),
    }
}

fn faults(files: &[SourceFile], findings: &[Diagnostic]) -> Faults {
    let errors = findings.iter();
    let errors: Vec<_> = errors
        .filter(|finding| finding.severity == Severity::Error)
        .cloned()
        .collect();
    Faults(render::human(files, &errors, false))
}
