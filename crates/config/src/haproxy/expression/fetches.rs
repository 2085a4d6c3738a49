//! The fetch methods that are implemented (HAProxy configuration manual, 7.3.2 to 7.3.5).

use std::sync::Arc;

use pontoon_engine::{
    sample::{Expression, Fetch},
    units::ProxyId,
};

use super::{Call, Method, Needs, Type, Typed, bad_arguments, known};
use crate::{
    diagnostic::Diagnostics,
    haproxy::{Context, context::ProxyNames},
};

/// All implemented fetch methods.
#[rustfmt::skip]
pub(crate) static FETCHES: &[Method] = &[
    method("always_false", "", "False."),
    method("always_true", "", "True."),
    method("be_conn", "([<backend>])", "Sessions of a backend."),
    method("be_name", "", "The name of the backend."),
    method("bool", "(<boolean>)", "A constant."),
    method("dst", "", "The address the client connected to."),
    method("dst_port", "", "The port the client connected to."),
    method("fe_conn", "([<frontend>])", "Sessions of a frontend."),
    method("fe_id", "", "The number of the frontend."),
    method("fe_name", "", "The name of the frontend."),
    method("int", "(<integer>)", "A constant."),
    method("method", "", "The method of a request for statistics or metrics."),
    method("nbsrv", "([<backend>])", "Usable servers of a backend."),
    method("path", "", "The path of a request for statistics or metrics."),
    method("queue", "([<backend>])", "Sessions that wait in a backend."),
    method("rand", "([<range>])", "A random number below the range; 2^32 by default."),
    method("req.len", "", "Bytes received from the client and not yet forwarded."),
    method("req.payload", "(<offset>,<length>)", "Some of these bytes; length 0 means all there are."),
    method("req.ssl_hello_type", "", "1 for a TLS ClientHello."),
    method("req.ssl_sni", "", "The server name in a TLS ClientHello."),
    method("req.ssl_ver", "", "The version in a TLS ClientHello, such as 3.3."),
    method("so_id", "", "The number of the listener."),
    method("src", "", "The client's address."),
    method("src_is_local", "", "Whether the client's address is one of this machine's."),
    method("src_port", "", "The client's port."),
    method("str", "(<string>)", "A constant."),
    method("url", "", "The target of a request for statistics or metrics, with its query."),
    method("wait_end", "", "True once the inspection period is over."),
];

/// Older names, and what they are called now.
const OLD_NAMES: [(&str, &str); 5] = [
    ("payload", "req.payload"),
    ("req_len", "req.len"),
    ("req_ssl_hello_type", "req.ssl_hello_type"),
    ("req_ssl_sni", "req.ssl_sni"),
    ("req_ssl_ver", "req.ssl_ver"),
];

const fn method(name: &'static str, arguments: &'static str, doc: &'static str) -> Method {
    Method {
        name,
        arguments,
        doc,
    }
}

/// The fetch method a call names.
pub(super) fn fetch(call: &Call<'_>, cx: &Context<'_>, d: &mut Diagnostics) -> Option<Typed> {
    let name = current_name(call, d);
    let Some(method) = FETCHES.iter().find(|method| method.name == name) else {
        known::report_fetch(call, d);
        return None;
    };
    let Some((fetch, output)) = meaning(method.name, call, cx, d)? else {
        bad_arguments(call, method.arguments, d);
        return None;
    };
    let needs = match name {
        "wait_end" => Needs::Content,
        "method" | "path" | "url" => Needs::Http,
        _ if name.starts_with("req.") => Needs::Content,
        _ => Needs::Connection,
    };
    Some(Typed {
        expression: Expression {
            fetch,
            converters: Vec::new(),
        },
        output,
        needs,
    })
}

fn current_name<'a>(call: &Call<'a>, d: &mut Diagnostics) -> &'a str {
    match OLD_NAMES.iter().find(|(old, _)| *old == call.name) {
        Some((old, new)) => {
            d.warning("obsolete", call.span, format!("`{old}` is an old name"))
                .suggest(format!("write `{new}`"));
            new
        }
        None => call.name,
    }
}

