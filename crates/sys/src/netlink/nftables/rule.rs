//! A rule as a row of expressions on the packet filter's registers (`linux/netfilter/nf_tables.h`).

use std::net::Ipv4Addr;

use super::super::message::{attribute, nested};

/// The register for the verdict, and the first one for data.
const VERDICT: u32 = 0;
const DATA: u32 = 1;
/// Length of an interface's name in a register.
const NAME: usize = 16;

/// Its expressions so far, each a name and its settings.
#[derive(Debug, Clone, Default)]
pub(super) struct Rule(Vec<[Vec<u8>; 2]>);

impl Rule {
    /// Matches everything and does nothing.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Matches packets to this address.
    pub(super) fn sent_to(self, address: Ipv4Addr) -> Self {
        const DESTINATION: u32 = 16;
        self.header_is(DESTINATION, address)
    }

    /// Matches packets from this address.
    pub(super) fn sent_by(self, address: Ipv4Addr) -> Self {
        const SOURCE: u32 = 12;
        self.header_is(SOURCE, address)
    }

    /// Matches packets that leave by this interface.
    pub(super) fn out_of(self, interface: &str) -> Self {
        const OUTPUT_NAME: u32 = 7;
        let mut name = interface.as_bytes().to_vec();
        name.resize(NAME, 0);
        let load = [number(1, DATA), number(2, OUTPUT_NAME)];
        self.with("meta", &load).equals(&name)
    }

    /// Sends them to this address instead; those of the same connection, too.
    pub(super) fn destination_becomes(self, address: Ipv4Addr) -> Self {
        self.translate(1, address)
    }

    /// Lets them come from this address instead; those of the same connection, too.
    pub(super) fn source_becomes(self, address: Ipv4Addr) -> Self {
        self.translate(0, address)
    }

    /// Drops them.
    pub(super) fn drop(self) -> Self {
        const DROP: u32 = 0;
        let verdict = nested(2, &[number(1, DROP)]);
        self.with("immediate", &[number(1, VERDICT), nested(2, &[verdict])])
    }

    /// The attributes of each expression.
    pub(super) fn expressions(self) -> Vec<[Vec<u8>; 2]> {
        self.0
    }

    fn header_is(self, offset: u32, address: Ipv4Addr) -> Self {
        const NETWORK_HEADER: u32 = 1;
        const LENGTH: u32 = 4;
        let load = [
            number(1, DATA),
            number(2, NETWORK_HEADER),
            number(3, offset),
            number(4, LENGTH),
        ];
        self.with("payload", &load).equals(&address.octets())
    }

    fn equals(self, bytes: &[u8]) -> Self {
        const EQUAL: u32 = 0;
        let compare = [number(1, DATA), number(2, EQUAL), value(3, bytes)];
        self.with("cmp", &compare)
    }

    /// What becomes what: 0 the source, 1 the destination.
    fn translate(self, which: u32, address: Ipv4Addr) -> Self {
        const IPV4: u32 = 2;
        let load = [number(1, DATA), value(2, &address.octets())];
        let translate = [number(1, which), number(2, IPV4), number(3, DATA)];
        self.with("immediate", &load).with("nat", &translate)
    }

    fn with(mut self, name: &str, settings: &[Vec<u8>]) -> Self {
        let name = attribute(1, &[name.as_bytes(), &[0]].concat());
        self.0.push([name, nested(2, settings)]);
        self
    }
}

fn number(kind: u16, value: u32) -> Vec<u8> {
    attribute(kind, &value.to_be_bytes())
}

fn value(kind: u16, bytes: &[u8]) -> Vec<u8> {
    nested(kind, &[attribute(1, bytes)])
}
