//! Files that somebody else writes: tokens, keys, certificates.
//!
//! They are read where advertisements are sent, so nothing here may wait for a writer or read for
//! ever.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use rustix::fs::OFlags;

/// No bundle of certificates is longer, and no other file of this kind comes near.
const LONGEST: u64 = 4 << 20;

/// A file's content.
///
/// # Errors
/// It cannot be read, is no regular file (a pipe, a device), or is too long.
pub(super) fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    // Opening a pipe waits for a writer unless told not to.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    regular(&file)?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other(format!("longer than {LONGEST} bytes")));
    }
    Ok(bytes)
}

/// A file's content, which is UTF-8.
///
/// # Errors
/// As [`bytes`], or it is not UTF-8.
pub(super) fn text(path: &Path) -> io::Result<String> {
    // The error's own words would show the bytes, and they may be a secret.
    String::from_utf8(bytes(path)?).map_err(|_| io::Error::other("it is not UTF-8"))
}

fn regular(file: &File) -> io::Result<()> {
    if file.metadata()?.is_file() {
        return Ok(());
    }
    Err(io::Error::other("it is no regular file"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use pontoon_lab::temp::TempDir;
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn a_file_is_read_and_anything_else_is_an_error_at_once() {
        let folder = TempDir::new("cloud-file").unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "token\n").unwrap();
        assert_eq!(text(&file).unwrap(), "token\n");
        let pipe = folder.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        for odd in [pipe.as_path(), folder.path(), Path::new("/dev/zero")] {
            let error = text(odd).unwrap_err().to_string();
            assert_eq!(error, "it is no regular file", "{}", odd.display());
        }
        let missing = text(&folder.path().join("missing")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_is_too_long_or_no_text_is_an_error_that_shows_nothing_of_it() {
        let folder = TempDir::new("cloud-file").unwrap();
        let long = folder.path().join("long");
        File::create(&long).unwrap().set_len(LONGEST + 1).unwrap();
        assert!(text(&long).unwrap_err().to_string().starts_with("longer"));
        let odd = folder.path().join("odd");
        fs::write(&odd, b"hush\xff").unwrap();
        assert_eq!(text(&odd).unwrap_err().to_string(), "it is not UTF-8");
    }
}
