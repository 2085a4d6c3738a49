//! The statistics page of an HTTP proxy.

use std::{collections::BTreeMap, sync::Arc};

use super::Written;
use crate::{
    diagnostic::Diagnostics,
    haproxy::{
        model::{Mode, Model, Password, Stats, StatsAdmin, StatsAuth, User, UserList},
        proxy::StatsDraft,
    },
    similar::nearest,
};

/// Where the page is if nothing is said.
const DEFAULT_URI: &str = "/haproxy?stats";

/// The page, if the proxy serves one.
pub(super) fn resolve(
    proxy: &Written<'_>,
    model: &Model,
    d: &mut Diagnostics,
) -> Option<Arc<Stats>> {
    let draft = proxy.draft.stats.as_ref()?;
    if proxy.mode() != Mode::Http || !proxy.has_frontend() {
        return None;
    }
    Some(Arc::new(Stats {
        uri: draft.uri.clone().unwrap_or_else(|| DEFAULT_URI.to_owned()),
        realm: draft.realm.clone(),
        auth: auth(draft, model, d),
        refresh: draft.refresh,
        hide_version: draft.hide_version,
        scope: draft.scope.clone(),
        show_node: draft.show_node.clone(),
        show_description: draft.show_description.clone(),
        show_legends: draft.show_legends,
        admin: draft.admin.as_ref().map(|admin| match &admin.when {
            None => StatsAdmin::Always,
            Some(condition) => StatsAdmin::When(condition.clone()),
        }),
    }))
}

fn auth(draft: &StatsDraft, model: &Model, d: &mut Diagnostics) -> Option<StatsAuth> {
    if let Some(name) = &draft.userlist {
        let users = model.userlists.get(&name.text).cloned();
        if users.is_none() {
            let message = format!("there is no userlist `{}`", name.text);
            let found = d.error("unknown-userlist", name.span, message);
            if let Some(near) = nearest(&name.text, model.userlists.keys().map(String::as_str)) {
                found.suggest(format!("did you mean `{near}`?"));
            }
        }
        if !draft.users.is_empty() {
            let message = "`stats auth` has no effect beside `stats http-request auth`: only the users of the list get in";
            d.warning("without-effect", name.span, message)
                .suggest("remove one of them");
        }
        return users.map(|users| StatsAuth { users });
    }
    if draft.users.is_empty() {
        return None;
    }
    let user = |(name, password): &(String, String)| {
        let user = User {
            password: Password::Clear(password.clone()),
            groups: Vec::new(),
        };
        (name.clone(), user)
    };
    let users: BTreeMap<_, _> = draft.users.iter().map(user).collect();
    Some(StatsAuth {
        users: Arc::new(UserList { users }),
    })
}
