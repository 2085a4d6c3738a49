//! Keys of clouds in a line of a script.

use std::sync::LazyLock;

use regex::Regex;

/// The name of a key that a line holds, never the key itself.
pub(super) fn found(line: &str) -> Option<String> {
    if !PATTERNS.any(line) {
        return None;
    }
    let name = |pattern: &Regex| {
        let captured = pattern.captures(line)?;
        captured.get(1).map(|name| format!("`{}`", name.as_str()))
    };
    name(&PATTERNS.assigned)
        .or_else(|| name(&PATTERNS.configured))
        .or_else(|| name(&PATTERNS.option))
        .or_else(|| {
            PATTERNS
                .shape
                .is_match(line)
                .then(|| "by its form".to_owned())
        })
        .or_else(|| {
            PATTERNS
                .bearer
                .is_match(line)
                .then(|| "`Authorization`".to_owned())
        })
}

struct Patterns {
    assigned: Regex,
    configured: Regex,
    option: Regex,
    shape: Regex,
    bearer: Regex,
}

impl Patterns {
    fn any(&self, line: &str) -> bool {
        let all = [
            &self.assigned,
            &self.configured,
            &self.option,
            &self.shape,
            &self.bearer,
        ];
        all.iter().any(|pattern| pattern.is_match(line))
    }
}

/// Names that hold a key, as the clouds' own tools know them.
const NAMES: &str = r"\w*(?:aws_access_key|aws_access_key_id|aws_secret_key|aws_secret_access_key|aws_session_token|ec2_access_key|ec2_secret_key|hcloud_token|hetzner_token|hetzner_api_token|digitalocean_token|digitalocean_access_token|digitalocean_api_token|do_token|do_api_token|do_pat)";

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let compile = |pattern: String| {
        // The patterns are constants, and a test uses all of them.
        Regex::new(&pattern).expect("a pattern that can be read")
    };
    // A value that begins with `$` or a backquote comes from somewhere else.
    let value = "[\"']?[A-Za-z0-9+/_.=-]";
    Patterns {
        assigned: compile(format!(
            r#"(?i)(?:^|[^\w${{])({NAMES})["']?\s*[=:]\s*{value}"#
        )),
        configured: compile(format!(r"(?i)configure\s+set\s+({NAMES})\s+{value}")),
        option: compile(format!(
            r"ec2[-a-z]+\s(?:.*\s)?(-O|-W|--aws-access-key|--aws-secret-key)[\s=]\s*{value}"
        )),
        shape: compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bdo[opr]_v1_[0-9a-f]{64}\b".to_owned()),
        bearer: compile(r"(?i)bearer\s+[A-Za-z0-9_-]{20}".to_owned()),
    }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_by_their_names_and_forms() {
        for (line, name) in [
            ("AWS_ACCESS_KEY=Key   ", "`AWS_ACCESS_KEY`"),
            ("export AWS_SECRET_KEY='s/e+c'", "`AWS_SECRET_KEY`"),
            ("#AWS_SECRET_ACCESS_KEY=\"old\"", "`AWS_SECRET_ACCESS_KEY`"),
            ("  aws_secret_access_key = abc", "`aws_secret_access_key`"),
            (
                "MY_HCLOUD_TOKEN=abc hcloud floating-ip assign",
                "`MY_HCLOUD_TOKEN`",
            ),
            (
                "DIGITALOCEAN_ACCESS_TOKEN=dop",
                "`DIGITALOCEAN_ACCESS_TOKEN`",
            ),
            (
                "aws configure set aws_access_key_id abc",
                "`aws_access_key_id`",
            ),
            ("/opt/aws/bin/ec2-associate-address -O a -W b", "`-W`"),
            ("x AKIAIOSFODNN7EXAMPLE", "by its form"),
            (
                "curl -H 'Authorization: Bearer 0123456789abcdefghij'",
                "`Authorization`",
            ),
        ] {
            assert_eq!(found(line).as_deref(), Some(name), "{line}");
        }
    }

    #[test]
    fn what_comes_from_elsewhere_is_no_key() {
        for line in [
            "AWS_SECRET_KEY=$(cat /etc/key)",
            "AWS_SECRET_KEY=\"$1\"",
            "AWS_SECRET_KEY=",
            "AWS_ACCESS_KEY_FILE=/etc/key",
            "ec2-associate-address -O $AWS_ACCESS_KEY -W ${AWS_SECRET_KEY} -U $EC2_URL 1.2.3.4",
            "echo $AWS_SECRET_KEY=no",
            "curl -H \"Authorization: Bearer $HCLOUD_TOKEN\"",
            "tar -O x",
        ] {
            assert_eq!(found(line), None, "{line}");
        }
    }
}
