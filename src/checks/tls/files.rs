//! What the TLS of checks needs from files: each is read once, however many servers name it.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use pontoon_config::haproxy::check::CheckTls;
use rustls::{
    RootCertStore,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::{Tls, problem};
use crate::checks::LoadError;

/// Where the certificates of the world's authorities lie on common systems.
const SYSTEM_AUTHORITIES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// What was read so far.
#[derive(Debug, Default)]
pub(in crate::checks) struct Files {
    provider: Option<Arc<CryptoProvider>>,
    authorities: HashMap<PathBuf, Arc<RootCertStore>>,
    clients: HashMap<Wanted, Arc<Tls>>,
}

/// Servers that want the same share it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Wanted {
    settings: CheckTls,
    protocols: Vec<Vec<u8>>,
}

impl Files {
    /// A client of TLS; `server` is whom errors are about.
    ///
    /// # Errors
    /// A file cannot be read or does not hold what it should.
    pub(in crate::checks) fn client(
        &mut self,
        settings: &CheckTls,
        protocols: &[Vec<u8>],
        server: &str,
    ) -> Result<Arc<Tls>, LoadError> {
        let wanted = Wanted {
            settings: settings.clone(),
            protocols: protocols.to_vec(),
        };
        if let Some(client) = self.clients.get(&wanted) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(Tls::load(settings, protocols, server, self)?);
        self.clients.insert(wanted, Arc::clone(&client));
        Ok(client)
    }

    pub(super) fn provider(&mut self) -> Arc<CryptoProvider> {
        let provider = &mut self.provider;
        Arc::clone(provider.get_or_insert_with(|| Arc::new(ring::default_provider())))
    }

    /// The authorities to trust; `None` with `verify none`.
    pub(super) fn authorities(
        &mut self,
        settings: &CheckTls,
        server: &str,
    ) -> Result<Option<Arc<RootCertStore>>, LoadError> {
        if !settings.verify {
            return Ok(None);
        }
        let file = match &settings.ca_file {
            Some(file) => file.as_path(),
            None => system_authorities(server)?,
        };
        if let Some(known) = self.authorities.get(file) {
            return Ok(Some(Arc::clone(known)));
        }
        let store = Arc::new(read_authorities(file, server)?);
        self.authorities.insert(file.to_owned(), Arc::clone(&store));
        Ok(Some(store))
    }
}

fn system_authorities(server: &str) -> Result<&'static Path, LoadError> {
    let mut known = SYSTEM_AUTHORITIES.iter().map(Path::new);
    known.find(|file| file.exists()).ok_or_else(|| {
        problem(
            server,
            Path::new(SYSTEM_AUTHORITIES[0]),
            &"the system's certificate authorities are missing; name some with ca-file",
        )
    })
}

fn read_authorities(file: &Path, server: &str) -> Result<RootCertStore, LoadError> {
    let mut store = RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(file).map_err(|error| problem(server, file, &error))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| problem(server, file, &error))?;
        store
            .add(certificate)
            .map_err(|error| problem(server, file, &error))?;
    }
    if store.is_empty() {
        return Err(problem(server, file, &"holds no certificate"));
    }
    Ok(store)
}

/// The certificate, with its chain, and the key of a client.
pub(super) fn certificate(
    file: &Path,
    server: &str,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), LoadError> {
    let chain = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| problem(server, file, &error))?;
    let key = PrivateKeyDer::from_pem_file(file).map_err(|error| problem(server, file, &error))?;
    Ok((chain, key))
}
