//! A command line as written: its words, or why it needs a shell.

use std::{iter::Peekable, str::Chars};

/// How a command line is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// As it is: the program and its arguments.
    Direct(Vec<String>),
    /// By a shell.
    Shell {
        /// The first word, without its quotes; empty if there is none.
        program: String,
        /// What only a shell understands.
        because: String,
    },
}

/// Splits a line as keepalived.conf(5) says: at blanks, but not within quotes, and `\` as in
/// its quoted strings. Words that only a shell understands (`|`, `&&`, `>`, `$(…)`, `*` and so on)
/// make it a line for the shell.
pub(super) fn parse(line: &str) -> Line {
    let mut splitter = Splitter::new(line);
    while splitter.step() {}
    splitter.end_word();
    let assignment = splitter.words.first().filter(|word| is_assignment(word));
    let because = splitter.shell.or_else(|| assignment.cloned());
    match because {
        Some(because) => Line::Shell {
            program: splitter.words.into_iter().next().unwrap_or_default(),
            because,
        },
        None => Line::Direct(splitter.words),
    }
}

/// Words that mean something to a shell only, where they come first.
pub(super) fn is_shell_word(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "!", ".", ":", "[[", "alias", "case", "cd", "command", "eval", "exec", "exit", "export",
        "for", "if", "read", "set", "source", "trap", "type", "ulimit", "umask", "unset", "until",
        "wait", "while", "{",
    ];
    WORDS.contains(&word)
}

/// Whether a line for a shell uses what bash has and others lack.
pub(super) fn wants_bash(line: &str) -> bool {
    ["/dev/tcp/", "/dev/udp/", "[["]
        .iter()
        .any(|it| line.contains(it))
}

/// Whether a line for a shell looks at its arguments by itself.
pub(super) fn uses_arguments(line: &str) -> bool {
    let after_dollar = line.split('$').skip(1);
    after_dollar
        .map(|rest| rest.strip_prefix('{').unwrap_or(rest))
        .any(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '@' | '*' | '#')))
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let mut letters = name.chars();
        letters
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

struct Splitter<'a> {
    rest: Peekable<Chars<'a>>,
    words: Vec<String>,
    /// `Some("")` after quotes with nothing between them: a word all the same.
    word: Option<String>,
    shell: Option<String>,
}

impl<'a> Splitter<'a> {
    fn new(line: &'a str) -> Self {
        Self {
            rest: line.chars().peekable(),
            words: Vec::new(),
            word: None,
            shell: None,
        }
    }

    /// Takes the next character; whether there was one.
    fn step(&mut self) -> bool {
        let Some(letter) = self.rest.next() else {
            return false;
        };
        match letter {
            _ if letter.is_whitespace() => self.end_word(),
            '\'' | '"' => self.quoted(letter),
            '\\' => self.escaped(),
            _ => {
                self.look_for_shell(letter);
                self.push(letter);
            }
        }
        true
    }

    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }

    fn push(&mut self, letter: char) {
        self.word.get_or_insert_default().push(letter);
    }

    /// Up to the same quote again; an open one ends with the line.
    fn quoted(&mut self, quote: char) {
        self.word.get_or_insert_default();
        while let Some(letter) = self.rest.next() {
            match letter {
                _ if letter == quote => return,
                '\\' => self.escaped(),
                _ => {
                    if quote == '"' && matches!(letter, '$' | '`') {
                        self.look_for_shell(letter);
                    }
                    self.push(letter);
                }
            }
        }
    }

    fn escaped(&mut self) {
        let letter = match self.rest.next() {
            Some('a') => '\x07',
            Some('b') => '\x08',
            Some('E') => '\x1b',
            Some('f') => '\x0c',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('v') => '\x0b',
            Some('c') => self.rest.next().map_or('c', control),
            Some('x') => self.number(16, usize::MAX).unwrap_or('x'),
            Some(digit @ '0'..='7') => self.octal(digit),
            Some(other) => other,
            None => '\\',
        };
        self.push(letter);
    }

    fn octal(&mut self, first: char) -> char {
        let more = self.digits(8, 2);
        let text = format!("{first}{more}");
        u8::from_str_radix(&text, 8).map_or(first, char::from)
    }

    fn number(&mut self, radix: u32, most: usize) -> Option<char> {
        let digits = self.digits(radix, most);
        let number = u32::from_str_radix(&digits, radix).ok()?;
        char::from_u32(number)
    }

    fn digits(&mut self, radix: u32, most: usize) -> String {
        let mut digits = String::new();
        while digits.len() < most {
            let Some(digit) = self.rest.next_if(|letter| letter.is_digit(radix)) else {
                break;
            };
            digits.push(digit);
        }
        digits
    }

    fn look_for_shell(&mut self, letter: char) {
        let next = self.rest.peek().copied();
        let first = self.word.is_none();
        let needs = match letter {
            '|' | ';' | '<' | '>' | '(' | ')' | '`' | '*' => true,
            // Within a word it is part of an address: `http://localhost/?a=1&b=2`.
            '&' => {
                first || matches!(next, None | Some('&')) || next.is_some_and(char::is_whitespace)
            }
            '$' => next.is_some_and(|c| c.is_ascii_alphanumeric() || "_{(@*#?$!-".contains(c)),
            '~' => first,
            _ => false,
        };
        if needs && self.shell.is_none() {
            let doubled = next.filter(|next| *next == letter || (letter == '$' && *next == '('));
            self.shell = Some([Some(letter), doubled].into_iter().flatten().collect());
        }
    }
}

