//! The statistics page, and who may see it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// `stats …` of a proxy.
#[derive(Debug, Clone)]
pub struct Stats {
    /// `stats uri` (default `/haproxy?stats`).
    pub uri: String,
    /// `stats realm`.
    pub realm: Option<String>,
    /// Who may look; `None`: anybody.
    pub auth: Option<StatsAuth>,
    /// `stats refresh`.
    pub refresh: Option<Duration>,
    /// `stats hide-version`.
    pub hide_version: bool,
    /// `stats scope`: names of proxies; empty: all. `.` has been replaced.
    pub scope: Vec<String>,
    /// `stats show-node`: the name shown, `Some("")` for the default.
    pub show_node: Option<String>,
    /// `stats show-desc`.
    pub show_description: Option<String>,
    /// `stats show-legends`.
    pub show_legends: bool,
    /// `stats admin`: when; `None`: never.
    pub admin: Option<StatsAdmin>,
}

/// `stats admin if …`.
#[derive(Debug, Clone)]
pub enum StatsAdmin {
    /// `if TRUE` and the like.
    Always,
    /// When the condition holds.
    When(pontoon_engine::acl::Condition),
}

/// Who may see the statistics.
#[derive(Debug, Clone)]
pub struct StatsAuth {
    /// Users with passwords (`stats auth`) or hashes (`stats http-request auth` with a userlist).
    pub users: Arc<UserList>,
}

/// `userlist`, or the users of `stats auth`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserList {
    /// By name.
    pub users: BTreeMap<String, User>,
}

/// One user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// How the password is checked.
    pub password: Password,
    /// Groups the user belongs to.
    pub groups: Vec<String>,
}

/// A password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Password {
    /// `insecure-password`, `stats auth`.
    Clear(String),
    /// `password`: a crypt(3) hash, `$5$` or `$6$`.
    Hash(String),
}
