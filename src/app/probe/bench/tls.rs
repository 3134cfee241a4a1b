//! TLS in front of the exchange, with a certificate that can be a bad one.
//!
//! The certificates are signed by a root of the run's own, which the collector trusts because
//! its environment names the file as that of the machine's roots.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::PrivatePkcs8KeyDer,
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

use crate::app::probe::error::ProbeError;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The file of the root, in the directory of the run.
const ROOT_FILE: &str = "root.pem";

/// What is wrong with the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// It was good until 2020.
    Expired,
    /// It names another host.
    WrongHost,
}

/// A listener that speaks TLS and passes on what is said.
#[derive(Debug)]
pub struct TlsFront {
    address: SocketAddr,
    root: PathBuf,
    shown: Arc<Shown>,
    _serving: AbortOnDropHandle<()>,
}

/// The certificates, and the one that is shown.
#[derive(Debug)]
struct Shown {
    good: Arc<CertifiedKey>,
    expired: Arc<CertifiedKey>,
    of_another: Arc<CertifiedKey>,
    flaw: Mutex<Flaw>,
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let flaw = *self.flaw.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(match flaw {
            Flaw::None => &self.good,
            Flaw::Expired => &self.expired,
            Flaw::WrongHost => &self.of_another,
        }))
    }
}

impl TlsFront {
    /// Listens in front of `server` as `host`, and writes the root to a file below `directory`.
    pub async fn before(
        server: SocketAddr,
        host: &str,
        directory: &Path,
    ) -> Result<Self, ProbeError> {
        let failed = |reason: String| ProbeError::NotReady {
            what: "TLS in front of the exchange",
            reason,
        };
        let (shown, root_pem) = certificates(host).map_err(failed)?;
        let shown = Arc::new(shown);
        let root = directory.join(ROOT_FILE);
        std::fs::write(&root, root_pem).map_err(|cause| ProbeError::File {
            path: root.clone(),
            cause,
        })?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Shown>::clone(&shown));
        // Who goes on with an earlier session does not look at the certificate again.
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.map_err(ProbeError::Listen)?;
        let address = listener.local_addr().map_err(ProbeError::Listen)?;
        let serving = serve(listener, TlsAcceptor::from(Arc::new(config)), server);
        Ok(Self {
            address,
            root,
            shown,
            _serving: AbortOnDropHandle::new(tokio::spawn(serving)),
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The file of the root that has to be trusted.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Shows this certificate from the next connection on.
    pub fn show(&self, flaw: Flaw) {
        *self
            .shown
            .flaw
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = flaw;
    }
}

/// A good certificate and two bad ones, and the root that has signed them, in PEM.
fn certificates(host: &str) -> Result<(Shown, String), String> {
    let failed = |error: rcgen::Error| error.to_string();
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_key = KeyPair::generate().map_err(failed)?;
    let root_pem = pem(root.self_signed(&root_key).map_err(failed)?.der());
    let issuer = Issuer::new(root, root_key);
    let signed = |host: &str, until_year: i32| -> Result<Arc<CertifiedKey>, String> {
        let mut params = CertificateParams::new(vec![host.to_owned()]).map_err(failed)?;
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(until_year, 1, 1);
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.signed_by(&key, &issuer).map_err(failed)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let key = ring::sign::any_supported_type(&key.into()).map_err(|error| error.to_string())?;
        let chain = vec![certificate.der().clone()];
        Ok(Arc::new(CertifiedKey::new(chain, key)))
    };
    let shown = Shown {
        good: signed(host, 4000)?,
        expired: signed(host, 2020)?,
        of_another: signed(&format!("not-{host}"), 4000)?,
        flaw: Mutex::new(Flaw::None),
    };
    Ok((shown, root_pem))
}

fn pem(der: &[u8]) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let text = BASE64_STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, server: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        // Whoever does not like the certificate is seen in his own log.
        connections.spawn(pass(client, acceptor.clone(), server));
    }
}

async fn pass(client: TcpStream, acceptor: TlsAcceptor, server: SocketAddr) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut client = timeout(HANDSHAKE, acceptor.accept(client)).await??;
    let mut server = TcpStream::connect(server).await?;
    server.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
    use tokio::io::AsyncReadExt;
    use tokio_rustls::TlsConnector;

    use super::*;

    const HOST: &str = "exchange.test";

    /// A client that trusts the root in a file, and keeps sessions to go on with them.
    fn client(root: &Path) -> TlsConnector {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        let pem = std::fs::read_to_string(root).expect("a root");
        let text = pem.lines().find(|line| !line.starts_with('-'));
        let der = BASE64_STANDARD.decode(text.expect("a body"));
        let mut roots = RootCertStore::empty();
        roots.add(der.expect("base64").into()).expect("a root");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }

    /// What the server says, or why nothing is heard.
    async fn hear(client: &TlsConnector, address: SocketAddr) -> io::Result<String> {
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from(HOST).expect("a name");
        let mut stream = timeout(HANDSHAKE, client.connect(name, stream)).await??;
        let mut text = vec![0; 5];
        timeout(HANDSHAKE, stream.read_exact(&mut text)).await??;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    #[tokio::test]
    async fn a_bad_certificate_is_shown_to_those_too_who_were_there_before() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                use tokio::io::AsyncWriteExt;
                let _ = stream.write_all(b"hello").await;
            }
        });
        let directory = tempfile::tempdir().expect("a directory");
        let front = TlsFront::before(server, HOST, directory.path())
            .await
            .expect("a front");
        let client = client(front.root());
        for (flaw, reason) in [
            (Flaw::None, None),
            (Flaw::Expired, Some("expired")),
            (Flaw::WrongHost, Some("not valid for name")),
            (Flaw::None, None),
        ] {
            front.show(flaw);
            match (hear(&client, front.address()).await, reason) {
                (Ok(text), None) => assert_eq!(text, "hello"),
                (Err(error), Some(reason)) => {
                    assert!(error.to_string().contains(reason), "{flaw:?}: {error}");
                }
                (heard, _) => panic!("{flaw:?}: {heard:?}"),
            }
        }
    }
}
