//! Commands that move an address of a cloud, and the `floating_ip` that does the same.

use std::net::IpAddr;

use super::shell::{Command, Variables};
use crate::keepalived::floating_ip::{Kind, Url, is_region};

/// A command that moves an address.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Move {
    /// What it is called.
    pub(super) tool: &'static str,
    /// Whose address it is.
    pub(super) kind: Kind,
    /// The address, if the script says it.
    pub(super) address: Option<IpAddr>,
    /// Lines of the block that does the same.
    lines: Vec<String>,
}

impl Move {
    const fn new(tool: &'static str, kind: Kind) -> Self {
        Self {
            tool,
            kind,
            address: None,
            lines: Vec::new(),
        }
    }

    /// The block that does the same.
    pub(super) fn block(&self) -> String {
        let address = self.address.map_or_else(
            || "<the address clients use>".to_owned(),
            |address| address.to_string(),
        );
        let mut lines = self.lines.clone();
        if self.kind != Kind::Aws {
            lines.insert(0, format!("provider {}", self.kind.word()));
        }
        if lines.is_empty() {
            return format!("floating_ip {address}");
        }
        let lines: String = lines.iter().map(|line| format!("    {line}\n")).collect();
        format!("floating_ip {address} {{\n{lines}}}")
    }

    /// Adds a line, if the value is known.
    fn say(&mut self, keyword: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| is_plain(value)) {
            self.lines.push(format!("{keyword} {value}"));
        }
    }
}

/// The move that a command makes, if it makes one.
pub(super) fn found(command: &Command, variables: &Variables) -> Option<Move> {
    let words = &command.words;
    let tool = words.iter().position(|word| is_tool(word))?;
    let (name, rest) = (base(&words[tool]), &words[tool + 1..]);
    let has = |words: &[&str]| words.iter().all(|it| rest.iter().any(|word| word == it));
    match name {
        "ec2-associate-address" | "ec2assocaddr" => Some(old_tool(rest, variables)),
        "aws" if has(&["ec2", "associate-address"]) => Some(aws(rest, variables)),
        "hcloud" if has(&["floating-ip", "assign"]) => Some(hcloud(rest)),
        "doctl" if has(&["assign"]) => doctl(rest),
        "curl" | "wget" => rest.iter().find_map(|word| by_url(word)),
        _ => None,
    }
}

fn is_tool(word: &str) -> bool {
    const TOOLS: &[&str] = &[
        "ec2-associate-address",
        "ec2assocaddr",
        "aws",
        "hcloud",
        "doctl",
        "curl",
        "wget",
    ];
    TOOLS.contains(&base(word))
}

fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// What stands behind an option: `--option value`, `--option=value`.
fn option<'w>(words: &'w [String], names: &[&str]) -> Option<&'w str> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if names.contains(&word.as_str()) {
            return words.next().map(String::as_str);
        }
        if let Some((name, value)) = word.split_once('=')
            && names.contains(&name)
        {
            return Some(value);
        }
    }
    None
}

/// Options of the old tool that are followed by a value.
const VALUED: &[&str] = &[
    "-O",
    "-W",
    "-U",
    "-K",
    "-C",
    "-i",
    "-instance",
    "--instance",
    "-p",
    "-a",
    "-n",
    "--aws-access-key",
    "--aws-secret-key",
    "--url",
    "--region",
    "--allocation-id",
    "--private-ip-address",
    "--network-interface",
    "-T",
    "--security-token",
];

fn old_tool(words: &[String], variables: &Variables) -> Move {
    let mut found = Move::new("ec2-associate-address", Kind::Aws);
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if VALUED.contains(&word.as_str()) {
            rest.next();
        } else if let Ok(address) = word.parse() {
            found.address = Some(address);
        }
    }
    let url =
        option(words, &["-U", "--url"]).or_else(|| variables.get("EC2_URL").map(String::as_str));
    let region = option(words, &["--region"]).or_else(|| url.and_then(region_of_url));
    found.say("region", region.filter(|region| is_region(region)));
    found.say("allocation_id", option(words, &["-a", "--allocation-id"]));
    found.say(
        "network_interface",
        option(words, &["-n", "--network-interface"]),
    );
    found.say("private_ip", option(words, &["-p", "--private-ip-address"]));
    found
}

fn aws(words: &[String], variables: &Variables) -> Move {
    let mut found = Move::new("aws ec2 associate-address", Kind::Aws);
    found.address = option(words, &["--public-ip"]).and_then(|it| it.parse().ok());
    let set = |name: &str| variables.get(name).map(String::as_str);
    let region = option(words, &["--region"])
        .or_else(|| set("AWS_REGION"))
        .or_else(|| set("AWS_DEFAULT_REGION"));
    found.say("region", region.filter(|region| is_region(region)));
    found.say("allocation_id", option(words, &["--allocation-id"]));
    found.say(
        "network_interface",
        option(words, &["--network-interface-id"]),
    );
    found.say("private_ip", option(words, &["--private-ip-address"]));
    found.say("profile", option(words, &["--profile"]));
    found
}

