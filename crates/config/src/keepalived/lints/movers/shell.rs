//! As much of the shell as is needed to see what a script calls, and with what. What it cannot
//! know keeps its `$`.

use std::collections::HashMap;

/// What variables are known to be.
pub(super) type Variables = HashMap<String, String>;

/// A command: a name and arguments, quotes taken off.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Command {
    /// Its words; assignments before the name are not among them.
    pub(super) words: Vec<String>,
}

/// Longer lines are cut.
const LONGEST: usize = 16 * 1024;

/// Values do not grow without end.
const LONGEST_VALUE: usize = 1024;

/// The lines of a script with their numbers; a line that ends in a backslash goes on.
pub(super) fn lines(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (index, line) in text.lines().enumerate() {
        let (line, more) = match line.strip_suffix('\\') {
            Some(line) => (line, true),
            None => (line, false),
        };
        match found.last_mut() {
            Some((_, before)) if goes_on && before.len() < LONGEST => {
                before.push(' ');
                before.push_str(line);
            }
            _ => found.push((index + 1, line.to_owned())),
        }
        goes_on = more;
    }
    found
}

/// The commands of a line. Assignments are noted.
pub(super) fn commands(line: &str, variables: &mut Variables) -> Vec<Command> {
    let mut found = Vec::new();
    let mut command = Command::default();
    for token in tokens(line) {
        match token {
            Token::Word(word) => {
                let word = word.with(variables);
                take(word, &mut command, variables);
            }
            Token::End => found.push(std::mem::take(&mut command)),
        }
    }
    found.push(command);
    found.retain(|command| !command.words.is_empty());
    found
}

fn take(word: String, command: &mut Command, variables: &mut Variables) {
    let first = command.words.first().map(String::as_str);
    let declares = matches!(
        first,
        None | Some("export" | "local" | "readonly" | "declare" | "typeset")
    );
    match assignment(&word) {
        Some((name, value)) if declares => {
            if value.contains(['$', '`']) || value.len() > LONGEST_VALUE {
                variables.remove(name);
            } else {
                variables.insert(name.to_owned(), value.to_owned());
            }
        }
        _ => command.words.push(word),
    }
}

fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_name = !name.is_empty() && name.bytes().all(letter);
    (is_name && !name.as_bytes()[0].is_ascii_digit()).then_some((name, value))
}

#[derive(Debug)]
enum Token {
    Word(Raw),
    /// `;`, `|`, `&`, a parenthesis, a backquote.
    End,
}

/// A word with its variables still in it.
#[derive(Debug, Default)]
struct Raw {
    /// Pieces, and whether variables count in them.
    pieces: Vec<(String, bool)>,
}

impl Raw {
    fn push(&mut self, c: char, counts: bool) {
        match self.pieces.last_mut() {
            Some((piece, same)) if *same == counts => piece.push(c),
            _ => self.pieces.push((c.to_string(), counts)),
        }
    }

    fn with(&self, variables: &Variables) -> String {
        let mut word = String::new();
        for (piece, counts) in &self.pieces {
            if *counts {
                substitute(piece, variables, &mut word);
            } else {
                word.push_str(piece);
            }
        }
        word
    }
}

/// Variables that are known take their values; others stay as they stand.
fn substitute(piece: &str, variables: &Variables, out: &mut String) {
    let mut rest = piece;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, length) = variable(after);
        match variables.get(name) {
            Some(value) if !name.is_empty() => out.push_str(value),
            _ => out.push_str(&rest[at..=at + length]),
        }
        rest = &after[length..];
    }
    out.push_str(rest);
}

/// The name behind a `$`, and how many bytes it takes there.
fn variable(text: &str) -> (&str, usize) {
    if let Some(inner) = text.strip_prefix('{')
        && let Some(end) = inner.find('}')
    {
        return (&inner[..end], end + 2);
    }
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = text.find(|c| !letter(c)).unwrap_or(text.len());
    (&text[..end], end)
}

fn tokens(line: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut word: Option<Raw> = None;
    let mut quote = None;
    let mut letters = line.chars().take(LONGEST);
    while let Some(c) = letters.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some('\''), _) => word.get_or_insert_default().push(c, false),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (_, '\\') => {
                if let Some(next) = letters.next() {
                    word.get_or_insert_default().push(next, false);
                }
            }
            // What a command within quotes calls is looked at, too.
            (_, '`' | '(' | ')') | (None, ';' | '|' | '&') => {
                found.extend(word.take().map(Token::Word));
                found.push(Token::End);
            }
            (None, '#') if word.is_none() => break,
            (None, '<' | '>') => found.extend(word.take().map(Token::Word)),
            (None, _) if c.is_whitespace() => found.extend(word.take().map(Token::Word)),
            _ => word.get_or_insert_default().push(c, true),
        }
    }
    found.extend(word.map(Token::Word));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, variables: &mut Variables) -> Vec<String> {
        let found = commands(line, variables);
        found.iter().map(|it| it.words.join(" ")).collect()
    }

    #[test]
    fn variables_that_are_known_are_replaced() {
        let mut known = Variables::new();
        assert!(
            read("export EIP=1.2.3.4 # the address", &mut known).is_empty()
                || known["EIP"] == "1.2.3.4"
        );
        assert_eq!(
            read("move $EIP \"${EIP}\" '$EIP' $ID", &mut known),
            ["move 1.2.3.4 1.2.3.4 $EIP $ID"]
        );
        read("EIP=$(ask)", &mut known);
        assert_eq!(read("move $EIP", &mut known), ["move $EIP"]);
    }

    #[test]
    fn commands_end_where_the_shell_ends_them() {
        let mut known = Variables::new();
        assert_eq!(
            read(
                "[ -x /a ] && /b one; x=`/c` || y=\"$(/d a b)\" # /e",
                &mut known
            ),
            ["[ -x /a ]", "/b one", "/c", "/d a b"]
        );
        assert_eq!(
            read("A=1 /b a\\ c >/dev/null", &mut known),
            ["/b a c /dev/null"]
        );
        assert_eq!(known["A"], "1");
        assert!(read("# /nothing", &mut known).is_empty());
    }

    #[test]
    fn lines_go_on_behind_a_backslash() {
        let found = lines("a \\\n b\nc\\");
        assert_eq!(found, [(1, "a   b".to_owned()), (3, "c".to_owned())]);
    }
}
