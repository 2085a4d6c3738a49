//! What a proxy and the whole machine use between two edges.

use std::time::Duration;

use pontoon_lab::{
    load::Edge,
    problem::{Problem, Result},
    processor::{self, Moment},
};

use crate::sample::Cost;

/// What is used between two edges.
pub(crate) struct Meter {
    proxy: Option<u32>,
    begin: Option<Reading>,
    end: Option<Reading>,
}

type Reading = Result<(Option<Duration>, Moment)>;

impl Meter {
    /// Of a process, if there is one, and of the machine.
    pub(crate) const fn new(proxy: Option<u32>) -> Self {
        Self {
            proxy,
            begin: None,
            end: None,
        }
    }

    /// Reads both at an edge.
    pub(crate) fn reach(&mut self, edge: Edge) {
        let read = || {
            let proxy = self.proxy.map(processor::used_by).transpose()?;
            Ok((proxy, Moment::now()?))
        };
        let reading = Some(read());
        match edge {
            Edge::Begin => self.begin = reading,
            Edge::End => self.end = reading,
        }
    }

    /// What lies between the edges.
    ///
    /// # Errors
    /// Something could not be read.
    pub(crate) fn cost(self) -> Result<Cost> {
        let unread = || Problem::Unexpected("the load has not told when it began".into());
        let (proxy, machine) = self.begin.ok_or_else(unread)??;
        let (proxy_after, machine_after) = self.end.ok_or_else(unread)??;
        let proxy = proxy_after.zip(proxy);
        Ok(Cost {
            proxy: proxy.map(|(after, before)| after.saturating_sub(before).as_secs_f64()),
            machine: machine_after.used_since(&machine).as_secs_f64(),
        })
    }
}
