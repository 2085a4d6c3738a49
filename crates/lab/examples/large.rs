//! Prints a large configuration file: `large haproxy|haproxy-mistakes|keepalived|keepalived-mistakes LINES`.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use pontoon_lab::large;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let kind = arguments.next().unwrap_or_default();
    let lines = arguments.next().and_then(|lines| lines.parse().ok());
    let make = match kind.as_str() {
        "haproxy" => large::haproxy,
        "haproxy-mistakes" => large::haproxy_of_mistakes,
        "keepalived" => large::keepalived,
        "keepalived-mistakes" => large::keepalived_of_mistakes,
        _ => panic!("haproxy, haproxy-mistakes, keepalived or keepalived-mistakes"),
    };
    print!("{}", make(lines.unwrap_or(50_000)));
}
