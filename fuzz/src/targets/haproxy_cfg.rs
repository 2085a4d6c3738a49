//! Any bytes as a `haproxy.cfg`: reading and showing what is said about them never panics.

use std::net::IpAddr;

use pontoon_config::{
    haproxy::{Surroundings, load},
    render,
    source::SourceFile,
};

/// A machine where one host, one file and one user exist.
struct Machine<'a> {
    /// What is in that file.
    file: &'a [u8],
}

impl Surroundings for Machine<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        (name == "X").then(|| "x y".to_owned())
    }

    fn resolve(&self, host: &str) -> Vec<IpAddr> {
        let address = IpAddr::from([10, 0, 0, 1]);
        (host == "db").then_some(address).into_iter().collect()
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        match path {
            "/f" => Ok(self.file.to_vec()),
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

pub(super) fn run(bytes: &[u8]) -> bool {
    let machine = Machine {
        file: b"# list\n10.0.0.0/8\n",
    };
    read(bytes, &machine)
}

/// The same bytes as a file of patterns, in each way in which such files are read.
pub(super) fn run_patterns(bytes: &[u8]) -> bool {
    let mut understood = false;
    for way in [
        "src",
        "dst_port",
        "req.ssl_sni -i -m end",
        "req.ssl_sni -m reg",
        "req.payload(0,4) -m bin",
        "req.len -m int",
    ] {
        let file = format!(
            "listen l\n mode tcp\n bind :1\n acl a {way} -f /f\n tcp-request content reject if a\n"
        );
        let loaded = read(file.as_bytes(), &Machine { file: bytes });
        // Any text is the end of a text.
        understood |= loaded && !way.ends_with("end");
    }
    understood
}

/// Whether it is a configuration.
fn read(bytes: &[u8], machine: &Machine<'_>) -> bool {
    let file = SourceFile {
        name: "haproxy.cfg".to_owned(),
        text: String::from_utf8_lossy(bytes).into_owned(),
    };
    let loaded = load(vec![file], machine);
    let findings = loaded.diagnostics.all();
    assert_eq!(loaded.model.is_none(), loaded.diagnostics.has_errors());
    let _shown = render::human(&loaded.files, findings, true);
    let _shown = render::json(&loaded.files, findings);
    let _shown = render::like_haproxy(&loaded.files, findings, 1);
    loaded.model.is_some()
}
