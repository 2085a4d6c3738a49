//! `examples/exasol-aws/terraform`: every file can be read, every reference leads somewhere, every
//! variable is used, and the groups let in what is needed and nothing else.

mod references;

use std::{collections::BTreeMap, collections::BTreeSet, fs};

use hcl::{Block, Body, Expression};

use self::references::{Reference, of_body};
use super::{check_texts, ensure, path, read};
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    for (name, test) in [
        ("references_lead_somewhere", references as fn() -> Outcome),
        ("files_are_there", files),
        ("groups_let_in_what_is_needed", groups),
        ("addresses_are_those_of_the_files", addresses),
        ("nodes_get_what_is_replaced", replacements),
        ("nobody_associates_the_address_but_pontoon", association),
    ] {
        tests.push(Test::new(format!("examples::terraform::{name}"), test));
    }
}

const FOLDER: &str = "exasol-aws/terraform";

/// All files as one, which is what Terraform makes of them.
pub(super) fn blocks() -> Result<Vec<Block>, Failure> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path(FOLDER))? {
        let file = entry?.path();
        let text = fs::read_to_string(&file)?;
        let body: Body =
            hcl::parse(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        found.extend(body.into_blocks());
    }
    ensure(found.len() >= 25, || format!("{} blocks", found.len()))?;
    Ok(found)
}

fn labels(block: &Block) -> Vec<&str> {
    block.labels.iter().map(hcl::BlockLabel::as_str).collect()
}

/// What a block declares, as it is referred to.
fn declared(block: &Block) -> Vec<String> {
    let labels = labels(block);
    match (block.identifier(), &labels[..]) {
        ("resource", [kind, name]) => vec![format!("{kind}.{name}")],
        ("data", [kind, name]) => vec![format!("data.{kind}.{name}")],
        ("variable", [name]) => vec![format!("var.{name}")],
        ("locals", []) => {
            let names = block.body.attributes();
            names.map(|it| format!("local.{}", it.key())).collect()
        }
        _ => Vec::new(),
    }
}

fn references() -> Outcome {
    let blocks = blocks()?;
    let names: Vec<String> = blocks.iter().flat_map(declared).collect();
    let known: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    ensure(known.len() == names.len(), || {
        format!("a name is declared twice: {names:?}")
    })?;
    let used: Vec<Reference> = blocks.iter().flat_map(|it| of_body(&it.body)).collect();
    for reference in &used {
        ensure(
            reference.is_built_in() || known.contains(reference.target().as_str()),
            || format!("`{}` leads nowhere", reference.target()),
        )?;
    }
    let targets: BTreeSet<String> = used.iter().map(Reference::target).collect();
    let unused: Vec<_> = known
        .iter()
        .filter(|name| {
            name.starts_with("var.") || name.starts_with("local.") || name.starts_with("data.")
        })
        .filter(|name| !targets.contains(**name))
        .collect();
    ensure(unused.is_empty(), || format!("nobody uses {unused:?}"))
}

/// Files that are named by `file` and `templatefile`, but for those of each node.
fn files() -> Outcome {
    let blocks = blocks()?;
    let mut named = BTreeSet::new();
    for call in blocks.iter().flat_map(|it| references::calls(&it.body)) {
        if ["file", "templatefile"].contains(&call.name.name.as_str()) {
            let text = call.args[0].to_string();
            let name = text.trim_matches('"').replace("${path.module}", FOLDER);
            named.insert(name);
        }
    }
    ensure(named.len() == 5, || format!("{named:?}"))?;
    for name in named {
        for number in ["1", "2"] {
            read(&name.replace("${number}", number))?;
        }
    }
    Ok(())
}

fn resource<'b>(blocks: &'b [Block], kind: &str) -> Vec<&'b Block> {
    let is = |block: &&Block| block.identifier() == "resource" && labels(block)[0] == kind;
    blocks.iter().filter(is).collect()
}

fn attribute<'b>(body: &'b Body, name: &str) -> Option<&'b Expression> {
    let mut attributes = body.attributes();
    attributes.find(|it| it.key() == name).map(|it| &it.expr)
}

