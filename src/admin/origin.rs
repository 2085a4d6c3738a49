//! Whether a form was sent by our own page, or by somebody else's in the same browser.
//!
//! Browsers say so in `Sec-Fetch-Site`, older ones by `Origin` or `Referer`. Programs like curl
//! send none of these, and keep no passwords that another page could borrow: they may pass.

use super::http::{answer::Answer, request::Head};

/// The refusal for a form that comes from elsewhere.
pub(crate) fn refuses(head: &Head) -> Option<Answer> {
    if comes_from_here(head) {
        return None;
    }
    Some(Answer::error(
        403,
        "This form was sent by another site. Open the statistics page and use its own form.",
    ))
}

fn comes_from_here(head: &Head) -> bool {
    if head.has("sec-fetch-site") {
        return matches!(head.header("sec-fetch-site"), Some("same-origin" | "none"));
    }
    let claimed = ["origin", "referer"]
        .into_iter()
        .find(|name| head.has(name));
    match claimed {
        None => true,
        Some(name) => {
            let from = head.header(name).and_then(authority);
            from.is_some() && from == head.header("host")
        }
    }
}

/// Host and port of a URL.
fn authority(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', '?', '#']).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::http::request;

    fn passes(lines: &str) -> bool {
        let text = format!("POST /s HTTP/1.1\r\nHost: lb:9090\r\n{lines}\r\n");
        let (head, _) = request::parse(text.as_bytes()).unwrap().unwrap();
        refuses(&head).is_none()
    }

    #[test]
    fn forms_of_our_own_page_pass_and_others_do_not() {
        assert!(passes("Sec-Fetch-Site: same-origin\r\nOrigin: null\r\n"));
        assert!(!passes("Sec-Fetch-Site: cross-site\r\n"));
        assert!(!passes("Sec-Fetch-Site: same-site\r\n"));
        assert!(passes("Origin: http://lb:9090\r\n"));
        assert!(!passes("Origin: http://lb\r\n"));
        assert!(!passes("Origin: null\r\n"));
        assert!(passes("Referer: http://lb:9090/stats;up\r\n"));
        assert!(!passes("Referer: http://evil/?http://lb:9090\r\n"));
    }

    #[test]
    fn programs_that_are_no_browsers_pass() {
        assert!(passes("User-Agent: curl/8\r\n"));
    }
}
