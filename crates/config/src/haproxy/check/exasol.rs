//! `option exasol-check`: Pontoon's own.

use super::{CheckDraft, CheckMethod, ExasolCheck, options::plain};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::{Context, value},
    source::Word,
};

/// `option exasol-check [clear | fingerprint <hex>]`.
///
/// Errors: `unknown-parameter`, `missing-argument`, `bad-fingerprint`, `conflicting-parameters`.
pub(super) fn option(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    _: &Context<'_>,
    d: &mut Diagnostics,
) {
    let mut clear = None;
    let mut fingerprint = None;
    while let Some(word) = args.next() {
        match word.text.as_str() {
            "clear" => clear = Some(word),
            "fingerprint" => {
                let Some(word) = value::required(args, "the fingerprint of a certificate", d)
                else {
                    return;
                };
                let Some(bytes) = read(word, d) else { return };
                fingerprint = Some(bytes);
            }
            _ => return unknown(word, args, d),
        }
    }
    let check = match (clear, fingerprint) {
        (Some(word), Some(_)) => {
            let message = "without TLS there is no certificate to compare";
            d.error("conflicting-parameters", word.span, message)
                .suggest("remove `clear`, or `fingerprint` and its value");
            return;
        }
        (Some(_), None) => ExasolCheck::Clear,
        (None, fingerprint) => ExasolCheck::Tls { fingerprint },
    };
    plain(draft, CheckMethod::Exasol(check), args, d);
}

/// 32 bytes as clients of Exasol write them, or with the colons of `openssl x509 -fingerprint`.
fn read(word: &Word, d: &mut Diagnostics) -> Option<[u8; 32]> {
    let bare = word.text.replace(':', "");
    let bytes = value::decode_hex(&bare).and_then(|bytes| bytes.try_into().ok());
    if bytes.is_none() {
        let message = format!("`{}` is not the SHA-256 of a certificate", word.text);
        d.error("bad-fingerprint", word.span, message).suggest(
            "64 hexadecimal digits, as behind the `/` of a client's connection string; \
             `openssl x509 -noout -fingerprint -sha256` shows them",
        );
    }
    bytes
}

fn unknown(word: &Word, args: &mut Args<'_>, d: &mut Diagnostics) {
    let message = format!(
        "`{}` is not a parameter of `option exasol-check`",
        word.text
    );
    let near = crate::similar::nearest(&word.text, ["clear", "fingerprint"]);
    d.error("unknown-parameter", word.span, message)
        .suggest(near.map_or_else(
            || "`clear`, or `fingerprint` and its value".to_owned(),
            |near| format!("did you mean `{near}`?"),
        ));
    args.take_rest();
}
