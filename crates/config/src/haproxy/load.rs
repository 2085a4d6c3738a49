//! Files to model: read, split into sections, parse each line, resolve what the sections say of
//! each other, then look for what will hurt in production.

use std::{collections::BTreeMap, sync::Arc};

use pontoon_engine::units::ProxyId;

use super::{
    Context, Loaded, Surroundings,
    acl::{self, PatternLists},
    check::CheckMethod,
    check::{self, CheckDraft},
    context::{Acls, ProxyNames, Section as Place},
    global::{self, GlobalDraft},
    lints,
    model::{Model, UserList},
    proxy::{self, Prefix, ProxyDraft, listen},
    reader,
    remembering::Remembering,
    resolve::{self, Written},
    sections::{self, Section},
    statements::{self, Known, Line},
    userlist,
};
use crate::{
    args::Args,
    diagnostic::{Diagnostic, Diagnostics, Severity},
    haproxy::keyword::{Index, Sections},
    source::{SourceFile, Sources, Word},
};

/// Reads files in this order, as if they were one.
#[must_use]
pub fn load(files: Vec<SourceFile>, surroundings: &dyn Surroundings) -> Loaded {
    let sources = Sources::new(files);
    let mut diagnostics = Diagnostics::default();
    let surroundings = Remembering::new(surroundings);
    let model = Loader::new(&sources, &surroundings, &mut diagnostics).run();
    diagnostics.sort();
    let model = model.filter(|_| !diagnostics.has_errors());
    Loaded {
        model,
        files: sources.into_files(),
        diagnostics,
    }
}

struct Loader<'l> {
    sources: &'l Sources,
    surroundings: &'l dyn Surroundings,
    d: &'l mut Diagnostics,
    names: ProxyNames,
    lists: PatternLists,
    tables: Tables,
}

/// The keyword tables, indexed once.
struct Tables {
    global: Index<GlobalDraft>,
    proxy: Index<ProxyDraft>,
    check: Index<CheckDraft>,
    known: Known,
}

impl Tables {
    fn new() -> Self {
        let mut tables = Self {
            global: Index::new(global::TABLES),
            proxy: Index::new(proxy::TABLES),
            check: Index::new(&[check::KEYWORDS]),
            known: Known::new(),
        };
        tables.known.add(&tables.global);
        tables.known.add(&tables.proxy);
        tables.known.add(&tables.check);
        tables
    }
}

impl<'l> Loader<'l> {
    fn new(
        sources: &'l Sources,
        surroundings: &'l dyn Surroundings,
        d: &'l mut Diagnostics,
    ) -> Self {
        Self {
            sources,
            surroundings,
            d,
            names: ProxyNames::default(),
            lists: PatternLists::default(),
            tables: Tables::new(),
        }
    }

    fn run(mut self) -> Option<Model> {
        let statements = reader::read(self.sources, self.surroundings, self.d);
        let sections = sections::split(statements, self.d);
        self.declare(&sections);
        let mut global = self.global(&sections);
        resolve::unix_defaults_of_runtime(&mut global.global.stats_sockets, &global.unix);
        let userlists = self.userlists(&sections);
        let written = self.proxies(&sections, &global);
        let mut model = Model {
            global: global.global.clone(),
            proxies: Vec::new(),
            userlists,
            pattern_lists: std::mem::take(&mut self.lists).finish(),
        };
        resolve::proxies(&mut model, &written, &self.names, self.d);
        lints::run(&model, &global, &written, self.d);
        lints::files(self.sources, &model, &written, self.surroundings, self.d);
        lints::kernel(&model, &written, self.surroundings, self.d);
        model.global = global.finish();
        lints::sandbox(&model, &written, self.d);
        Some(model)
    }

    /// Gives each proxy its index, so that lines above may name it.
    fn declare(&mut self, sections: &[Section]) {
        let proxies = sections.iter().filter(|section| is_proxy(section.kind));
        for (id, section) in (0..).zip(proxies) {
            self.names
                .declare(section.name(), section.kind, ProxyId(id));
        }
        resolve::duplicate_names(sections, self.sources, self.d);
    }

    fn global(&mut self, sections: &[Section]) -> GlobalDraft {
        let mut draft = GlobalDraft::default();
        for section in sections
            .iter()
            .filter(|section| section.kind == Sections::GLOBAL)
        {
            for words in &section.lines {
                self.global_line(words, &mut draft);
            }
        }
        draft
    }

