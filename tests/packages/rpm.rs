//! The RPM package: what is in it, by rpm's own account. Nothing here installs it.

use std::process::Command;

use pontoon_lab::needs::Need;

use super::packaging;
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    let test = Test::new("packages::rpm_holds_what_it_should", holds);
    let programs = ["rpm", "cargo-generate-rpm", "strip"];
    let needs = |test: Test, program| test.needs(Need::Program(program));
    tests.push(programs.into_iter().fold(test, needs));
}

fn holds() -> Outcome {
    let made = super::building(|| {
        Command::new(packaging("build"))
            .args(["rpm", "dev"])
            .output()
    })?;
    if !made.status.success() {
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        return Err(Failure::from(format!("packaging/build: {said}")));
    }
    let found = std::fs::read_dir("target/generate-rpm")?;
    let files = found.filter_map(|entry| Some(entry.ok()?.path()));
    let package = files
        .filter(|path| path.extension().is_some_and(|it| it == "rpm"))
        .max();
    let package = package.ok_or("there is no package")?;
    let ask = |question: &[&str]| -> Result<String, Failure> {
        let asked = Command::new("rpm")
            .arg("-qp")
            .args(question)
            .arg(&package)
            .output()?;
        assert!(asked.status.success(), "{asked:?}");
        Ok(String::from_utf8_lossy(&asked.stdout).into_owned())
    };
    let files = ask(&["--list"])?;
    for file in [
        "/usr/bin/pontoon",
        "/usr/lib/systemd/system/pontoon.service",
        "/usr/lib/sysusers.d/pontoon.conf",
        "/usr/share/man/man1/pontoon.1",
        "/usr/share/man/man5/pontoon-haproxy.cfg.5",
    ] {
        assert!(files.lines().any(|line| line == file), "no {file}: {files}");
    }
    let configuration = ask(&["--configfiles"])?;
    assert_eq!(
        configuration,
        "/etc/default/pontoon\n/etc/pontoon/haproxy.cfg\n"
    );
    let scripts = ask(&["--scripts"])?;
    assert!(
        scripts.contains("systemctl reload pontoon.service"),
        "{scripts}"
    );
    let needed = ask(&["--requires"])?;
    assert!(needed.contains("libc.so.6"), "{needed}");
    assert_eq!(ask(&["--queryformat", "%{LICENSE}"])?, "Apache-2.0 OR MIT");
    Ok(())
}
