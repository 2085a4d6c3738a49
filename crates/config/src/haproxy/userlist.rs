//! `userlist` sections (HAProxy configuration manual, 3.4).

use std::collections::{BTreeMap, HashSet};

use super::{
    Context,
    model::{Password, User, UserList},
    sections::Section,
    value,
};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::keyword::{Draft, Index, Keyword, Sections},
    source::Word,
};

/// The section as written.
#[derive(Debug, Default)]
pub(crate) struct UserListDraft {
    users: BTreeMap<String, User>,
    /// Groups, with the users named there.
    groups: Vec<(Word, Vec<Word>)>,
    /// Groups named by users.
    memberships: Vec<Word>,
}

impl Draft for UserListDraft {
    type Context<'a> = Context<'a>;
}

const USERLIST: Sections = Sections::USERLIST;

pub(crate) const KEYWORDS: &[Keyword<UserListDraft>] = &[
    Keyword::supported(
        "user",
        USERLIST,
        "<name> { password <hash> | insecure-password <password> } [groups <group>,…]",
        "A user. Hashes are those of crypt(3): `$5$…` or `$6$…`.",
        |draft, args, _, d| {
            if user(draft, args, d).is_none() {
                args.take_rest();
            }
        },
    ),
    Keyword::supported(
        "group",
        USERLIST,
        "<name> [users <user>,…]",
        "A group of users. Groups change nothing yet: `http_auth_group` is refused.",
        |draft, args, _, d| {
            let Some(name) = value::required(args, "a name", d) else {
                return;
            };
            let users = if args.take_if("users") {
                list(args, d)
            } else {
                Vec::new()
            };
            draft.groups.push((name.clone(), users));
            value::end(args, d);
        },
    ),
];

fn user(draft: &mut UserListDraft, args: &mut Args<'_>, d: &mut Diagnostics) -> Option<()> {
    let name = value::required(args, "a name and a password", d)?;
    let mut password = None;
    let mut groups = Vec::new();
    while let Some(word) = args.next() {
        match word.text.as_str() {
            "password" => {
                let hash = value::required(args, "a hash", d)?;
                check_hash(hash, d);
                password = Some(Password::Hash(hash.text.clone()));
            }
            "insecure-password" => {
                let clear = value::required(args, "a password", d)?;
                d.warning(
                    "clear-password",
                    clear.span,
                    "this password can be read by all who can read the file",
                )
                .suggest("write `password` and a hash, as `mkpasswd -m sha-512` makes it");
                password = Some(Password::Clear(clear.text.clone()));
            }
            "groups" => groups = list(args, d),
            other => {
                d.error(
                    "unknown-parameter",
                    word.span,
                    format!("`{other}` is not a parameter of `user`"),
                )
                .suggest("known are password, insecure-password and groups");
                return None;
            }
        }
    }
    let Some(password) = password else {
        d.error(
            "missing-argument",
            name.span,
            format!("the user `{}` has no password", name.text),
        );
        return None;
    };
    let user = User {
        password,
        groups: groups.iter().map(|group| group.text.clone()).collect(),
    };
    draft.memberships.extend(groups);
    if draft.users.insert(name.text.clone(), user).is_some() {
        d.error(
            "duplicate-name",
            name.span,
            format!("the user `{}` is declared twice", name.text),
        );
    }
    Some(())
}

fn check_hash(hash: &Word, d: &mut Diagnostics) {
    if !(hash.text.starts_with("$5$") || hash.text.starts_with("$6$")) {
        d.error(
            "bad-hash",
            hash.span,
            "this is not a SHA-256 or SHA-512 hash of crypt(3)",
        )
        .suggest("make one with `mkpasswd -m sha-512`; older kinds are too weak");
    }
}

fn list(args: &mut Args<'_>, d: &mut Diagnostics) -> Vec<Word> {
    let Some(word) = value::required(args, "names, joined by commas", d) else {
        return Vec::new();
    };
    let names = word.text.split(',').filter(|name| !name.is_empty());
    let word_of = |name: &str| Word {
        text: name.to_owned(),
        span: word.span,
    };
    names.map(word_of).collect()
}

/// Reads one section.
pub(super) fn read(section: &Section, ctx: &Context<'_>, d: &mut Diagnostics) -> UserList {
    let index = Index::new(&[KEYWORDS]);
    let mut known = super::statements::Known::new();
    known.add(&index);
    let mut draft = UserListDraft::default();
    for words in &section.lines {
        let line = super::statements::Line::new(words);
        match index.find(line.words) {
            Some((keyword, count)) => {
                if super::statements::admit(keyword, count, line, &[], USERLIST, d) {
                    super::statements::apply(keyword, count, line.words, &mut draft, ctx, d);
                }
            }
            None => known.unknown(line, USERLIST, d),
        }
    }
    draft.finish(d)
}

impl UserListDraft {
    fn finish(mut self, d: &mut Diagnostics) -> UserList {
        let declared: HashSet<&str> = self.groups.iter().map(|(name, _)| &*name.text).collect();
        for group in &self.memberships {
            if !declared.contains(group.text.as_str()) {
                d.error(
                    "unknown-group",
                    group.span,
                    format!("there is no group `{}`", group.text),
                );
            }
        }
        for (group, users) in self.groups {
            for name in users {
                match self.users.get_mut(&name.text) {
                    Some(user) => user.groups.push(group.text.clone()),
                    None => {
                        d.error(
                            "unknown-user",
                            name.span,
                            format!("there is no user `{}`", name.text),
                        );
                    }
                }
            }
        }
        UserList { users: self.users }
    }
}
