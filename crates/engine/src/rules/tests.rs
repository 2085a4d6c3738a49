use super::*;
use crate::{
    acl::{Pattern, Term, Test},
    sample::{
        Fetch,
        tests::{Told, ask},
    },
};

fn rule(action: ContentAction, fetch: Fetch, patterns: Vec<Pattern>) -> Rule<ContentAction> {
    let test = Test {
        sample: ask(fetch, &[]),
        patterns,
        ignore_case: false,
        list: None,
    };
    let term = Term {
        negated: false,
        tests: vec![test].into(),
    };
    let condition = Condition {
        unless: false,
        any_of: vec![vec![term]],
    };
    Rule {
        action,
        condition: Some(condition),
    }
}

#[test]
fn a_rule_that_waits_is_not_overtaken() {
    let rules = [
        rule(ContentAction::SilentDrop, Fetch::AlwaysFalse, vec![]),
        rule(
            ContentAction::Accept,
            Fetch::TlsHelloType,
            vec![Pattern::Range(1, 1)],
        ),
        Rule {
            action: ContentAction::Reject,
            condition: None,
        },
    ];
    assert_eq!(first_match(&rules, &Told::default()), Decision::NotYet);
    assert_eq!(
        first_match(&rules, &Told::default().and_no_more()),
        Decision::Matched(&ContentAction::Reject)
    );
}

#[test]
fn no_rule_no_match() {
    let rules = [rule(ContentAction::Reject, Fetch::AlwaysFalse, vec![])];
    assert_eq!(first_match(&rules, &Told::default()), Decision::NoMatch);
    assert_eq!(
        first_match::<ContentAction>(&[], &Told::default()),
        Decision::NoMatch
    );
}