    fn global_line(&mut self, words: &[Word], draft: &mut GlobalDraft) {
        let line = Line::new(words);
        let Some((keyword, count)) = self.tables.global.find(line.words) else {
            self.tables.known.unknown(line, Sections::GLOBAL, self.d);
            return;
        };
        let (kind, negatable) = (Sections::GLOBAL, global::NEGATABLE);
        if !statements::admit(keyword, count, line, negatable, kind, self.d) {
            return;
        }
        draft.negated = line.prefix.is_some();
        draft.note_repetition(
            keyword.name,
            Args::new(line.words, count).keyword_span(),
            self.d,
        );
        let acls = Acls::new();
        let place = Place {
            kind,
            name: "",
            proxy: None,
        };
        let ctx = Context {
            surroundings: self.surroundings,
            sources: self.sources,
            proxies: &self.names,
            section: place,
            acls: &acls,
            lists: &self.lists,
            ca_base: None,
            crt_base: None,
            tls_server_verify_none: false,
        };
        statements::apply(keyword, count, line.words, draft, &ctx, self.d);
    }

    fn userlists(&mut self, sections: &[Section]) -> BTreeMap<String, Arc<UserList>> {
        let mut lists = BTreeMap::new();
        let global = GlobalDraft::default();
        for section in sections
            .iter()
            .filter(|section| section.kind == Sections::USERLIST)
        {
            let acls = Acls::new();
            let common = Common {
                sources: self.sources,
                surroundings: self.surroundings,
                names: &self.names,
                lists: &self.lists,
            };
            let ctx = context(&common, &global, section, None, &acls);
            let list = Arc::new(userlist::read(section, &ctx, self.d));
            if lists.insert(section.name().to_owned(), list).is_some() {
                let message = format!("the userlist `{}` is declared twice", section.name());
                self.d.error("duplicate-name", section.span(), message);
            }
        }
        lists
    }

    fn proxies<'s>(&mut self, sections: &'s [Section], global: &GlobalDraft) -> Vec<Written<'s>> {
        let mut defaults = Defaults::default();
        let mut written = Vec::new();
        for section in sections {
            if section.kind == Sections::DEFAULTS {
                let (draft, _) = self.section(section, &defaults, None, global);
                defaults.add(section, draft);
            } else if is_proxy(section.kind) {
                let id = ProxyId(u32::try_from(written.len()).unwrap_or(u32::MAX));
                let (draft, method) = self.section(section, &defaults, Some(id), global);
                written.push(Written {
                    section,
                    draft,
                    method,
                });
            }
        }
        written
    }

    fn section(
        &mut self,
        section: &Section,
        defaults: &Defaults<'_>,
        proxy: Option<ProxyId>,
        global: &GlobalDraft,
    ) -> (ProxyDraft, CheckMethod) {
        let mut draft = defaults.inherited_by(section, self.d);
        let before = Acls::new();
        let common = Common {
            sources: self.sources,
            surroundings: self.surroundings,
            names: &self.names,
            lists: &self.lists,
        };
        let ctx = context(&common, global, section, proxy, &before);
        let acls = acls(section, &ctx, self.d);
        let ctx = Context { acls: &acls, ..ctx };
        address_on_first_line(section, &mut draft, &ctx, self.d);
        for words in &section.lines {
            proxy_line(&self.tables, section.kind, words, &mut draft, &ctx, self.d);
        }
        resolve::unix_defaults(&mut draft, &global.unix);
        let servers = Sections::BACKEND.or(Sections::LISTEN).has(section.kind);
        let method = if servers {
            draft.check.finish(&ctx, self.d)
        } else {
            CheckMethod::Connect
        };
        (draft, method)
    }
}

/// What all sections may ask.
struct Common<'c> {
    sources: &'c Sources,
    surroundings: &'c dyn Surroundings,
    names: &'c ProxyNames,
    lists: &'c PatternLists,
}

fn context<'c>(
    common: &Common<'c>,
    global: &'c GlobalDraft,
    section: &'c Section,
    proxy: Option<ProxyId>,
    acls: &'c Acls,
) -> Context<'c> {
    Context {
        surroundings: common.surroundings,
        sources: common.sources,
        proxies: common.names,
        section: Place {
            kind: section.kind,
            name: section.name(),
            proxy,
        },
        acls,
        lists: common.lists,
        ca_base: global.global.ca_base.as_deref(),
        crt_base: global.global.crt_base.as_deref(),
        tls_server_verify_none: global.global.tls_server_verify_none,
    }
}

const fn is_proxy(kind: Sections) -> bool {
    Sections::FRONTEND
        .or(Sections::BACKEND)
        .or(Sections::LISTEN)
        .has(kind)
}

