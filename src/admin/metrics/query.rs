//! What a scraper asks for: `?scope=server&no-maint`, as HAProxy's exporter understands it.

use crate::admin::http::form;

/// Groups of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// `global`: the process.
    Global,
    /// `frontend`.
    Frontend,
    /// `listener`.
    Listener,
    /// `backend`.
    Backend,
    /// `server`.
    Server,
    /// `pontoon`: what HAProxy does not have.
    Pontoon,
}

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Query {
    scopes: u8,
    /// `no-maint`: servers in maintenance are left out.
    pub(crate) without_maintenance: bool,
}

/// There is no such scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnknownScope;

const EVERYTHING: u8 = u8::MAX;
/// Of what there is nothing to tell.
const STICK_TABLES: u8 = 1 << 7;

impl Query {
    /// Everything.
    pub(crate) const ALL: Self = Self {
        scopes: EVERYTHING,
        without_maintenance: false,
    };

    /// Reads the query of a request's target. The first `scope=` leaves nothing but what it
    /// names, each further one adds to that, and an empty one takes everything away again.
    ///
    /// # Errors
    /// A scope that does not exist.
    pub(crate) fn parse(target: &str) -> Result<Self, UnknownScope> {
        let mut query = Self::ALL;
        let mut chosen = false;
        let parameters = target.split_once('?').map_or("", |(_, query)| query);
        for parameter in parameters.split('&') {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name {
                "scope" if !parameter.contains('=') => return Err(UnknownScope),
                "scope" => {
                    let value = form::decode(value.as_bytes());
                    let bits = bits(&value)?;
                    let before = if chosen { query.scopes } else { 0 };
                    query.scopes = if bits == 0 { 0 } else { before | bits };
                    chosen = true;
                }
                "no-maint" => query.without_maintenance = true,
                _ => {}
            }
        }
        Ok(query)
    }

    /// Whether a group is wanted.
    pub(crate) const fn wants(self, scope: Scope) -> bool {
        self.scopes & (1 << scope as u8) != 0
    }
}

fn bits(name: &str) -> Result<u8, UnknownScope> {
    let scope = match name {
        "*" => return Ok(EVERYTHING),
        "" => return Ok(0),
        // There are no stick tables, and so nothing to tell of them.
        "sticktable" => return Ok(STICK_TABLES),
        "global" => Scope::Global,
        "frontend" => Scope::Frontend,
        "listener" => Scope::Listener,
        "backend" => Scope::Backend,
        "server" => Scope::Server,
        "pontoon" => Scope::Pontoon,
        _ => return Err(UnknownScope),
    };
    Ok(1 << scope as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(target: &str, scope: Scope) -> bool {
        Query::parse(target).unwrap().wants(scope)
    }

    #[test]
    fn everything_is_wanted_unless_something_is_named() {
        assert_eq!(Query::parse("/metrics?x=y"), Ok(Query::ALL));
        assert!(wants("/metrics?scope=*", Scope::Pontoon));
        assert!(wants("/m?scope=server&scope=%67lobal", Scope::Global));
        assert!(wants("/m?scope=server&scope=global", Scope::Server));
        assert!(!wants("/m?scope=server", Scope::Backend));
        assert!(!wants("/m?scope=*&scope=", Scope::Server));
        assert!(!wants("/m?scope=sticktable", Scope::Server));
    }

    #[test]
    fn an_unknown_scope_is_refused_and_maintenance_left_out_on_demand() {
        assert_eq!(Query::parse("/m?scope=bogus"), Err(UnknownScope));
        assert_eq!(Query::parse("/m?scope"), Err(UnknownScope));
        let query = Query::parse("/m?no-maint&scope=server").unwrap();
        assert!(query.without_maintenance);
    }
}
