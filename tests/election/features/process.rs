//! What a file or a flag asks of the process, read back from the kernel.

use super::{
    add,
    duo::{Duo, FAST, one},
};
use crate::{
    election::stage::{CHILD, FILE},
    harness::{Outcome, Test},
};

pub(super) fn register(tests: &mut Vec<Test>) {
    add(
        tests,
        &[
            ("vrrp_priority_is_the_process_s_nice_value", nice),
            ("vrrp_rt_priority_is_the_process_s_scheduling", realtime),
            ("with_m_a_crash_may_leave_a_core", core),
            ("with_d_the_data_is_logged", dumped),
            ("with_e_a_missing_file_is_an_error", all_files),
        ],
    );
}

fn alone(global: &str) -> Result<Duo, crate::harness::Failure> {
    let file = FAST.replace("script_user", &format!("{global}\n script_user")) + &one(100, "");
    Duo::new([&file, FAST])
}

fn nice() -> Outcome {
    let mut duo = alone("vrrp_priority -7")?;
    duo.start(0)?;
    duo.until("it to be master", || duo.holds(0, "10.0.1.100"))?;
    assert_eq!(duo.statistic(0, 19)?, "-7");
    Ok(())
}

/// 2: `SCHED_RR`.
fn realtime() -> Outcome {
    let mut duo = alone("vrrp_rt_priority 20")?;
    duo.start(0)?;
    duo.until("it to be master", || duo.holds(0, "10.0.1.100"))?;
    if duo.count(0, "cannot set vrrp_rt_priority") > 0 {
        // Some machines give no real time to anybody; then it says so, and works.
        return Ok(());
    }
    assert_eq!([duo.statistic(0, 40)?, duo.statistic(0, 41)?], ["20", "2"]);
    Ok(())
}

fn core() -> Outcome {
    let mut duo = alone("")?;
    for (flags, limit) in [(&[][..], "0"), (&["-m"], "unlimited")] {
        let mut line = vec![
            "bash",
            "-c",
            "ulimit -Sc 0; exec \"$@\"",
            "limited",
            "keepalived",
        ];
        line.extend(["-n", "-l", "-f", FILE]);
        line.extend(flags);
        let mut election = duo.host(0).start(&line)?;
        duo.until("it to be master", || duo.holds(0, "10.0.1.100"))?;
        let pid = duo.number_in(0, CHILD)?;
        let limits = duo.host(0).run(&["cat", &format!("/proc/{pid}/limits")])?;
        let core = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"));
        let soft = core.and_then(|line| line.split_whitespace().nth(4));
        assert_eq!(soft, Some(limit), "{limits}");
        duo.signal(0, pontoon_sys::process::Signal::TERM)?;
        election.wait(pontoon_lab::wait::PATIENCE)?;
    }
    duo.start(0)
}

fn dumped() -> Outcome {
    let mut duo = alone("")?;
    duo.start_with(0, &["-d"])?;
    for line in ["------< VRRP Topology >------", " VRRP Instance = VI_1"] {
        duo.says(0, line)?;
    }
    Ok(())
}

fn all_files() -> Outcome {
    let duo = alone("")?;
    duo.host(0).write(
        FILE,
        format!(
            "include /etc/keepalived/missing.conf\n{FAST}{}",
            one(100, "")
        ),
    )?;
    for (flags, code) in [("", 0), ("-e", 5)] {
        let mut command = duo.host(0).command("keepalived");
        let output = command
            .args(["-t", "-f", FILE])
            .args(flags.split_whitespace())
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{flags}: {said}");
    }
    Ok(())
}
