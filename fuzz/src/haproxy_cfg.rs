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

pub fn run(bytes: &[u8]) {
    let machine = Machine {
        file: b"# list\n10.0.0.0/8\n",
    };
    read(bytes, &machine);
}

/// The same bytes as a file of patterns, for every way in which such files are read.
pub fn run_patterns(bytes: &[u8]) {
    const FILE: &[u8] = b"
listen l
    mode tcp
    bind :1
    acl a src -f /f
    acl b dst_port -f /f
    acl c req.ssl_sni -i -m end -f /f
    acl d req.ssl_sni -m reg -f /f
    acl e req.payload(0,4) -m bin -f /f
    acl f req.len -m int -f /f
    tcp-request content reject if a b c d e f
";
    read(FILE, &Machine { file: bytes });
}

fn read(bytes: &[u8], machine: &Machine<'_>) {
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
}
