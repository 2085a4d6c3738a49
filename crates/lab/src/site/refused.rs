//! Why no site can be built here, and what to do about it.

use std::io;

use super::enter::setting;

/// Until where it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Threads,
    Doors,
    Users,
    Rights,
    Cables,
    PacketFilter,
    Machines,
}

impl Stage {
    const ALL: [Self; 7] = [
        Self::Threads,
        Self::Doors,
        Self::Users,
        Self::Rights,
        Self::Cables,
        Self::PacketFilter,
        Self::Machines,
    ];

    const fn words(self) -> &'static str {
        match self {
            Self::Threads => "the process cannot be split",
            Self::Doors => "no port of loopback can be bound",
            Self::Users => "user namespaces are refused",
            Self::Rights => "namespaces are refused",
            Self::Cables => "virtual cables and bridges are refused",
            Self::PacketFilter => "the packet filter (nftables) is refused",
            Self::Machines => "process namespaces are refused",
        }
    }
}

/// Something that a site needs is refused.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", stage.words())]
pub struct Refused {
    stage: Stage,
    cause: io::Error,
}

/// Switches of kernels by which namespaces are kept from users: where, the value that does so,
/// how to allow it.
const SWITCHES: [(&str, &str, &str); 3] = [
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "Ubuntu keeps user namespaces from programs without a profile: \
         `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0` allows them until the next \
         boot",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "`sudo sysctl kernel.unprivileged_userns_clone=1` allows user namespaces until the next \
         boot",
    ),
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "`sudo sysctl user.max_user_namespaces=15000` allows user namespaces until the next boot",
    ),
];

impl Refused {
    pub(super) const fn new(stage: Stage, cause: io::Error) -> Self {
        Self { stage, cause }
    }

    /// How to allow it: one or more sentences, each a line.
    #[must_use]
    pub fn advice(&self) -> String {
        self.advice_where(setting)
    }

    fn advice_where(&self, setting: impl Fn(&str) -> Option<String>) -> String {
        match self.stage {
            Stage::Threads | Stage::Doors => "this is no question of permission".into(),
            Stage::Users | Stage::Rights | Stage::Machines => {
                let shut = SWITCHES
                    .iter()
                    .filter(|(path, value, _)| setting(path).as_deref() == Some(value));
                let mut lines: Vec<_> = shut.map(|(_, _, advice)| (*advice).to_owned()).collect();
                lines.push(self.otherwise(lines.is_empty()).into());
                lines.join("\n")
            }
            Stage::Cables => "`sudo modprobe -a veth bridge` loads what the kernel may lack".into(),
            Stage::PacketFilter => {
                "`sudo modprobe -a nf_tables nft_chain_nat nft_nat` loads what the kernel may lack"
                    .into()
            }
        }
    }

    fn otherwise(&self, unexplained: bool) -> &'static str {
        match (unexplained, self.cause.raw_os_error()) {
            (false, _) => "as root it works without that",
            (true, Some(libc::ENOSPC)) => {
                "there are as many namespaces as user.max_*_namespaces allow: raise those, or end \
                 some"
            }
            (true, _) => {
                "run it as root; in a container, allow it namespaces (docker run --privileged), or \
                 run it outside"
            }
        }
    }

    /// For the way through a pipe; the opposite of [`decode`](Self::decode).
    pub(super) fn encode(&self) -> String {
        let number = self.cause.raw_os_error().unwrap_or(0);
        format!("{:?}\n{number}\n{}", self.stage, self.cause)
    }

    /// `None` if there is nothing to read.
    pub(super) fn decode(text: &str) -> Option<Self> {
        let mut lines = text.splitn(3, '\n');
        let name = lines.next()?;
        let stage = Stage::ALL
            .into_iter()
            .find(|stage| format!("{stage:?}") == name)?;
        let number = lines.next()?.parse().ok()?;
        let cause = match number {
            0 => io::Error::other(lines.next()?.to_owned()),
            number => io::Error::from_raw_os_error(number),
        };
        Some(Self { stage, cause })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(stage: Stage, number: i32) -> Refused {
        Refused::new(stage, io::Error::from_raw_os_error(number))
    }

    #[test]
    fn a_switch_that_is_off_is_named() {
        let refused = refused(Stage::Users, libc::EPERM);
        let ubuntu = |path: &str| path.contains("apparmor").then(|| "1".to_owned());
        let advice = refused.advice_where(ubuntu);
        assert!(advice.contains("apparmor_restrict_unprivileged_userns=0"));
        assert!(advice.ends_with("as root it works without that"));
        let allowed = |_: &str| None;
        assert!(refused.advice_where(allowed).contains("--privileged"));
    }

    #[test]
    fn too_many_namespaces_are_no_question_of_permission() {
        let refused = refused(Stage::Users, libc::ENOSPC);
        let advice = refused.advice_where(|_| Some("96365".into()));
        assert!(advice.contains("user.max_*_namespaces"), "{advice}");
    }

    #[test]
    fn a_refusal_survives_the_pipe() {
        for stage in Stage::ALL {
            for cause in [
                io::Error::from_raw_os_error(libc::EPERM),
                io::Error::other("two\nlines"),
            ] {
                let refused = Refused::new(stage, cause);
                let back = Refused::decode(&refused.encode()).unwrap();
                assert_eq!(back.to_string(), refused.to_string());
                assert_eq!(back.stage, stage);
            }
        }
        assert!(Refused::decode("").is_none());
    }
}
