//! socat, as the management guide uses it: one command, several, a prompt, a payload, a script.

use std::process::Command;

use pontoon_lab::needs::Need;

use super::CONFIG;
use crate::{
    commands::{Stage, both, expect},
    harness::{Failure, Outcome, Test},
    tmux::Terminal,
};

pub(super) fn register(tests: &mut Vec<Test>) {
    let scenarios = [
        (
            "peers::socat_asks_as_in_the_manual",
            asks as fn(&Stage) -> Outcome,
        ),
        (
            "peers::a_script_with_socat_takes_a_server_out_and_in",
            script,
        ),
    ];
    for (name, run) in scenarios {
        tests.push(both(name, CONFIG, run).needs(Need::Program("socat")));
    }
    let test = both("peers::socat_at_a_terminal_is_a_prompt", CONFIG, prompt);
    tests.push(
        test.needs(Need::Program("socat"))
            .needs(Need::Program("tmux")),
    );
}

/// Runs a script, in which `$S` is the socket.
fn shell(stage: &Stage, script: &str) -> Result<String, Failure> {
    let output = Command::new("sh")
        .args(["-c", script])
        .env("S", &stage.socket)
        .output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{script}: {output:?}").into())
}

fn asks(stage: &Stage) -> Outcome {
    for (script, wanted) in [
        (
            "echo 'show info' | socat stdio unix-connect:$S",
            "\nMaxconn: 100\n",
        ),
        ("echo 'show info' | socat $S stdio", "\nMaxconn: 100\n"),
        (
            "echo 'show info;show stat' | socat stdio unix-connect:$S",
            "\nbe,BACKEND,",
        ),
        (
            "echo 'show info;show stat' | socat - UNIX-CONNECT:$S",
            "Name: HAProxy\n",
        ),
        (
            r"printf 'prompt\nshow cli level\nquit\n' | socat stdio unix-connect:$S",
            "> admin\n",
        ),
        // A payload that nobody wants is left aside; what follows it is a command again.
        (
            r"printf 'show cli level <<\nshow stat\n\nshow cli level\n' | socat stdio unix-connect:$S",
            "admin\n",
        ),
        (
            r"printf 'prompt\nget weight <<\nbe/s1\n\nshow cli level\nquit\n' | socat stdio unix-connect:$S",
            "> admin\n",
        ),
        (
            "echo 'show stat' | socat stdio unix-connect:$S | awk -F, '$2 == \"s3\" {print $1, $18}'",
            "be DOWN",
        ),
        (
            "echo 'show servers state be' | socat stdio unix-connect:$S | awk 'NR == 3 {print $4, $5, $6}'",
            "s1 127.0.0.1 2\n",
        ),
        (
            "echo 'nonsense' | socat stdio unix-connect:$S",
            "Unknown command",
        ),
    ] {
        if script.contains("s3") {
            stage.until("be", "s3", "status", "DOWN")?;
        }
        let told = shell(stage, script)?;
        if !told.contains(wanted) {
            return Err(format!("{script}: {told}, without {wanted:?}").into());
        }
    }
    Ok(())
}

/// A deployment as people write them: out, wait until nobody is on it, in again.
const DEPLOY: &str = r#"
ask() { echo "$1" | socat stdio "unix-connect:$S"; }
sessions() { ask 'show stat' | awk -F, '$1 == "be" && $2 == "s1" {print $5}'; }
ask 'set server be/s1 state drain'
echo "drained: $(ask 'show servers state be' | awk '$4 == "s1" {print $7}')"
echo "sessions: $(sessions)"
ask 'shutdown sessions server be/s1'
while [ "$(sessions)" != 0 ]; do sleep 0.05; done
ask 'set server be/s1 state ready'
ask 'set weight be/s1 50%'
ask 'get weight be/s1'
"#;

fn script(stage: &Stage) -> Outcome {
    stage.until("be", "s1", "check_status", "L4OK")?;
    let mut session = stage.session_on("s1")?;
    let told = shell(stage, DEPLOY)?;
    let lines: Vec<_> = told.lines().filter(|line| !line.is_empty()).collect();
    // 8: drained by an administrator.
    let wanted = vec!["drained: 8", "sessions: 1", "5 (initial 10)"];
    expect("what the script says", &lines, &wanted)?;
    session.is_ended()?;
    stage.expect_only(&["s1", "s2"])
}

/// A person at a terminal. (Debian's socat has no `readline`.)
fn prompt(stage: &Stage) -> Outcome {
    let terminal = Terminal::open()?;
    let line = format!("socat stdio unix-connect:{}", stage.socket.display());
    terminal.keys(&[&line, "Enter"])?;
    terminal.keys(&["prompt", "Enter"])?;
    // tmux leaves out blanks at the end of a line.
    terminal.see("\n>")?;
    for (said, wanted) in [
        ("show cli level", "\nadmin\n"),
        ("get weight be/s1", "\n10 (initial 10)\n"),
        (
            "set server be/s1 state maint; get weight be/s9",
            "No such server.\n",
        ),
        ("operator; show cli level", "> operator\n"),
        ("enable server be/s1", "\nPermission denied\n"),
    ] {
        terminal.keys(&["-l", said])?;
        terminal.keys(&["Enter"])?;
        // The terminal shows what was typed behind the prompt, and then the answer.
        let shown = terminal.see(wanted);
        shown.map_err(|failure| failure.with(said))?;
    }
    stage.until("be", "s1", "status", "MAINT")?;
    terminal.keys(&["quit", "Enter"])?;
    terminal.see("ready>")
}
