//! What a process gives up once everything is bound and opened.

use pontoon_config::haproxy::model::Global;
use pontoon_sys::process::{
    identity, limit,
    privilege::{self, PrivilegeError},
};

use super::announce::Announcer;

/// Enters the chroot and becomes the user and group that the files name. `before_user` is done
/// while we still may do what only root may. Returns whether the user is another now.
///
/// # Errors
/// The system refuses; running on with more privileges than asked for is no option.
pub(super) fn give_up(
    global: &Global,
    announcer: &Announcer,
    before_user: impl FnOnce(),
) -> Result<bool, PrivilegeError> {
    if let Some(path) = &global.chroot {
        privilege::enter_chroot(path)?;
    }
    before_user();
    let changes = global.uid.is_some() || global.gid.is_some();
    if changes && privilege::is_root() {
        privilege::drop_groups()?;
    }
    if let Some(gid) = global.gid {
        privilege::set_group(gid)?;
    }
    let before = identity::user();
    if let Some(uid) = global.uid {
        privilege::set_user(uid)?;
    }
    if global.dumpable {
        allow_core_files(announcer);
    }
    Ok(before != identity::user())
}

fn allow_core_files(announcer: &Announcer) {
    let allowed = identity::set_dumpable().and_then(|()| limit::allow_core_files());
    if let Err(error) = allowed {
        announcer.warning(format!("'set-dumpable' has no full effect: {error}"));
    }
}
