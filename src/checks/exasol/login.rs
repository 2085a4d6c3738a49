//! The first half of a login (Exasol WebSocket API v3, "login"): a question without a name, and
//! a key for an answer.

use pontoon_engine::health::CheckStatus;
use serde::Deserialize;

use crate::checks::verdict::{Verdict, first_line};

/// What is asked.
pub(super) const COMMAND: &str = r#"{"command":"login","protocolVersion":3}"#;

#[derive(Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Answer {
    Ok {
        #[serde(rename = "responseData", default)]
        data: Data,
    },
    Error {
        exception: Exception,
    },
}

#[derive(Default, Deserialize)]
struct Data {
    #[serde(rename = "publicKeyPem", default)]
    key: String,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(default)]
    text: String,
    #[serde(rename = "sqlCode", default)]
    code: String,
}

/// What the answer says of the database.
pub(super) fn judge(message: &[u8]) -> Verdict {
    match serde_json::from_slice(message) {
        Ok(Answer::Ok { data }) if data.key.starts_with("-----BEGIN ") => {
            Verdict::new(CheckStatus::L7Ok).with_info("login is possible")
        }
        Ok(Answer::Ok { .. }) => {
            Verdict::new(CheckStatus::L7Response).with_info("`login` is answered without a key")
        }
        Ok(Answer::Error { exception }) => {
            let text = format!("{}: {}", exception.code, exception.text);
            Verdict::new(CheckStatus::L7Status).with_info(first_line(text.as_bytes()))
        }
        Err(_) => {
            let text = format!("`login` is answered by: {}", first_line(message));
            Verdict::new(CheckStatus::L7Response).with_info(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::show;

    #[test]
    fn a_key_passes() {
        let answer = br#"{"status":"ok","responseData":{"publicKeyPem":"-----BEGIN RSA PUBLIC KEY-----\nMI","publicKeyModulus":"00"}}"#;
        assert_eq!(show(&judge(answer)), "L7OK 0 [login is possible]");
    }

    #[test]
    fn an_error_is_told_in_the_databases_words() {
        let answer = br#"{"status":"error","exception":{"text":"Connection exception - starting up","sqlCode":"08004"}}"#;
        assert_eq!(
            show(&judge(answer)),
            "L7STS 0 [08004: Connection exception - starting up]"
        );
    }

    #[test]
    fn anything_else_is_another_protocol() {
        for (answer, said) in [
            (
                &br#"{"status":"ok"}"#[..],
                "`login` is answered without a key",
            ),
            (
                br#"{"status":"ok","responseData":{"publicKeyPem":""}}"#,
                "`login` is answered without a key",
            ),
            (b"[]", "`login` is answered by: []"),
            (b"hello\nworld", "`login` is answered by: hello"),
        ] {
            assert_eq!(show(&judge(answer)), format!("L7RSP [{said}]"));
        }
    }
}
