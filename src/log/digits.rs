//! Numbers as text. A line has thirty of them, and the formatting machinery takes ten times as
//! long for each.

/// Appends a number.
pub(super) fn decimal(out: &mut Vec<u8>, number: u64) {
    padded(out, number, 1);
}

/// Appends a number with zeros in front, up to this width.
pub(super) fn padded(out: &mut Vec<u8>, number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut left = number;
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        if left == 0 {
            break;
        }
        *digit += u8::try_from(left % 10).unwrap_or(0);
        left /= 10;
        used += 1;
    }
    let shown = used.max(width).min(digits.len());
    out.extend_from_slice(&digits[digits.len() - shown..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_read_as_the_standard_library_writes_them() {
        for number in [0, 7, 10, 99, 100, 65_535, u64::MAX] {
            assert_eq!(text(|out| decimal(out, number)), number.to_string());
            assert_eq!(text(|out| padded(out, number, 3)), format!("{number:03}"));
        }
    }
}
