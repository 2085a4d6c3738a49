use pontoon_engine::sample::Fetch;

use super::{Variable as V, *};
use crate::{
    diagnostic::Diagnostics,
    haproxy::testing::{World, codes, word},
};

const PLAIN: Flags = Flags {
    quote: false,
    hex: false,
    escape: false,
};
const QUOTED: Flags = Flags {
    quote: true,
    ..PLAIN
};

fn read(text: &str) -> Result<Vec<Piece>, Diagnostics> {
    let world = World::new();
    let mut d = Diagnostics::default();
    match parse(&word(text), &world.context(), &mut d) {
        Some(format) if !d.has_errors() => Ok(format.pieces),
        _ => Err(d),
    }
}

fn fault(text: &str) -> (&'static str, Option<String>) {
    let d = read(text).unwrap_err();
    assert_eq!(d.all().len(), 1, "{text}");
    (d.all()[0].code, d.all()[0].suggestion.clone())
}

fn literal(text: &str) -> Piece {
    Piece::Text(text.to_owned())
}

#[test]
fn variables_stand_between_texts() {
    assert_eq!(
        read("%ci:%cp\\_100%%").unwrap(),
        [
            Piece::Variable(V::ClientIp, PLAIN),
            literal(":"),
            Piece::Variable(V::ClientPort, PLAIN),
            literal(" 100%"),
        ]
    );
    assert_eq!(read("%ci%cp").unwrap().len(), 2);
}

#[test]
fn every_variable_of_the_table_can_be_read() {
    for (name, variable) in VARIABLES {
        assert_eq!(
            read(&format!("%{name}")).unwrap(),
            [Piece::Variable(*variable, PLAIN)]
        );
    }
    assert!(VARIABLES.is_sorted_by(|a, b| a.0 < b.0));
}

#[test]
fn flags_hold_for_one_variable_or_with_o_for_all_that_follow() {
    assert_eq!(
        read("%{+Q}s%b").unwrap(),
        [
            Piece::Variable(V::ServerName, QUOTED),
            Piece::Variable(V::BackendName, PLAIN)
        ]
    );
    let escaped = Flags {
        quote: true,
        hex: false,
        escape: true,
    };
    let hex = Flags { hex: true, ..PLAIN };
    assert_eq!(
        read("%{+Q,+E}o%s%{-Q,-E,+X}pid%b").unwrap(),
        [
            Piece::Variable(V::ServerName, escaped),
            Piece::Variable(V::ProcessId, hex),
            Piece::Variable(V::BackendName, escaped),
        ]
    );
}

#[test]
fn expressions_stand_in_brackets() {
    let pieces = read("%{+Q}[str(a]b),upper]").unwrap();
    let Piece::Sample(expression, QUOTED) = &pieces[0] else {
        panic!("{pieces:?}");
    };
    assert_eq!(expression.fetch, Fetch::String("a]b".into()));
}

#[test]
fn blanks_are_merged_in_log_lines_only() {
    assert_eq!(
        read("\\_\\_a\\_\\_b\\_%ci\\_\\_%%\\_").unwrap(),
        [
            literal("a b "),
            Piece::Variable(V::ClientIp, PLAIN),
            literal(" % ")
        ]
    );
    let world = World::new();
    let mut d = Diagnostics::default();
    let format = parse_verbatim(&word("\\_a\\_\\_b"), &world.context(), &mut d).unwrap();
    assert_eq!(format.pieces, [literal(" a  b")]);
}

#[test]
fn mistakes_get_a_hint() {
    let hint = |text| fault(text).1.unwrap_or_default();
    assert_eq!(hint("%foo"), "did you mean `%f`?");
    assert_eq!(hint("%cix"), "did you mean `%ci`?");
    assert_eq!(hint("%CI"), "did you mean `%ci`?");
    assert_eq!(hint("100%"), "write `%%` for the sign itself");
    assert_eq!(fault("%foo").0, "unknown-variable");
    for text in ["%", "%{+Q}", "%{+Q", "%[src", "%{+Z}ci", "%-ci", "%{}ci"] {
        assert_eq!(fault(text).0, "bad-format", "{text}");
    }
    assert_eq!(fault("%[nosuch]").0, "unknown-fetch");
    assert_eq!(fault("%[req.hdr(host)]").0, "unsupported");
}

#[test]
fn an_error_points_into_the_format() {
    let d = read("%ci\\_x").unwrap();
    assert_eq!(d.len(), 2);
    let d = read("%ci%xyz%cp").unwrap_err();
    let span = d.all()[0].span.unwrap();
    assert_eq!((span.start, span.end), (3, 7));
    assert_eq!(codes(&d), ["unknown-variable"]);
}

#[test]
fn builtin_formats_can_be_read() {
    assert_eq!(tcp_log().pieces.len(), 35);
    assert_eq!(tcp_log().http_variable(), None);
    assert_eq!(http_log().http_variable(), Some("tr"));
    let last = http_log().pieces.pop();
    assert_eq!(last, Some(Piece::Variable(V::HttpRequest, QUOTED)));
    let clf = clf_log().pieces;
    assert_eq!(clf[0], Piece::Variable(V::ClientIp, PLAIN));
    assert_eq!(clf[1], literal(" - - ["));
    assert_eq!(clf[2], Piece::Variable(V::RequestDateGmt, QUOTED));
}
