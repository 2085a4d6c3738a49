//! `examples/exasol-aws`: the policy allows what is needed and no more, and a node's first start is
//! what cloud-init can read.

use std::{collections::BTreeMap, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hcl::{
    eval::{Context, Evaluate},
    template::Template,
};
use serde_json::Value;

use super::{ensure, read, terraform};
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    for (name, test) in [
        ("policy_allows_two_actions", policy as fn() -> Outcome),
        ("first_start_installs_the_files", first_start),
        ("templates_get_the_words_they_want", words),
    ] {
        tests.push(Test::new(format!("examples::cloud::{name}"), test));
    }
}

/// A template with its words filled in, as Terraform does it; a word that is missing is an error.
fn rendered(name: &str, words: &BTreeMap<&str, String>) -> Result<String, Failure> {
    let problem = |error: hcl::Error| Failure::from(format!("{name}: {error}"));
    let template = Template::from_str(&read(name)?).map_err(problem)?;
    let mut context = Context::new();
    for (word, value) in words {
        context.declare_var(*word, value.clone());
    }
    let done = template.evaluate(&context);
    done.map_err(|error| Failure::from(format!("{name}: {error}")))
}

const POLICY: &str = "exasol-aws/iam-policy.json";
const START: &str = "exasol-aws/cloud-init.yaml";

fn policy_words() -> BTreeMap<&'static str, String> {
    let words = [
        ("region", "eu-west-1"),
        ("account", "123456789012"),
        ("allocation", "eipalloc-0123456789abcdef0"),
        ("instance_1", "i-00000000000000001"),
        ("instance_2", "i-00000000000000002"),
        ("interface_1", "eni-00000000000000001"),
        ("interface_2", "eni-00000000000000002"),
    ];
    words.map(|(word, value)| (word, value.to_owned())).into()
}

fn policy() -> Outcome {
    let text = rendered(POLICY, &policy_words())?;
    let policy: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    ensure(policy["Version"] == "2012-10-17", || text.clone())?;
    let statements = policy["Statement"].as_array().ok_or("no statements")?;
    ensure(statements.len() == 2, || text.clone())?;
    for statement in statements {
        let words: Vec<&str> = statement
            .as_object()
            .into_iter()
            .flatten()
            .map(|(word, _)| word.as_str())
            .collect();
        ensure(words == ["Action", "Effect", "Resource", "Sid"], || {
            format!("{words:?}")
        })?;
        ensure(statement["Effect"] == "Allow", || text.clone())?;
        let name = statement["Sid"].as_str().unwrap_or_default();
        ensure(
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric()),
            || name.to_owned(),
        )?;
    }
    // This action knows no resources.
    ensure(statements[0]["Action"] == "ec2:DescribeAddresses", || {
        text.clone()
    })?;
    ensure(statements[0]["Resource"] == "*", || text.clone())?;
    ensure(statements[1]["Action"] == "ec2:AssociateAddress", || {
        text.clone()
    })?;
    let resources: Vec<&str> = statements[1]["Resource"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let expected = [
        "elastic-ip/eipalloc-0123456789abcdef0",
        "instance/i-00000000000000001",
        "instance/i-00000000000000002",
        "network-interface/eni-00000000000000001",
        "network-interface/eni-00000000000000002",
    ];
    let expected = expected.map(|it| format!("arn:aws:ec2:eu-west-1:123456789012:{it}"));
    ensure(resources == expected, || format!("{resources:?}"))
}

fn start_words() -> Result<BTreeMap<&'static str, String>, Failure> {
    let encoded = |name: &str| read(name).map(|text| STANDARD.encode(text));
    Ok([
        ("haproxy", encoded("exasol-aws/haproxy.cfg")?),
        ("keepalived", encoded("exasol-aws/node-1/keepalived.conf")?),
        ("unit", encoded("exasol-aws/pontoon.service")?),
        (
            "url",
            "https://downloads.example/pontoon?a=1&b=2".to_owned(),
        ),
        ("sha256", "0".repeat(64)),
    ]
    .into())
}

fn first_start() -> Outcome {
    let text = rendered(START, &start_words()?)?;
    // EC2 takes no more, before it is encoded.
    ensure(text.len() < 16 * 1024, || format!("{} bytes", text.len()))?;
    ensure(text.starts_with("#cloud-config\n"), || text.clone())?;
    let start: Value = serde_saphyr::from_str(&text).map_err(|error| error.to_string())?;
    for (path, source) in [
        ("/etc/haproxy/haproxy.cfg", "exasol-aws/haproxy.cfg"),
        (
            "/etc/keepalived/keepalived.conf",
            "exasol-aws/node-1/keepalived.conf",
        ),
        (
            "/etc/systemd/system/pontoon.service",
            "exasol-aws/pontoon.service",
        ),
    ] {
        let mut files = start["write_files"].as_array().into_iter().flatten();
        let file = files.find(|it| it["path"] == path).ok_or(path)?;
        ensure(file["encoding"] == "b64", || file.to_string())?;
        // In quotes, or YAML makes a decimal number of it.
        ensure(file["permissions"].is_string(), || file.to_string())?;
        let content = file["content"].as_str().unwrap_or_default();
        let content = STANDARD
            .decode(content)
            .map_err(|error| error.to_string())?;
        ensure(content == read(source)?.as_bytes(), || {
            format!("{path} is not {source}")
        })?;
    }
    commands(&start)
}

/// Every command is a list of words; the program is not started before its sum is right and the
/// files are sound.
fn commands(start: &Value) -> Outcome {
    let mut lines = Vec::new();
    for command in start["runcmd"].as_array().into_iter().flatten() {
        let words: Option<Vec<&str>> = command
            .as_array()
            .into_iter()
            .flatten()
            .map(Value::as_str)
            .collect();
        lines.push(words.ok_or_else(|| command.to_string())?.join(" "));
    }
    let at = |text: &str| {
        let found = lines.iter().position(|line| line.contains(text));
        found.ok_or_else(|| Failure::from(format!("no command has `{text}`")))
    };
    let order = [
        at("pontoon?a=1")?,
        at("sha256sum")?,
        at("install -m")?,
        at("pontoon check")?,
        at("enable --now")?,
    ];
    ensure(order.is_sorted(), || format!("{lines:#?}"))?;
    let user = start["users"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|it| it["name"] == "haproxy");
    ensure(user.is_some_and(|it| it["system"] == true), || {
        "there is no user haproxy".to_owned()
    })
}

/// Terraform gives each template the words that it wants, and no others.
fn words() -> Outcome {
    for (template, words) in [(POLICY, policy_words()), (START, start_words()?)] {
        let given = terraform::words_for(template)?;
        let wanted: Vec<&str> = words.keys().copied().collect();
        ensure(given == wanted, || {
            format!("{template}: {given:?} are given")
        })?;
        for word in &wanted {
            let mut fewer = words.clone();
            fewer.remove(word);
            ensure(rendered(template, &fewer).is_err(), || {
                format!("{template} does not use `{word}`")
            })?;
        }
    }
    Ok(())
}
