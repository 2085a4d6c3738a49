//! The names of variables.

use super::Variable as V;

/// All variables, by name.
#[rustfmt::skip]
pub static VARIABLES: &[(&str, V)] = &[
    ("B", V::BytesRead),
    ("CC", V::NoCapture),
    ("CS", V::NoCapture),
    ("H", V::HostName),
    ("HM", V::HttpMethod),
    ("HP", V::HttpPath),
    ("HPO", V::HttpPath),
    ("HQ", V::HttpQuery),
    ("HU", V::HttpUri),
    ("HV", V::HttpVersion),
    ("ID", V::UniqueId),
    ("ST", V::HttpStatus),
    ("T", V::DateTimeGmt),
    ("TR", V::RequestTime),
    ("Ta", V::ActiveTime),
    ("Tc", V::ConnectTime),
    ("Td", V::DataTime),
    ("Th", V::HandshakeTime),
    ("Ti", V::IdleTime),
    ("Tl", V::DateTimeLocal),
    ("Tq", V::QueryTime),
    ("Tr", V::ResponseTime),
    ("Ts", V::Timestamp),
    ("Tt", V::TotalTime),
    ("Tu", V::UserTime),
    ("Tw", V::QueueTime),
    ("U", V::BytesUploaded),
    ("ac", V::ActiveConnections),
    ("b", V::BackendName),
    ("bc", V::BackendConnections),
    ("bi", V::BackendSourceIp),
    ("bp", V::BackendSourcePort),
    ("bq", V::BackendQueue),
    ("ci", V::ClientIp),
    ("cp", V::ClientPort),
    ("f", V::FrontendName),
    ("fc", V::FrontendConnections),
    ("fi", V::FrontendIp),
    ("fp", V::FrontendPort),
    ("ft", V::FrontendNameTransport),
    ("hr", V::NoHeaders),
    ("hrl", V::NoHeaders),
    ("hs", V::NoHeaders),
    ("hsl", V::NoHeaders),
    ("lc", V::FrontendLogCounter),
    ("ms", V::Milliseconds),
    ("pid", V::ProcessId),
    ("r", V::HttpRequest),
    ("rc", V::Retries),
    ("rt", V::RequestCounter),
    ("s", V::ServerName),
    ("sc", V::ServerConnections),
    ("si", V::ServerIp),
    ("sp", V::ServerPort),
    ("sq", V::ServerQueue),
    ("sslc", V::NoTls),
    ("sslv", V::NoTls),
    ("t", V::DateTime),
    ("tr", V::RequestDate),
    ("trg", V::RequestDateGmt),
    ("trl", V::RequestDateLocal),
    ("ts", V::Termination),
    ("tsc", V::TerminationCookies),
];

/// Variables that HAProxy refuses in a TCP proxy.
pub static HTTP_VARIABLES: &[&str] = &[
    "CC", "CS", "HM", "HP", "HPO", "HQ", "HU", "HV", "TR", "Ta", "Ti", "Tq", "Tr", "r", "tr",
    "trg", "trl",
];

/// The variable of this name.
pub(super) fn variable(name: &str) -> Option<V> {
    let found = VARIABLES.iter().find(|(known, _)| *known == name);
    found.map(|(_, variable)| *variable)
}

/// The name of a variable that only HTTP gives a value.
pub(super) fn http_name(wanted: V) -> Option<&'static str> {
    let is_wanted = |name: &&&str| variable(name) == Some(wanted);
    HTTP_VARIABLES.iter().find(is_wanted).copied()
}