/// `eu-west-1` of `https://ec2.eu-west-1.amazonaws.com`.
fn region_of_url(url: &str) -> Option<&str> {
    let host = Url::parse(url).ok()?.host;
    host.split('.').find(|part| is_region(part))
}

fn hcloud(words: &[String]) -> Move {
    let mut found = Move::new("hcloud floating-ip assign", Kind::Hetzner);
    let after = words.iter().skip_while(|word| *word != "assign").skip(1);
    let id = after
        .map(String::as_str)
        .find(|word| !word.starts_with('-'));
    found.say("floating_ip_id", id.filter(|id| is_number(id)));
    found
}

fn doctl(words: &[String]) -> Option<Move> {
    let actions = [
        "reserved-ip-action",
        "floating-ip-action",
        "reserved-ip-actions",
    ];
    words.iter().find(|word| actions.contains(&word.as_str()))?;
    let mut found = Move::new(
        "doctl compute reserved-ip-action assign",
        Kind::DigitalOcean,
    );
    found.address = words.iter().find_map(|word| word.parse().ok());
    Some(found)
}

/// Calls of the two APIs that are one request each.
fn by_url(word: &str) -> Option<Move> {
    let parts: Vec<&str> = word.split('/').collect();
    let behind = |names: &[&str]| {
        let at = parts.iter().position(|part| names.contains(part))?;
        parts.get(at + 1).copied()
    };
    if word.contains("api.hetzner.cloud") && word.ends_with("/actions/assign") {
        let id = behind(&["floating_ips"])?;
        let mut found = Move::new("curl", Kind::Hetzner);
        found.say("floating_ip_id", Some(id).filter(|id| is_number(id)));
        return Some(found);
    }
    if word.contains("api.digitalocean.com") && word.ends_with("/actions") {
        let address = behind(&["reserved_ips", "floating_ips"])?;
        let mut found = Move::new("curl", Kind::DigitalOcean);
        found.address = address.parse().ok();
        return Some(found);
    }
    None
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a value is known, and can stand in a line.
fn is_plain(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    !text.is_empty() && !text.starts_with('-') && text.chars().all(letter)
}

#[cfg(test)]
mod tests {
    use super::{super::shell::commands, *};

    fn blocks(line: &str) -> Vec<String> {
        let mut variables = Variables::new();
        let commands = commands(line, &mut variables);
        let moves = commands.iter().filter_map(|it| found(it, &variables));
        moves.map(|it| it.block()).collect()
    }

    #[test]
    fn each_tool_has_its_block() {
        for (line, block) in [
            (
                "/opt/aws/bin/ec2-associate-address -O $A -W $B -U https://ec2.eu-west-1.amazonaws.com 34.249.49.35 -instance $ID -p $IP",
                "floating_ip 34.249.49.35 {\n    region eu-west-1\n}",
            ),
            (
                "EC2_URL=https://eu-west-1.ec2.amazonaws.com; ec2assocaddr 34.249.49.35 -i i-1",
                "floating_ip 34.249.49.35 {\n    region eu-west-1\n}",
            ),
            (
                "ec2-associate-address -a eipalloc-1 -i i-1",
                "floating_ip <the address clients use> {\n    allocation_id eipalloc-1\n}",
            ),
            (
                "aws --region=eu-west-1 ec2 associate-address --public-ip 34.249.49.35 --instance-id $I --private-ip-address 10.0.1.207",
                "floating_ip 34.249.49.35 {\n    region eu-west-1\n    private_ip 10.0.1.207\n}",
            ),
            (
                "sudo aws ec2 associate-address --public-ip 34.249.49.35",
                "floating_ip 34.249.49.35",
            ),
            (
                "hcloud floating-ip assign 4711 lb1",
                "floating_ip <the address clients use> {\n    provider hetzner\n    floating_ip_id 4711\n}",
            ),
            (
                "doctl compute floating-ip-action assign 1.2.3.4 $DROPLET",
                "floating_ip 1.2.3.4 {\n    provider digitalocean\n}",
            ),
            (
                "curl -X POST https://api.digitalocean.com/v2/reserved_ips/1.2.3.4/actions",
                "floating_ip 1.2.3.4 {\n    provider digitalocean\n}",
            ),
            (
                "curl -d x \"https://api.hetzner.cloud/v1/floating_ips/4711/actions/assign\"",
                "floating_ip <the address clients use> {\n    provider hetzner\n    floating_ip_id 4711\n}",
            ),
        ] {
            assert_eq!(blocks(line), [block], "{line}");
        }
    }

    #[test]
    fn others_move_nothing() {
        for line in [
            "# aws ec2 associate-address --public-ip 1.2.3.4",
            "aws ec2 describe-addresses",
            "curl http://169.254.169.254/latest/meta-data/instance-id",
            "doctl compute droplet list",
            "hcloud floating-ip list",
            "echo done",
        ] {
            assert!(blocks(line).is_empty(), "{line}");
        }
    }
}
