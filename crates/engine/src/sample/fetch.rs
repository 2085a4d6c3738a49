//! Where values come from.

use super::{
    Facts, Fetch, Sampled, Value,
    client_hello::{self, ClientHello, Hello},
};

impl Fetch {
    pub(super) fn ask(&self, facts: &dyn Facts) -> Sampled {
        match self {
            Self::RequestLength => changing(Value::Integer(length(facts.request())), facts),
            Self::RequestPayload { offset, length } => payload(*offset, *length, facts),
            Self::TlsServerName => hello(facts, |hello| {
                Some(Value::String(hello.server_name?.to_owned()))
            }),
            Self::TlsHelloType => hello(facts, |_| Some(Value::Integer(1))),
            Self::TlsVersion => hello(facts, |hello| Some(Value::Integer(hello.version.into()))),
            Self::WaitEnd if facts.inspection_over() => Sampled::Value(Value::Bool(true)),
            Self::WaitEnd => Sampled::NotYet,
            _ => self
                .ask_known(facts)
                .map_or(Sampled::Missing, Sampled::Value),
        }
    }

    /// What is known from the beginning and does not depend on data.
    fn ask_known(&self, facts: &dyn Facts) -> Option<Value> {
        let integer = |number: u32| Value::Integer(number.into());
        Some(match self {
            Self::AlwaysTrue => Value::Bool(true),
            Self::AlwaysFalse => Value::Bool(false),
            Self::Source => Value::Ip(facts.source()?.0),
            Self::SourcePort => integer(facts.source()?.1.into()),
            Self::Destination => Value::Ip(facts.destination()?.0),
            Self::DestinationPort => integer(facts.destination()?.1.into()),
            Self::SourceIsLocal => Value::Bool(facts.is_local(facts.source()?.0)),
            Self::UsableServers(backend) => integer(facts.usable_servers(*backend)),
            Self::BackendSessions(backend) => integer(facts.backend_sessions(*backend)),
            Self::FrontendSessions(frontend) => integer(facts.frontend_sessions(*frontend)),
            Self::Queue(backend) => integer(facts.queued(*backend)),
            Self::FrontendNumber => integer(facts.frontend().0),
            Self::FrontendName => Value::String(facts.frontend().1.to_owned()),
            Self::BackendName => Value::String(facts.backend_name()?.to_owned()),
            Self::ListenerNumber => integer(facts.listener_number()),
            Self::Path => Value::String(path(facts.http_request()?.1).to_owned()),
            Self::Url => Value::String(facts.http_request()?.1.to_owned()),
            Self::Method => Value::String(facts.http_request()?.0.to_owned()),
            Self::String(text) => Value::String(text.as_ref().to_owned()),
            Self::Integer(number) => Value::Integer(*number),
            Self::Random(range) => Value::Integer(random(facts.random(), *range)),
            Self::RequestLength
            | Self::RequestPayload { .. }
            | Self::TlsServerName
            | Self::TlsHelloType
            | Self::TlsVersion
            | Self::WaitEnd => return None,
        })
    }
}

/// The path of a request's target: from its first slash to its query.
fn path(target: &str) -> &str {
    let rest = target
        .split_once("://")
        .map_or(target, |(_, authority)| authority);
    let start = rest.find('/').unwrap_or(rest.len());
    let end = rest.find('?').unwrap_or(rest.len());
    rest.get(start..end).unwrap_or("")
}

fn length(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

fn changing(value: Value, facts: &dyn Facts) -> Sampled {
    if facts.request_complete() {
        Sampled::Value(value)
    } else {
        Sampled::Changing(value)
    }
}

fn nothing(facts: &dyn Facts) -> Sampled {
    if facts.request_complete() {
        Sampled::Missing
    } else {
        Sampled::NotYet
    }
}

fn payload(offset: u32, length: u32, facts: &dyn Facts) -> Sampled {
    let (start, length) = (offset as usize, length as usize);
    match facts.request().get(start..) {
        Some(rest) if length == 0 && !rest.is_empty() => {
            changing(Value::Binary(rest.to_vec()), facts)
        }
        Some(rest) if length > 0 && rest.len() >= length => {
            Sampled::Value(Value::Binary(rest[..length].to_vec()))
        }
        Some(_) | None => nothing(facts),
    }
}

fn hello(facts: &dyn Facts, ask: impl FnOnce(&ClientHello<'_>) -> Option<Value>) -> Sampled {
    let mut room = Vec::new();
    match client_hello::read(facts.request(), &mut room) {
        Hello::Complete(hello) => ask(&hello).map_or(Sampled::Missing, Sampled::Value),
        Hello::Incomplete => nothing(facts),
        Hello::Other => Sampled::Missing,
    }
}

/// A number below `range`; 0 stands for 2^32.
fn random(bits: u64, range: u32) -> i64 {
    let range = if range == 0 {
        1 << 32
    } else {
        u64::from(range)
    };
    i64::try_from(bits % range).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn a_path_ends_before_the_query_and_begins_behind_the_host() {
        let targets = [
            "/metrics?scope=server",
            "http://h:80/metrics",
            "/metrics",
            "*",
            "http://h",
            "?a/b",
        ];
        let paths = targets.map(path);
        assert_eq!(paths, ["/metrics", "/metrics", "/metrics", "", "", ""]);
    }
}
