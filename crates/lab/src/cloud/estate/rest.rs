//! What both APIs have in common: a bearer's token, JSON, numbers in paths.

use std::{net::IpAddr, sync::Arc, time::Instant};

use serde_json::Value;

use super::{
    super::{
        Call, Faults,
        http::{Request, Response},
        lock,
        server::{Answer, Service},
    },
    Shared,
};

/// What a bearer may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rights {
    None,
    Read,
    Write,
}

/// What the bearer of a request's token may do.
pub(super) fn rights(shared: &Shared, request: &Request) -> Rights {
    let header = request.header("authorization").unwrap_or_default();
    let Some(token) = header.strip_prefix("Bearer ") else {
        return Rights::None;
    };
    let land = lock(&shared.land);
    match land.tokens.iter().find(|(each, _)| each == token) {
        Some((_, true)) => Rights::Write,
        Some((_, false)) => Rights::Read,
        None => Rights::None,
    }
}

/// The only members that a request's JSON object has, by their names; `None` if it is not that.
pub(super) fn members<'a, const N: usize>(
    body: &'a Value,
    names: [&str; N],
) -> Option<[&'a Value; N]> {
    let object = body.as_object()?;
    if object.len() != N {
        return None;
    }
    let found: Vec<_> = names.iter().filter_map(|name| object.get(*name)).collect();
    found.try_into().ok()
}

/// The body of a request that says that it is JSON, and is.
pub(super) fn body(request: &Request) -> Option<Value> {
    let kind = request.header("content-type").unwrap_or_default();
    if !kind.starts_with("application/json") {
        return None;
    }
    serde_json::from_slice(&request.body).ok()
}

pub(super) fn json(status: u16, body: &Value) -> Response {
    Response::new(status, "application/json", body.to_string())
}

/// A call as it ended, told from the answer's status.
pub(super) fn noted(
    calls: &std::sync::Mutex<Vec<Call>>,
    request: &Request,
    source: IpAddr,
    response: Response,
) -> Answer {
    let action = format!("{} {}", request.method, request.path);
    let outcome = match response.status {
        200..300 => "ok".to_owned(),
        status => status.to_string(),
    };
    lock(calls).push(Call {
        at: Instant::now(),
        action: action.clone(),
        dry_run: false,
        by: String::new(),
        source,
        outcome,
    });
    Answer { action, response }
}

/// The metadata services: each answers below a path of its own.
pub(super) struct Metadata {
    pub(super) shared: Arc<Shared>,
    pub(super) only: Option<u64>,
}

impl Service for Metadata {
    fn faults(&self) -> &Faults {
        let Shared {
            metadata_faults, ..
        } = &*self.shared;
        metadata_faults
    }

    fn handle(&self, request: &Request, source: IpAddr) -> Answer {
        let known = matches!(
            request.path.as_str(),
            "/hetzner/v1/metadata/instance-id" | "/metadata/v1/id"
        );
        let id = self.only.or_else(|| {
            let land = lock(&self.shared.land);
            let mut servers = land.servers.iter();
            servers
                .find(|(_, address)| *address == source)
                .map(|(id, _)| *id)
        });
        let response = match id {
            Some(id) if known && request.method == "GET" => Response::text(200, id.to_string()),
            _ => Response::text(404, "not found"),
        };
        noted(&self.shared.metadata_calls, request, source, response)
    }
}
