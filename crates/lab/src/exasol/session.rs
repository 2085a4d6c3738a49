//! One client on a WebSocket: `login` and what may follow (Exasol WebSocket API, version 3).

mod execute;

use std::{io, net::TcpStream, sync::Arc, sync::atomic::Ordering};

use serde_json::{Map, Value, json};
use tungstenite::{Message, WebSocket};

use super::{Inside, Mood, PASSWORD, USER, connection::Wire, key, lock, results, sql::Fault};

/// From 8.32 on the public key of a tunnel's other end is compared.
const RELEASE: &str = "8.34.0";
const PROTOCOL: u64 = 3;

struct Session {
    socket: WebSocket<Box<dyn Wire>>,
    /// What is below TLS and WebSocket: for how long to wait is set there.
    below: TcpStream,
    node: Arc<Inside>,
    number: u64,
    attributes: Map<String, Value>,
    results: results::Open,
}

/// Serves a client until it goes.
pub(super) fn serve(wire: Box<dyn Wire>, below: &TcpStream, node: &Arc<Inside>) -> io::Result<()> {
    let socket = tungstenite::accept(wire).map_err(|error| io::Error::other(error.to_string()))?;
    let mut session = Session {
        socket,
        below: below.try_clone()?,
        node: Arc::clone(node),
        number: 0,
        attributes: attributes(),
        results: results::Open::default(),
    };
    session.run().map_err(io::Error::other)
}

fn attributes() -> Map<String, Value> {
    let all = json!({
        "autocommit": true,
        "compressionEnabled": false,
        "currentSchema": "",
        "dateFormat": "YYYY-MM-DD",
        "feedbackInterval": 1,
        "numericCharacters": ".,",
        "queryTimeout": 0,
        "timezone": "EUROPE/BERLIN",
    });
    match all {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

impl Session {
    fn run(&mut self) -> tungstenite::Result<()> {
        if !self.log_in()? {
            return Ok(());
        }
        while let Some(request) = self.hear()? {
            let answer = match request["command"].as_str() {
                // It was too late, and has no answer.
                Some("abortQuery") => continue,
                Some("getAttributes") => {
                    let all = json!({"status": "ok", "attributes": self.attributes});
                    self.say(&all)?;
                    continue;
                }
                Some("execute") => self.execute(request["sqlText"].as_str().unwrap_or_default())?,
                Some(command) => self.command(command, &request),
                None => Err(Fault::new("00000", "a request without a command")),
            };
            self.answer(answer)?;
        }
        Ok(())
    }

    /// The next request; `None`: the client has said goodbye.
    fn hear(&mut self) -> tungstenite::Result<Option<Value>> {
        loop {
            match self.socket.read()? {
                Message::Text(text) => return Ok(serde_json::from_str(&text).ok()),
                Message::Binary(bytes) => return Ok(serde_json::from_slice(&bytes).ok()),
                Message::Close(_) => {
                    // The library answers; a client that has gone does not mind.
                    let _gone = self.socket.flush();
                    return Ok(None);
                }
                _ => {}
            }
        }
    }

    fn answer(&mut self, answer: Result<Value, Fault>) -> tungstenite::Result<()> {
        let message = match answer {
            Ok(data) => json!({"status": "ok", "responseData": data}),
            Err(fault) => json!({
                "status": "error",
                "exception": {"text": fault.text, "sqlCode": fault.code},
            }),
        };
        self.say(&message)
    }

    fn say(&mut self, message: &Value) -> tungstenite::Result<()> {
        self.socket.send(Message::text(message.to_string()))
    }

    /// Both halves of a login. False: it has failed, and the client knows.
    fn log_in(&mut self) -> tungstenite::Result<bool> {
        let Some(request) = self.hear()? else {
            return Ok(false);
        };
        let key = match self.offer(&request) {
            Ok(key) => key,
            Err(fault) => {
                self.answer(Err(fault))?;
                return Ok(false);
            }
        };
        self.answer(Ok(key))?;
        let Some(request) = self.hear()? else {
            return Ok(false);
        };
        if let Err(fault) = check(&request) {
            self.answer(Err(fault))?;
            return Ok(false);
        }
        if let Some(wanted) = request["attributes"].as_object() {
            self.attributes.extend(wanted.clone());
        }
        self.number = self.node.shared.sessions.fetch_add(1, Ordering::SeqCst) + 1;
        let welcome = self.welcome();
        self.say(&welcome)?;
        Ok(true)
    }

    /// The first half.
    fn offer(&self, request: &Value) -> Result<Value, Fault> {
        if *lock(&self.node.mood) == Mood::StartingUp {
            let text = "Connection exception - database is starting up";
            return Err(Fault::new("08004", text));
        }
        if request["command"] != "login" || request["protocolVersion"].as_u64().is_none() {
            let text = "Connection exception - a login was expected";
            return Err(Fault::new("08004", text));
        }
        let missing = || Fault::new("08004", "Connection exception - no key");
        let (pem, modulus, exponent) = key::public().ok_or_else(missing)?;
        Ok(json!({
            "publicKeyPem": pem,
            "publicKeyModulus": modulus,
            "publicKeyExponent": exponent,
        }))
    }

    fn welcome(&self) -> Value {
        json!({
            "status": "ok",
            "attributes": self.attributes,
            "responseData": {
                "sessionId": self.number,
                "protocolVersion": PROTOCOL,
                "releaseVersion": RELEASE,
                "databaseName": "FAKE",
                "productName": "EXASolution",
                "maxDataMessageSize": 64 * 1024 * 1024,
                "maxIdentifierLength": 128,
                "maxVarcharLength": 2_000_000,
                "identifierQuoteString": "\"",
                "timeZone": "EUROPE/BERLIN",
                "timeZoneBehavior": "INVALID SHIFT AMBIGUOUS ST",
            },
        })
    }

    /// Everything but statements.
    fn command(&mut self, command: &str, request: &Value) -> Result<Value, Fault> {
        match command {
            "setAttributes" => {
                if let Some(wanted) = request["attributes"].as_object() {
                    self.attributes.extend(wanted.clone());
                }
                Ok(json!({}))
            }
            "fetch" => {
                let number = |name: &str| request[name].as_u64().unwrap_or_default();
                let size = |name: &str| usize::try_from(number(name)).unwrap_or(usize::MAX);
                let (start, bytes) = (size("startPosition"), size("numBytes"));
                self.results.fetch(number("resultSetHandle"), start, bytes)
            }
            "closeResultSet" => {
                let handles = request["resultSetHandles"].as_array();
                self.results.close(handles.map_or(&[], Vec::as_slice));
                Ok(json!({}))
            }
            "getHosts" => {
                let addresses = &self.node.shared.addresses;
                let nodes: Vec<_> = addresses.iter().map(|it| it.ip().to_string()).collect();
                Ok(json!({"numNodes": nodes.len(), "nodes": nodes}))
            }
            "disconnect" => Ok(json!({})),
            other => Err(Fault::new("00000", format!("unknown command {other}"))),
        }
    }
}

/// The second half of a login.
fn check(request: &Value) -> Result<(), Fault> {
    let user = request["username"].as_str().unwrap_or_default();
    let password = request["password"].as_str().and_then(key::decrypt);
    if !user.eq_ignore_ascii_case(USER) || password.as_deref() != Some(PASSWORD) {
        let text = "Connection exception - authentication failed.";
        return Err(Fault::new("08004", text));
    }
    if request["useCompression"] == true {
        let text = "Feature not supported: compression";
        return Err(Fault::new("0A000", text));
    }
    Ok(())
}
