//! TLS to a provider: who is trusted, and the handshake.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use hyper::Uri;
use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::time::timeout_at;
use tokio_rustls::TlsConnector;

use super::{Call, dial::Stream};
use crate::cloud::{
    file,
    problem::{OpenError, Problem, unnumbered},
};

/// A client of TLS.
pub(super) enum Tls {
    /// Trusts those in `ca_file`.
    File(TlsConnector),
    /// Trusts whom the machine trusts (`SSL_CERT_FILE`, `SSL_CERT_DIR`, or where distributions keep
    /// them).
    Machine,
}

/// Those whom the machine trusts, once they could be read: for all clients of the process, which
/// also resume each other's sessions.
static MACHINE: OnceLock<TlsConnector> = OnceLock::new();

impl Tls {
    /// Trusts those in a file.
    pub(super) fn of_file(file: &Path) -> Result<Self, OpenError> {
        let wrong = |reason| OpenError::Authorities {
            path: file.to_owned(),
            reason,
        };
        let authorities = read(file).map_err(wrong)?;
        connector(authorities).map(Self::File).map_err(wrong)
    }

    /// Trusts whom the machine trusts; the files are read at the first handshake of the process.
    pub(super) const fn of_machine() -> Self {
        Self::Machine
    }

    /// Reads the files now, so that the first handshake does not have to; what is wrong with them
    /// is that one's to tell, which tries again.
    pub(super) fn prepare(&self) {
        self.connector().ok();
    }

    fn connector(&self) -> Result<&TlsConnector, String> {
        match self {
            Self::File(connector) => Ok(connector),
            Self::Machine => of_the_machine(),
        }
    }

    /// Shakes hands over `stream` with whoever should be where `uri` leads.
    pub(super) async fn wrap(
        &self,
        stream: Stream,
        uri: &Uri,
        call: &Call<'_>,
    ) -> Result<Stream, Problem> {
        let host = uri.host().unwrap_or_default();
        let helpless = |reason: String| {
            let text = format!("{host} cannot be trusted: {reason}");
            Problem::refused(text, "install ca-certificates, or name a ca_file")
        };
        let connector = self.connector().map_err(helpless)?;
        let bare = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let name = ServerName::try_from(bare)
            .map_err(|_| Problem::refused(format!("{host:?} is no name for TLS"), ""))?;
        match timeout_at(call.deadline, connector.connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => Err(refused(host, &error)),
            Err(_) => {
                let text = format!("{host} has not shaken hands within {:?}", call.limit);
                Err(Problem::unwell(text, ""))
            }
        }
    }
}

fn connector(authorities: RootCertStore) -> Result<TlsConnector, String> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(authorities)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn read(path: &Path) -> Result<RootCertStore, String> {
    let pem = file::bytes(path).map_err(unnumbered)?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|e| e.to_string())?;
        store.add(certificate).map_err(|e| e.to_string())?;
    }
    if store.is_empty() {
        return Err("no certificate is in it".into());
    }
    Ok(store)
}

fn of_the_machine() -> Result<&'static TlsConnector, String> {
    if let Some(connector) = MACHINE.get() {
        return Ok(connector);
    }
    let connector = trusting_the_machine()?;
    Ok(MACHINE.get_or_init(|| connector))
}

fn trusting_the_machine() -> Result<TlsConnector, String> {
    if let Some(named) = std::env::var_os("SSL_CERT_FILE") {
        not_a_pipe(Path::new(&named))?;
    }
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found.certs);
    if !store.is_empty() {
        return connector(store);
    }
    Err(match found.errors.first() {
        Some(error) => {
            let error = unnumbered(error);
            format!("no certificates of authorities can be read here: {error}")
        }
        None => "there are no certificates of authorities here".into(),
    })
}

/// Who reads a pipe waits for its writer, and so would all that this thread does besides.
fn not_a_pipe(named: &Path) -> Result<(), String> {
    let odd = std::fs::metadata(named).is_ok_and(|it| !it.is_file() && !it.is_dir());
    if odd {
        return Err(format!(
            "SSL_CERT_FILE {} is no regular file",
            named.display()
        ));
    }
    Ok(())
}

fn refused(host: &str, error: &std::io::Error) -> Problem {
    let cause = error
        .get_ref()
        .and_then(|e| e.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::InvalidCertificate(reason)) = cause else {
        return Problem::unwell(
            format!("TLS with {host} has failed: {}", unnumbered(error)),
            "",
        );
    };
    let advice = match reason {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_not_waited_for() {
        assert!(not_a_pipe(Path::new("/dev/zero")).is_err());
        assert_eq!(not_a_pipe(Path::new("Cargo.toml")), Ok(()));
        assert_eq!(not_a_pipe(Path::new("/nonexistent")), Ok(()));
        let device = Tls::of_file(Path::new("/dev/zero")).err();
        let device = device.map(|error| error.to_string()).unwrap_or_default();
        assert!(device.contains("no regular file"), "{device}");
    }
}
