//! What the stories at Hetzner Cloud and DigitalOcean have in common: servers with numbers, of which
//! one has the address.

use std::net::{IpAddr, TcpListener};

use pontoon_engine::floating_ip::event::{FailureKind, Holder, Whereabouts};
use pontoon_lab::cloud::{Estate, Lost, Server};

use super::stage::{self, Node, fails, is};
use crate::harness::{Failure, Outcome};

/// The address of all stories.
pub(super) const ADDRESS: &str = "203.0.113.9";
/// The server of the client under test.
pub(super) const OWN: u64 = 42;
/// That of its one peer, 10.0.1.190.
pub(super) const PEER: u64 = 43;
/// One that is neither.
pub(super) const STRANGER: u64 = 44;

/// The provider.
pub(super) struct Scene {
    pub(super) estate: Estate,
    api: Server,
    metadata: Server,
}

impl Scene {
    /// With three servers, and an API that knows one token.
    pub(super) fn set(
        token: &str,
        serve: impl FnOnce(&Estate, TcpListener) -> Server,
    ) -> Result<Self, Failure> {
        let estate = Estate::new();
        estate.token(token, true);
        for (number, last) in [(OWN, 207), (PEER, 190), (STRANGER, 99)] {
            estate.server(number, IpAddr::from([10, 0, 1, last]));
        }
        let api = serve(&estate, stage::listener()?);
        let metadata = estate.serve_metadata(stage::listener()?, Some(OWN));
        Ok(Self {
            estate,
            api,
            metadata,
        })
    }

    /// The lines of a block for this provider, with further ones.
    pub(super) fn lines(&self, provider: &str, further: &str) -> Result<String, Failure> {
        let api = self.api.address().ok_or("no API")?;
        let metadata = self.metadata.address().ok_or("no metadata")?;
        Ok(format!(
            "provider {provider}\n endpoint http://{api}\n metadata_endpoint http://{metadata}\n \
             peer 10.0.1.190 {PEER}\n api_timeout 2\n {further}"
        ))
    }
}

/// With another server, by the provider's word for it.
pub(super) fn with(server: &str, number: u64) -> Whereabouts {
    let peer = (number == PEER).then_some(IpAddr::from([10, 0, 1, 190]));
    Whereabouts::With(Holder {
        name: format!("{server} {number}"),
        peer,
    })
}

/// The answer to `action`, which moves the address with the number `id`, gets lost in two ways.
pub(super) fn lost(scene: &Scene, node: &mut Node, id: u64, action: &str) -> Outcome {
    for how in [Lost::Dies, Lost::Hangs] {
        scene.estate.move_to(id, Some(PEER));
        scene.estate.faults().lose_answers_of(action, 1, how);
        let words = ["has not answered"];
        fails(node.associate(), FailureKind::Unanswered, &words)?;
        let seen = node.describe();
        is("it is here all the same", seen, Ok(Whereabouts::Here))?;
    }
    Ok(())
}
