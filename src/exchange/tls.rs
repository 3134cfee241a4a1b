//! TLS towards exchanges: one configuration for streams and requests.
//!
//! Cryptography is ring's and is named explicitly, so that nothing depends on a
//! process-wide default. Trusted are the roots that the program brings along, so that
//! it works on a machine without any, and those of the machine, so that a company's
//! own root is honoured.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore, crypto::ring};

/// The TLS library refused its own defaults.
#[derive(Debug, Clone, thiserror::Error)]
#[error("set up TLS: {0}")]
pub struct TlsSetupError(#[from] rustls::Error);

/// Makes ring the process-wide default, for libraries that ask for one. Harmless when
/// called again, or when another default is there already.
pub fn ensure_crypto_provider() {
    // The only error is that there is a default already.
    drop(ring::default_provider().install_default());
}

/// The configuration, made once for the process.
///
/// # Errors
/// When the TLS library refuses its own defaults.
pub fn client_config() -> Result<Arc<ClientConfig>, TlsSetupError> {
    static CONFIG: OnceLock<Result<Arc<ClientConfig>, TlsSetupError>> = OnceLock::new();
    CONFIG.get_or_init(make_client_config).clone()
}

fn make_client_config() -> Result<Arc<ClientConfig>, TlsSetupError> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::debug!(%error, "a root certificate of this machine was not read");
    }
    roots.add_parsable_certificates(system.certs);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_configuration_serves_everybody() {
        ensure_crypto_provider();
        ensure_crypto_provider();
        let first = client_config().expect("a configuration");
        let second = client_config().expect("a configuration");
        assert!(Arc::ptr_eq(&first, &second));
    }
}
