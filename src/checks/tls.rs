//! TLS around a check: `check-ssl`, `verify`, `ca-file`, `verifyhost`, `check-sni`, `crt`.

use std::{path::Path, sync::Arc};

use pontoon_config::haproxy::check::CheckTls;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub(super) use self::files::Files;
use super::{LoadError, verdict::Failure};

mod files;

/// What HAProxy says of a handshake that failed for no reason worth telling apart.
const HANDSHAKE_FAILURE: &str = "SSL handshake failure";

/// A client of TLS, ready to shake hands.
pub(super) struct Tls {
    connector: TlsConnector,
    server_name: ServerName<'static>,
    /// What a certificate for another host is called in the report.
    wrong_name: &'static str,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files; `server` is whom errors are about.
    ///
    /// # Errors
    /// A file cannot be read or does not hold what it should.
    fn load(
        settings: &CheckTls,
        alpn: &[Vec<u8>],
        server: &str,
        files: &mut Files,
    ) -> Result<Self, LoadError> {
        let provider = files.provider();
        let verifier = Verifier {
            authorities: files.authorities(settings, server)?,
            name: expected_name(settings, server)?,
            provider: Arc::clone(&provider),
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| problem(server, Path::new(""), &error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &settings.certificate {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let (chain, key) = files::certificate(file, server)?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| problem(server, file, &error))?
            }
        };
        config.enable_sni = settings.server_name.is_some();
        config.alpn_protocols = alpn.to_vec();
        // Checks must find out whether a handshake works now, not whether one did before.
        config.resumption = Resumption::disabled();
        let wrong_name = if settings.verify_host.is_some() {
            "Server presented an SSL certificate different from the configured one"
        } else {
            "Server presented an SSL certificate different from the expected one"
        };
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            server_name: name_to_send(settings, server)?,
            wrong_name,
        })
    }

    /// Shakes hands over `stream`.
    pub(super) async fn handshake<S>(
        &self,
        stream: S,
        deadline: Instant,
    ) -> Result<TlsStream<S>, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let handshake = self.connector.connect(self.server_name.clone(), stream);
        match timeout_at(deadline, handshake).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(Failure::Tls(self.words(&error))),
            Err(_) => Err(Failure::TlsTimeout),
        }
    }

    fn words(&self, error: &std::io::Error) -> &'static str {
        let cause = error
            .get_ref()
            .and_then(|e| e.downcast_ref::<rustls::Error>());
        match cause {
            Some(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => self.wrong_name,
            _ => HANDSHAKE_FAILURE,
        }
    }
}

/// The certificate that the server has shown, DER.
pub(super) fn shown<S>(stream: &TlsStream<S>) -> Option<Vec<u8>> {
    let certificates = stream.get_ref().1.peer_certificates()?;
    certificates.first().map(|it| it.to_vec())
}

fn problem(server: &str, file: &Path, problem: &dyn std::fmt::Display) -> LoadError {
    LoadError {
        server: server.to_owned(),
        file: file.to_owned(),
        problem: problem.to_string(),
    }
}

/// Whom the certificate must be for: `verifyhost`, else the name sent.
fn expected_name(
    settings: &CheckTls,
    server: &str,
) -> Result<Option<ServerName<'static>>, LoadError> {
    let name = settings
        .verify_host
        .as_ref()
        .or(settings.server_name.as_ref());
    name.map(|name| parse_name(name, server)).transpose()
}

/// The library wants a name even where none is sent.
fn name_to_send(settings: &CheckTls, server: &str) -> Result<ServerName<'static>, LoadError> {
    parse_name(
        settings.server_name.as_deref().unwrap_or("unnamed.invalid"),
        server,
    )
}

fn parse_name(name: &str, server: &str) -> Result<ServerName<'static>, LoadError> {
    ServerName::try_from(name.to_owned()).map_err(|_| LoadError {
        server: server.to_owned(),
        file: name.into(),
        problem: "is no host name that TLS could name".to_owned(),
    })
}

/// Checks the chain if there are authorities, and the name if one is expected. Unlike a browser,
/// a check may verify the one without the other.
#[derive(Debug)]
struct Verifier {
    authorities: Option<Arc<RootCertStore>>,
    name: Option<ServerName<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(authorities) = &self.authorities else {
            return Ok(ServerCertVerified::assertion());
        };
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            authorities,
            intermediates,
            now,
            algorithms,
        )?;
        if let Some(name) = &self.name {
            verify_server_name(&certificate, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests;
