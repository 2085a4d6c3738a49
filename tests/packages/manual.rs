//! The manual pages and the completions that the program writes itself.

use std::{fs, path::Path, process::Command};

use pontoon_lab::{needs::Need, temp::TempDir};

use crate::harness::{Failure, Outcome, Test, pontoon};

pub(super) fn register(tests: &mut Vec<Test>) {
    let pages = Test::new("packages::manual_pages_are_without_a_fault", pages);
    tests.push(
        pages
            .needs(Need::Program("man"))
            .needs(Need::Program("groff")),
    );
    let bash = Test::new("packages::completions_complete_in_bash", bash);
    tests.push(bash.needs(Need::Program("bash")));
    tests.push(Test::new(
        "packages::completions_know_every_command",
        every_command,
    ));
}

fn write_pages(folder: &Path) -> Outcome {
    let status = Command::new(pontoon()).arg("manual").arg(folder).status()?;
    assert!(status.success());
    Ok(())
}

/// As Debian's checker of packages looks at them.
fn pages() -> Outcome {
    let folder = TempDir::new("manual")?;
    write_pages(folder.path())?;
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.path())? {
        let path = entry?.path();
        let mut man = Command::new("man");
        man.args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8"])
            .arg(&path);
        let shown = man.env("MANROFFSEQ", "").env("MANWIDTH", "80").output()?;
        let faults = String::from_utf8_lossy(&shown.stderr).into_owned();
        if !shown.status.success() || !faults.is_empty() {
            return Err(Failure::from(format!("{}: {faults}", path.display())));
        }
        assert!(shown.stdout.len() > 300, "{} is empty", path.display());
        names.push(
            path.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        );
    }
    for page in [
        "pontoon.1",
        "pontoon-check.1",
        "pontoon-run.1",
        "pontoon-haproxy.cfg.5",
        "pontoon-keepalived.conf.5",
    ] {
        assert!(
            names.iter().any(|name| name == page),
            "no {page}: {names:?}"
        );
    }
    // Questions that processes ask one another are no commands.
    assert!(
        !names.iter().any(|name| name.contains("resume")),
        "{names:?}"
    );
    Ok(())
}

fn completions(shell: &str) -> Result<String, Failure> {
    let output = Command::new(pontoon())
        .args(["completions", shell])
        .output()?;
    assert!(output.status.success());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What a user gets who types and presses the tabulator.
fn bash() -> Outcome {
    let script = format!(
        "{}\nCOMP_WORDS=(pontoon switch)\nCOMP_CWORD=1\n_pontoon pontoon switch pontoon\necho \"${{COMPREPLY[*]}}\"\n",
        completions("bash")?
    );
    let output = Command::new("bash").args(["-c", &script]).output()?;
    let completed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(completed.trim(), "switchover");
    Ok(())
}

fn every_command() -> Outcome {
    let help = Command::new(pontoon()).arg("help").output()?;
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let commands = help.split("Commands:").nth(1).ok_or("no commands")?;
    let commands = commands.split("\n\n").next().unwrap_or_default();
    let commands: Vec<_> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.len() > 10, "{commands:?}");
    for shell in ["bash", "zsh", "fish"] {
        let text = completions(shell)?;
        for command in &commands {
            assert!(text.contains(command), "{shell}: no {command}");
        }
        assert!(!text.contains("resume"), "{shell} knows hidden commands");
    }
    Ok(())
}
