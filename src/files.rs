//! Configuration files by the names of the command line.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use pontoon_config::source::SourceFile;

/// What is longer is no configuration, but a device or a mistake: it is not read to its end, which
/// it may not have.
pub(crate) const LONGEST: u64 = 64 << 20;

/// A file that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {name}: {error}")]
pub struct Unreadable {
    /// The file or directory.
    pub name: String,
    /// Why.
    #[source]
    pub error: io::Error,
}

/// Reads files in the order given. A directory stands for its files that end in `.cfg` and do
/// not begin with a dot, sorted by name in the C locale, as HAProxy does it (management manual,
/// 3, `-f`). Bytes that are not UTF-8 are replaced; the language warns where that matters.
///
/// # Errors
/// The first file or directory that cannot be read.
pub fn read(names: &[String]) -> Result<Vec<SourceFile>, Unreadable> {
    let mut sources = Vec::new();
    for name in names {
        if Path::new(name).is_dir() {
            for file in listing(name)? {
                sources.push(read_one(file)?);
            }
        } else {
            sources.push(read_one(name.clone())?);
        }
    }
    Ok(sources)
}

fn listing(directory: &str) -> Result<Vec<String>, Unreadable> {
    let unreadable = |error| Unreadable {
        name: directory.to_owned(),
        error,
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let wanted = name.ends_with(".cfg") && !name.starts_with('.');
        // Links are followed; directories inside are left alone.
        if wanted && entry.path().is_file() {
            names.push(format!("{}/{name}", directory.trim_end_matches('/')));
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn read_one(name: String) -> Result<SourceFile, Unreadable> {
    match read_bounded(&name, LONGEST) {
        Ok(bytes) => Ok(SourceFile {
            text: String::from_utf8_lossy(&bytes).into_owned(),
            name,
        }),
        Err(error) => Err(Unreadable { name, error }),
    }
}

/// All of a file, which may be a pipe.
///
/// # Errors
/// It cannot be read, or is longer than `most` bytes.
pub(crate) fn read_bounded(path: &str, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length < most) {
        return Ok(bytes);
    }
    let mebibytes = most >> 20;
    Err(io::Error::other(format!(
        "it has {mebibytes} MiB or more, and is no configuration"
    )))
}

/// `No such file or directory`, without the ` (os error 2)` that the library appends.
pub(crate) fn without_number(message: &str) -> String {
    let cut = message.find(" (os error ").and_then(|start| {
        let end = message[start..].find(')')?;
        Some((start, start + end + 1))
    });
    cut.map_or_else(
        || message.to_owned(),
        |(start, end)| format!("{}{}", &message[..start], &message[end..]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_errors_are_left_out() {
        let told = without_number("Cannot read a: No such file (os error 2); is it there?");
        assert_eq!(told, "Cannot read a: No such file; is it there?");
    }

    #[test]
    fn directories_stand_for_their_cfg_files_in_order() {
        let directory = std::env::temp_dir().join(format!("pontoon-files-{}", std::process::id()));
        fs::create_dir_all(directory.join("d.cfg")).unwrap();
        for name in ["b.cfg", "a.cfg", ".hidden.cfg", "c.txt"] {
            fs::write(directory.join(name), name).unwrap();
        }
        let whole = directory.to_string_lossy().into_owned();
        let first = format!("{whole}/b.cfg");
        let sources = read(&[first, format!("{whole}/")]).unwrap();
        fs::remove_dir_all(&directory).unwrap();
        let texts: Vec<&str> = sources.iter().map(|file| file.text.as_str()).collect();
        assert_eq!(texts, ["b.cfg", "a.cfg", "b.cfg"]);
        assert_eq!(sources[1].name, format!("{whole}/a.cfg"));
    }

    #[test]
    fn what_has_no_end_is_not_read_for_ever() {
        let error = read_bounded("/dev/zero", 1 << 20).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it has 1 MiB or more, and is no configuration"
        );
        assert!(read_bounded("/dev/null", 1).unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let error = read(&["/nonexistent/x.cfg".to_owned()]).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("cannot read /nonexistent/x.cfg:")
        );
    }
}
