//! TLS towards those who are told.
//!
//! Cryptography is ring's. Trusted are the roots that the program brings along, those of
//! the machine, and those of a file for whoever has a root of his own.

use std::{fs, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

/// The certificates of this machine and of `ca_file`, those that can be read.
///
/// # Errors
/// When the file has none, or cannot be read.
pub(super) fn extra_roots(ca_file: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut roots: Vec<_> = rustls_native_certs::load_native_certs().certs;
    if let Some(path) = ca_file {
        let pem = fs::read(path).map_err(|error| format!("read {}: {error}", path.display()))?;
        let own: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let own = own.map_err(|error| format!("read {}: {error}", path.display()))?;
        if own.is_empty() {
            return Err(format!("there is no PEM certificate in {}", path.display()));
        }
        roots.extend(own);
    }
    // One that cannot be used would break whoever insists on all of them.
    let mut scratch = RootCertStore::empty();
    roots.retain(|root| scratch.add(root.clone()).is_ok());
    Ok(roots)
}

/// The configuration that trusts those and the program's own roots.
///
/// # Errors
/// When the file has no certificate, or the TLS library refuses its own defaults.
pub(super) fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots.add_parsable_certificates(extra_roots(ca_file)?);
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
