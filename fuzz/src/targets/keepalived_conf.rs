//! Any bytes as a `keepalived.conf`: reading and showing what is said about them never panics.

use pontoon_config::{
    keepalived::{Settings, Surroundings, Unknown, load},
    render,
    source::SourceFile,
};

/// A node where one user exists, and one file, which includes itself.
struct Node;

impl Surroundings for Node {
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }

    fn glob(&self, pattern: &str) -> Vec<String> {
        vec![pattern.to_owned()]
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        match path {
            "/f" => Ok(b"$A=${B} \\\n$A\npriority 5\ninclude f\n".to_vec()),
            _ => Err("No such file or directory".to_owned()),
        }
    }

    fn user(&self, name: &str) -> Option<(u32, u32)> {
        (name == "u").then_some((1, 1))
    }

    fn group(&self, name: &str) -> Option<u32> {
        (name == "u").then_some(1)
    }

    fn script(&self, path: &str) -> Option<String> {
        let calls = "A=1.2.3.4 # x\nexport B=\"$A\" \\\n/f; `/g` ec2-associate-address -O a $B";
        (path == "/f" || path == "/g").then(|| calls.to_owned())
    }

    fn permissions(&self, path: &str) -> Option<u32> {
        (path == "/f").then_some(0o666)
    }
}

pub(super) fn run(bytes: &[u8]) -> bool {
    let mut understood = false;
    let text = String::from_utf8_lossy(bytes).into_owned();
    for unknown_words in [Unknown::Error, Unknown::Warning] {
        let file = SourceFile {
            name: "keepalived.conf".to_owned(),
            text: text.clone(),
        };
        let settings = Settings {
            config_id: "a".to_owned(),
            unknown_words,
        };
        let loaded = load(vec![file], &settings, &Node);
        let findings = loaded.diagnostics.all();
        assert_eq!(loaded.model.is_none(), loaded.diagnostics.has_errors());
        let _shown = render::human(&loaded.files, findings, true);
        let _shown = render::json(&loaded.files, findings);
        // With warnings for what is unknown, anything is a configuration.
        understood |= unknown_words == Unknown::Error && loaded.model.is_some();
    }
    understood
}
