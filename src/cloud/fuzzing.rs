//! What providers, metadata services and the files of their tools say; see [`crate::fuzzing`].

use hyper::{HeaderMap, StatusCode};

use super::{aws, digitalocean, hetzner, http::Answer};

/// The first byte chooses who answers; the others are the body, or the file. No error may quote an answer that held keys.
pub fn cloud_answers(bytes: &[u8]) -> bool {
    let Some((kind, body)) = bytes.split_first() else {
        return false;
    };
    let answer = Answer {
        status: StatusCode::from_u16(200 + u16::from(*kind)).unwrap_or_default(),
        headers: HeaderMap::new(),
        body: body.to_vec(),
    };
    match kind % 3 {
        0 => hetzner::fuzz(&answer),
        1 => digitalocean::fuzz(&answer),
        _ => aws::fuzzing::answers(&answer),
    }
}
