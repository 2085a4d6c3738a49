//! Exit codes and what is written where, compared with the real one.

use pontoon_lab::{balancer::Kind, needs::Need};

use super::{Bench, said};
use crate::harness::{Outcome, Test};

/// What both programs are started with. The files are written by [`files`].
const LINES: &[&str] = &[
    "-v",
    "-vv",
    "-v -c",
    "",
    "-c",
    "-Z",
    "-f",
    "-n 10 good.cfg",
    "-c -f good.cfg",
    "-c -q -f good.cfg",
    "-c -V -f good.cfg",
    "-c -f bad.cfg",
    "-c -q -f bad.cfg",
    "-f bad.cfg",
    "-c -f missing.cfg",
    "-c -f warned.cfg",
    "-c -q -f warned.cfg",
    "-c -dW -f warned.cfg",
    "-c -dW -f good.cfg",
    "-c -f silent.cfg",
    "-f silent.cfg",
    "-c -- good.cfg more.cfg",
    "-c -f good.cfg -- more.cfg",
    "-c -f folder",
    "-c -C folder -f inside.cfg",
    "-C nowhere -c -f good.cfg",
    "-c -dM -dV -dr -db -D -f good.cfg",
    "-c -f good.cfg -sf",
    "-c -sf 99999999 -f good.cfg",
    "-c -L name -N 10 -n 20 -m 500 -p pid -f good.cfg",
    "-cc streq(a,a)",
    "-cc streq(a,b)",
    "-cc version_atleast(2.6)",
    "-cc version_atleast(2.7)",
    "-cc nonsense(a)",
    "-cc",
];

pub(super) fn register(tests: &mut Vec<Test>) {
    for line in LINES {
        let name = format!("process::same_exit_code: haproxy {line}");
        let test = Test::new(name, move || same_exit_code(line));
        tests.push(test.needs(Need::Program("haproxy")));
    }
    let told = Test::new("process::same_messages_of_a_file", same_messages);
    tests.push(told.needs(Need::Program("haproxy")));
    for kind in [Kind::Pontoon, Kind::Haproxy] {
        let name = format!("process::a_missing_socket_of_an_old_process_is_an_error ({kind:?})");
        let test = Test::new(name, move || {
            a_missing_socket_of_an_old_process_is_an_error(kind)
        });
        tests.push(match kind {
            Kind::Haproxy => test.needs(Need::Program("haproxy")),
            Kind::Pontoon => test,
        });
    }
    tests.push(Test::new(
        "process::a_master_socket_is_no_mistake",
        a_master_socket_is_no_mistake,
    ));
}

fn files(bench: &Bench) -> Outcome {
    let good = "defaults\n mode tcp\n timeout connect 5s\n timeout client 5s\n timeout server 5s\n\
                listen a\n bind 127.0.0.1:1\n server s 127.0.0.1:2\n";
    let more = good.replace("listen a", "listen b").replace(":1\n", ":3\n");
    let silent = good
        .replace(" bind 127.0.0.1:1\n", "")
        .replace("listen", "backend");
    bench.folder.write("good.cfg", good)?;
    bench.folder.write("more.cfg", &more)?;
    bench.folder.write("silent.cfg", &silent)?;
    bench
        .folder
        .write("warned.cfg", "listen a\n bind 127.0.0.1:1\n")?;
    bench
        .folder
        .write("bad.cfg", "global\n maxcon 1\nlisten a\n balanc x\n")?;
    std::fs::create_dir(bench.folder.path().join("folder"))?;
    bench.folder.write("folder/inside.cfg", good)?;
    bench.folder.write("folder/.hidden.cfg", "nonsense\n")?;
    bench.folder.write("folder/readme.txt", "nonsense\n")?;
    Ok(())
}

/// The exit code is the same, and each output is empty in both or in none.
fn same_exit_code(line: &str) -> Outcome {
    let mut seen = Vec::new();
    for kind in [Kind::Haproxy, Kind::Pontoon] {
        let bench = Bench::new(kind)?;
        files(&bench)?;
        seen.push(bench.run(line)?);
    }
    let [theirs, ours] = seen.as_slice() else {
        return Err("both should have run".to_owned().into());
    };
    let shape = |output: &std::process::Output| {
        let quiet = (output.stdout.is_empty(), output.stderr.is_empty());
        (output.status.code(), quiet)
    };
    assert_eq!(
        shape(ours),
        shape(theirs),
        "HAProxy:\n{}\nPontoon:\n{}",
        said(theirs),
        said(ours)
    );
    Ok(())
}

/// `.notice` and `.warning` are always told, `.diag` with `-dD`.
fn same_messages() -> Outcome {
    for line in [
        "-c -f told.cfg",
        "-c -dD -f told.cfg",
        "-c -V -f told.cfg",
        "-c -q -f told.cfg",
    ] {
        let mut told = Vec::new();
        for kind in [Kind::Haproxy, Kind::Pontoon] {
            let bench = Bench::new(kind)?;
            let text = "global\n.notice first\n.diag second\n.warning third\n\
                        defaults\n timeout client 5s\n timeout connect 5s\n timeout server 5s\n\
                        listen a\n bind 127.0.0.1:1\n server s 127.0.0.1:2\n";
            bench.folder.write("told.cfg", text)?;
            let output = bench.run(line)?;
            let words = ["first", "second", "third"];
            told.push(words.map(|word| said(&output).contains(word)));
        }
        assert_eq!(told[0], told[1], "{line}");
    }
    Ok(())
}

/// With both.
fn a_missing_socket_of_an_old_process_is_an_error(kind: Kind) -> Outcome {
    let bench = Bench::new(kind)?;
    files(&bench)?;
    let output = bench.run("-x /nonexistent/s -db -f good.cfg")?;
    assert_eq!(output.status.code(), Some(1));
    let words = said(&output);
    for line in [
        "Failed to connect to the old process socket '/nonexistent/s'",
        "Failed to get the sockets from the old process!",
    ] {
        assert!(words.contains(line), "{words}");
    }
    Ok(())
}

/// As Debian's unit does; nothing listens while files are checked.
fn a_master_socket_is_no_mistake() -> Outcome {
    let bench = Bench::new(Kind::Pontoon)?;
    files(&bench)?;
    let output = bench.run("-Ws -S /nonexistent/s -c -f good.cfg")?;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    Ok(())
}
