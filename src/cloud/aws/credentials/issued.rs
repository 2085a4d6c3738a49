//! Temporary keys as the metadata service and a container's endpoint issue them, in JSON.

use jiff::Timestamp;
use serde::Deserialize;

use crate::cloud::{aws::keys::Keys, problem::Problem};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Issued {
    /// `Success`, or why there are none; the metadata service only.
    code: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    token: Option<String>,
    expiration: Option<Timestamp>,
}

/// The keys in an answer of `who`.
pub(super) fn keys(text: &str, who: &str, origin: String) -> Result<Keys, Problem> {
    // The error's own words may quote a secret: they are not told.
    let issued: Issued = serde_json::from_str(text).map_err(|_| {
        Problem::unanswered(
            format!("the credentials that {who} gives are not understood"),
            "",
        )
    })?;
    let code = issued.code.unwrap_or_else(|| "Success".into());
    match (issued.access_key_id, issued.secret_access_key) {
        (Some(access), Some(secret)) if code == "Success" => Ok(Keys {
            access,
            secret,
            token: issued.token,
            expires: issued.expiration,
            origin,
        }),
        _ => Err(Problem::unwell(
            format!("{who} gives no keys (its code is {code})"),
            "is the role still there, and may this service assume it?",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_their_end() {
        let text = r#"{"Code" : "Success", "LastUpdated" : "2026-04-26T16:39:16Z", "Type" : "AWS-HMAC",
            "AccessKeyId" : "ASIAEXAMPLE", "SecretAccessKey" : "s", "Token" : "t",
            "Expiration" : "2026-05-17T15:09:54Z"}"#;
        let keys = keys(text, "instance metadata", "a role".into()).unwrap();
        assert_eq!(
            (keys.access.as_str(), keys.token.as_deref()),
            ("ASIAEXAMPLE", Some("t"))
        );
        let end: Timestamp = "2026-05-17T15:09:54Z".parse().unwrap();
        assert!(keys.expired(end));
        assert!(keys.expiring("2026-05-17T15:05:00Z".parse().unwrap()));
        assert!(!keys.expiring("2026-05-17T15:04:00Z".parse().unwrap()));
    }

    #[test]
    fn a_failure_is_no_set_of_keys_and_a_secret_is_not_quoted() {
        let failed = keys(
            r#"{"Code": "AssumeRoleUnauthorizedAccess"}"#,
            "it",
            String::new(),
        );
        assert!(
            failed
                .unwrap_err()
                .text
                .contains("AssumeRoleUnauthorizedAccess")
        );
        let odd = r#"{"AccessKeyId": "A", "SecretAccessKey": "hush", "Expiration": "hush"}"#;
        let odd = keys(odd, "it", String::new()).unwrap_err();
        assert!(!odd.text.contains("hush"), "{}", odd.text);
    }
}
