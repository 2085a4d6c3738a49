//! The formats that options name (HAProxy configuration manual, 8.2.2, 8.2.3).

use super::{LogFormat, parse};
use crate::{
    diagnostic::Diagnostics,
    source::{Span, Word},
};

const TCP: &str = "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq";

const HTTP: &str = "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc \
                    %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r";

const CLF: &str = "%{+Q}o %{-Q}ci - - [%trg] %r %ST %B \"\" \"\" %cp %ms %ft %b %s \
                   %TR %Tw %Tc %Tr %Ta %tsc %ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl";

/// `option tcplog`.
#[must_use]
pub fn tcp_log() -> LogFormat {
    builtin(TCP)
}

/// `option httplog`.
#[must_use]
pub fn http_log() -> LogFormat {
    builtin(HTTP)
}

/// `option httplog clf`.
#[must_use]
pub fn clf_log() -> LogFormat {
    builtin(CLF)
}

/// These constants hold no expressions, and the tests read each of them.
fn builtin(text: &str) -> LogFormat {
    let word = Word {
        text: text.to_owned(),
        span: Span::default(),
    };
    parse::read(&word, true, None, &mut Diagnostics::default())
        .unwrap_or(LogFormat { pieces: Vec::new() })
}
