//! A client's connection: line after line, each command with its answer.
//!
//! Without a prompt it ends when everything that has arrived is answered, so that a script finds
//! the end of its answer; with one, when the client leaves or is silent for too long.

use super::{
    super::stream::{Read, Stream},
    answer::Answer,
    reader::{Next, Reader},
    session::Session,
};
use crate::state::owed::Owed;

/// What asks for a command, and for another line of a payload.
const PROMPTS: [&str; 2] = ["> ", "+ "];

/// Serves a connection to its end.
pub(super) async fn serve(mut session: Session, mut stream: Stream, owed: &Owed) {
    let (mut reader, mut answered) = (Reader::default(), false);
    let mut debt = Some(owed.owe());
    loop {
        let next = reader.next(&mut stream.received);
        let more = match next {
            Next::Line(line) => {
                for written in &line {
                    let Some(answer) = session.obey(written).await else {
                        return stream.close().await;
                    };
                    let said = tell(&mut stream, &session, answer).await
                        && say_prompt(&mut stream, &session, PROMPTS[0]).await;
                    if !said {
                        return;
                    }
                }
                answered = true;
                true
            }
            Next::Incomplete if answered && !session.interactive && stream.received.is_empty() => {
                return stream.close().await;
            }
            Next::Incomplete => {
                if answered || session.interactive {
                    debt = None;
                }
                let more = wait(&mut stream, &session).await;
                debt.get_or_insert_with(|| owed.owe());
                more
            }
            Next::Payload => {
                say_prompt(&mut stream, &session, PROMPTS[1]).await
                    && wait(&mut stream, &session).await
            }
            Next::TooLong => {
                let answer = "The line or its payload is too long.\n\n";
                say(&mut stream, &session, answer).await;
                return stream.close().await;
            }
        };
        if !more {
            return stream.close().await;
        }
    }
}

/// Whether more has come.
async fn wait(stream: &mut Stream, session: &Session) -> bool {
    stream.read(session.terms.patience).await == Read::Some
}

/// Whether it could be said. What comes in pieces waits for the client between them.
async fn tell(stream: &mut Stream, session: &Session, mut answer: Answer) -> bool {
    if let Answer::Sessions(listing) = &mut answer {
        while let Some(piece) = listing.next().await {
            if !say(stream, session, &piece).await {
                return false;
            }
        }
    }
    let text = answer.render(session.terms.severity);
    say(stream, session, &text).await
}

/// Whether it could be said.
async fn say(stream: &mut Stream, session: &Session, text: &str) -> bool {
    stream.write(text.as_bytes(), session.terms.patience).await
}

async fn say_prompt(stream: &mut Stream, session: &Session, prompt: &str) -> bool {
    !session.interactive || say(stream, session, prompt).await
}