/// All `acl` lines of a section, read before the lines that refer to them.
fn acls(section: &Section, ctx: &Context<'_>, d: &mut Diagnostics) -> Acls {
    let mut found: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for words in section.lines.iter().filter(|words| words[0].text == "acl") {
        if proxy::http_auth(words).is_some() {
            continue;
        }
        let mut own = Diagnostics::default();
        let test = acl::line(&mut Args::new(words, 1), ctx, &mut own);
        if let Some((name, test)) = test {
            found.entry(name).or_default().extend(test);
        } else if needs_http(&own) {
            // It hurts nobody as long as nobody refers to it.
            own = Diagnostics::default();
            let message =
                "this `acl` has no effect: it looks at HTTP messages, and HTTP is not forwarded";
            own.note("without-effect", words[0].span, message);
        }
        d.append(own);
    }
    found
        .into_iter()
        .map(|(name, tests)| (name, tests.into()))
        .collect()
}

fn needs_http(findings: &Diagnostics) -> bool {
    let mut errors = findings
        .all()
        .iter()
        .filter(|d| d.severity == Severity::Error);
    let is_http = |d: &Diagnostic| {
        let advice = d.suggestion.as_deref().unwrap_or("");
        d.code == "unsupported" && advice.contains("HTTP is not forwarded")
    };
    errors.all(is_http)
}

/// `listen stats :9090`: HAProxy 2.6 refuses it, many real files have it.
fn address_on_first_line(
    section: &Section,
    draft: &mut ProxyDraft,
    ctx: &Context<'_>,
    d: &mut Diagnostics,
) {
    let (Some(first), Some(last)) = (section.extra.first(), section.extra.last()) else {
        return;
    };
    if !Sections::FRONTEND.or(Sections::LISTEN).has(section.kind) {
        return;
    }
    let span = crate::source::Span {
        end: last.span.end,
        ..first.span
    };
    let written = crate::args::joined(&section.extra);
    d.warning(
        "obsolete",
        span,
        "an address behind the section's name is obsolete; HAProxy 2.6 refuses it",
    )
    .suggest(format!("write `bind {written}` on the next line"));
    let mut words = vec![Word {
        text: "bind".to_owned(),
        span,
    }];
    words.extend(section.extra.iter().cloned());
    listen(draft, &mut Args::new(&words, 1), ctx, d);
}

fn proxy_line(
    tables: &Tables,
    kind: Sections,
    words: &[Word],
    draft: &mut ProxyDraft,
    ctx: &Context<'_>,
    d: &mut Diagnostics,
) {
    let line = Line::new(words);
    draft.prefix = match line.prefix.map(|word| word.text.as_str()) {
        Some("no") => Prefix::No,
        Some(_) => Prefix::Default,
        None => Prefix::None,
    };
    let of_proxy = tables.proxy.find(line.words);
    let of_check = tables.check.find(line.words);
    match (of_proxy, of_check) {
        (proxy, Some((keyword, count))) if proxy.is_none_or(|(_, other)| count > other) => {
            if statements::admit(keyword, count, line, &[], kind, d) {
                statements::apply(keyword, count, line.words, &mut draft.check, ctx, d);
            }
        }
        (Some((keyword, count)), _) => {
            if statements::admit(keyword, count, line, proxy::NEGATABLE, kind, d) {
                statements::apply(keyword, count, line.words, draft, ctx, d);
            }
        }
        (None, _) => tables.known.unknown(line, kind, d),
    }
}

/// The `defaults` sections so far.
#[derive(Default)]
struct Defaults<'s> {
    named: BTreeMap<&'s str, (&'s Section, ProxyDraft)>,
    last: ProxyDraft,
}

impl<'s> Defaults<'s> {
    fn add(&mut self, section: &'s Section, draft: ProxyDraft) {
        self.last = draft.clone();
        if section.name.is_some() {
            self.named.insert(section.name(), (section, draft));
        }
    }

    /// What a section begins with. `defaults` sections inherit only by `from`.
    fn inherited_by(&self, section: &Section, d: &mut Diagnostics) -> ProxyDraft {
        let Some(from) = &section.from else {
            let fresh = section.kind == Sections::DEFAULTS;
            return if fresh {
                ProxyDraft::default()
            } else {
                self.last.clone()
            };
        };
        if let Some((_, draft)) = self.named.get(from.text.as_str()) {
            return draft.clone();
        }
        let message = format!("no `defaults {}` stands above", from.text);
        let found = d.error("unknown-defaults", from.span, message);
        if let Some(near) = crate::similar::nearest(&from.text, self.named.keys().copied()) {
            found.suggest(format!("did you mean `{near}`?"));
        }
        ProxyDraft::default()
    }
}
