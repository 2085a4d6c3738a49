//! Any bytes as a `haproxy.cfg`: reading and showing what is said about them never panics.
#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use pontoon_config::{
    haproxy::{Surroundings, load},
    render,
    source::SourceFile,
};

/// A machine where one host, one file and one user exist.
struct Machine;

impl Surroundings for Machine {
    fn variable(&self, name: &str) -> Option<String> {
        (name == "X").then(|| "x y".to_owned())
    }

    fn resolve(&self, host: &str) -> Vec<IpAddr> {
        let address = IpAddr::from([10, 0, 0, 1]);
        (host == "db").then_some(address).into_iter().collect()
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        match path {
            "/f" => Ok(b"# list\n10.0.0.0/8\n".to_vec()),
            _ => Err("No such file or directory".to_owned()),
        }
    }

    fn user_id(&self, name: &str) -> Option<u32> {
        (name == "u").then_some(1)
    }

    fn group_id(&self, name: &str) -> Option<u32> {
        (name == "u").then_some(1)
    }
}

fuzz_target!(|bytes: &[u8]| {
    let file = SourceFile {
        name: "haproxy.cfg".to_owned(),
        text: String::from_utf8_lossy(bytes).into_owned(),
    };
    let loaded = load(vec![file], &Machine);
    let findings = loaded.diagnostics.all();
    assert_eq!(loaded.model.is_none(), loaded.diagnostics.has_errors());
    render::human(&loaded.files, findings, true);
    render::json(&loaded.files, findings);
    render::like_haproxy(&loaded.files, findings, 1);
});
