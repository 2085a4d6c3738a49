//! Two directories and a spare one, checked by an anonymous bind. All are a real `slapd`, and clients ask each for its name.

use std::{net::TcpStream, process::Command};

use pontoon_lab::{
    needs::{self, Need},
    program::Program,
    temp::TempDir,
    wait,
};

use super::{
    member::{
        Member,
        Role::{Dead, Good},
        Speech::Ldap,
    },
    shapes::{Shape, Step},
};
use crate::harness::Failure;

/// A search (RFC 4511) of the root entry for its description.
const WHO: &[u8] =
    b"\x30\x32\x02\x01\x01\x63\x2d\x04\0\x0a\x01\0\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0\
    \x87\x0bobjectClass\x30\x0d\x04\x0bdescription";
/// The end of its results: success, no name, no message.
const FOUND: &[u8] = b"\x65\x07\x0a\x01\0\x04\0\x04\0";

pub(super) const SHAPE: Shape = Shape {
    name: "ldap",
    file: include_str!("ldap.cfg"),
    needs: &[Need::Program("slapd")],
    page: "127.77.8.10:7000",
    fronts: &[("127.77.8.10:3389", WHO)],
    until: Some(FOUND),
    explained: Some(("last_chk=", "last_chk=Success")),
    members: || {
        vec![
            Member::new("ldap1", "127.77.8.11:3389", Ldap),
            Member::new("ldap2", "127.77.8.12:3389", Ldap),
            Member::new("ldap3", "127.77.8.13:3389", Ldap),
        ]
    },
    steps: &[
        Step {
            turns: &[("ldap1", Good), ("ldap2", Good), ("ldap3", Good)],
            states: &[
                ("directories/ldap1", "UP L7OK"),
                ("directories/ldap2", "UP L7OK"),
                ("directories/ldap3", "UP L7OK"),
            ],
        },
        Step {
            turns: &[("ldap1", Dead)],
            states: &[("directories/ldap1", "DOWN L4CON")],
        },
        // Only the spare one is left.
        Step {
            turns: &[("ldap2", Dead)],
            states: &[
                ("directories/ldap2", "DOWN L4CON"),
                ("directories/ldap3", "UP L7OK"),
            ],
        },
        Step {
            turns: &[("ldap1", Good), ("ldap2", Good)],
            states: &[
                ("directories/ldap1", "UP L7OK"),
                ("directories/ldap2", "UP L7OK"),
            ],
        },
    ],
};

/// A running `slapd` that has nothing but a root entry with its name.
pub(super) struct Directory {
    _program: Program,
    _folder: TempDir,
}

impl Directory {
    pub(super) fn start(name: &str, address: &str) -> Result<Self, Failure> {
        let folder = TempDir::new("directory")?;
        let root = folder.write("root.ldif", format!("dn:\ndescription: {name}\n"))?;
        let pid_file = folder.path().join("pid");
        let config = format!(
            "pidfile {}\nrootDSE {}\n",
            pid_file.display(),
            root.display()
        );
        let config = folder.write("slapd.conf", config)?;
        let program = needs::find("slapd").ok_or("slapd is not installed")?;
        let mut command = Command::new(program);
        command.args(["-d", "0", "-h", &format!("ldap://{address}/"), "-f"]);
        let program = Program::start(command.arg(config))?;
        wait::until("slapd to listen", wait::PATIENCE, || {
            TcpStream::connect(address).ok()
        })?;
        Ok(Self {
            _program: program,
            _folder: folder,
        })
    }
}
