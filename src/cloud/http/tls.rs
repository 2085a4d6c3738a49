//! TLS to a provider: who is trusted, and the handshake.

use std::{path::Path, sync::Arc};

use hyper::Uri;
use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::time::timeout_at;
use tokio_rustls::TlsConnector;

use super::{Call, dial::Stream};
use crate::cloud::problem::{OpenError, Problem};

/// A client of TLS.
pub(super) struct Tls {
    connector: TlsConnector,
    /// Why nobody is trusted, if nobody is.
    helpless: Option<String>,
}

impl Tls {
    /// Trusts those in `file`, or else whom the machine trusts (`SSL_CERT_FILE`, `SSL_CERT_DIR`, or
    /// where distributions keep them).
    pub(super) fn new(file: Option<&Path>) -> Result<Self, OpenError> {
        let (authorities, helpless) = match file {
            Some(file) => (read(file)?, None),
            None => of_the_machine(),
        };
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(authorities)
            .with_no_client_auth();
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            helpless,
        })
    }

    /// Shakes hands over `stream` with whoever should be where `uri` leads.
    pub(super) async fn wrap(
        &self,
        stream: Stream,
        uri: &Uri,
        call: &Call<'_>,
    ) -> Result<Stream, Problem> {
        let host = uri.host().unwrap_or_default();
        if let Some(reason) = &self.helpless {
            let text = format!("{host} cannot be trusted: {reason}");
            return Err(Problem::refused(
                text,
                "install ca-certificates, or name a ca_file",
            ));
        }
        let bare = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let name = ServerName::try_from(bare)
            .map_err(|_| Problem::refused(format!("{host:?} is no name for TLS"), ""))?;
        match timeout_at(call.deadline, self.connector.connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => Err(refused(host, &error)),
            Err(_) => {
                let text = format!("{host} has not shaken hands within {:?}", call.limit);
                Err(Problem::unwell(text, ""))
            }
        }
    }
}

fn read(file: &Path) -> Result<RootCertStore, OpenError> {
    let wrong = |reason: String| OpenError::Authorities {
        path: file.to_owned(),
        reason,
    };
    let mut store = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file).map_err(|e| wrong(e.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|e| wrong(e.to_string()))?;
        store.add(certificate).map_err(|e| wrong(e.to_string()))?;
    }
    if store.is_empty() {
        return Err(wrong("no certificate is in it".into()));
    }
    Ok(store)
}

fn of_the_machine() -> (RootCertStore, Option<String>) {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found.certs);
    let helpless = store.is_empty().then(|| match found.errors.first() {
        Some(error) => format!("no certificates of authorities can be read here: {error}"),
        None => "there are no certificates of authorities here".into(),
    });
    (store, helpless)
}

fn refused(host: &str, error: &std::io::Error) -> Problem {
    let cause = error
        .get_ref()
        .and_then(|e| e.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::InvalidCertificate(reason)) = cause else {
        return Problem::unwell(format!("TLS with {host} has failed: {error}"), "");
    };
    let advice = match reason {
        CertificateError::UnknownIssuer => {
            "who vouches for it is not trusted: install ca-certificates, name a ca_file, or find \
             out who is in between"
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => "look at this machine's clock",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name: look at endpoint"
        }
        _ => "",
    };
    Problem::refused(
        format!("the certificate of {host} is refused: {reason}"),
        advice,
    )
}
