//! Whether somebody would take over: VRRP backups are silent, so a node that is to hand over its
//! mastership asks first (Pontoon's own; other programs do not answer).
//!
//! Questions and answers travel as advertisements do: the same protocol, group or unicast peers, TTL,
//! and password. Their VRID is 0, which no virtual router has, so that every other program and
//! every older Pontoon takes them for somebody else's, as they all must in a network that several
//! virtual routers share.
//!
//! ```text
//!  0        version (4 bits), type 15 (4 bits)
//!  1        0
//!  2        VRID
//!  3        form of this message: 1
//!  4        0 question, 1 answer
//!  5        answer: role (0 INIT, 1 BACKUP, 2 MASTER, 3 FAULT)
//!  6 - 7    checksum of the message, as in version 2 (RFC 3768, 5.3.8)
//!  8        answer: priority
//!  9        answer: length of the obstacle
//! 10 - 15   0
//! 16 - 23   number of the question
//! 24 - 31   version 2 with auth_type PASS: the password; otherwise 0
//! 32 -      answer: what would keep it from serving, in printable ASCII; empty if nothing would
//! ```

use std::net::IpAddr;

use super::{
    InstanceId, Priority, Role, Version, Vrid,
    action::{Hold, Offence, Reason},
    election::{Election, Sender},
};

/// Bytes before the obstacle.
const HEADER: usize = 32;
/// The type of these messages; an advertisement has 1.
const TYPE: u8 = 15;
/// The only form there is so far.
const FORM: u8 = 1;
/// No obstacle is longer, in bytes.
pub const LONGEST_OBSTACLE: usize = 200;
/// Where the checksum stands.
const CHECKSUM: std::ops::Range<usize> = 6..8;

/// A question or an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The version that the virtual router speaks.
    pub version: Version,
    /// The virtual router.
    pub vrid: Vrid,
    /// Which question it is, or belongs to: whoever did not hear the question cannot answer.
    pub number: u64,
    /// As in advertisements; version 2 only.
    pub password: Option<[u8; 8]>,
    /// What it says.
    pub body: Body,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Would you take over?
    Question,
    /// This is how I am.
    Answer(Readiness),
}

/// How a node would do as master.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// Its role.
    pub role: Role,
    /// Its priority.
    pub priority: Priority,
    /// What would keep it from serving, for people; empty: nothing that it knows of.
    pub obstacle: String,
}

/// Why the mastership had better stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unready {
    /// No answer: no Pontoon is there, or it cannot be reached.
    Nobody,
    /// This one would take over, and could not serve.
    Obstacle(IpAddr, String),
    /// This one does not wait for the mastership.
    Role(IpAddr, Role, String),
}

/// Whether a packet is one of these messages rather than an advertisement.
#[must_use]
pub fn is_message(payload: &[u8]) -> bool {
    matches!(payload, [first, 0, ..] if first & 0xf == TYPE)
}

/// Reads a message; `None` if it is damaged or in a form that is not known.
#[must_use]
pub fn parse(payload: &[u8]) -> Option<Message> {
    if !is_message(payload) || sum(payload) != 0xffff {
        return None;
    }
    let (header, text) = payload.split_first_chunk::<HEADER>()?;
    let version = match header[0] >> 4 {
        2 => Version::V2,
        3 => Version::V3,
        _ => return None,
    };
    if header[3] != FORM {
        return None;
    }
    let length = usize::from(header[9]);
    let body = match header[4] {
        0 => Body::Question,
        1 => Body::Answer(Readiness {
            role: role_of(header[5])?,
            priority: Priority(header[8]),
            obstacle: printable(text.get(..length)?),
        }),
        _ => return None,
    };
    let password: [u8; 8] = *header.last_chunk()?;
    Some(Message {
        version,
        vrid: Vrid::new(header[2])?,
        number: u64::from_be_bytes(*header[16..].first_chunk()?),
        password: (version == Version::V2 && password != [0; 8]).then_some(password),
        body,
    })
}

/// Writes a message.
#[must_use]
pub fn emit(message: &Message) -> Vec<u8> {
    let mut out = vec![0; HEADER];
    let version = match message.version {
        Version::V2 => 0x20,
        Version::V3 => 0x30,
    };
    out[0] = version | TYPE;
    out[2] = message.vrid.get();
    out[3] = FORM;
    out[16..24].copy_from_slice(&message.number.to_be_bytes());
    out[24..32].copy_from_slice(&message.password.unwrap_or_default());
    if let Body::Answer(readiness) = &message.body {
        let text = cut(&readiness.obstacle);
        out[4] = 1;
        out[5] = number_of(readiness.role);
        out[8] = readiness.priority.0;
        out[9] = u8::try_from(text.len()).unwrap_or(0);
        out.extend_from_slice(text.as_bytes());
    }
    let sum = !sum(&out);
    out[CHECKSUM].copy_from_slice(&sum.to_be_bytes());
    out
}

/// Who would take over, of those that have answered.
///
/// # Errors
/// Nobody would, or it could not serve.
pub fn heir(answers: &[(IpAddr, Readiness)]) -> Result<IpAddr, Unready> {
    let waiting = answers.iter().filter(|(_, it)| it.role == Role::Backup);
    let best = waiting.max_by_key(|(address, it)| (it.priority, *address));
    match (best, answers.first()) {
        (Some((address, it)), _) if it.obstacle.is_empty() => Ok(*address),
        (Some((address, it)), _) => Err(Unready::Obstacle(*address, it.obstacle.clone())),
        (None, Some((address, it))) => Err(Unready::Role(*address, it.role, it.obstacle.clone())),
        (None, None) => Err(Unready::Nobody),
    }
}

/// What would keep this node from serving as master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// It takes no part, for this reason.
    Role(Role, Reason),
    /// Its proxy could not serve.
    Proxy(Hold),
}

