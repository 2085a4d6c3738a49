//! From bytes to lines of commands.
//!
//! A line ends with a line feed; its commands are separated by `;`, their words by spaces. A
//! backslash takes the meaning from the next character. If the last word begins with `<<`, lines
//! follow that belong to the last command (its payload): up to an empty line, or up to the one that
//! says what stands behind `<<`.

/// Bytes of a line at most, and of a payload.
const LONGEST: usize = 1 << 16;
/// Commands of a line at most: each may be answered at length.
const MOST_COMMANDS: usize = 1_000;
/// What begins a payload.
const PAYLOAD: &str = "<<";

/// One command, as written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Written {
    /// Its words.
    pub(super) words: Vec<String>,
    /// The lines that came with it.
    pub(super) payload: Option<String>,
}

/// What the bytes so far say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// These commands, of one line.
    Line(Vec<Written>),
    /// A line has begun, or not even that.
    Incomplete,
    /// The lines of a payload are missing.
    Payload,
    /// A line or a payload is longer than we take, or a line has too many commands.
    TooLong,
}

/// Reads lines from what a client sends.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// Commands whose payload is still to come, with the line that will end it.
    begun: Option<(Vec<Written>, String)>,
}

impl Reader {
    /// Takes the next line of commands from what was received, if it is there.
    pub(super) fn next(&mut self, received: &mut Vec<u8>) -> Next {
        if self.begun.is_none() {
            let Some(line) = take_line(received) else {
                return missing(received, Next::Incomplete);
            };
            let mut commands = split(&line);
            if commands.len() > MOST_COMMANDS {
                return Next::TooLong;
            }
            match commands.last_mut().and_then(take_mark) {
                None => return Next::Line(commands),
                Some(end) => self.begun = Some((commands, end)),
            }
        }
        self.payload(received)
    }

    fn payload(&mut self, received: &mut Vec<u8>) -> Next {
        let Some((mut commands, end)) = self.begun.take() else {
            return Next::Incomplete;
        };
        let Some((payload, used)) = find_payload(received, &end) else {
            self.begun = Some((commands, end));
            return missing(received, Next::Payload);
        };
        received.drain(..used);
        if let Some(command) = commands.last_mut() {
            command.payload = Some(payload);
        }
        Next::Line(commands)
    }
}

fn missing(received: &[u8], what: Next) -> Next {
    if received.len() > LONGEST {
        Next::TooLong
    } else {
        what
    }
}

/// The next line, without its end.
fn take_line(received: &mut Vec<u8>) -> Option<String> {
    let end = received.iter().position(|&byte| byte == b'\n')?;
    let line = String::from_utf8_lossy(&received[..end]).into_owned();
    received.drain(..=end);
    Some(line)
}

/// The lines before the one that says `end`, each with its end, and the bytes that all of them take.
fn find_payload(received: &[u8], end: &str) -> Option<(String, usize)> {
    let mut used = 0;
    for line in received.split_inclusive(|&byte| byte == b'\n') {
        let text = line.strip_suffix(b"\n")?;
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let before = used;
        used += line.len();
        if text == end.as_bytes() {
            let payload = String::from_utf8_lossy(&received[..before]).into_owned();
            return Some((payload, used));
        }
    }
    None
}

/// If the last word announces a payload, takes it off and says which line will end it.
fn take_mark(command: &mut Written) -> Option<String> {
    let end = command.words.last()?.strip_prefix(PAYLOAD)?.to_owned();
    command.words.pop();
    Some(end)
}

/// The commands of a line. Something stands between two `;`, be it nothing.
fn split(line: &str) -> Vec<Written> {
    let mut commands = vec![Written::default()];
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ';' => {
                end_word(&mut commands, &mut word);
                commands.push(Written::default());
            }
            ' ' | '\t' | '\r' => end_word(&mut commands, &mut word),
            '\\' => word
                .get_or_insert_default()
                .extend(characters.next().or(Some('\\'))),
            other => word.get_or_insert_default().push(other),
        }
    }
    end_word(&mut commands, &mut word);
    commands
}