fn groups() -> Outcome {
    let blocks = blocks()?;
    let mut open = BTreeMap::new();
    for rule in resource(&blocks, "aws_vpc_security_group_ingress_rule") {
        let text = |name| attribute(&rule.body, name).map(ToString::to_string);
        let (from, to) = (text("from_port"), text("to_port"));
        ensure(from == to, || {
            format!("more than one port: {from:?} to {to:?}")
        })?;
        let protocol = text("ip_protocol").unwrap_or_default();
        let whom = text("cidr_ipv4").or_else(|| text("referenced_security_group_id"));
        let over = text("for_each").unwrap_or_default();
        let port = from.unwrap_or_else(|| "-".to_owned());
        let group = text("security_group_id").unwrap_or_default();
        let door = format!("{group} {protocol} {port}").replace("aws_security_group.", "");
        open.insert(
            door.replace('"', ""),
            format!("{} {over}", whom.unwrap_or_default()),
        );
    }
    let expected = [
        ("balancer.id 112 -", "aws_security_group.balancer.id "),
        ("balancer.id tcp 22", "each.value toset(var.admin_cidrs)"),
        ("balancer.id tcp 8563", "each.value toset(var.client_cidrs)"),
        ("balancer.id tcp 9090", "each.value toset(var.admin_cidrs)"),
        ("endpoint.id tcp 443", "aws_security_group.balancer.id "),
    ];
    let expected = expected.map(|(door, whom)| (door.to_owned(), whom.to_owned()));
    ensure(open == BTreeMap::from(expected), || format!("{open:#?}"))
}

fn addresses() -> Outcome {
    let blocks = blocks()?;
    let locals = blocks.iter().filter(|it| it.identifier() == "locals");
    let addresses = locals
        .filter_map(|it| attribute(&it.body, "addresses"))
        .map(ToString::to_string)
        .next()
        .unwrap_or_default();
    for (own, other) in [("1", "2"), ("2", "1")] {
        let text = read(&format!("exasol-aws/node-{own}/keepalived.conf"))?;
        let line = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("unicast_src_ip "));
        let address = line.ok_or("there is no unicast_src_ip")?;
        let pair = format!("\"{own}\" = \"{address}\"");
        ensure(addresses.contains(&pair), || {
            format!("{addresses} lacks {pair}")
        })?;
        let peer = read(&format!("exasol-aws/node-{other}/keepalived.conf"))?;
        let named = format!("unicast_peer {{\n        {address}\n");
        ensure(peer.contains(&named), || {
            format!("node {other} does not name {address}")
        })?;
    }
    Ok(())
}

/// What Terraform replaces stands in the files, once, and they are sound afterwards, too.
fn replacements() -> Outcome {
    let proxy = read("exasol-aws/haproxy.cfg")?;
    ensure(proxy.matches("change-me").count() == 1, || proxy.clone())?;
    let proxy = proxy.replace("change-me", "Another-1.password");
    for node in ["1", "2"] {
        let election = read(&format!("exasol-aws/node-{node}/keepalived.conf"))?;
        ensure(election.matches("34.249.49.35").count() == 1, || {
            election.clone()
        })?;
        let election = election.replace("34.249.49.35", "52.18.0.1");
        check_texts(&[("haproxy.cfg", &proxy), ("keepalived.conf", &election)])?;
    }
    let nodes = read(&format!("{FOLDER}/nodes.tf"))?;
    for replaced in ["\"change-me\"", "\"34.249.49.35\""] {
        ensure(nodes.contains(replaced), || {
            format!("nodes.tf does not replace {replaced}")
        })?;
    }
    Ok(())
}

fn association() -> Outcome {
    let blocks = blocks()?;
    let others = resource(&blocks, "aws_eip_association");
    ensure(others.is_empty(), || {
        "Terraform would move the address, too".to_owned()
    })?;
    let addresses = resource(&blocks, "aws_eip");
    let [address] = addresses[..] else {
        return Err(format!("{} addresses", addresses.len()).into());
    };
    let mut inner = address.body.blocks();
    let lifecycle = inner.find(|it| it.identifier() == "lifecycle");
    let ignored = lifecycle
        .and_then(|it| attribute(&it.body, "ignore_changes"))
        .map(ToString::to_string)
        .unwrap_or_default();
    for name in ["instance", "network_interface", "associate_with_private_ip"] {
        let bound = attribute(&address.body, name).is_some();
        ensure(!bound && ignored.contains(name), || {
            format!("`{name}` counts: {ignored}")
        })?;
    }
    Ok(())
}

/// The words that a template is given, sorted.
pub(super) fn words_for(template: &str) -> Result<Vec<String>, Failure> {
    let file = template.rsplit('/').next().unwrap_or(template);
    for call in blocks()?.iter().flat_map(|it| references::calls(&it.body)) {
        let named =
            call.name.name.as_str() == "templatefile" && call.args[0].to_string().contains(file);
        if let (true, Some(Expression::Object(words))) = (named, call.args.get(1)) {
            let mut words: Vec<String> = words.keys().map(ToString::to_string).collect();
            words.sort();
            return Ok(words);
        }
    }
    Err(format!("nothing fills in {template}").into())
}
