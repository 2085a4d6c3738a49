//! `fullconn` where none was written (HAProxy configuration manual, 4.2).

use std::collections::HashMap;

use pontoon_engine::units::ProxyId;

use super::model::{Frontend, Model};

impl Model {
    /// Fills it in: a tenth of the sessions that the frontends may send, at least 1. A frontend
    /// without a `maxconn` may send as many as the process carries, which is known at start.
    pub fn fill_full_connections(&mut self, process: u32) {
        let mut sums: HashMap<ProxyId, u64> = HashMap::new();
        for frontend in self.proxies.iter().filter_map(|p| p.frontend.as_ref()) {
            let limit = u64::from(frontend.max_connections.unwrap_or(process));
            for target in targets(frontend) {
                *sums.entry(target).or_insert(0) += limit;
            }
        }
        for proxy in &mut self.proxies {
            let Some(side) = &mut proxy.backend else {
                continue;
            };
            let sum = sums.get(&proxy.id).copied().unwrap_or(0);
            let tenth = u32::try_from(sum.div_ceil(10)).unwrap_or(u32::MAX).max(1);
            side.settings.full_connections.get_or_insert(tenth);
        }
    }
}

/// The backends a frontend may send sessions to, each once.
fn targets(frontend: &Frontend) -> Vec<ProxyId> {
    let rules = frontend.use_backend.iter().map(|rule| rule.action.0);
    let mut targets: Vec<ProxyId> = rules.chain(frontend.default_backend).collect();
    targets.sort_unstable();
    targets.dedup();
    targets
}
