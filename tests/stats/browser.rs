//! A real Chromium without a window, driven over WebDriver.

use std::{net::SocketAddr, process::Command};

use pontoon_lab::{balancer::free_address, needs, program::Program, temp::TempDir, wait};
use serde_json::{Value, json};

use super::web;
use crate::harness::Failure;

/// A browser with one page.
pub(crate) struct Browser {
    driver: SocketAddr,
    session: String,
    _program: Program,
    _profile: TempDir,
}

impl Browser {
    /// Starts one with a page of this size in CSS pixels.
    pub(crate) fn start(width: u32, height: u32) -> Result<Self, Failure> {
        let driver = free_address()?;
        let profile = TempDir::new("browser")?;
        let path = needs::find("chromedriver").ok_or("chromedriver is not installed".to_owned())?;
        let port = format!("--port={}", driver.port());
        let program = Program::start(Command::new(path).arg(port))?;
        wait::until("chromedriver", wait::PATIENCE, || {
            ask(driver, "GET", "/status", &Value::Null).ok()
        })?;
        let options = json!({
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update",
                "--disable-sync", "--hide-scrollbars", "--disable-dev-shm-usage",
                format!("--user-data-dir={}", profile.path().display()),
            ],
            "mobileEmulation": {"deviceMetrics": {
                "width": width, "height": height, "pixelRatio": 1.0,
            }},
        });
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let answer = ask(driver, "POST", "/session", &wanted)?;
        let session = answer["sessionId"].as_str();
        let session = session.ok_or_else(|| format!("no session: {answer}"))?;
        Ok(Self {
            driver,
            session: format!("/session/{session}"),
            _program: program,
            _profile: profile,
        })
    }

    /// Opens a page and waits for it.
    pub(crate) fn open(&self, url: &str) -> Result<(), Failure> {
        self.post("/url", &json!({"url": url})).map(drop)
    }

    /// What a script returns.
    pub(crate) fn run(&self, script: &str) -> Result<Value, Failure> {
        let script = json!({"script": script, "args": []});
        self.post("/execute/sync", &script)
    }

    /// Waits until a script returns true.
    pub(crate) fn wait_for(&self, script: &str) -> Result<(), Failure> {
        let waited = wait::until(script, wait::PATIENCE, || {
            (self.run(script).ok()? == true).then_some(())
        });
        waited.map_err(Failure::from)
    }

    /// Whether the reader prefers `dark` or `light`.
    pub(crate) fn prefer(&self, scheme: &str) -> Result<(), Failure> {
        let feature = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        let command = json!({
            "cmd": "Emulation.setEmulatedMedia",
            "params": {"features": feature},
        });
        self.post("/goog/cdp/execute", &command).map(drop)
    }

    /// What the page's scripts and policies complained of.
    pub(crate) fn complaints(&self) -> Result<Value, Failure> {
        self.post("/se/log", &json!({"type": "browser"}))
    }

    /// A picture (PNG) in base64.
    pub(crate) fn picture(&self) -> Result<String, Failure> {
        let picture = ask(
            self.driver,
            "GET",
            &format!("{}/screenshot", self.session),
            &Value::Null,
        )?;
        Ok(picture.as_str().unwrap_or_default().to_owned())
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        ask(
            self.driver,
            "POST",
            &format!("{}{path}", self.session),
            body,
        )
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser is the driver's child: it must go first.
        let _gone = ask(self.driver, "DELETE", &self.session, &Value::Null);
    }
}

fn ask(driver: SocketAddr, method: &str, path: &str, body: &Value) -> Result<Value, Failure> {
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    let answer = web::exchange_one(
        driver,
        &format!(
            "{method} {path} HTTP/1.1\r\nHost: {driver}\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    )?;
    let value: Value = serde_json::from_str(&answer.body)
        .map_err(|error| format!("{method} {path}: {error}: {}", answer.body))?;
    if answer.status != 200 {
        return Err(format!("{method} {path}: {value}").into());
    }
    Ok(value["value"].clone())
}
