//! One client's connection: request after request, each with its line and its counts.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use pontoon_config::haproxy::model::Proxy;
use pontoon_engine::{
    moment::Span,
    termination::{Cause, Phase, Termination},
};

use super::{
    count,
    http::{
        answer::Answer,
        body::{self, Body},
        request::{self, Framing, Head, Malformed},
    },
    metrics,
    patience::{Patience, left},
    service::{Page, Service},
    stream::{Read, Stream},
};
use crate::{
    proxy::handoff::HttpConnection,
    record::{HttpRecord, SessionRecord},
    state::Running,
};

/// The service of the statistics, as in the log.
const SERVICE: &str = "<STATS>";
/// The exporter, as in the log.
const EXPORTER: &str = "<PROMEX>";
/// How often an idle connection looks whether the process stops.
const PULSE: Duration = Duration::from_millis(500);

/// A connection being served.
struct Connection<'s> {
    service: &'s Service,
    stream: Stream,
    /// What all its requests have in common; its end frees the place it takes.
    record: SessionRecord,
    patience: Patience,
    /// Requests so far.
    requests: u32,
    /// When the last answer was sent; at first, when the connection was accepted.
    idle_since: Instant,
}

/// A request as it came, with the moments that its line tells.
struct Arrived {
    head: Head,
    began: Instant,
    began_on: SystemTime,
    idle: Duration,
    request_time: Duration,
}

/// Why there is no request.
enum Nothing {
    /// The client left, or the process stops, between two requests.
    Finished,
    /// The client left before its request was complete.
    Gone,
    /// It took too long.
    Late,
    /// It is no request.
    Malformed,
}

/// Serves a connection until its end.
pub(crate) async fn serve(service: Arc<Service>, connection: HttpConnection) {
    let HttpConnection {
        socket,
        mut record,
        received,
    } = connection;
    // The stream counts from here on, and what was received already with it.
    (record.bytes_in, record.counted_in) = (0, 0);
    let running = Arc::clone(service.running());
    match Stream::new(socket, &record.local.0, received) {
        Ok(stream) => Connection::new(&service, stream, record).serve().await,
        Err(_) => finish(&running, record),
    }
}

/// The connection is over, and its record with it.
fn finish(running: &Running, record: SessionRecord) {
    let now = running.moment(Instant::now());
    running.finish(record, running.control_shard(), now);
}

impl<'s> Connection<'s> {
    fn new(service: &'s Service, stream: Stream, record: SessionRecord) -> Self {
        let proxy = service.running().proxy(record.frontend);
        Self {
            service,
            stream,
            patience: Patience::of(proxy.frontend.as_ref()),
            requests: 0,
            idle_since: record.accepted.instant(service.running().process.started),
            record,
        }
    }

