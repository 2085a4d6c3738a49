//! What a statistics URI asks for: `;csv`, `;up`, `?scope=…` and so on.

use super::{
    http::form,
    snapshot::{Hide, Selection},
};

/// What is wanted, said by the part of the URI behind `stats uri`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct View {
    /// In which form.
    pub(crate) form: Form,
    /// Which servers are left out.
    pub(crate) hide: Hide,
    /// `;norefresh`: do not ask for a reload.
    pub(crate) no_refresh: bool,
    /// `scope=`: part of the names of the proxies wanted.
    pub(crate) scope: Option<String>,
    /// `;st=`: what came of an action.
    pub(crate) outcome: Option<String>,
}

/// The forms of the statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Form {
    /// The page.
    #[default]
    Page,
    /// The part of the page that changes, for its own script.
    Live,
    /// `;csv`.
    Csv,
    /// `;json`.
    Json,
    /// `;json-schema`.
    Schema,
    /// `;typed`.
    Typed,
}

/// Characters of a scope at most, as in HAProxy's own form.
const MAX_SCOPE: usize = 20;

impl View {
    /// Reads the options. What is unknown is left aside, as HAProxy does: the URI may carry
    /// anything that keeps caches away.
    pub(crate) fn parse(options: &str) -> Self {
        let mut view = Self::default();
        for option in options.split([';', '?', '&']) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            match name {
                "csv" => view.form = Form::Csv,
                "json" => view.form = Form::Json,
                "json-schema" => view.form = Form::Schema,
                "typed" => view.form = Form::Typed,
                "live" => view.form = Form::Live,
                "up" => view.hide = Hide::Down,
                "no-maint" => view.hide = view.hide.max(Hide::Maintenance),
                "norefresh" => view.no_refresh = true,
                "scope" => view.scope = scope(value),
                "st" => view.outcome = Some(value.to_owned()),
                _ => {}
            }
        }
        view
    }

    /// The URI that asks for this, below `base`.
    pub(crate) fn link(&self, base: &str) -> String {
        let mut link = base.to_owned();
        if let Some(outcome) = &self.outcome {
            link.push_str(";st=");
            link.push_str(outcome);
        }
        let options = [
            (self.form.option(), self.form != Form::Page),
            (";up", self.hide == Hide::Down),
            (";no-maint", self.hide == Hide::Maintenance),
            (";norefresh", self.no_refresh),
        ];
        for (option, wanted) in options {
            if wanted {
                link.push_str(option);
            }
        }
        if let Some(scope) = &self.scope {
            link.push_str("?scope=");
            link.push_str(&form::encode(scope));
        }
        link
    }

    /// What a snapshot must contain for this.
    pub(crate) fn selection<'a>(&'a self, scope: &'a [String], legends: bool) -> Selection<'a> {
        Selection {
            scope,
            pattern: self.scope.as_deref(),
            hide: self.hide,
            legends,
            sizes: false,
        }
    }
}

impl Form {
    const fn option(self) -> &'static str {
        match self {
            Self::Page => "",
            Self::Live => ";live",
            Self::Csv => ";csv",
            Self::Json => ";json",
            Self::Schema => ";json-schema",
            Self::Typed => ";typed",
        }
    }
}

fn scope(value: &str) -> Option<String> {
    let name: String = form::decode(value.as_bytes())
        .chars()
        .take(MAX_SCOPE)
        .collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stand_anywhere_behind_the_uri() {
        let view = View::parse("?x=1;csv;up;norefresh&scope=be%20x");
        assert_eq!(view.form, Form::Csv);
        assert_eq!(view.hide, Hide::Down);
        assert!(view.no_refresh);
        assert_eq!(view.scope.as_deref(), Some("be x"));
        assert_eq!(View::parse("XYZ"), View::default());
    }

    #[test]
    fn links_are_written_as_haproxy_writes_them() {
        let view = View::parse(";st=DONE;up;norefresh?scope=be");
        assert_eq!(view.link("/stats"), "/stats;st=DONE;up;norefresh?scope=be");
        assert_eq!(View::parse(&view.link("")), view);
    }

    #[test]
    fn a_scope_cannot_leave_its_place_in_a_link() {
        let view = View::parse("?scope=%3Bcsv%0D%0A%22");
        assert_eq!(view.link(""), "?scope=%3Bcsv%0D%0A%22");
    }
}