fn end_word(commands: &mut [Written], word: &mut Option<String>) {
    if let (Some(command), Some(word)) = (commands.last_mut(), word.take()) {
        command.words.push(word);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All that comes of these bytes, and what is left of them.
    fn read(bytes: &[u8]) -> (Vec<Written>, Next, Vec<u8>) {
        let (mut reader, mut received) = (Reader::default(), bytes.to_vec());
        let mut commands = Vec::new();
        loop {
            match reader.next(&mut received) {
                Next::Line(line) => commands.extend(line),
                other => return (commands, other, received),
            }
        }
    }

    fn words(bytes: &[u8]) -> Vec<Vec<String>> {
        let (commands, ..) = read(bytes);
        commands.into_iter().map(|command| command.words).collect()
    }

    #[test]
    fn a_line_has_commands_and_a_command_has_words() {
        assert_eq!(
            words(b"show stat;  show\tinfo typed\r\nquit\nunfinished"),
            [&["show", "stat"][..], &["show", "info", "typed"], &["quit"]]
        );
        assert_eq!(words(b"\n"), [Vec::<String>::new()]);
        assert_eq!(words(b"quit;\n").len(), 2);
    }

    #[test]
    fn a_backslash_takes_the_meaning_from_the_next_character() {
        assert_eq!(words(b"a\\;b\\ c \\\\ d\\\n"), [["a;b c", "\\", "d\\"]]);
    }

    #[test]
    fn a_payload_ends_with_an_empty_line_or_its_own_word() {
        let (commands, next, left) = read(b"quit; set x <<\none\ntwo\n\nquit\nrest");
        let payloads: Vec<_> = commands.iter().map(|it| it.payload.as_deref()).collect();
        assert_eq!(payloads, [None, Some("one\ntwo\n"), None]);
        assert_eq!(commands[1].words, ["set", "x"]);
        assert_eq!((next, &left[..]), (Next::Incomplete, &b"rest"[..]));

        let (commands, ..) = read(b"set x <<%EOF%\none\n\ntwo\n%EOF%\n");
        assert_eq!(commands[0].payload.as_deref(), Some("one\n\ntwo\n"));
        let (commands, next, _) = read(b"set x <<\nunfinished\n");
        assert_eq!((commands.len(), next), (0, Next::Payload));
    }

    #[test]
    fn a_line_without_end_ends() {
        assert_eq!(read(&[b'x'; LONGEST + 1]).1, Next::TooLong);
        let endless = [&b"x <<\n"[..], &[b'x'; LONGEST + 1]].concat();
        assert_eq!(read(&endless).1, Next::TooLong);
        let many = |count: usize| [";".repeat(count - 1).as_bytes(), b"\n"].concat();
        assert_eq!(read(&many(MOST_COMMANDS + 1)).1, Next::TooLong);
        assert_eq!(read(&many(MOST_COMMANDS)).0.len(), MOST_COMMANDS);
    }

    proptest! {
        #[test]
        fn hostile_bytes_are_words_of_commands_or_wait_for_more(
            bytes in proptest::collection::vec(
                prop_oneof![
                    any::<u8>(),
                    proptest::sample::select(&b"\n\r;\\< \t"[..]),
                ],
                0..200,
            )
        ) {
            let (commands, _, left) = read(&bytes);
            prop_assert!(left.len() <= bytes.len());
            for word in commands.iter().flat_map(|command| &command.words) {
                prop_assert!(!word.contains('\n'));
            }
        }

        #[test]
        fn it_does_not_matter_how_bytes_arrive(
            bytes in proptest::collection::vec(
                proptest::sample::select(&b"ab\n;\\< "[..]),
                0..100,
            )
        ) {
            let (mut reader, mut received) = (Reader::default(), Vec::new());
            let mut commands = Vec::new();
            for &byte in &bytes {
                received.push(byte);
                while let Next::Line(line) = reader.next(&mut received) {
                    commands.extend(line);
                }
            }
            prop_assert_eq!(commands, read(&bytes).0);
        }
    }
}