    fn running(&self) -> &'s Running {
        self.service.running()
    }

    fn proxy(&self) -> &'s Proxy {
        self.running().proxy(self.record.frontend)
    }

    async fn serve(mut self) {
        let end = loop {
            match self.next_request().await {
                Ok(request) => {
                    self.requests += 1;
                    if !self.handle(request).await {
                        break Nothing::Finished;
                    }
                }
                Err(end) => break end,
            }
        };
        self.end(end).await;
    }

    /// Waits for the next request head and takes it from the stream.
    async fn next_request(&mut self) -> Result<Arrived, Nothing> {
        self.wait_for_first_byte().await?;
        let (began, began_on) = (Instant::now(), SystemTime::now());
        // A first request is late from the connection on, whenever its first byte comes.
        let first = self.requests == 0;
        let deadline = self
            .patience
            .of_head(if first { self.idle_since } else { began });
        loop {
            // Some clients end a form with a line of its own, which belongs to no request.
            let blank = self.stream.received.iter();
            let blank = blank.take_while(|byte| b"\r\n".contains(byte)).count();
            self.stream.received.drain(..blank);
            match request::parse(&self.stream.received) {
                Ok(Some((head, length))) => {
                    self.stream.received.drain(..length);
                    return Ok(Arrived {
                        head,
                        began,
                        began_on,
                        idle: began.saturating_duration_since(self.idle_since),
                        request_time: began.elapsed(),
                    });
                }
                Ok(None) => {}
                Err(Malformed) => return Err(Nothing::Malformed),
            }
            match self.stream.read(self.patience.until(deadline)).await {
                Read::Some => {}
                Read::End => return Err(Nothing::Gone),
                Read::Timeout => return Err(Nothing::Late),
            }
        }
    }

    async fn wait_for_first_byte(&mut self) -> Result<(), Nothing> {
        let first = self.requests == 0;
        let deadline = self.patience.of_silence(first, self.idle_since);
        while self.stream.received.is_empty() {
            let left = left(deadline);
            match self.stream.read(left.min(PULSE)).await {
                Read::Some => {}
                Read::End if first => return Err(Nothing::Gone),
                Read::End => return Err(Nothing::Finished),
                Read::Timeout if left > PULSE && !self.running().process.is_stopping() => {}
                Read::Timeout if first => return Err(Nothing::Late),
                Read::Timeout => return Err(Nothing::Finished),
            }
        }
        Ok(())
    }

    /// Answers a request; false if the connection ends with it.
    async fn handle(&mut self, request: Arrived) -> bool {
        let mut record = self.record_of(&request);
        if metrics::are_wanted(self.running(), &record) {
            return self.handle_scrape(&request, record).await;
        }
        let Some(page) = self.service.page(self.record.frontend, &request.head) else {
            record.termination = Termination::new(Cause::ServerAbort, Phase::Connect);
            record.queue_time = None;
            record.connect_time = None;
            return self
                .send(&request, record, &Answer::no_server(), false)
                .await;
        };
        record.backend = page.proxy.backend.as_ref().map(|_| page.proxy.id);
        record.termination = Termination::new(Cause::Local, Phase::Request);
        if let Some(http) = &mut record.http {
            http.service = Some(SERVICE);
        }
        if let Some(refusal) = self.service.refuses(page, &request.head).await {
            return self.send(&request, record, &refusal, false).await;
        }
        if request.head.method != "POST" {
            let answer = self.service.answer(page, &request.head, None, &record);
            return self.send(&request, record, &answer, false).await;
        }
        self.handle_form(page, &request, record).await
    }

    /// Tells the metrics. A body, whatever for, is left unread.
    async fn handle_scrape(&mut self, request: &Arrived, mut record: SessionRecord) -> bool {
        record.backend = self.proxy().backend.as_ref().map(|_| record.frontend);
        record.termination = Termination::new(Cause::Local, Phase::Request);
        if let Some(http) = &mut record.http {
            http.service = Some(EXPORTER);
        }
        let answer = metrics::answer(self.running(), &request.head).await;
        self.send(request, record, &answer, false).await
    }

    async fn handle_form(
        &mut self,
        page: Page<'_>,
        request: &Arrived,
        record: SessionRecord,
    ) -> bool {
        let body = match self.body(request).await {
            Ok(body) => body,
            Err(answer) => return self.send(request, record, &answer, false).await,
        };
        let complete = matches!(body, Body::Complete(..));
        let head = &request.head;
        let answer = self.service.answer(page, head, Some(&body), &record);
        self.send(request, record, &answer, complete).await
    }

    /// Reads the body of a form, or says why it cannot.
    async fn body(&mut self, request: &Arrived) -> Result<Body, Answer> {
        if request.head.expects_continue() {
            let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
            self.stream.write(go_on, self.patience.client).await;
        }
        loop {
            match body::parse(request.head.framing, &self.stream.received) {
                Ok(Body::Incomplete) => {}
                Ok(Body::Complete(form, length)) => {
                    self.stream.received.drain(..length);
                    return Ok(Body::Complete(form, length));
                }
                Ok(Body::TooLarge) => return Ok(Body::TooLarge),
                Err(Malformed) => return Err(malformed()),
            }
            if self
                .stream
                .read(left(request.began + self.patience.client))
                .await
                != Read::Some
            {
                return Err(late());
            }
        }
    }

    /// Sends an answer, then counts and logs its request; false if the connection ends here.
    async fn send(
        &mut self,
        request: &Arrived,
        mut record: SessionRecord,
        answer: &Answer,
        body_taken: bool,
    ) -> bool {
        // A body that nobody read would be taken for the next request.
        let clean = body_taken || request.head.framing == Framing::Length(0);
        let stopping = self.running().process.is_stopping();
        let keep_alive = request.head.keep_alive && clean && !stopping;
        let bytes = answer.bytes(request.head.method == "HEAD", keep_alive);
        let sent = self.stream.write(&bytes, self.patience.client).await;
        if let Some(http) = &mut record.http {
            http.status = Some(answer.status);
        }
        self.take_bytes(&mut record);
        self.idle_since = Instant::now();
        let now = self.running().moment(self.idle_since);
        count::request(self.running(), record, now);
        sent && keep_alive
    }

    /// What was moved since the last request belongs to this one.
    fn take_bytes(&mut self, record: &mut SessionRecord) {
        record.bytes_in = std::mem::take(&mut self.stream.bytes_in);
        record.bytes_out = std::mem::take(&mut self.stream.bytes_out);
    }

    /// The record of one request: that of the connection, from the moment it was idle.
    fn record_of(&self, request: &Arrived) -> SessionRecord {
        let mut record = self.record.clone();
        record.accepted = self.running().moment(self.idle_since);
        if self.requests > 1 {
            record.accepted_on = request.began_on;
        }
        record.queue_time = Some(Span::ZERO);
        record.connect_time = Some(Span::ZERO);
        record.http = Some(Box::new(HttpRecord {
            method: request.head.method.clone(),
            uri: request.head.target.clone(),
            version: request.head.version,
            status: None,
            idle: request.idle,
            request_time: Some(request.request_time),
            request_on: request.began_on,
            service: None,
        }));
        record
    }

    /// Ends the connection, with HAProxy's answer to what never became a request.
    async fn end(mut self, why: Nothing) {
        let (answer, cause) = match why {
            Nothing::Finished => (None, None),
            // Its log calls that a bad request, although nobody is left to be told.
            Nothing::Gone => (None, Some((400, Cause::ClientAbort))),
            Nothing::Late => (Some(late()), Some((408, Cause::ClientTimeout))),
            Nothing::Malformed => (Some(malformed()), Some((400, Cause::ProxyRefused))),
        };
        if let Some(answer) = answer {
            let bytes = answer.bytes(false, false);
            self.stream.write(&bytes, self.patience.client).await;
        }
        let mut record = self.record.clone();
        self.take_bytes(&mut record);
        match cause {
            None => record.logged = true,
            Some((status, cause)) => self.fill_bad(&mut record, status, cause),
        }
        finish(self.running(), record);
        self.stream.close().await;
    }

    fn fill_bad(&self, record: &mut SessionRecord, status: u16, cause: Cause) {
        record.accepted = self.running().moment(self.idle_since);
        record.termination = Termination::new(cause, Phase::Request);
        let side = self.proxy().frontend.as_ref();
        let quiet = side.is_some_and(|side| side.dont_log_null);
        if quiet && record.bytes_in == 0 {
            record.logged = true;
        }
        record.http = Some(Box::new(HttpRecord {
            method: "<BADREQ>".to_owned(),
            uri: String::new(),
            version: "",
            status: Some(status),
            idle: Duration::ZERO,
            request_time: None,
            request_on: record.accepted_on,
            service: None,
        }));
        let now = self.running().moment(Instant::now());
        count::bad_request(self.running(), record, status, now);
    }
}

fn malformed() -> Answer {
    Answer::error(400, "Your browser sent an invalid request.")
}

fn late() -> Answer {
    Answer::error(408, "Your browser didn't send a complete request in time.")
}
