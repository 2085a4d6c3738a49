//! Temporary: what another part of this crate is about to bring. Each refuses, so that nothing is
//! taken for done.

pub(super) mod check {
    use crate::{
        diagnostic::Diagnostics,
        haproxy::{Context, check::CheckMethod},
        keyword::{Draft, Keyword, Sections},
    };

    #[derive(Debug, Clone, Default)]
    pub(crate) struct CheckDraft;

    impl Draft for CheckDraft {
        type Context<'a> = Context<'a>;
    }

    pub(crate) const KEYWORDS: &[Keyword<CheckDraft>] = &[Keyword::refused(
        "option tcp-check",
        Sections::SERVER,
        "",
        "Check servers by a script.",
        "wait for the next version",
    )];

    impl CheckDraft {
        pub(crate) fn finish(&self, _: &Context<'_>, _: &mut Diagnostics) -> CheckMethod {
            CheckMethod::Connect
        }
        pub(crate) fn external_path(&self) -> Option<String> {
            None
        }
    }
}