impl Election {
    /// What would keep an instance of this node from serving as master.
    #[must_use]
    pub fn obstacle(&self, id: InstanceId) -> Option<Obstacle> {
        let view = self.instance(id);
        match view.role {
            Role::Init | Role::Fault => Some(Obstacle::Role(view.role, view.reason)),
            Role::Backup | Role::Master => self.proxy_hold(id).map(Obstacle::Proxy),
        }
    }

    /// Whether a message is to be believed as much as an advertisement would be.
    ///
    /// # Errors
    /// Why not.
    ///
    /// # Panics
    /// If there is no such instance.
    pub fn trusts(
        &self,
        id: InstanceId,
        from: IpAddr,
        hop_limit: Option<u8>,
        message: &Message,
    ) -> Result<(), Offence> {
        let sender = Sender {
            address: from,
            hop_limit,
            version: message.version,
            password: message.password,
        };
        self.check_sender(id, &sender)
    }
}

const ROLES: [Role; 4] = [Role::Init, Role::Backup, Role::Master, Role::Fault];

fn role_of(number: u8) -> Option<Role> {
    ROLES.get(usize::from(number)).copied()
}

fn number_of(role: Role) -> u8 {
    let at = ROLES.iter().position(|it| *it == role);
    at.and_then(|at| u8::try_from(at).ok()).unwrap_or(0)
}

/// What may be shown on a terminal.
fn printable(text: &[u8]) -> String {
    let is_printable = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    let bytes = text.iter().copied().filter(is_printable);
    bytes.map(char::from).take(LONGEST_OBSTACLE).collect()
}

fn cut(text: &str) -> String {
    printable(text.as_bytes())
}

/// The ones' complement sum of 16-bit words; an odd byte counts as the high one of a word.
fn sum(message: &[u8]) -> u16 {
    let words = message.chunks(2).map(|word| match word {
        [high, low] => u16::from_be_bytes([*high, *low]),
        [high] => u16::from_be_bytes([*high, 0]),
        _ => 0,
    });
    words.fold(0, |sum: u16, word| {
        let (sum, carry) = sum.overflowing_add(word);
        sum.wrapping_add(u16::from(carry))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(role: Role, priority: u8, obstacle: &str) -> Readiness {
        Readiness {
            role,
            priority: Priority(priority),
            obstacle: obstacle.into(),
        }
    }

    fn message(body: Body) -> Message {
        Message {
            version: Version::V2,
            vrid: Vrid::new(51).unwrap(),
            number: 0x0102_0304_0506_0708,
            password: Some(*b"secret\0\0"),
            body,
        }
    }

    fn host(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    #[test]
    fn what_is_written_is_read() {
        let bodies = [
            Body::Question,
            Body::Answer(answer(Role::Backup, 100, "")),
            Body::Answer(answer(Role::Fault, 1, "script chk is down")),
        ];
        for body in bodies {
            let message = message(body);
            let bytes = emit(&message);
            assert!(is_message(&bytes));
            assert_eq!(parse(&bytes), Some(message));
        }
    }

    #[test]
    fn other_programs_take_it_for_somebody_elses() {
        let bytes = emit(&message(Body::Question));
        assert_eq!(bytes[1], 0, "the VRID");
        assert_eq!(bytes[0] & 0xf, 15, "the type");
        let advert = [0x21, 51, 100, 1, 0, 1, 0, 0];
        assert!(!is_message(&advert));
    }

    #[test]
    fn damage_is_noticed() {
        let bytes = emit(&message(Body::Answer(answer(Role::Backup, 100, "x"))));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x40;
            assert_eq!(parse(&damaged), None, "byte {at}");
            assert_eq!(parse(&bytes[..at]), None, "{at} bytes");
        }
    }

    #[test]
    fn nothing_strange_reaches_a_terminal() {
        let long = format!("\x1b[2J{}é\n", "x".repeat(500));
        let bytes = emit(&message(Body::Answer(answer(Role::Backup, 100, &long))));
        let Some(Message {
            body: Body::Answer(it),
            ..
        }) = parse(&bytes)
        else {
            panic!("{bytes:?}");
        };
        assert!(it.obstacle.starts_with("[2Jxxx"), "{}", it.obstacle);
        assert_eq!(it.obstacle.len(), LONGEST_OBSTACLE);
    }

    #[test]
    fn the_best_that_waits_takes_over() {
        let ready = |priority| answer(Role::Backup, priority, "");
        let answers = [
            (host(2), ready(100)),
            (host(3), ready(100)),
            (host(4), ready(90)),
            (host(5), answer(Role::Fault, 200, "script chk is down")),
        ];
        assert_eq!(heir(&answers), Ok(host(3)));
        let unready = [
            (host(2), ready(100)),
            (host(3), answer(Role::Backup, 101, "no usable server")),
        ];
        let why = Unready::Obstacle(host(3), "no usable server".into());
        assert_eq!(heir(&unready), Err(why));
        let why = Unready::Role(host(5), Role::Fault, "script chk is down".into());
        assert_eq!(heir(&answers[3..]), Err(why));
        assert_eq!(heir(&[]), Err(Unready::Nobody));
    }

    proptest! {
        #[test]
        fn whatever_arrives_is_read_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _read = parse(&bytes);
            // With a fitting beginning and checksum, what is inside is looked at as well.
            let mut near = bytes;
            near.resize(near.len().max(HEADER), 0);
            near[..4].copy_from_slice(&[0x3f, 0, 51, 1]);
            near[CHECKSUM].copy_from_slice(&[0, 0]);
            let sum = !sum(&near);
            near[CHECKSUM].copy_from_slice(&sum.to_be_bytes());
            let _read = parse(&near);
        }
    }
}
