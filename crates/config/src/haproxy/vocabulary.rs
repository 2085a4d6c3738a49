//! Words inside lines, for the manual: samples, converters, actions of rules, log variables.

use super::{expression, log_format, rules};

/// Words of one kind.
pub(crate) struct Vocabulary {
    /// Its title.
    pub(crate) title: &'static str,
    /// One sentence.
    pub(crate) doc: &'static str,
    /// What works: usage, and what it does.
    pub(crate) works: Vec<(String, &'static str)>,
    /// What is refused: why, and which words.
    pub(crate) refused: Vec<(&'static str, Vec<&'static str>)>,
}

/// All of them.
pub(crate) fn all() -> Vec<Vocabulary> {
    vec![fetches(), converters(), actions(), variables()]
}

fn fetches() -> Vocabulary {
    let refused = expression::REFUSED.iter();
    Vocabulary {
        title: "Samples",
        doc: "What an `acl`, a condition or `%[…]` can ask (HAProxy's manual, 7.3).",
        works: usages(expression::FETCHES),
        refused: refused
            .map(|family| (family.reason, family.fetches.to_vec()))
            .collect(),
    }
}

fn converters() -> Vocabulary {
    let refused = expression::REFUSED.iter();
    Vocabulary {
        title: "Converters",
        doc: "What a sample can pass through (HAProxy's manual, 7.3.1).",
        works: usages(expression::CONVERTERS),
        refused: refused
            .filter(|family| !family.converters.is_empty())
            .map(|family| (family.reason, family.converters.to_vec()))
            .collect(),
    }
}

fn usages(methods: &[expression::Method]) -> Vec<(String, &'static str)> {
    let usage = |method: &expression::Method| format!("{}{}", method.name, method.arguments);
    methods
        .iter()
        .map(|method| (usage(method), method.doc))
        .collect()
}

fn actions() -> Vocabulary {
    let mut refused: Vec<(&'static str, Vec<&'static str>)> = Vec::new();
    for action in rules::REFUSED_ACTIONS {
        match refused.iter_mut().find(|(why, _)| *why == action.instead) {
            Some((_, names)) => names.push(action.name),
            None => refused.push((action.instead, vec![action.name])),
        }
    }
    let works = rules::ACTIONS.iter();
    Vocabulary {
        title: "Actions",
        doc: "What `tcp-request connection`, `session` and `content` can do.",
        works: works
            .map(|(name, doc)| ((*name).to_owned(), *doc))
            .collect(),
        refused,
    }
}

fn variables() -> Vocabulary {
    let names = log_format::VARIABLES.iter();
    Vocabulary {
        title: "Log variables",
        doc: "What `log-format` can show; what each means is in HAProxy's manual, 8.2.4. Those of \
              HTTP work on a statistics proxy only.",
        works: vec![(
            names
                .map(|(name, _)| format!("%{name}"))
                .collect::<Vec<_>>()
                .join("` `"),
            "Also `%[…]` with a sample, and the flags `Q`, `X` and `E`.",
        )],
        refused: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_word_both_works_and_is_refused() {
        for list in all() {
            let works: HashSet<&str> = list
                .works
                .iter()
                .filter_map(|(usage, _)| usage.split('(').next())
                .collect();
            let refused = list.refused.iter().flat_map(|(_, names)| names);
            for name in refused {
                assert!(!works.contains(name), "{name}");
            }
        }
    }
}
