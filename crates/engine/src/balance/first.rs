//! `balance first`: the first server with a free slot, in the order of the file.

use super::{Chooser, Draw, Standing};
use crate::units::ServerId;

/// One bit for each open server.
#[derive(Debug)]
pub(super) struct First {
    words: Vec<u64>,
}

impl First {
    pub(super) fn new(servers: usize) -> Self {
        Self {
            words: vec![0; servers.div_ceil(64)],
        }
    }
}

impl Chooser for First {
    fn update(&mut self, id: ServerId, standing: Standing) {
        let word = &mut self.words[id.index() / 64];
        let bit = 1 << (id.0 % 64);
        if standing.share > 0 && standing.open {
            *word |= bit;
        } else {
            *word &= !bit;
        }
    }

    fn pick(&mut self, draw: Draw) -> Option<ServerId> {
        (0u32..).zip(&self.words).find_map(|(index, word)| {
            let mut word = *word;
            if let Some(avoid) = draw.avoid.filter(|avoid| avoid.0 / 64 == index) {
                word &= !(1 << (avoid.0 % 64));
            }
            (word != 0).then(|| ServerId(index * 64 + word.trailing_zeros()))
        })
    }
}
