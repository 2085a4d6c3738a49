//! The API of DigitalOcean, version 2: its Reserved IPs.

use std::{net::IpAddr, sync::Arc};

use serde_json::{Value, json};

use super::{
    super::{
        Faults,
        http::{Request, Response},
        lock,
        server::{Answer, Service},
    },
    Action, Address, Land, Progress, Shared,
    rest::{self, Rights},
};

/// The API of one project.
pub(super) struct Api(pub(super) Arc<Shared>);

/// Until the oldest request of the hour is forgotten, in seconds.
const RESET: i64 = 7;
/// Until a burst has been forgotten, in seconds.
const RETRY_AFTER: u32 = 2;

impl Service for Api {
    fn faults(&self) -> &Faults {
        &self.0.api_faults
    }

    fn handle(&self, request: &Request, source: IpAddr) -> Answer {
        let response = self.answer(request).unwrap_or_else(|refusal| refusal);
        let reset = jiff::Timestamp::now().as_second() + RESET;
        let remaining = if response.status == 429 { "0" } else { "4816" };
        let response = response
            .with("ratelimit-limit", "5000")
            .with("ratelimit-remaining", remaining)
            .with("ratelimit-reset", reset.to_string());
        rest::noted(&self.0.calls, request, source, response)
    }
}

impl Api {
    fn answer(&self, request: &Request) -> Result<Response, Response> {
        if self.0.api_faults.is_sick() {
            return Err(error(500, "server_error", "Unexpected server-side error"));
        }
        let rights = rest::rights(&self.0, request);
        if rights == Rights::None {
            return Err(error(401, "unauthorized", "Unable to authenticate you"));
        }
        if self.0.api_faults.throttled() {
            let refusal = error(429, "too_many_requests", "API rate limit exceeded.");
            return Err(refusal.with("Retry-After", RETRY_AFTER.to_string()));
        }
        let parts: Vec<_> = request.path.trim_start_matches('/').split('/').collect();
        let mut land = lock(&self.0.land);
        land.settle();
        match (request.method.as_str(), &parts[..]) {
            ("GET", ["v2", "reserved_ips", ip]) => self.show(&land, ip),
            ("GET", ["v2", "reserved_ips", ip, "actions", id]) => action_of(&land, ip, id),
            ("POST", ["v2", "reserved_ips", ip, "actions"]) => {
                if rights != Rights::Write {
                    let message = "You are not authorized to perform this operation";
                    return Err(error(403, "forbidden", message));
                }
                act(&mut land, ip, request)
            }
            _ => Err(not_found()),
        }
    }

    fn show(&self, land: &Land, ip: &str) -> Result<Response, Response> {
        let address = find(land, ip)?;
        let droplet = address.seen(self.0.api_faults.lag());
        let droplet = droplet.map(|id| {
            json!({
                "id": id,
                "name": format!("droplet-{id}"),
                "status": "active",
                "region": {"slug": "fra1"},
            })
        });
        let body = json!({"reserved_ip": {
            "ip": address.ip,
            "droplet": droplet,
            "region": {"name": "Frankfurt 1", "slug": "fra1", "available": true},
            "locked": land.is_locked(address.id),
            "project_id": "746c6152-2fa2-11ed-92d3-27aaa54e4988",
        }});
        Ok(rest::json(200, &body))
    }
}

fn find<'a>(land: &'a Land, ip: &str) -> Result<&'a Address, Response> {
    let found = land.addresses.iter().find(|address| address.ip == ip);
    found.ok_or_else(not_found)
}

fn act(land: &mut Land, ip: &str, request: &Request) -> Result<Response, Response> {
    let address = find(land, ip)?.id;
    let body = rest::body(request)
        .ok_or_else(|| error(400, "bad_request", "The request body is not valid JSON"))?;
    let droplet = rest::members(&body, ["type", "droplet_id"])
        .filter(|[kind, _]| *kind == "assign")
        .and_then(|[_, droplet]| droplet.as_u64());
    let Some(droplet) = droplet else {
        return Err(unprocessable("invalid type or droplet_id"));
    };
    if !land.has_server(droplet) {
        return Err(unprocessable("Droplet does not exist"));
    }
    if land.is_locked(address) {
        return Err(unprocessable(
            "The reserved IP already has a pending event.",
        ));
    }
    let action = land.assign(address, droplet);
    Ok(rest::json(201, &json!({"action": told(&action)})))
}

fn action_of(land: &Land, ip: &str, id: &str) -> Result<Response, Response> {
    let address = find(land, ip)?.id;
    let mut actions = land.actions.iter();
    let action = actions.find(|action| action.id.to_string() == id && action.address == address);
    let action = action.ok_or_else(not_found)?;
    Ok(rest::json(200, &json!({"action": told(action)})))
}

fn told(action: &Action) -> Value {
    let status = match action.progress() {
        Progress::Running => "in-progress",
        Progress::Done => "completed",
        Progress::Failed => "errored",
    };
    json!({
        "id": action.id,
        "status": status,
        "type": "assign_ip",
        "started_at": "2026-01-30T23:55:00Z",
        "completed_at": (status != "in-progress").then_some("2026-01-30T23:55:01Z"),
        "resource_id": action.address,
        "resource_type": "reserved_ip",
        "region": {"name": "Frankfurt 1", "slug": "fra1"},
        "region_slug": "fra1",
    })
}

fn not_found() -> Response {
    let message = "The resource you requested could not be found.";
    error(404, "not_found", message)
}

fn unprocessable(message: &str) -> Response {
    error(422, "unprocessable_entity", message)
}

fn error(status: u16, id: &str, message: &str) -> Response {
    let body = json!({"id": id, "message": message, "request_id": "4d9d8375-3c56"});
    rest::json(status, &body)
}
