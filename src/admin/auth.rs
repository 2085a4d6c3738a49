//! Who may see the statistics: HTTP Basic authentication (RFC 7617).
//!
//! Clear passwords are compared in constant time. Hashed ones (crypt(3) `$5$`, `$6$`) cost
//! thousands of rounds by design, so they are checked on threads of their own, a few at a time;
//! what was right once is remembered by its digest, or a page that looks every two seconds would
//! hash every two seconds.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use pontoon_config::haproxy::model::{Password, StatsAuth, UserList};
use sha_crypt::{PasswordVerifier, ShaCrypt};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

/// Passwords hashed at a time.
const HASHING: usize = 2;
/// Right credentials remembered.
const REMEMBERED: usize = 1024;

/// Checks credentials, and remembers which hashed ones were right.
#[derive(Debug)]
pub(crate) struct Checker {
    hashing: Semaphore,
    right: Mutex<HashSet<[u8; 32]>>,
}

/// A name and a password, as a client sent them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Credentials {
    user: String,
    password: String,
}

impl Checker {
    /// One that remembers nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            hashing: Semaphore::new(HASHING),
            right: Mutex::default(),
        }
    }

    /// Whether this `Authorization` header lets its sender in.
    pub(crate) async fn admits(&self, auth: &StatsAuth, header: Option<&str>) -> bool {
        let Some(credentials) = header.and_then(parse) else {
            return false;
        };
        let user = auth.users.users.get(&credentials.user);
        match user.map(|user| &user.password) {
            Some(Password::Clear(password)) => same(password, &credentials.password),
            Some(Password::Hash(hash)) => self.hash_fits(hash, credentials.password).await,
            None => {
                // As slow as a wrong password, or the clock would tell which names exist.
                if let Some(hash) = any_hash(&auth.users) {
                    self.hash_fits(hash, credentials.password).await;
                }
                false
            }
        }
    }

    async fn hash_fits(&self, hash: &str, password: String) -> bool {
        let digest = digest(&[hash, &password]);
        if self.remembers(&digest) {
            return true;
        }
        let Ok(_turn) = self.hashing.acquire().await else {
            return false;
        };
        let hash = Arc::<str>::from(hash);
        let fits = tokio::task::spawn_blocking(move || {
            ShaCrypt::default()
                .verify_password(password.as_bytes(), &*hash)
                .is_ok()
        });
        let fits = fits.await.unwrap_or(false);
        if fits {
            self.remember(digest);
        }
        fits
    }

    fn remembers(&self, digest: &[u8; 32]) -> bool {
        let right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        right.contains(digest)
    }

    fn remember(&self, digest: [u8; 32]) {
        let mut right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        if right.len() >= REMEMBERED {
            right.clear();
        }
        right.insert(digest);
    }
}

fn any_hash(users: &UserList) -> Option<&str> {
    users.users.values().find_map(|user| match &user.password {
        Password::Hash(hash) => Some(hash.as_str()),
        Password::Clear(_) => None,
    })
}

/// Compares in a time that depends on neither, not even on their lengths.
fn same(expected: &str, given: &str) -> bool {
    digest(&[expected]).ct_eq(&digest(&[given])).into()
}

/// The digest of some texts and of where each ends.
fn digest(texts: &[&str]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update(text.len().to_le_bytes());
        hasher.update(text);
    }
    hasher.finalize().into()
}

fn parse(header: &str) -> Option<Credentials> {
    let (scheme, token) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = base64(token.trim())?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    Some(Credentials {
        user: user.to_owned(),
        password: password.to_owned(),
    })
}

/// Decodes base64, with or without padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    for group in text.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for &digit in group {
            bits = bits << 6 | u32::from(base64_digit(digit)?);
        }
        let [_, first, second, third] = (bits << (6 * (4 - group.len()))).to_be_bytes();
        let count = match group.len() {
            4 => 3,
            3 => 2,
            2 => 1,
            _ => return None,
        };
        bytes.extend_from_slice(&[first, second, third][..count]);
    }
    Some(bytes)
}

const fn base64_digit(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use pontoon_config::haproxy::model::User;

    use super::*;

    /// `openssl passwd -5 -salt pontoon secret` and `-6`.
    const SHA256: &str = "$5$pontoon$8Fn.aRzTmmOdelVIJb/KuTh4MqCvhP8iOZWa73/xec7";
    const SHA512: &str = "$6$pontoon$8ipQFbH/ENvSPpJnYQSbhgIqjFSaLE68iN4IZuhYSsopGDA0xw3bIAuLUkp4FzFUHQCqrMCU9Jcm3pRHPXEWH1";

    fn auth(users: &[(&str, Password)]) -> StatsAuth {
        let users: BTreeMap<_, _> = users
            .iter()
            .map(|(name, password)| {
                let user = User {
                    password: password.clone(),
                    groups: Vec::new(),
                };
                ((*name).to_owned(), user)
            })
            .collect();
        StatsAuth {
            users: Arc::new(UserList { users }),
        }
    }

    async fn admits(auth: &StatsAuth, token: &str) -> bool {
        let header = format!("Basic {token}");
        Checker::new().admits(auth, Some(&header)).await
    }

    #[tokio::test]
    async fn a_clear_password_must_be_the_same() {
        let auth = auth(&[("admin", Password::Clear("secret".into()))]);
        assert!(admits(&auth, "YWRtaW46c2VjcmV0").await);
        assert!(!admits(&auth, "YWRtaW46c2VjcmV0cw==").await, "secrets");
        assert!(!admits(&auth, "Ym9iOnNlY3JldA==").await, "bob");
        assert!(!admits(&auth, "!").await);
        assert!(!Checker::new().admits(&auth, None).await);
        let bearer = Some("Bearer YWRtaW46c2VjcmV0");
        assert!(!Checker::new().admits(&auth, bearer).await);
    }

    #[tokio::test]
    async fn hashes_of_both_kinds_are_understood_and_remembered() {
        let auth = auth(&[
            ("a", Password::Hash(SHA256.into())),
            ("b", Password::Hash(SHA512.into())),
        ]);
        let checker = Checker::new();
        for header in ["Basic YTpzZWNyZXQ=", "Basic YjpzZWNyZXQ="] {
            assert!(checker.admits(&auth, Some(header)).await, "{header}");
        }
        assert_eq!(checker.right.lock().unwrap().len(), 2);
        let wrong = Some("Basic YTpTZWNyZXQ=");
        assert!(!checker.admits(&auth, wrong).await);
        let nobody = Some("Basic Yzp4");
        assert!(!checker.admits(&auth, nobody).await);
        assert_eq!(checker.right.lock().unwrap().len(), 2);
    }

    #[test]
    fn base64_is_decoded_with_and_without_padding() {
        assert_eq!(base64("YWI="), Some(b"ab".to_vec()));
        assert_eq!(base64("YWI"), Some(b"ab".to_vec()));
        assert_eq!(base64("YWJj"), Some(b"abc".to_vec()));
        assert_eq!(base64("Y"), None);
        assert_eq!(base64("Y*=="), None);
    }
}
