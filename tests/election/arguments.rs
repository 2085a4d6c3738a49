//! Arguments, the configuration test, exit codes: what the real one does, measured in the same run.

use std::process::Output;

use pontoon_lab::needs::Need;

use super::{
    on_hosts,
    stage::{FILE, Kind, Stage, instance, said},
};
use crate::harness::{Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    type Run = fn() -> Outcome;
    let compared: [(&str, Run); 3] = [
        ("arguments_end_as_the_originals_do", ends_alike),
        (
            "the_configuration_test_ends_as_the_originals_does",
            tests_alike,
        ),
        (
            "files_that_cannot_run_end_as_under_the_original",
            refuses_alike,
        ),
    ];
    for (name, run) in compared {
        tests.push(on_hosts(name, run).needs(Need::Program("keepalived")));
    }
    tests.push(on_hosts("the_version_can_be_cut_out", tells_its_version));
    tests.push(on_hosts("what_is_missing_is_told", tells_what_is_missing));
    tests.push(on_hosts("the_test_writes_into_a_file", tests_into_a_file));
}

/// Runs a line under both and compares the ends, and which outputs were used.
fn compare(ours: &Stage, theirs: &Stage, line: &str) -> Outcome {
    let (a, b) = (ours.run(line)?, theirs.run(line)?);
    let shape = |output: &Output| {
        let code = output.status.code();
        (code, output.stdout.is_empty(), output.stderr.is_empty())
    };
    assert_eq!(
        shape(&a),
        shape(&b),
        "keepalived {line}\nours: {}\ntheirs: {}",
        said(&a),
        said(&b)
    );
    Ok(())
}

fn ends_alike() -> Outcome {
    let (ours, theirs) = (Stage::new(Kind::Pontoon)?, Stage::new(Kind::Keepalived)?);
    for line in [
        "-v",
        "--version",
        "-h",
        "--signum=FOO",
        "--signum",
        "--signum=",
        "--badopt",
        "-Z",
        "-Z -v",
        "-v -Z",
        "-f",
        "-u",
        "-p",
        "--dont-r",
        "--config-t",
        "--use-file=/etc/keepalived/keepalived.conf -t",
        "-nlt",
        "-t extra",
        "-u 999 -t",
        "-u 0x12 -t",
        "-i foo -t",
        "-P -I -B --all -R -V -X -e -t",
    ] {
        compare(&ours, &theirs, line)?;
    }
    for function in ["STOP", "RELOAD", "DATA", "STATS", "STATS_CLEAR", "JSON"] {
        let line = format!("--signum={function}");
        let (a, b) = (ours.run(&line)?, theirs.run(&line)?);
        assert_eq!(said(&a), said(&b), "{function}");
    }
    Ok(())
}

fn tests_alike() -> Outcome {
    let (ours, theirs) = (Stage::new(Kind::Pontoon)?, Stage::new(Kind::Keepalived)?);
    let scripted = "notify /bin/true";
    let group = "vrrp_sync_group G {\n group {\n VI_1\n }\n}\n";
    for file in [
        instance(""),
        instance("foo bar"),
        instance(scripted),
        format!(
            "global_defs {{\n enable_script_security\n script_user root\n}}\n{}",
            instance(scripted)
        ),
        instance("").replace("100\n advert", "300\n advert"),
        instance("").replace("virtual_router_id 51", ""),
        instance("").replace("interface eth0", "interface nope0"),
        instance("").replace("}\n\n}", "}\n"),
        instance("authentication {\n auth_type PASS\n auth_pass 123456789012\n }"),
        instance("state MASTER\n nopreempt"),
        instance("track_script {\n nix\n }"),
        instance("smtp_alert true"),
        instance("").replace("advert_int 1", "advert_int 0.5"),
        instance("") + &instance("").replace("VI_1", "VI_2"),
        instance("") + group,
        String::new(),
    ] {
        ours.write(&file)?;
        theirs.write(&file)?;
        let (a, b) = (ours.run("-t")?, theirs.run("-t")?);
        assert_eq!(
            a.status.code(),
            b.status.code(),
            "{file}\nours: {}\ntheirs: {}",
            said(&a),
            said(&b)
        );
    }
    Ok(())
}

fn refuses_alike() -> Outcome {
    let (ours, theirs) = (Stage::new(Kind::Pontoon)?, Stage::new(Kind::Keepalived)?);
    for file in [
        instance("").replace("virtual_router_id 51", ""),
        instance("").replace("interface eth0", "interface nope0"),
    ] {
        ours.write(&file)?;
        theirs.write(&file)?;
        compare(&ours, &theirs, "-n -l")?;
    }
    compare(&ours, &theirs, "-n -l -f /nonexistent.conf")
}

fn tells_its_version() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    let said = said(&stage.run("-v")?);
    let mut words = said.split_whitespace();
    assert_eq!(words.next(), Some("Keepalived"));
    assert_eq!(words.next(), Some("v2.2.7"));
    assert!(said.lines().next().is_some_and(|it| it.contains("Pontoon")));
    Ok(())
}

fn tells_what_is_missing() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    for (line, code, told) in [
        ("-C -t", 1, "describe the servers in a haproxy.cfg"),
        ("-s red -t", 1, "ip netns exec"),
        ("-T", 1, "genhash"),
        ("-x -t", 0, "pontoon status"),
        (
            "-t -f /nonexistent.conf",
            5,
            "Config files missing '/nonexistent.conf'",
        ),
    ] {
        let output = stage.run(line)?;
        assert_eq!(output.status.code(), Some(code), "{line}");
        assert!(said(&output).contains(told), "{line}: {}", said(&output));
    }
    Ok(())
}

fn tests_into_a_file() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    stage.write(&instance("foo bar"))?;
    let output = stage.run(&format!("--config-test=/tmp/log -f {FILE}"))?;
    assert_eq!(output.status.code(), Some(5));
    assert_eq!(said(&output), "");
    let text = stage.host.read("/tmp/log");
    assert!(text.contains("Line 9) ") && text.contains("foo"), "{text}");
    Ok(())
}
