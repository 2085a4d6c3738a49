//! A certificate authority of a test's own.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use crate::{
    problem::{Problem, Result},
    temp::TempDir,
};

/// An authority; its certificate lies in a file as long as it lives.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    file: PathBuf,
    _folder: TempDir,
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// Its file cannot be written.
    pub fn new() -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new()).map_err(|e| problem(&e))?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "Pontoon's test authority");
        let key = KeyPair::generate().map_err(|e| problem(&e))?;
        let own = params.self_signed(&key).map_err(|e| problem(&e))?;
        let folder = TempDir::new("authority")?;
        let pem = pem(own.der());
        let file = folder.write("ca.pem", &pem)?;
        Ok(Self {
            issuer: Issuer::new(params, key),
            pem,
            file,
            _folder: folder,
        })
    }

    /// Its certificate, as PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The file with its certificate.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What a server with these names needs.
    ///
    /// # Errors
    /// One of them is no name.
    pub fn vouch_for(&self, names: &[&str]) -> Result<Arc<ServerConfig>> {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let params = CertificateParams::new(names).map_err(|e| problem(&e))?;
        let key = KeyPair::generate().map_err(|e| problem(&e))?;
        let signed = params.signed_by(&key, &self.issuer);
        let certificate = signed.map_err(|e| problem(&e))?.der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| problem(&e))?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .map_err(|e| problem(&e))?;
        Ok(Arc::new(config))
    }
}

/// RFC 7468.
fn pem(certificate: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(certificate);
    let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy);
    let lines: Vec<_> = lines.collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}

fn problem(error: &dyn std::fmt::Display) -> Problem {
    Problem::Unexpected(format!("make a certificate: {error}"))
}
