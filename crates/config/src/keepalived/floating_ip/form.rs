//! The forms that names at providers have: what cannot be one is found before it is needed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{
    keepalived::{context::Context, instance::At, model::HttpProxy, statement::Line},
    source::Word,
};

/// A name with a form of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `eu-west-1`
    Region,
    /// `eipalloc-…`
    Allocation,
    /// `i-…`
    Instance,
    /// `eni-…`
    Interface,
    /// A section of the shared configuration files.
    Profile,
}

impl Form {
    /// The next word, if it has the form.
    ///
    /// Fault: `bad-identifier`.
    pub(super) fn after(self, line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<String> {
        let word = line.required(self.what(), ctx)?;
        if self.fits(&word.text) {
            return Some(word.text.clone());
        }
        let message = format!("`{}` is not {}", word.text, self.what());
        ctx.fault("bad-identifier", word.span, message)
            .suggest(self.advice(&word.text));
        None
    }

    const fn what(self) -> &'static str {
        match self {
            Self::Region => "a region",
            Self::Allocation => "the number of an Elastic IP",
            Self::Instance => "the number of an instance",
            Self::Interface => "the number of a network interface",
            Self::Profile => "the name of a profile",
        }
    }

    fn fits(self, text: &str) -> bool {
        match self {
            Self::Region => is_region(text),
            Self::Allocation => is_number_of("eipalloc-", text),
            Self::Instance => is_number_of("i-", text),
            Self::Interface => is_number_of("eni-", text),
            Self::Profile => !text.contains(|c: char| c.is_control() || c == '[' || c == ']'),
        }
    }

    fn advice(self, text: &str) -> String {
        match self {
            Self::Region => match region_of_zone(text) {
                Some(region) => format!("this is a zone of the region `{region}`"),
                None => "a region like `eu-west-1`".to_owned(),
            },
            Self::Allocation if text.starts_with("eipassoc-") => {
                "this is an association, which changes; `allocation_id eipalloc-…` does not"
                    .to_owned()
            }
            Self::Allocation => number_advice("eipalloc-"),
            Self::Instance => number_advice("i-"),
            Self::Interface if text.starts_with("eth") || text.starts_with("en") => {
                "`eni-…` as the provider calls it, not the machine's own name".to_owned()
            }
            Self::Interface => number_advice("eni-"),
            Self::Profile => "a section of ~/.aws/config, without its brackets".to_owned(),
        }
    }
}

fn number_advice(prefix: &str) -> String {
    format!("`{prefix}` and 17 (once 8) hexadecimal digits")
}

/// `eipalloc-0123456789abcdef0`: once eight digits, then seventeen.
fn is_number_of(prefix: &str, text: &str) -> bool {
    let digits = text.strip_prefix(prefix).unwrap_or("");
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (8..=17).contains(&digits.len()) && digits.bytes().all(digit)
}

/// `eu-west-1`, `us-gov-east-1`: words, and a number at the end.
pub(in crate::keepalived) fn is_region(text: &str) -> bool {
    let Some((words, number)) = text.rsplit_once('-') else {
        return false;
    };
    let is_word = |word: &str| word.len() >= 2 && word.bytes().all(|b| b.is_ascii_lowercase());
    let digits = (1..=2).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    digits && words.contains('-') && words.split('-').all(is_word)
}

/// `eu-west-1` of `eu-west-1a`.
fn region_of_zone(text: &str) -> Option<&str> {
    let region = text.strip_suffix(|c: char| c.is_ascii_lowercase())?;
    is_region(region).then_some(region)
}

