//! Becoming another program.

use std::{
    ffi::{CString, OsString, c_char},
    io,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::Path,
    ptr,
};

/// Executes this program in place of the one that runs: same process, same open descriptors, and the
/// signals that are blocked stay so, with those that wait. ([`std::process::Command`] lets them loose
/// before: whoever handles one later would die of it.) Returns only if it cannot; nothing has changed
/// then.
#[must_use]
pub fn replace(
    program: &Path,
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> io::Error {
    let variables = environment.into_iter().map(|(mut name, value)| {
        name.push("=");
        name.push(value);
        name
    });
    let words = || -> io::Result<_> {
        let program = CString::new(program.as_os_str().as_bytes())?;
        Ok((program, strings(arguments)?, strings(variables)?))
    };
    let (program, arguments, variables) = match words() {
        Ok(words) => words,
        Err(error) => return error,
    };
    let (arguments, variables) = (pointers(&arguments), pointers(&variables));
    // SAFETY: all three are alive, and end as they must: the strings with NUL, the lists with null.
    unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), variables.as_ptr()) };
    io::Error::last_os_error()
}

fn strings(words: impl IntoIterator<Item = OsString>) -> io::Result<Vec<CString>> {
    let strings = words.into_iter().map(|word| CString::new(word.into_vec()));
    Ok(strings.collect::<Result<_, _>>()?)
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    let pointers = strings.iter().map(|string| string.as_ptr());
    pointers.chain([ptr::null()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_executed_says_why() {
        let nothing = replace(Path::new("/nonexistent/program"), [], []);
        assert_eq!(nothing.kind(), io::ErrorKind::NotFound);
        let folder = replace(Path::new("/"), [], []);
        assert_eq!(folder.kind(), io::ErrorKind::PermissionDenied);
        let words = [OsString::from("two\0words")];
        let nul = replace(Path::new("/bin/true"), words, []);
        assert_eq!(nul.kind(), io::ErrorKind::InvalidInput);
    }
}
