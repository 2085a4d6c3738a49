//! `ec2-associate-address`: what its users' scripts see of it.

use std::{
    net::Ipv4Addr,
    os::unix::fs::symlink,
    process::{Command, Output},
};

use pontoon_lab::{
    cloud::{Cloud, Instance, Server},
    temp::TempDir,
};

use super::stage::listener;
use crate::harness::{Failure, Outcome, Test, pontoon};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(34, 249, 49, 35);
const ALLOCATION: &str = "eipalloc-0123456789abcdef0";
const HERE: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 207);
const THERE: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 190);
const SECRET: &str = "notARealSecretKeyAtAll";

pub(super) fn register(tests: &mut Vec<Test>) {
    let mut add = |name: &str, run: fn() -> Outcome| {
        tests.push(Test::new(format!("cloud::old_tool_{name}"), run));
    };
    add("associates_and_says_so", associates);
    add("takes_every_form_of_the_old_one", forms);
    add("takes_from_others_only_if_told_to", reassociates);
    add("says_why_it_failed", fails);
    add("needs_nobody_who_listens", unheard);
}

/// The tool, and an EC2 with two machines.
struct Bench {
    cloud: Cloud,
    url: String,
    _server: Server,
    folder: TempDir,
}

impl Bench {
    fn new() -> Result<Self, Failure> {
        let cloud = Cloud::new();
        for (id, ip) in [
            ("i-0aaaaaaaaaaaaaaaa", HERE),
            ("i-0bbbbbbbbbbbbbbbb", THERE),
        ] {
            cloud.instance(Instance {
                id: id.to_owned(),
                interface: id.replace("i-", "eni-"),
                private_ips: vec![ip],
                region: "eu-west-1".to_owned(),
            });
        }
        cloud.address(ADDRESS, ALLOCATION);
        cloud.credentials("AKIAEXAMPLE", SECRET, None, &["ec2:*"]);
        cloud.credentials("AKIAWEAK", SECRET, None, &["ec2:DescribeAddresses"]);
        cloud.credentials("ASIAEXAMPLE", SECRET, Some("token"), &["ec2:*"]);
        let listener = listener()?;
        let url = format!("http://{}", listener.local_addr()?);
        let server = cloud.serve_ec2(listener);
        let folder = TempDir::new("tool")?;
        symlink(pontoon(), folder.path().join("ec2-associate-address"))?;
        Ok(Self {
            cloud,
            url,
            _server: server,
            folder,
        })
    }

    /// Runs it with these words, the keys that may do everything and the URL in the environment.
    fn run(&self, line: &str) -> Result<Output, Failure> {
        let mut command = Command::new(self.folder.path().join("ec2-associate-address"));
        command.args(line.split_whitespace()).env_clear();
        command.env("AWS_ACCESS_KEY", "AKIAEXAMPLE");
        command.env("AWS_SECRET_KEY", SECRET);
        command.env("EC2_URL", &self.url);
        Ok(command.args(["--region", "eu-west-1"]).output()?)
    }

    fn succeeds(&self, line: &str) -> Result<String, Failure> {
        let output = self.run(line)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(Failure::from(format!("{line}: {output:?}")))
    }

    fn refuses(&self, line: &str, wanted: &str) -> Outcome {
        let output = self.run(line)?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() == Some(1) && output.stdout.is_empty() && said.contains(wanted) {
            return Ok(());
        }
        Err(Failure::from(format!(
            "{line}: no {wanted:?} in {output:?}"
        )))
    }
}

fn associates() -> Outcome {
    let bench = Bench::new()?;
    let line = "34.249.49.35 -instance i-0aaaaaaaaaaaaaaaa -p 10.0.1.207 --allow-reassociation";
    let said = bench.succeeds(line)?;
    assert_eq!(said, "ADDRESS\t34.249.49.35\ti-0aaaaaaaaaaaaaaaa\n");
    assert_eq!(bench.cloud.holder(ADDRESS), Some(HERE));
    // Again: it is there, so nothing is moved, and nothing is different to the script.
    assert_eq!(bench.succeeds(line)?, said);
    let calls = bench.cloud.calls();
    let moves = calls
        .iter()
        .filter(|call| call.action == "AssociateAddress");
    assert_eq!(moves.count(), 1);
    assert_eq!(bench.cloud.metadata_calls().len(), 0);
    Ok(())
}

fn forms() -> Outcome {
    let bench = Bench::new()?;
    let said = bench.succeeds(&format!("-a {ALLOCATION} -i i-0aaaaaaaaaaaaaaaa"))?;
    assert_eq!(
        said,
        format!("ADDRESS\ti-0aaaaaaaaaaaaaaaa\t{ALLOCATION}\n")
    );
    assert_eq!(bench.cloud.holder(ADDRESS), Some(HERE));
    let line = "34.249.49.35 --network-interface eni-0bbbbbbbbbbbbbbbb --allow-reassociation \
                -O ASIAEXAMPLE -W notARealSecretKeyAtAll -T token";
    let output = bench.run(line)?;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(bench.cloud.holder(ADDRESS), Some(THERE));
    let warned = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(warned.contains("can be read by every user"), "{warned}");
    assert_eq!(warned.lines().count(), 1, "{warned}");
    assert!(!warned.contains(SECRET), "{warned}");
    Ok(())
}

fn reassociates() -> Outcome {
    let bench = Bench::new()?;
    bench.cloud.move_to(ADDRESS, Some(THERE));
    let line = "34.249.49.35 -i i-0aaaaaaaaaaaaaaaa";
    bench.refuses(line, "to take it from there, say --allow-reassociation")?;
    assert_eq!(bench.cloud.holder(ADDRESS), Some(THERE));
    bench.succeeds(&format!("{line} --allow-reassociation"))?;
    assert_eq!(bench.cloud.holder(ADDRESS), Some(HERE));
    Ok(())
}

/// A script's `| head -1`, or a log that has died: the address moves all the same.
fn unheard() -> Outcome {
    let bench = Bench::new()?;
    let closed = || std::io::pipe().map(|(_reader, writer)| writer);
    let line = "34.249.49.35 -i i-0aaaaaaaaaaaaaaaa -O AKIAEXAMPLE -W";
    let mut command = Command::new(bench.folder.path().join("ec2-associate-address"));
    command.args(line.split(' ')).arg(SECRET).env_clear();
    command.args(["-U", &bench.url, "--region", "eu-west-1"]);
    let status = command.stdout(closed()?).stderr(closed()?).status()?;
    assert!(status.success(), "{status}");
    assert_eq!(bench.cloud.holder(ADDRESS), Some(HERE));
    Ok(())
}

fn fails() -> Outcome {
    let bench = Bench::new()?;
    let here = "-i i-0aaaaaaaaaaaaaaaa";
    bench.refuses(&format!("34.249.49.99 {here}"), "34.249.49.99")?;
    let weak = format!("34.249.49.35 {here} -O AKIAWEAK");
    bench.refuses(&weak, "ec2:AssociateAddress")?;
    bench.refuses(
        &format!("34.249.49.35 {here} -O AKIANOBODY"),
        "look at key and secret",
    )?;
    bench.refuses("34.249.49.35 -i i-0cccccccccccccccc", "i-0cccccccccccccccc")?;
    bench.refuses("34.249.49.35 --instence i-1", "did you mean '--instance'?")?;
    let nowhere = format!("34.249.49.35 {here} -U http://127.0.0.1:1");
    bench.refuses(&nowhere, "127.0.0.1 port 1 cannot be reached")?;
    assert_eq!(bench.cloud.holder(ADDRESS), None);
    Ok(())
}
