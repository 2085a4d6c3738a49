//! Scripts that hold a cloud's keys, or move its addresses: what `floating_ip` makes needless.

mod call;
mod key;
mod shell;

use std::collections::BTreeSet;

use self::{
    call::Move,
    shell::{Command, Variables},
};
use crate::{
    keepalived::{blocks::Written, context::Context, floating_ip::FloatingDraft},
    source::{Span, Word},
};

/// More scripts are not looked at.
const MOST_SCRIPTS: usize = 64;

/// A script that is called by one that is called by one that the file names is the last.
const DEEPEST: usize = 2;

/// Looks at all commands, at the scripts they name, and at the scripts those call.
pub(super) fn run(written: &Written, ctx: &mut Context<'_>) {
    let floating: Vec<&FloatingDraft> = written
        .instances
        .iter()
        .flat_map(|instance| &instance.floating_ips)
        .collect();
    let mut reader = Reader {
        floating: &floating,
        seen: BTreeSet::new(),
        span: Span::default(),
        ctx,
    };
    for command in reader.ctx.commands.clone() {
        reader.command(&command);
    }
}

/// Reads scripts, each of them once.
struct Reader<'r, 'c> {
    floating: &'r [&'r FloatingDraft],
    seen: BTreeSet<String>,
    /// The command of the file that led here.
    span: Span,
    ctx: &'r mut Context<'c>,
}

impl Reader<'_, '_> {
    /// A command as the file has it.
    fn command(&mut self, word: &Word) {
        self.span = word.span;
        let place = self.ctx.location(word.span);
        let place = format!("{}:{}", place.file, place.line);
        self.line(&word.text, &place, &mut Variables::default(), 0);
    }

    /// A script that a command names, with what its caller has set.
    fn script(&mut self, path: &str, variables: &Variables, depth: usize) {
        if depth > DEEPEST || self.seen.len() >= MOST_SCRIPTS || self.seen.contains(path) {
            return;
        }
        self.seen.insert(path.to_owned());
        let Some(text) = self.ctx.surroundings.script(path) else {
            return;
        };
        let mut variables = variables.clone();
        for (number, line) in shell::lines(&text) {
            self.line(
                &line,
                &format!("{path}:{number}"),
                &mut variables,
                depth + 1,
            );
        }
    }

    fn line(&mut self, line: &str, place: &str, variables: &mut Variables, depth: usize) {
        if let Some(name) = key::found(line) {
            self.key(&name, place);
        }
        for command in shell::commands(line, variables) {
            if let Some(found) = call::found(&command, variables) {
                self.moved(&found, place);
            }
            for path in called(&command) {
                self.script(path, variables, depth);
            }
        }
    }

    fn key(&mut self, name: &str, place: &str) {
        // The line itself is not shown: it holds the secret.
        let message = format!("{place} holds a cloud's key in clear text: {name}");
        self.ctx
            .d
            .warning("key-in-script", self.span, message)
            .suggest("`floating_ip` takes credentials from the machine's role, the environment or the usual files; remove the key, and make it invalid");
    }

    fn moved(&mut self, found: &Move, place: &str) {
        let tool = found.tool;
        let floating = self.floating.iter();
        let both = floating.filter(|it| it.kind() == found.kind).find(|it| {
            let known = found.address.as_ref();
            known.is_none_or(|known| *known == it.address.value)
        });
        if let Some(both) = both {
            let address = both.address.value;
            let message =
                format!("{place} moves `{address}` with `{tool}`, and so does `floating_ip`");
            self.ctx
                .d
                .warning("two-movers", self.span, message)
                .suggest("remove it from the script: `floating_ip` also looks whether the address has arrived");
            return;
        }
        let address = found.address.map_or_else(
            || "an address of a cloud".to_owned(),
            |address| format!("`{address}`"),
        );
        let message = format!(
            "{place} moves {address} with `{tool}`, once: nobody looks whether it arrives, or stays"
        );
        let block = found.block();
        self.ctx
            .d
            .warning("moved-by-script", self.span, message)
            .suggest(format!("in the instance, instead of that line:\n{block}"));
    }
}

/// Scripts that a command runs: whatever is named by its whole path. What is no script is not
/// read.
fn called(command: &Command) -> impl Iterator<Item = &str> {
    let words = command.words.iter().map(String::as_str);
    words.filter(|word| word.starts_with('/') && !word.contains('$') && word.len() > 1)
}
