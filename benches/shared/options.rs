//! Values of options.

/// A whole number above zero.
pub(crate) fn number(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("not a number: {text}"))
}

/// Those named, separated by commas.
pub(crate) fn chosen<T: Copy>(
    all: &[T],
    name: impl Fn(T) -> &'static str,
    names: &str,
) -> Result<Vec<T>, String> {
    let find = |wanted: &str| {
        let found = all.iter().copied().find(|one| name(*one) == wanted);
        let known: Vec<_> = all.iter().map(|one| name(*one)).collect();
        found.ok_or_else(|| format!("unknown: {wanted}; known: {}", known.join(", ")))
    };
    names.split(',').map(find).collect()
}
