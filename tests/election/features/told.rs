//! What scripts and FIFOs are told, and by whom their files may be used.

use std::{fs, os::unix::fs::MetadataExt as _};

use super::{
    add,
    duo::{Duo, FAST, NOTE, fast, one},
};
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    add(
        tests,
        &[
            ("a_removed_instance_is_told_as_a_fault", removed),
            ("a_removed_instance_is_told_as_deleted_if_wanted", deleted),
            ("a_fifo_belongs_to_whom_the_file_says", owner),
            ("umask_holds_for_what_scripts_make", umask),
        ],
    );
}

/// A reload that takes this instance away; what was noted of it.
fn noted(words: &str, wanted: &[&str]) -> Outcome {
    let told = format!("notify {NOTE}\n{words}");
    let second = fast("VI_2", 52, 100, "10.0.1.110/24", &told);
    let file = format!("{FAST}{}", one(150, ""));
    let mut duo = Duo::new([&format!("{file}{second}"), &file])?;
    duo.start(0)?;
    duo.until("both addresses", || {
        duo.holds(0, "10.0.1.100") && duo.holds(0, "10.0.1.110")
    })?;
    duo.reload(0, &file)?;
    let roles = ["INSTANCE VI_2 BACKUP 100", "INSTANCE VI_2 MASTER 100"];
    duo.noted(0, &[&roles, wanted].concat())?;
    assert!(!duo.holds(0, "10.0.1.110"));
    Ok(())
}

fn removed() -> Outcome {
    let words = format!("notify_fault \"{NOTE} fault\"\n notify_stop \"{NOTE} stop\"");
    noted(&words, &["fault", "INSTANCE VI_2 FAULT 100"])
}

fn deleted() -> Outcome {
    let words = format!("notify_fault \"{NOTE} fault\"\n notify_deleted \"{NOTE} gone\"");
    noted(&words, &["gone", "INSTANCE VI_2 DELETED 100"])?;
    noted("notify_deleted", &["INSTANCE VI_2 DELETED 100"])
}

fn with_global(global: &str, more: &str) -> Result<Duo, Failure> {
    let global = FAST.replace("script_user", &format!("{global}\n script_user"));
    let mut duo = Duo::new([&format!("{global}{}", one(100, more)), FAST])?;
    duo.start(0)?;
    duo.until("it to be master", || duo.holds(0, "10.0.1.100"))?;
    Ok(duo)
}

/// 65534: nobody, who is on every machine.
fn owner() -> Outcome {
    let duo = with_global(
        "notify_fifo /run/one nobody\n vrrp_notify_fifo /run/two",
        "",
    )?;
    for (fifo, owner) in [("/run/one", 65534), ("/run/two", 0)] {
        let found = fs::metadata(duo.host(0).path(fifo))?;
        assert_eq!(
            (found.uid(), found.mode() & 0o777),
            (owner, 0o600),
            "{fifo}"
        );
    }
    Ok(())
}

fn umask() -> Outcome {
    for (global, mode) in [
        ("", 0o600),
        ("umask 027", 0o640),
        ("umask IRGRP|IWOTH", 0o624),
    ] {
        let duo = with_global(global, &format!("notify {NOTE}"))?;
        let notes = ["INSTANCE VI_1 BACKUP 100", "INSTANCE VI_1 MASTER 100"];
        duo.noted(0, &notes)?;
        let found = fs::metadata(duo.host(0).path(super::duo::NOTES))?;
        assert_eq!(found.mode() & 0o777, mode & 0o666, "{global}");
    }
    Ok(())
}
