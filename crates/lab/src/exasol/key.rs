//! The key that clients encrypt their passwords with: RSA of 1024 bits, PKCS#1 v1.5, as the
//! protocol has had it since its first version.

use std::sync::OnceLock;

use base64::{Engine, prelude::BASE64_STANDARD};
use rsa::{
    Pkcs1v15Encrypt, RsaPrivateKey, pkcs1::EncodeRsaPublicKey, pkcs8::LineEnding, rand_core::OsRng,
    traits::PublicKeyParts,
};

const BITS: usize = 1024;

/// One for all databases of a process.
static KEY: OnceLock<Option<RsaPrivateKey>> = OnceLock::new();

fn key() -> Option<&'static RsaPrivateKey> {
    KEY.get_or_init(|| RsaPrivateKey::new(&mut OsRng, BITS).ok())
        .as_ref()
}

/// The public half: PEM, modulus and exponent, these in hexadecimal.
pub(super) fn public() -> Option<(String, String, String)> {
    let public = key()?.to_public_key();
    let pem = public.to_pkcs1_pem(LineEnding::LF).ok()?;
    let (modulus, exponent) = (public.n(), public.e());
    Some((pem, format!("{modulus:x}"), format!("{exponent:x}")))
}

/// A password as a client sends it.
pub(super) fn decrypt(password: &str) -> Option<String> {
    let bytes = BASE64_STANDARD.decode(password).ok()?;
    let plain = key()?.decrypt(Pkcs1v15Encrypt, &bytes).ok()?;
    String::from_utf8(plain).ok()
}
