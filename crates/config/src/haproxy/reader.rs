//! Files to statements: lines are cut into words, conditional blocks decide which of them count,
//! and what `global` sets in the environment counts for the lines below.

use super::{Surroundings, conditional, environment::Environment, lexer};
use crate::{
    args::joined,
    diagnostic::{Diagnostics, Severity},
    similar::nearest,
    source::{Sources, Span, Word},
};

/// A line that counts; it has at least one word.
pub(super) type Statement = Vec<Word>;

/// Reads all files in order; gives the lines that count.
pub(super) fn read(
    sources: &Sources,
    surroundings: &dyn Surroundings,
    diagnostics: &mut Diagnostics,
) -> Vec<Statement> {
    let names = sources.files().map(|file| file.name.as_str());
    let mut reader = Reader {
        environment: Environment::new(surroundings, names),
        blocks: Vec::new(),
        in_global: false,
        statements: Vec::new(),
        diagnostics,
    };
    for (index, file) in (0..).zip(sources.files()) {
        reader.file(index, &file.name, &file.text);
    }
    reader.statements
}

/// One level of `.if`.
struct Block {
    /// Where it began.
    span: Span,
    /// Whether the lines of the current branch count.
    counts: bool,
    /// Whether a branch was taken already, or none may be.
    settled: bool,
    /// Whether `.else` has been seen.
    last_branch: bool,
}

struct Reader<'r> {
    environment: Environment<'r>,
    blocks: Vec<Block>,
    in_global: bool,
    statements: Vec<Statement>,
    diagnostics: &'r mut Diagnostics,
}

/// Directives that stand on a line of their own.
const DIRECTIVES: [&str; 8] = [
    ".if", ".elif", ".else", ".endif", ".notice", ".warning", ".alert", ".diag",
];

