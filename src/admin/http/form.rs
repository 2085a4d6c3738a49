//! Form fields in bodies and queries: `name=value&…`.

/// The fields, decoded, in order.
pub(crate) fn fields(text: &[u8]) -> impl Iterator<Item = (String, String)> + '_ {
    text.split(|&byte| byte == b'&')
        .filter(|field| !field.is_empty())
        .map(|field| {
            let end = field.iter().position(|&byte| byte == b'=');
            let (name, value) = match end {
                Some(end) => (&field[..end], &field[end + 1..]),
                None => (field, &[][..]),
            };
            (decode(name), decode(value))
        })
}

/// Undoes percent-encoding; `+` is a blank. What is no UTF-8 is replaced.
pub(crate) fn decode(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let escaped = text
            .get(at + 1..at + 3)
            .and_then(hex)
            .filter(|_| byte == b'%');
        bytes.push(match (byte, escaped) {
            (_, Some(value)) => value,
            (b'+', None) => b' ',
            (other, None) => other,
        });
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digits: &[u8]) -> Option<u8> {
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Percent-encodes what has a meaning in a statistics URI.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_in_order() {
        let all: Vec<_> = fields(b"b=%233&s=web+1&s=%e4&x&%zz=%4").collect();
        let expected = [
            ("b", "#3"),
            ("s", "web 1"),
            ("s", "\u{fffd}"),
            ("x", ""),
            ("%zz", "%4"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(all, expected);
    }

    #[test]
    fn encoding_is_undone_by_decoding() {
        let odd = "a b;c?d&e=f%g/ü";
        assert_eq!(decode(encode(odd).as_bytes()), odd);
    }
}
