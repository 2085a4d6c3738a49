//! Where the kernel leaves core files (core(5)).

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folder below which a core file of this process would be made; `None` if it goes to a program,
/// or nowhere. It is looked up in this process's root and, unless it is absolute, from where it works.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    folder_of(&fs::read_to_string("/proc/sys/kernel/core_pattern").ok()?)
}

fn folder_of(pattern: &str) -> Option<PathBuf> {
    let pattern = pattern.trim_end_matches('\n');
    if pattern.starts_with(['|', '@']) {
        return None;
    }
    // Up to the first part that is made of the process's name, its number or the like.
    let folder = Path::new(pattern).parent()?;
    let is_fixed = |part: &&std::ffi::OsStr| !part.as_encoded_bytes().contains(&b'%');
    let fixed: PathBuf = folder.iter().take_while(is_fixed).collect();
    Some(Path::new(".").join(fixed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_what_does_not_depend_on_the_process() {
        let folder = |pattern| folder_of(pattern).map(|folder| folder.display().to_string());
        assert_eq!(folder("core\n").as_deref(), Some("./"));
        assert_eq!(folder("cores/core.%p\n").as_deref(), Some("./cores"));
        assert_eq!(
            folder("/var/cores/%e/core\n").as_deref(),
            Some("/var/cores")
        );
        assert_eq!(folder("|/usr/lib/handler %p\n"), None);
        assert_eq!(folder("@/run/coredump.socket\n"), None);
        assert_eq!(folder("\n"), None);
    }
}
