//! Three nodes of a database behind Pontoon.

use std::net::SocketAddr;

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    exasol::Cluster,
    syslog::Syslog,
};

use super::client::Client;
use crate::harness::{Failure, Outcome, pontoon};

/// The cluster, the balancer and its log.
pub(super) struct Scene {
    pub(super) cluster: Cluster,
    pub(super) syslog: Syslog,
    front: SocketAddr,
    _balancer: Balancer,
}

impl Scene {
    /// `write` makes the configuration of what is where.
    pub(super) fn set(write: impl FnOnce(&Places) -> String) -> Result<Self, Failure> {
        let cluster = Cluster::start(3)?;
        let syslog = Syslog::start()?;
        let front = free_address()?;
        let places = Places {
            syslog: syslog.address().to_string(),
            front,
            page: free_address()?,
            nodes: cluster.addresses().to_vec(),
            fingerprint: cluster.node(0).fingerprint(),
        };
        let balancer = Balancer::start(Kind::Pontoon, pontoon(), &write(&places), places.page)?;
        Ok(Self {
            cluster,
            syslog,
            front,
            _balancer: balancer,
        })
    }

    /// A client of the balancer, with the cluster's certificate pinned.
    pub(super) fn client(&self) -> Result<Client, Failure> {
        Client::start(self.front, &self.cluster.node(0).fingerprint())
    }

    /// Waits until the log has had so many lines with this.
    pub(super) fn expect(&self, line: &str, count: usize) -> Outcome {
        self.syslog
            .wait_for_count(line, count, |seen| seen.contains(line))?;
        Ok(())
    }
}

/// What a configuration has to name.
pub(super) struct Places {
    pub(super) syslog: String,
    pub(super) front: SocketAddr,
    pub(super) page: SocketAddr,
    pub(super) nodes: Vec<SocketAddr>,
    pub(super) fingerprint: String,
}

impl Places {
    /// The sections that all have; `backend` follows, indented as it likes.
    pub(super) fn around(&self, backend: &str) -> String {
        let Self {
            syslog,
            front,
            page,
            ..
        } = self;
        format!(
            "global\n log {syslog} local2\n\
             defaults\n mode tcp\n log global\n option tcplog\n timeout connect 2s\n\
             timeout client 60s\n timeout server 60s\n timeout check 1s\n\
             retries 3\n option redispatch 1\n\
             listen page\n bind {page}\n mode http\n no log\n stats enable\n stats uri /stats\n\
             frontend fe\n bind {front}\n default_backend be\n\
             backend be\n balance roundrobin\n {backend}\n"
        )
    }
}
