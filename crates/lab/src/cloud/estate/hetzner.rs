//! The API of Hetzner Cloud, version 1: its Floating IPs.

use std::{net::IpAddr, sync::Arc};

use serde_json::{Value, json};

use super::{
    super::{
        Faults, form,
        http::{Request, Response},
        lock,
        server::{Answer, Service},
    },
    Action, Address, Land, Progress, Shared,
    rest::{self, Rights},
};

/// The API of one project.
pub(super) struct Api(pub(super) Arc<Shared>);

impl Service for Api {
    fn faults(&self) -> &Faults {
        &self.0.api_faults
    }

    fn handle(&self, request: &Request, source: IpAddr) -> Answer {
        let response = self.answer(request).unwrap_or_else(|refusal| refusal);
        let response = response
            .with("RateLimit-Limit", "3600")
            .with("RateLimit-Remaining", "3599");
        rest::noted(&self.0.calls, request, source, response)
    }
}

impl Api {
    fn answer(&self, request: &Request) -> Result<Response, Response> {
        if self.0.api_faults.is_sick() {
            return Err(error(503, "unavailable", "service is unavailable"));
        }
        let rights = rest::rights(&self.0, request);
        if rights == Rights::None {
            return Err(error(401, "unauthorized", "unable to authenticate"));
        }
        if self.0.api_faults.throttled() {
            let message = "limit of 3600 requests per hour reached";
            let reset = jiff::Timestamp::now().as_second() + 3600;
            return Err(error(429, "rate_limit_exceeded", message)
                .with("RateLimit-Reset", reset.to_string()));
        }
        let parts: Vec<_> = request.path.trim_start_matches('/').split('/').collect();
        let mut land = lock(&self.0.land);
        land.settle();
        match (request.method.as_str(), &parts[..]) {
            ("GET", ["v1", "floating_ips"]) => self.list(&land, &request.query),
            ("GET", ["v1", "floating_ips", id]) => self.show(&land, id),
            ("GET", ["v1", "actions", id]) => action_of(&land, id),
            ("POST", ["v1", "floating_ips", id, "actions", "assign"]) => {
                if rights != Rights::Write {
                    return Err(error(
                        403,
                        "token_readonly",
                        "token is only allowed to read",
                    ));
                }
                assign(&mut land, id, request)
            }
            _ => Err(error(404, "not_found", "route not found")),
        }
    }

    fn list(&self, land: &Land, query: &str) -> Result<Response, Response> {
        let query = Query::read(query).ok_or_else(|| invalid("page"))?;
        let named = |address: &&Address| {
            query
                .name
                .as_ref()
                .is_none_or(|name| *name == name_of(address))
        };
        let all: Vec<_> = land.addresses.iter().filter(named).collect();
        let pages = all.len().div_ceil(query.per_page).max(1);
        let shown = all
            .iter()
            .skip((query.page - 1) * query.per_page)
            .take(query.per_page)
            .map(|address| self.told(address));
        let next = (query.page < pages).then_some(query.page + 1);
        let body = json!({
            "floating_ips": shown.collect::<Vec<_>>(),
            "meta": {"pagination": {
                "page": query.page,
                "per_page": query.per_page,
                "previous_page": query.page.checked_sub(1).filter(|page| *page > 0),
                "next_page": next,
                "last_page": pages,
                "total_entries": all.len(),
            }},
        });
        Ok(rest::json(200, &body))
    }

    fn show(&self, land: &Land, id: &str) -> Result<Response, Response> {
        let address = find(land, id)?;
        Ok(rest::json(200, &json!({"floating_ip": self.told(address)})))
    }

    fn told(&self, address: &Address) -> Value {
        let kind = if address.ip.contains(':') {
            "ipv6"
        } else {
            "ipv4"
        };
        json!({
            "id": address.id,
            "name": name_of(address),
            "description": null,
            "ip": address.ip,
            "type": kind,
            "server": address.seen(self.0.api_faults.lag()),
            "dns_ptr": [],
            "home_location": {"id": 1, "name": "fsn1", "country": "DE", "city": "Falkenstein"},
            "blocked": false,
            "protection": {"delete": false},
            "labels": {},
            "created": "2026-01-30T23:55:00+00:00",
        })
    }
}

fn name_of(address: &Address) -> String {
    format!("floating-{}", address.id)
}

struct Query {
    name: Option<String>,
    page: usize,
    per_page: usize,
}

impl Query {
    fn read(query: &str) -> Option<Self> {
        let mut read = Self {
            name: None,
            page: 1,
            per_page: 25,
        };
        for (name, value) in form::decode(query)? {
            match name.as_str() {
                "name" => read.name = Some(value),
                "page" => read.page = value.parse().ok().filter(|page| *page > 0)?,
                "per_page" => {
                    read.per_page = value.parse().ok().filter(|n| (1..=50).contains(n))?
                }
                _ => return None,
            }
        }
        Some(read)
    }
}

fn find<'a>(land: &'a Land, id: &str) -> Result<&'a Address, Response> {
    let number = id.parse::<u64>().map_err(|_| invalid("id"))?;
    let address = land.addresses.iter().find(|address| address.id == number);
    let message = format!("floating IP with ID '{id}' not found");
    address.ok_or_else(|| error(404, "not_found", &message))
}

fn assign(land: &mut Land, id: &str, request: &Request) -> Result<Response, Response> {
    let address = find(land, id)?.id;
    let Some(body) = rest::body(request) else {
        return Err(error(400, "json_error", "invalid JSON in request"));
    };
    let server = rest::members(&body, ["server"]).and_then(|[server]| server.as_u64());
    let server = server.ok_or_else(|| invalid("server"))?;
    if !land.has_server(server) {
        let message = format!("server with ID '{server}' not found");
        return Err(error(404, "not_found", &message));
    }
    if land.is_locked(address) {
        return Err(error(423, "locked", "floating IP is locked"));
    }
    let action = land.assign(address, server);
    Ok(rest::json(201, &json!({"action": told(&action)})))
}

fn action_of(land: &Land, id: &str) -> Result<Response, Response> {
    let found = land
        .actions
        .iter()
        .find(|action| action.id.to_string() == id);
    let action = found.ok_or_else(|| error(404, "not_found", "action not found"))?;
    Ok(rest::json(200, &json!({"action": told(action)})))
}

fn told(action: &Action) -> Value {
    let (status, progress, failure) = match action.progress() {
        Progress::Running => ("running", 0, Value::Null),
        Progress::Done => ("success", 100, Value::Null),
        Progress::Failed => (
            "error",
            100,
            json!({"code": "action_failed", "message": "Action failed"}),
        ),
    };
    json!({
        "id": action.id,
        "command": "assign_floating_ip",
        "status": status,
        "progress": progress,
        "started": "2026-01-30T23:55:00+00:00",
        "finished": (progress == 100).then_some("2026-01-30T23:55:01+00:00"),
        "resources": [
            {"id": action.server, "type": "server"},
            {"id": action.address, "type": "floating_ip"},
        ],
        "error": failure,
    })
}

fn error(status: u16, code: &str, message: &str) -> Response {
    let body = json!({"error": {"code": code, "message": message, "details": null}});
    rest::json(status, &body)
}

fn invalid(field: &str) -> Response {
    let message = format!("invalid input in field '{field}'");
    let details = json!({"fields": [{"name": field, "messages": ["is invalid"]}]});
    let body = json!({"error": {
        "code": "invalid_input",
        "message": message,
        "details": details,
    }});
    rest::json(422, &body)
}
