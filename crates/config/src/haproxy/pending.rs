//! Temporary: what another part of this crate is about to bring. Each refuses, so that nothing is
//! taken for done.

pub(super) mod log_format {
    use crate::{
        diagnostic::Diagnostics,
        haproxy::{
            Context,
            log_format::{Flags, LogFormat, Piece, Variable as V},
        },
        source::Word,
    };

    pub(crate) fn parse(word: &Word, _: &Context<'_>, d: &mut Diagnostics) -> Option<LogFormat> {
        d.error("pending", word.span, "not supported yet");
        None
    }
    fn of(pieces: &[Result<V, &str>]) -> LogFormat {
        let piece = |piece: &Result<V, &str>| match piece {
            Ok(variable) => Piece::Variable(*variable, Flags::default()),
            Err(text) => Piece::Text((*text).to_owned()),
        };
        LogFormat {
            pieces: pieces.iter().map(piece).collect(),
        }
    }
    pub(crate) fn tcp_log() -> LogFormat {
        of(&[
            Ok(V::ClientIp),
            Err(":"),
            Ok(V::ClientPort),
            Err(" ["),
            Ok(V::DateTime),
            Err("] "),
            Ok(V::FrontendNameTransport),
            Err(" "),
            Ok(V::BackendName),
            Err("/"),
            Ok(V::ServerName),
            Err(" "),
            Ok(V::QueueTime),
            Err("/"),
            Ok(V::ConnectTime),
            Err("/"),
            Ok(V::TotalTime),
            Err(" "),
            Ok(V::BytesRead),
            Err(" "),
            Ok(V::Termination),
            Err(" "),
            Ok(V::ActiveConnections),
            Err("/"),
            Ok(V::FrontendConnections),
            Err("/"),
            Ok(V::BackendConnections),
            Err("/"),
            Ok(V::ServerConnections),
            Err("/"),
            Ok(V::Retries),
            Err(" "),
            Ok(V::ServerQueue),
            Err("/"),
            Ok(V::BackendQueue),
        ])
    }
    pub(crate) fn http_log() -> LogFormat {
        tcp_log()
    }
    pub(crate) fn clf_log() -> LogFormat {
        tcp_log()
    }
}

pub(super) mod check {
    use crate::{
        diagnostic::Diagnostics,
        haproxy::{Context, check::CheckMethod},
        keyword::{Draft, Keyword, Sections},
    };

    #[derive(Debug, Clone, Default)]
    pub(crate) struct CheckDraft;

    impl Draft for CheckDraft {
        type Context<'a> = Context<'a>;
    }

    pub(crate) const KEYWORDS: &[Keyword<CheckDraft>] = &[Keyword::refused(
        "option tcp-check",
        Sections::SERVER,
        "",
        "",
        "not yet",
    )];

    impl CheckDraft {
        pub(crate) fn finish(&self, _: &Context<'_>, _: &mut Diagnostics) -> CheckMethod {
            CheckMethod::Connect
        }
        pub(crate) fn external_path(&self) -> Option<String> {
            None
        }
    }
}
