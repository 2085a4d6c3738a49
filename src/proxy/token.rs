//! What an event of the loop belongs to, packed into the 64 bits that epoll carries.

/// Generations are counted modulo this plus one.
pub(super) const GENERATIONS: u32 = (1 << 30) - 1;

/// What became ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// The client's socket of a session.
    Client {
        /// Its slot.
        slot: u32,
        /// Its generation.
        generation: u32,
    },
    /// The server's socket of a session.
    Server {
        /// Its slot.
        slot: u32,
        /// Its generation.
        generation: u32,
    },
    /// A listener, by its position in the thread's list.
    Listener(u32),
    /// The mailbox.
    Mail,
    /// Sessions that the thread looks at by itself.
    Calm,
    /// The time that the thread asked for has come.
    Alarm,
}

impl Token {
    /// As a number.
    pub(super) fn pack(self) -> u64 {
        let (kind, low, high) = match self {
            Self::Client { slot, generation } => (0, slot, generation),
            Self::Server { slot, generation } => (1, slot, generation),
            Self::Listener(index) => (2, index, 0),
            Self::Mail => (3, 0, 0),
            Self::Calm => (3, 1, 0),
            Self::Alarm => (3, 2, 0),
        };
        u64::from(low) | u64::from(high) << 32 | kind << 62
    }

    /// From a number made by [`Token::pack`].
    pub(super) fn unpack(number: u64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the halves are what is wanted"
        )]
        let (slot, generation) = (number as u32, (number >> 32) as u32 & GENERATIONS);
        match number >> 62 {
            0 => Self::Client { slot, generation },
            1 => Self::Server { slot, generation },
            2 => Self::Listener(slot),
            _ if slot == 0 => Self::Mail,
            _ if slot == 1 => Self::Calm,
            _ => Self::Alarm,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_comes_back() {
        let (slot, generation) = (u32::MAX, GENERATIONS);
        for token in [
            Token::Client { slot, generation },
            Token::Server {
                slot,
                generation: 0,
            },
            Token::Listener(7),
            Token::Mail,
            Token::Calm,
            Token::Alarm,
        ] {
            assert_eq!(Token::unpack(token.pack()), token);
        }
    }
}
