//! A session in one line.

use std::{fmt::Write as _, time::Duration};

use pontoon_engine::moment::Moment;

use super::sight::{Sight, Waits};
use crate::admin::sessions::human;

impl Sight<'_> {
    /// As HAProxy 2.6 writes it. What is about its own inside (tasks and their times, epochs) is 0.
    pub(super) fn line(&self, out: &mut String) {
        let it = self.session;
        let backend = self.backend().map_or("<NONE>", |it| &*it.name);
        let server = self.server().map_or("<none>", |it| &it.settings.name);
        let [request, response] = self.flags();
        let (inspected, analysers) = if self.is_inspected() {
            (it.request.held, 0x22)
        } else {
            (0, 0)
        };
        let descriptor = it.server.as_ref().map_or(-1, |end| end.descriptor);
        // Writing to a string cannot fail.
        let _infallible = writeln!(
            out,
            "{id}: proto={proto} src={source} fe={frontend} be={backend} srv={server} \
             ts=00 epoch=0 age={age} calls=0 rate=0 cpu=0 lat=0 \
             rq[f={request:06x}h,i={inspected},an={analysers:02x}h,{request_waits},ax={analysis}] \
             rp[f={response:06x}h,i=0,an=00h,{response_waits},ax=] \
             scf=[8,0h,fd={client}] scb=[{progress},1h,fd={descriptor}] \
             exp={expires} rc={retries} c_exp={connect}",
            id = self.id(),
            proto = self.protocol(),
            source = self.source(),
            frontend = self.frontend().name,
            age = human(self.age()),
            request_waits = self.waits(self.request_waits()),
            analysis = self.moment(it.deadlines.inspection),
            response_waits = self.waits(self.response_waits()),
            client = it.client,
            progress = self.progress().number,
            expires = or_nothing(self.expires()),
            retries = it.record.retries,
            connect = self.moment(it.deadlines.connect),
        );
    }

    fn waits(&self, waits: Waits) -> String {
        let (read, write) = (self.moment(waits.to_read), self.moment(waits.to_write));
        format!("rx={read},wx={write}")
    }

    fn moment(&self, then: Option<Moment>) -> String {
        or_nothing(self.until(then))
    }
}

fn or_nothing(duration: Option<Duration>) -> String {
    duration.map(human).unwrap_or_default()
}
