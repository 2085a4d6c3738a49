//! The certificate of a node, and the client of TLS that it is towards a tunnel.

use std::{fmt::Write, io, net::IpAddr, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, ServerConfig, ServerConnection,
    SignatureScheme, StreamOwned,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use sha2::{Digest, Sha256};

use super::connection::Connection;
use crate::problem::{Problem, Result};

/// A self-signed certificate, as a fresh installation has.
#[derive(Debug)]
pub(super) struct Certificate {
    der: CertificateDer<'static>,
    config: Arc<ServerConfig>,
}

impl Certificate {
    pub(super) fn new() -> Result<Self> {
        let names = vec!["exasol.test".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).map_err(|e| problem(&e))?;
        let der = made.cert.der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| problem(&e))?
            .with_no_client_auth()
            .with_single_cert(vec![der.clone()], key)
            .map_err(|e| problem(&e))?;
        Ok(Self {
            der,
            config: Arc::new(config),
        })
    }

    pub(super) fn fingerprint(&self) -> String {
        let digest = Sha256::digest(&self.der);
        digest.iter().fold(String::new(), |mut text, byte| {
            let _infallible = write!(text, "{byte:02x}");
            text
        })
    }

    pub(super) fn accept(
        &self,
        connection: Connection,
    ) -> io::Result<StreamOwned<ServerConnection, Connection>> {
        let server = ServerConnection::new(Arc::clone(&self.config)).map_err(io::Error::other)?;
        Ok(StreamOwned::new(server, connection))
    }
}

fn problem(error: &dyn std::fmt::Display) -> Problem {
    Problem::Unexpected(format!("make a certificate: {error}"))
}

/// TLS over a tunnel: the other side must have the key whose SHA-256 the statement named.
pub(super) fn connect(
    tunnel: Connection,
    ip: IpAddr,
    key: Option<&str>,
) -> io::Result<StreamOwned<ClientConnection, Connection>> {
    let provider = Arc::new(ring::default_provider());
    let verifier = PublicKey {
        expected: key.map(str::to_owned),
        provider: Arc::clone(&provider),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let client = ClientConnection::new(Arc::new(config), ServerName::IpAddress(ip.into()));
    Ok(StreamOwned::new(client.map_err(io::Error::other)?, tunnel))
}

/// `PUBLIC KEY 'sha256//…'`.
#[derive(Debug)]
struct PublicKey {
    expected: Option<String>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PublicKey {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let digest = Sha256::digest(certificate.subject_public_key_info());
        if self.expected.as_deref() == Some(&BASE64_STANDARD.encode(digest)) {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::General("another public key".into()))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