/// `Some(None)`: the arguments are wrong. `None`: an error was reported.
fn meaning(
    name: &str,
    call: &Call<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<Option<(Fetch, Type)>> {
    let found = match name {
        "be_conn" | "nbsrv" | "queue" | "fe_conn" => {
            let Ok(proxy) = optional_proxy(name, call, cx, d)? else {
                return Some(None);
            };
            Some((of_proxy(name, proxy), Type::Integer))
        }
        "bool" | "int" | "rand" | "req.payload" | "str" => with_arguments(name, call.arguments()),
        _ => plain(name).filter(|_| call.arguments().is_empty()),
    };
    Some(found)
}

fn plain(name: &str) -> Option<(Fetch, Type)> {
    Some(match name {
        "always_false" => (Fetch::AlwaysFalse, Type::Bool),
        "always_true" => (Fetch::AlwaysTrue, Type::Bool),
        "be_name" => (Fetch::BackendName, Type::String),
        "dst" => (Fetch::Destination, Type::Ip),
        "dst_port" => (Fetch::DestinationPort, Type::Integer),
        "fe_id" => (Fetch::FrontendNumber, Type::Integer),
        "fe_name" => (Fetch::FrontendName, Type::String),
        "method" => (Fetch::Method, Type::String),
        "path" => (Fetch::Path, Type::String),
        "req.len" => (Fetch::RequestLength, Type::Integer),
        "req.ssl_hello_type" => (Fetch::TlsHelloType, Type::Integer),
        "req.ssl_sni" => (Fetch::TlsServerName, Type::String),
        "req.ssl_ver" => (Fetch::TlsVersion, Type::Version),
        "so_id" => (Fetch::ListenerNumber, Type::Integer),
        "src" => (Fetch::Source, Type::Ip),
        "src_is_local" => (Fetch::SourceIsLocal, Type::Bool),
        "src_port" => (Fetch::SourcePort, Type::Integer),
        "url" => (Fetch::Url, Type::String),
        "wait_end" => (Fetch::WaitEnd, Type::Bool),
        _ => return None,
    })
}

fn with_arguments(name: &str, arguments: &[&str]) -> Option<(Fetch, Type)> {
    Some(match (name, arguments) {
        ("bool", ["true" | "yes" | "on" | "1"]) => (Fetch::AlwaysTrue, Type::Bool),
        ("bool", ["false" | "no" | "off" | "0"]) => (Fetch::AlwaysFalse, Type::Bool),
        ("int", [number]) => (Fetch::Integer(number.parse().ok()?), Type::Integer),
        ("rand", []) => (Fetch::Random(0), Type::Integer),
        ("rand", [range]) => (Fetch::Random(range.parse().ok()?), Type::Integer),
        ("req.payload", [offset, length]) => {
            let (offset, length) = (offset.parse().ok()?, length.parse().ok()?);
            (Fetch::RequestPayload { offset, length }, Type::Binary)
        }
        // Commas are part of the text.
        ("str", parts) if !parts.is_empty() => {
            (Fetch::String(Arc::from(parts.join(","))), Type::String)
        }
        _ => return None,
    })
}

fn of_proxy(name: &str, proxy: Option<ProxyId>) -> Fetch {
    match name {
        "be_conn" => Fetch::BackendSessions(proxy),
        "nbsrv" => Fetch::UsableServers(proxy),
        "queue" => Fetch::Queue(proxy),
        _ => Fetch::FrontendSessions(proxy),
    }
}

/// More than one argument.
struct TooMany;

/// `None`: an error was reported.
fn optional_proxy(
    name: &str,
    call: &Call<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<Result<Option<ProxyId>, TooMany>> {
    let wanted = match call.arguments() {
        [] => return Some(Ok(None)),
        [wanted] => *wanted,
        _ => return Some(Err(TooMany)),
    };
    let (find, kind): (fn(&ProxyNames, &str) -> Option<ProxyId>, _) = if name == "fe_conn" {
        (ProxyNames::frontend, "frontend")
    } else {
        (ProxyNames::backend, "backend")
    };
    let found = find(cx.proxies, wanted);
    if found.is_none() {
        let message = format!("there is no {kind} or listen section `{wanted}`");
        let diagnostic = d.error("unknown-proxy", call.span, message);
        if let Some(near) = crate::similar::nearest(wanted, cx.proxies.backend_names()) {
            diagnostic.suggest(format!("did you mean `{near}`?"));
        }
    }
    found.map(|id| Ok(Some(id)))
}
