//! What is run when a state changes: the keywords that instances and groups share.

use super::{
    context::Context,
    keyword::Keyword,
    model::{Account, Command, Deletion, Notify},
    statement::Line,
    value,
};

/// What has notifications.
pub(super) trait Notifies: 'static {
    /// Where they are noted.
    fn notify(&mut self) -> &mut Notify;
}

const MAIL: &str = "Pontoon sends no mail; `notify` can";

/// The keywords of everything that has notifications.
pub(super) const fn keywords<C: Notifies>() -> [Keyword<C>; 9] {
    [
        Keyword::supported(
            "notify",
            "<command> [<user> [<group>]]",
            "Runs a command at each change, after the more special ones, with type, name, state and priority added.",
            |draft, line, ctx| set(draft, |notify| &mut notify.any, line, ctx),
        ),
        Keyword::supported(
            "notify_master",
            "<command> [<user> [<group>]]",
            "Runs a command on becoming master.",
            |draft, line, ctx| set(draft, |notify| &mut notify.master, line, ctx),
        ),
        Keyword::supported(
            "notify_backup",
            "<command> [<user> [<group>]]",
            "Runs a command on becoming backup.",
            |draft, line, ctx| set(draft, |notify| &mut notify.backup, line, ctx),
        ),
        Keyword::supported(
            "notify_fault",
            "<command> [<user> [<group>]]",
            "Runs a command on entering the fault state.",
            |draft, line, ctx| set(draft, |notify| &mut notify.fault, line, ctx),
        ),
        Keyword::supported(
            "notify_stop",
            "<command> [<user> [<group>]]",
            "Runs a command when the election stops.",
            |draft, line, ctx| set(draft, |notify| &mut notify.stop, line, ctx),
        ),
        Keyword::supported(
            "notify_master_rx_lower_pri",
            "<command> [<user> [<group>]]",
            "Runs a command when a master hears a lower priority.",
            |draft, line, ctx| set(draft, |notify| &mut notify.lower_priority, line, ctx),
        ),
        deleted(),
        priority_changes(),
        Keyword::without(
            "smtp_alert",
            "[<switch>]",
            "Sends mail when the state changes.",
            MAIL,
        ),
    ]
}

const fn deleted<C: Notifies>() -> Keyword<C> {
    Keyword::supported(
        "notify_deleted",
        "[<command> [<user> [<group>]]]",
        "Of an instance that a reload has removed, tells DELETED instead of FAULT, and runs a command.",
        |draft, line, ctx| {
            let script = line
                .args
                .peek()
                .is_some()
                .then(|| command(line, ctx))
                .flatten();
            draft.notify().deleted = Some(Deletion { script });
        },
    )
}

const fn priority_changes<C: Notifies>() -> Keyword<C> {
    Keyword::supported(
        "notify_priority_changes",
        "[<switch>]",
        "Tells the FIFOs of changed priorities, too.",
        |draft, line, ctx| {
            if let Some(on) = value::switch_after(line, ctx) {
                draft.notify().priority_changes = Some(on);
            }
        },
    )
}

fn set<C: Notifies>(
    draft: &mut C,
    field: fn(&mut Notify) -> &mut Option<Command>,
    line: &mut Line<'_>,
    ctx: &mut Context<'_>,
) {
    if let Some(command) = command(line, ctx) {
        *field(draft.notify()) = Some(command);
    }
}

/// A command, and as whom it is run.
pub(super) fn command(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<Command> {
    let word = line.required("a command", ctx)?;
    let user = account_after(line, ctx)?;
    ctx.commands.push(word.clone());
    Some(Command {
        line: word.text.clone(),
        user,
        location: ctx.location(word.span),
    })
}

/// A user and a group if they are named; `None` after a fault.
#[expect(
    clippy::option_option,
    reason = "unknown users and no user are different"
)]
pub(super) fn account_after(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<Option<Account>> {
    let Some(user) = line.args.next() else {
        return Some(None);
    };
    let group = line.args.next();
    if user.text.starts_with('-') {
        let message = format!("`{}` is read as a user, not as an argument", user.text);
        ctx.fault("unquoted-command", user.span, message)
            .suggest("put the command and its arguments between double quotes");
        return None;
    }
    ctx.account(user, group).map(Some)
}