impl Reader<'_> {
    fn file(&mut self, index: u32, name: &str, text: &str) {
        name.clone_into(&mut self.environment.file);
        self.environment.line = 0;
        let bom = if text.starts_with('\u{feff}') { 3 } else { 0 };
        let mut start = bom;
        let mut carriage_returns = None;
        for line in text[bom..].split_inclusive('\n') {
            let mut content = line.strip_suffix('\n').unwrap_or(line);
            if let Some(shorter) = content.strip_suffix('\r') {
                content = shorter;
                carriage_returns.get_or_insert(start + shorter.len());
            }
            self.environment.line = self.environment.line.saturating_add(1);
            self.line(content, span(index, start, start + content.len()));
            start += line.len();
        }
        self.file_ends(index, text, carriage_returns);
        self.close_blocks();
    }

    /// What real files do and HAProxy grumbles about.
    fn file_ends(&mut self, index: u32, text: &str, carriage_return: Option<usize>) {
        if !text.is_empty() && !text.ends_with('\n') {
            self.diagnostics.warning(
                "missing-newline",
                span(index, text.len(), text.len()),
                "the last line has no end; HAProxy refuses such a file as maybe truncated",
            );
        }
        if let Some(at) = carriage_return {
            self.diagnostics.note(
                "crlf",
                span(index, at, at + 1),
                "lines end in carriage return and line feed; the carriage returns are ignored",
            );
        }
    }

    fn close_blocks(&mut self) {
        for block in std::mem::take(&mut self.blocks) {
            self.diagnostics
                .error("unclosed-if", block.span, "this `.if` has no `.endif`");
        }
    }

    fn counts(&self) -> bool {
        self.blocks.last().is_none_or(|block| block.counts)
    }

    fn line(&mut self, text: &str, at: Span) {
        if !self.counts() && !is_branch(text) {
            return;
        }
        let words = lexer::words(text, at, &self.environment, self.diagnostics);
        let Some(first) = words.first() else {
            return;
        };
        if first.text.starts_with('.') {
            self.directive(&words);
        } else {
            self.statement(words);
        }
    }

    fn statement(&mut self, words: Statement) {
        let first = words[0].text.as_str();
        if super::sections::is_header(first) {
            self.in_global = first == "global";
            let name = words.get(1).map_or(first, |word| word.text.as_str());
            name.clone_into(&mut self.environment.section);
        } else if self.in_global {
            self.environment.apply(&words);
        }
        self.statements.push(words);
    }

    fn directive(&mut self, words: &[Word]) {
        let (name, arguments) = (&words[0], &words[1..]);
        match name.text.as_str() {
            ".if" => self.open(name.span, arguments),
            ".elif" => self.else_if(name.span, arguments),
            ".else" => self.otherwise(name.span, arguments),
            ".endif" => self.close(name.span, arguments),
            ".notice" => self.message("message", Severity::Note, arguments, name.span),
            ".warning" => self.message("message", Severity::Warning, arguments, name.span),
            ".alert" => self.message("message", Severity::Error, arguments, name.span),
            ".diag" => self.message("diagnostic", Severity::Note, arguments, name.span),
            other => {
                let near = nearest(other, DIRECTIVES);
                let found = self.diagnostics.error(
                    "unknown-directive",
                    name.span,
                    format!("`{other}` is not a directive"),
                );
                if let Some(near) = near {
                    found.suggest(format!("did you mean `{near}`?"));
                }
            }
        }
    }

    fn open(&mut self, span: Span, condition: &[Word]) {
        let outer = self.counts();
        let counts = outer && self.holds(".if", span, condition);
        self.blocks.push(Block {
            span,
            counts,
            settled: counts || !outer,
            last_branch: false,
        });
    }

    fn else_if(&mut self, span: Span, condition: &[Word]) {
        let Some(settled) = self.branch(".elif", span) else {
            return;
        };
        let counts = !settled && self.holds(".elif", span, condition);
        if let Some(block) = self.blocks.last_mut() {
            block.counts = counts;
            block.settled |= counts;
        }
    }

    fn otherwise(&mut self, span: Span, arguments: &[Word]) {
        self.no_more_than(0, ".else", arguments);
        let Some(settled) = self.branch(".else", span) else {
            return;
        };
        if let Some(block) = self.blocks.last_mut() {
            block.counts = !settled;
            block.settled = true;
            block.last_branch = true;
        }
    }

    fn close(&mut self, span: Span, arguments: &[Word]) {
        self.no_more_than(0, ".endif", arguments);
        if self.blocks.pop().is_none() {
            self.diagnostics
                .error("lone-directive", span, "this `.endif` has no `.if`");
        }
    }

    /// Whether the block at hand is settled; `None` if no other branch may follow.
    fn branch(&mut self, name: &str, span: Span) -> Option<bool> {
        match self.blocks.last() {
            Some(block) if !block.last_branch => Some(block.settled),
            Some(_) => {
                let message = format!("`{name}` cannot follow `.else`");
                self.diagnostics.error("branch-after-else", span, message);
                None
            }
            None => {
                let message = format!("this `{name}` has no `.if`");
                self.diagnostics.error("lone-directive", span, message);
                None
            }
        }
    }

    fn holds(&mut self, name: &str, span: Span, condition: &[Word]) -> bool {
        match conditional::holds(&joined(condition), &self.environment) {
            Ok(value) => value,
            Err(why) => {
                let span = condition.first().map_or(span, |first| Span {
                    end: condition
                        .last()
                        .map_or(first.span.end, |last| last.span.end),
                    ..first.span
                });
                self.diagnostics
                    .error("bad-condition", span, format!("in `{name}`: {why}"));
                false
            }
        }
    }

    fn message(
        &mut self,
        code: &'static str,
        severity: Severity,
        arguments: &[Word],
        directive: Span,
    ) {
        self.no_more_than(1, "a message", arguments);
        let text = arguments.first().map_or("", |word| word.text.as_str());
        self.diagnostics.add(severity, code, Some(directive), text);
    }

    fn no_more_than(&mut self, count: usize, what: &str, arguments: &[Word]) {
        if let Some(extra) = arguments.get(count) {
            self.diagnostics
                .error(
                    "unexpected-argument",
                    extra.span,
                    format!("`{}` is too much after {what}", extra.text),
                )
                .suggest("put quotes around text with blanks");
        }
    }
}