/// A number that a provider gave.
///
/// Fault: `bad-identifier`.
pub(super) fn number_after(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<u64> {
    let word = line.required("a number", ctx)?;
    number(word, ctx)
}

/// The same of a word.
pub(in crate::keepalived) fn number(word: &Word, ctx: &mut Context<'_>) -> Option<u64> {
    let number = word.text.parse().ok().filter(|number| *number > 0);
    if number.is_none() {
        let message = format!("`{}` is not the number of anything there", word.text);
        ctx.fault("bad-identifier", word.span, message)
            .suggest("the provider shows it in its console and its API, as in `4711`");
    }
    number
}

/// An IPv4 address.
///
/// Fault: `bad-address`.
pub(in crate::keepalived) fn ipv4(word: &Word, ctx: &mut Context<'_>) -> Option<Ipv4Addr> {
    let address = word.text.parse().ok();
    if address.is_none() {
        let message = format!("`{}` is not an IPv4 address", word.text);
        ctx.fault("bad-address", word.span, message)
            .suggest("an Elastic IP is associated with a private IPv4 address, without a prefix");
    }
    address
}

/// A URL of a service.
///
/// Fault: `bad-url`.
pub(super) fn url_after(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<At<String>> {
    let word = line.required("a URL", ctx)?;
    let value = url(word, false, ctx)?;
    let span = word.span;
    Some(At { value, span })
}

/// `none`, or a URL of a proxy.
///
/// Fault: `bad-url`.
pub(super) fn proxy_after(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<HttpProxy> {
    let word = line.required("`none` or a URL", ctx)?;
    if word.text == "none" {
        return Some(HttpProxy::None);
    }
    url(word, true, ctx).map(HttpProxy::Url)
}

fn url(word: &Word, of_a_proxy: bool, ctx: &mut Context<'_>) -> Option<String> {
    let Err(why) = Url::parse(&word.text) else {
        let parsed = Url::parse(&word.text).ok()?;
        if of_a_proxy || !parsed.has_user {
            return Some(word.text.clone());
        }
        let message = "a name and a password in a URL are not used here";
        ctx.fault("bad-url", word.span, message)
            .suggest("leave out what stands before the `@`");
        return None;
    };
    // What stands there may be a secret: the line itself is shown anyway, the message is logged.
    let message = format!("this is not a URL that can be used: {why}");
    let example = if of_a_proxy {
        "`http://10.0.0.5:3128`, or `none`"
    } else {
        "`https://ec2.eu-west-1.amazonaws.com`"
    };
    ctx.fault("bad-url", word.span, message).suggest(example);
    None
}

/// A URL of a service, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::keepalived) struct Url<'t> {
    /// Whether it is `https`.
    pub(in crate::keepalived) secure: bool,
    /// Whether there is a name, and perhaps a password.
    has_user: bool,
    /// The host: a name or an address.
    pub(in crate::keepalived) host: &'t str,
}

impl<'t> Url<'t> {
    /// Takes `http://[user@]host[:port][/path]` apart.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(in crate::keepalived) fn parse(text: &'t str) -> Result<Self, &'static str> {
        let (secure, rest) = match text.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            Some(_) => return Err("only `http` and `https` are"),
            None => return Err("it begins with neither `http://` nor `https://`"),
        };
        if text.contains(|c: char| !c.is_ascii_graphic() || "\"<>\\^`{|}".contains(c)) {
            return Err("there is a letter in it that no URL has");
        }
        if text.contains(['?', '#']) {
            return Err("it ends before `?` and `#`");
        }
        let authority = rest.split('/').next().unwrap_or("");
        let (user, place) = match authority.rsplit_once('@') {
            Some((_, place)) => (true, place),
            None => (false, authority),
        };
        let (host, port) = split_port(place);
        if port.is_some_and(|port| port.parse::<u16>().map_or(true, |port| port == 0)) {
            return Err("a port is a number from 1 to 65535");
        }
        if !is_host(host) {
            return Err("its host is neither a name nor an address");
        }
        Ok(Self {
            secure,
            has_user: user,
            host,
        })
    }

    /// Whether its host is this machine, this link or a private network, as far as that can be
    /// seen.
    pub(in crate::keepalived) fn is_near(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse() {
            Ok(IpAddr::V4(it)) => it.is_loopback() || it.is_private() || it.is_link_local(),
            Ok(IpAddr::V6(it)) => {
                it.is_loopback() || it.is_unique_local() || it.is_unicast_link_local()
            }
            Err(_) => bare == "localhost",
        }
    }
}

/// `host:port`, `[address]:port`.
fn split_port(place: &str) -> (&str, Option<&str>) {
    let end_of_address = place.find(']').map_or(0, |at| at + 1);
    match place[end_of_address..].find(':') {
        Some(at) => {
            let at = end_of_address + at;
            (&place[..at], Some(&place[at + 1..]))
        }
        None => (place, None),
    }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        let address = address.strip_suffix(']');
        return address.is_some_and(|it| it.parse::<Ipv6Addr>().is_ok());
    }
    let letter = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let only_digits = host.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let address_or_name = !only_digits || host.parse::<Ipv4Addr>().is_ok();
    !host.is_empty() && host.chars().all(letter) && address_or_name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_words_and_a_number() {
        for good in [
            "eu-west-1",
            "us-gov-east-1",
            "ap-southeast-12",
            "us-isob-east-1",
        ] {
            assert!(is_region(good), "{good}");
        }
        for bad in [
            "eu-west",
            "eu-west-1a",
            "EU-WEST-1",
            "west-1",
            "eu--west-1",
            "1",
            "-1",
            "",
        ] {
            assert!(!is_region(bad), "{bad}");
        }
        assert_eq!(region_of_zone("eu-west-1a"), Some("eu-west-1"));
        assert_eq!(region_of_zone("eu-west-1"), None);
    }

    #[test]
    fn numbers_have_their_prefix_and_hexadecimal_digits() {
        assert!(is_number_of("i-", "i-0123456789abcdef0"));
        assert!(is_number_of("eni-", "eni-12345678"));
        for bad in [
            "i-",
            "i-1234567",
            "i-0123456789ABCDEF0",
            "eni-12345678",
            "12345678",
        ] {
            assert!(!is_number_of("i-", bad), "{bad}");
        }
    }

    #[test]
    fn urls_have_a_host_and_perhaps_a_port() {
        let host = |text| Url::parse(text).map(|url| url.host);
        assert_eq!(host("http://169.254.169.254"), Ok("169.254.169.254"));
        assert_eq!(host("https://ec2.example:8443/a/b"), Ok("ec2.example"));
        assert_eq!(host("http://[fd00::1]:80/"), Ok("[fd00::1]"));
        assert_eq!(host("http://u:p@proxy:3128"), Ok("proxy"));
        for bad in [
            "",
            "http://",
            "ftp://a",
            "a.b",
            "http://a:0",
            "http://a:b",
            "http://a?b",
            "http://a b",
            "http://[::1",
            "http://::1",
            "http://1.2.3",
            "http:///x",
            "http://a:70000",
        ] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn near_is_what_does_not_leave_the_house() {
        let near = |text| Url::parse(text).map(|url| url.is_near());
        for text in [
            "http://127.0.0.1:1",
            "http://10.1.2.3",
            "http://169.254.169.254",
            "http://localhost",
            "http://[fd00::1]",
        ] {
            assert_eq!(near(text), Ok(true), "{text}");
        }
        for text in [
            "http://8.8.8.8",
            "http://example.com",
            "http://[2001:db8::1]",
        ] {
            assert_eq!(near(text), Ok(false), "{text}");
        }
    }
}