/// `\cC`: the control version of a character.
fn control(letter: char) -> char {
    u8::try_from(letter).map_or(letter, |byte| char::from(byte.to_ascii_uppercase() ^ 0x40))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        match parse(line) {
            Line::Direct(words) => words,
            Line::Shell { because, .. } => panic!("{line} wants a shell for {because}"),
        }
    }

    fn because(line: &str) -> String {
        match parse(line) {
            Line::Direct(words) => panic!("{line} wants no shell: {words:?}"),
            Line::Shell { because, .. } => because,
        }
    }

    /// What keepalived 2.2.7 passes to a script for the same lines.
    #[test]
    fn quotes_and_backslashes_are_those_of_keepalived() {
        assert_eq!(words("pidof haproxy"), ["pidof", "haproxy"]);
        assert_eq!(
            words(r#"/x 'b c' d\ e \"f g\""#),
            ["/x", "b c", "d e", "\"f", "g\""]
        );
        assert_eq!(words(r#"/x 'b "c' x'y z'w"#), ["/x", "b \"c", "xy zw"]);
        assert_eq!(words(r#"/x "b c" d"#), ["/x", "b c", "d"]);
        assert_eq!(words(r"/x '' a\'b 'c\'"), ["/x", "", "a'b", "c'"]);
        assert_eq!(
            words(r#"/x 'a\nb' "c\nd" e\nf"#),
            ["/x", "a\nb", "c\nd", "e\nf"]
        );
        assert_eq!(words("  /x\t a  "), ["/x", "a"]);
        assert_eq!(words(""), [""; 0]);
    }

    #[test]
    fn escapes_name_characters() {
        assert_eq!(
            words(r"a\x41 \101\60 \cA \q \\"),
            ["aA", "A0", "\x01", "q", "\\"]
        );
        assert_eq!(words("end\\"), ["end\\"]);
    }

    #[test]
    fn operators_and_variables_need_a_shell() {
        let needs = [
            ("killall -0 haproxy || systemctl restart haproxy", "||"),
            ("/bin/a && /bin/b", "&&"),
            ("/bin/a | grep x", "|"),
            ("/bin/a > /dev/null 2>&1", ">"),
            ("/bin/a; /bin/b", ";"),
            ("/bin/a &", "&"),
            ("echo $(date)", "$("),
            ("echo $HOME", "$H"),
            ("echo \"${HOME}\"", "${"),
            ("echo `date`", "`"),
            ("ls /tmp/*", "*"),
            ("~/check.sh", "~"),
            ("PORT=1 /bin/check", "PORT=1"),
        ];
        for (line, expected) in needs {
            let found = because(line);
            assert!(expected.starts_with(&found), "{line}: {found}");
        }
    }

    #[test]
    fn what_is_quoted_or_harmless_needs_none() {
        for line in [
            "curl -fs http://localhost/?a=1&b=2",
            "awk '{ print $1 | \"sort\" }'",
            r"echo \$HOME \| \*",
            "[ -f /run/up ]",
            "echo a~b 5$",
            "mysqladmin --password=a#b ping",
        ] {
            assert!(!words(line).is_empty());
        }
    }

    #[test]
    fn a_line_that_looks_at_its_arguments_is_known() {
        assert!(uses_arguments("echo \"$3\" >> /tmp/states"));
        assert!(uses_arguments("echo ${1}; true"));
        assert!(uses_arguments("log \"$@\""));
        assert!(!uses_arguments("echo $HOME | tee /tmp/x"));
    }

    #[test]
    fn every_line_means_something() {
        let letters: Vec<char> = "a \\'\"x$&|(1c\u{e4}=".chars().collect();
        let mut lines = vec![String::new()];
        for _ in 0..4 {
            let longer = lines.iter().flat_map(|line| {
                let with = move |letter: &char| format!("{line}{letter}");
                letters.iter().map(with)
            });
            lines = longer.collect();
            for line in &lines {
                let _nothing_panics = parse(line);
            }
        }
    }
}
