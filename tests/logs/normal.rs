//! Takes out of a line what differs from run to run.

use std::sync::LazyLock;

use regex::Regex;

/// Dates, process numbers, ports and durations, each replaced by its name.
static VOLATILE: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        (r"\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d\.\d{3}", "DATE.ms"),
        (r"\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}", "DATE zone"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d", "ISO"),
        (r"^(<\d+>)\w{3} [ \d]\d \d\d:\d\d:\d\d", "${1}SYSLOG"),
        (r"\[\d+\]: ", "[PID]: "),
        (r"^(<\d+>1 ISO \S+ \S+) \d+ - ", "${1} PID - "),
        (r"duration: \d+ms", "duration: Nms"),
        // HAProxy loses MariaDB's greeting when it comes in two packets, so only the line of a
        // server that is up all along has it for sure.
        (
            r#"code: 0, info: "5\.5\.5-[^"]*"(, check duration: Nms, status: ./2)"#,
            "code: 0${1}",
        ),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"\bts=\d+", "ts=N"),
        (r"\bms=\d\d\d\b", "ms=NNN"),
        (r"\bpid=\d+", "pid=N"),
        (r"\bport=\d+", "port=N"),
        (r"\btime=(\+?)\d+", "time=${1}N"),
        (r"\bhex=[0-9A-F]+", "hex=H"),
    ]
    .into_iter()
    .map(|(pattern, name)| (Regex::new(pattern).expect("a valid pattern"), name))
    .collect()
});

/// The line without what differs from run to run.
pub(super) fn normal(line: &str) -> String {
    VOLATILE
        .iter()
        .fold(line.to_owned(), |line, (pattern, name)| {
            pattern.replace_all(&line, *name).into_owned()
        })
}
