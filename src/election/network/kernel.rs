//! The line to the kernel: what it tells, and what it is asked to change.

use std::{
    io,
    task::{Context, Poll},
};

use pontoon_sys::{
    netlink::{Change, Monitor, Notice, Requests},
    readiness::Readiness,
};

use super::{NetworkError, table::Table};

/// Both directions.
#[derive(Debug)]
pub(super) struct Kernel {
    requests: Requests,
    monitor: Monitor,
    readiness: Readiness,
    /// Notices were lost, and the whole could not be read yet.
    stale: bool,
}

impl Kernel {
    pub(super) fn open() -> Result<Self, NetworkError> {
        let failed = |cause| NetworkError::Socket {
            what: "a netlink socket".into(),
            cause,
        };
        // The monitor first: what changes while the lists are read is heard afterwards.
        let monitor = Monitor::open().map_err(failed)?;
        Ok(Self {
            readiness: Readiness::of(&monitor).map_err(failed)?,
            requests: Requests::open().map_err(failed)?,
            monitor,
            stale: false,
        })
    }

    /// All interfaces and addresses.
    pub(super) fn read(&mut self) -> io::Result<Table> {
        Ok(Table::new(
            self.requests.links()?,
            self.requests.addresses()?,
        ))
    }

    /// Ready when something has changed and the table knows it.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        table: &mut Table,
    ) -> Poll<io::Result<()>> {
        match self.readiness.poll_readable(context) {
            Poll::Ready(Ok(())) => Poll::Ready(self.take_note(table)),
            // The event loop ends: nothing more will be heard.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }

    fn take_note(&mut self, table: &mut Table) -> io::Result<()> {
        for notice in self.monitor.notices()? {
            match notice {
                Notice::Lost => self.stale = true,
                notice => table.note(notice),
            }
        }
        if self.stale {
            *table = self.read()?;
            self.stale = false;
        }
        Ok(())
    }

    /// Carries out all changes, in order.
    pub(super) fn apply(&mut self, changes: &[Change]) -> Vec<io::Result<()>> {
        self.requests.apply(changes)
    }
}
