//! One session as both ends see it: what was agreed, and the bytes that follow.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::tcp::{ReadHalf, WriteHalf},
    time::{sleep, timeout},
};

use super::dice::{BLOCK, Dice, bytes_at};

/// How a client behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Sends all, closes that direction, reads to the end.
    Polite,
    /// The same with a tiny window, in small and late reads.
    Slow,
    /// Sends all, reads what was promised, then closes.
    Brisk,
    /// Breaks off with a reset in the middle of sending.
    ResetsSending,
    /// Closes in the middle of reading, with bytes unread.
    LeavesReading,
    /// Says what it wants, and then nothing.
    Stalls,
    /// Says nothing at all, and leaves.
    Mute,
    /// Breaks off before it has said what it wants.
    ResetsAtOnce,
}

/// How the server behaves, as the client asks it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// Both directions at once.
    Both,
    /// Answers once the client has closed its direction.
    AfterEnd,
    /// Resets after so much of its answer.
    Resets,
    /// Closes after half of its answer.
    Leaves,
    /// Does nothing until the client leaves.
    Stalls,
    /// As [`Service::Both`], with small and late reads.
    Slow,
}

const SERVICES: [Service; 6] = [
    Service::Both,
    Service::AfterEnd,
    Service::Resets,
    Service::Leaves,
    Service::Stalls,
    Service::Slow,
];

/// What a session is to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Talk {
    pub(super) seed: u32,
    pub(super) up: usize,
    pub(super) down: usize,
    pub(super) manner: Manner,
    pub(super) service: Service,
}

/// Bytes of the client's first words.
pub(super) const HELLO: usize = 17;
const MAGIC: &[u8; 4] = b"CHAO";
/// What the server's stream is named, given the client's.
const ANSWER: u32 = 40_009;

impl Talk {
    /// One in which nobody means harm.
    pub(super) fn calm(dice: &mut Dice) -> Self {
        let manner = dice.pick(&[Manner::Polite, Manner::Polite, Manner::Slow, Manner::Brisk]);
        let service = match manner {
            Manner::Brisk => dice.pick(&[Service::Both, Service::Slow]),
            _ => dice.pick(&[Service::Both, Service::AfterEnd, Service::Slow]),
        };
        Self::of(dice, manner, service)
    }

    /// One in which anything goes.
    pub(super) fn wild(dice: &mut Dice) -> Self {
        const MANNERS: [Manner; 8] = [
            Manner::Polite,
            Manner::Slow,
            Manner::Brisk,
            Manner::ResetsSending,
            Manner::LeavesReading,
            Manner::Stalls,
            Manner::Mute,
            Manner::ResetsAtOnce,
        ];
        let manner = dice.pick(&MANNERS);
        let service = dice.pick(&SERVICES);
        Self::of(dice, manner, service)
    }

    fn of(dice: &mut Dice, manner: Manner, service: Service) -> Self {
        let most = match (manner, service) {
            (Manner::Slow, _) => 60_000,
            (_, Service::Slow) => 700_000,
            _ => u32::MAX,
        };
        Self {
            seed: dice.below(u32::MAX),
            up: size(dice, most),
            down: size(dice, most),
            manner,
            service,
        }
    }

    /// The client's first words.
    pub(super) fn hello(&self) -> [u8; HELLO] {
        let mut words = [0; HELLO];
        words[..4].copy_from_slice(MAGIC);
        words[4..8].copy_from_slice(&self.seed.to_be_bytes());
        words[8..12].copy_from_slice(&u32::try_from(self.up).unwrap_or(0).to_be_bytes());
        words[12..16].copy_from_slice(&u32::try_from(self.down).unwrap_or(0).to_be_bytes());
        let number = SERVICES.iter().position(|it| *it == self.service);
        words[16] = u8::try_from(number.unwrap_or(0)).unwrap_or(0);
        words
    }

    /// What these words ask for; the manner is not among them.
    pub(super) fn heard(words: &[u8; HELLO]) -> Option<Self> {
        let number = |at: usize| {
            let four = words[at..at + 4].try_into().unwrap_or_default();
            u32::from_be_bytes(four)
        };
        Some(Self {
            seed: number(4),
            up: number(8) as usize,
            down: number(12) as usize,
            manner: Manner::Polite,
            service: *SERVICES.get(usize::from(words[16]))?,
        })
        .filter(|_| words.starts_with(MAGIC))
    }

    /// The name of the server's stream.
    pub(super) const fn answer(&self) -> u32 {
        self.seed.wrapping_add(ANSWER)
    }
}

/// Mostly small, at times several MiB.
fn size(dice: &mut Dice, limit: u32) -> usize {
    let most = match dice.below(10) {
        0 => 1,
        1..=5 => 2_000,
        6 | 7 => 100_000,
        8 => 700_000,
        _ => 4 << 20,
    };
    dice.below(most.min(limit)) as usize
}

/// Sends `length` bytes of a stream.
pub(super) async fn send(to: &mut WriteHalf<'_>, seed: u32, length: usize) -> io::Result<()> {
    let mut sent = 0;
    while sent < length {
        let block = bytes_at(seed, sent, (length - sent).min(BLOCK));
        sent += to.write(block).await?;
    }
    Ok(())
}

/// Why reading stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// In order.
    End,
    /// As many as wanted have come.
    Enough,
    /// The connection broke.
    Broken,
    /// This byte is not the one that was sent.
    Wrong(usize),
    /// Nothing came for long.
    Silence,
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) bytes: usize,
    pub(super) stopped: Stopped,
}

/// How to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// No more than this.
    pub(super) most: usize,
    /// In small and late reads.
    pub(super) slow: bool,
    /// How long to wait for more.
    pub(super) patience: Duration,
}

/// Reads a stream and checks every byte.
pub(super) async fn listen(from: &mut ReadHalf<'_>, seed: u32, how: Reading) -> Heard {
    let mut buffer = vec![0; if how.slow { 1500 } else { BLOCK }];
    let mut bytes = 0;
    let stopped = loop {
        if bytes >= how.most {
            break Stopped::Enough;
        }
        let room = buffer.len().min(how.most - bytes);
        let length = match timeout(how.patience, from.read(&mut buffer[..room])).await {
            Err(_) => break Stopped::Silence,
            Ok(Err(_)) => break Stopped::Broken,
            Ok(Ok(0)) => break Stopped::End,
            Ok(Ok(length)) => length,
        };
        if buffer[..length] != *bytes_at(seed, bytes, length) {
            break Stopped::Wrong(bytes);
        }
        bytes += length;
        if how.slow {
            sleep(Duration::from_millis(2)).await;
        }
    };
    Heard { bytes, stopped }
}
