//! What statements do.

use std::{
    io,
    time::{Duration, Instant},
};

use serde_json::Value;
use tungstenite::{Error, Message};

use super::Session;
use crate::exasol::{
    Transfer, csv, lock, results,
    sql::{self, Fault, Query, Statement},
    tables::{Cell, Rows},
    tunnel::{Endpoint, Http},
};

/// The client has changed its mind.
const ABORTED: &str = "R0003";
/// Data could not be carried.
const ETL: &str = "42636";

impl Session {
    /// An answer for the client; an error where there is no client any more.
    pub(super) fn execute(&mut self, text: &str) -> tungstenite::Result<Result<Value, Fault>> {
        Ok(match sql::parse(text) {
            Err(fault) => Err(fault),
            Ok(Statement::Sleep(time)) if self.sleep(time)? => {
                Ok(self.results.answer(Rows::of("SLEEP", 1)))
            }
            Ok(Statement::Sleep(_)) => {
                Err(Fault::new(ABORTED, "Successfully reconnected after abort."))
            }
            Ok(statement) => self.carry_out(statement),
        })
    }

    fn carry_out(&mut self, statement: Statement) -> Result<Value, Fault> {
        match statement {
            Statement::Select(query) => {
                let rows = self.rows(&query)?;
                Ok(self.results.answer(rows))
            }
            Statement::Create { table, columns } => {
                lock(&self.node.shared.tables).create(&table, columns);
                Ok(results::count(0))
            }
            Statement::Export { source, to } => {
                let rows = self.rows(&source)?.rows;
                let body = csv::write(&rows);
                let tunnel = self.tunnel(&to)?;
                let tunnel_node = tunnel.node;
                let sent = tunnel.put(body.as_bytes());
                sent.map_err(|error| carrying(&to, &error))?;
                Ok(self.carried(tunnel_node, rows.len()))
            }
            Statement::Import { table, from } => {
                let tunnel = self.tunnel(&from)?;
                let tunnel_node = tunnel.node;
                let body = tunnel.get().map_err(|error| carrying(&from, &error))?;
                let rows = String::from_utf8(body).ok().and_then(|it| csv::read(&it));
                let rows = rows.ok_or_else(|| Fault::new(ETL, "ETL-3003: no CSV"))?;
                let count = rows.len();
                if !lock(&self.node.shared.tables).append(&table, rows) {
                    return Err(Fault::new(ETL, "ETL-2105: the rows do not fit the table"));
                }
                Ok(self.carried(tunnel_node, count))
            }
            Statement::Sleep(_) => Err(Fault::new("00000", "a pause yields no rows here")),
        }
    }

    fn rows(&self, query: &Query) -> Result<Rows, Fault> {
        let tables = lock(&self.node.shared.tables);
        let missing = |name: &str| Fault::new("42000", format!("object {name} not found"));
        Ok(match query {
            Query::Number(number) => Rows::of(&number.to_string(), *number),
            Query::Node => Rows::of("IPROC", i64::try_from(self.node.index).unwrap_or(i64::MAX)),
            Query::Values(from, to) => Rows {
                columns: vec!["C1".to_owned()],
                rows: (*from..=*to).map(|it| vec![Cell::Number(it)]).collect(),
            },
            Query::Table(name) => tables.get(name).ok_or_else(|| missing(name))?.clone(),
            Query::Count(name) => {
                let rows = tables.rows_of(name).ok_or_else(|| missing(name))?;
                Rows::of("COUNT(*)", i64::try_from(rows).unwrap_or(i64::MAX))
            }
        })
    }

    fn tunnel(&self, endpoint: &Endpoint) -> Result<Http, Fault> {
        let taken = self.node.shared.tunnels.take(endpoint);
        taken.map_err(|error| carrying(endpoint, &error))
    }

    fn carried(&self, tunnel_node: usize, rows: usize) -> Value {
        let transfer = Transfer {
            session_node: self.node.index,
            tunnel_node,
            rows,
        };
        lock(&self.node.shared.transfers).push(transfer);
        results::count(rows)
    }

    /// Works for so long, with Pongs as signs of life. False: the client has asked to stop.
    fn sleep(&mut self, time: Duration) -> tungstenite::Result<bool> {
        let end = Instant::now() + time;
        let pongs = *lock(&self.node.shared.pongs);
        let done = loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break true;
            }
            let pause = if pongs.is_zero() {
                left
            } else {
                left.min(pongs)
            };
            self.below.set_read_timeout(Some(pause))?;
            match self.socket.read() {
                Ok(Message::Text(text)) if text.contains("abortQuery") => break false,
                Ok(Message::Close(_)) => return Err(Error::ConnectionClosed),
                Ok(_) => {}
                Err(Error::Io(error)) if is_timeout(&error) => {
                    if !pongs.is_zero() {
                        self.socket.send(Message::Pong(Vec::new().into()))?;
                    }
                }
                Err(error) => return Err(error),
            }
        };
        self.below.set_read_timeout(None)?;
        Ok(done)
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

fn carrying(endpoint: &Endpoint, error: &io::Error) -> Fault {
    let Endpoint { address, file, .. } = endpoint;
    Fault::new(
        ETL,
        format!(
            "ETL-5106: Following error occured while carrying data [{address}/{file}: {error}]"
        ),
    )
}