/// Whether a line may end a skipped branch. Nothing else of a skipped branch is looked at.
fn is_branch(text: &str) -> bool {
    let word = text
        .trim_start_matches([' ', '\t'])
        .split([' ', '\t', '#'])
        .next();
    matches!(word, Some(".if" | ".elif" | ".else" | ".endif"))
}

fn span(file: u32, start: usize, end: usize) -> Span {
    let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span {
        file,
        start: narrow(start),
        end: narrow(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{haproxy::testing::Machine, source::SourceFile};

    /// The statements, then the findings as `line code`.
    fn read_text(text: &str) -> (Vec<String>, Vec<String>) {
        let sources = Sources::new(vec![SourceFile {
            name: "t.cfg".into(),
            text: text.into(),
        }]);
        let mut diagnostics = Diagnostics::default();
        let fake = Machine::with_variables(&[("A", "1")]);
        let read = read(&sources, &fake, &mut diagnostics);
        let findings = diagnostics
            .all()
            .iter()
            .map(|d| format!("{} {}", sources.position(d.span.unwrap()).line, d.code))
            .collect();
        let statements = read.iter().map(|words| joined(words)).collect();
        (statements, findings)
    }

    #[test]
    fn only_the_first_true_branch_counts() {
        let (statements, findings) =
            read_text(".if 0\na\n.elif 1\nb\n.elif 1\nc\n.else\nd\n.endif\ne\n");
        assert_eq!(statements, ["b", "e"]);
        assert!(findings.is_empty(), "{findings:?}");
    }

    #[test]
    fn nothing_of_a_skipped_branch_is_looked_at() {
        let (statements, findings) = read_text(
            ".if 0\n.if garbage\n\"unclosed\n.else\nx\n.endif\n.else\ny\n.elif\n.endif\n",
        );
        assert_eq!(statements, ["y"]);
        assert_eq!(findings, ["9 branch-after-else"]);
    }

    #[test]
    fn a_true_branch_settles_the_conditions_below_it() {
        let (statements, findings) = read_text(".if defined(A)\na\n.elif garbage\nb\n.endif\n");
        assert_eq!(statements, ["a"]);
        assert!(findings.is_empty(), "{findings:?}");
    }

    #[test]
    fn unbalanced_blocks_are_named() {
        assert_eq!(read_text(".else\n").1, ["1 lone-directive"]);
        assert_eq!(read_text(".endif\n").1, ["1 lone-directive"]);
        assert_eq!(read_text("a\n.if 1\nb\n").1, ["2 unclosed-if"]);
        assert_eq!(read_text(".if 1\n.else 5\n.endif x\n").1.len(), 2);
        assert_eq!(read_text(".fi\n").1, ["1 unknown-directive"]);
    }

    #[test]
    fn messages_become_findings() {
        let (_, findings) = read_text(".notice a\n.warning \"b c\"\n.alert d e\n.diag x\n");
        assert_eq!(
            findings,
            [
                "1 message",
                "2 message",
                "3 unexpected-argument",
                "3 message",
                "4 diagnostic"
            ]
        );
    }

    #[test]
    fn odd_files_are_read_with_a_remark() {
        let (statements, findings) = read_text("\u{feff}a\r\n b \r\n\tc");
        assert_eq!(statements, ["a", "b", "c"]);
        assert_eq!(findings, ["3 missing-newline", "1 crlf"]);
    }

    #[test]
    fn what_global_sets_is_seen_below() {
        let (statements, _) =
            read_text("global\nsetenv X 1\nlisten \"l$X\"\nsetenv X 2\nbind \"$X$.SECTION\"\n");
        assert_eq!(
            statements,
            [
                "global",
                "setenv X 1",
                "listen l1",
                "setenv X 2",
                "bind 1l1"
            ]
        );
    }
}
