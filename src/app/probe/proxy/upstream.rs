//! The server behind the proxy, with TLS or without.

use std::{io, sync::Arc};

use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{app::probe::error::ProbeError, exchange::tls, store::address::ClickHouseAddress};

/// A connection of either kind.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    /// Lets it end with a reset, not in order.
    fn reset_on_close(&self);
}

impl Stream for TcpStream {
    fn reset_on_close(&self) {
        // Without it the end is an orderly one, which is bad enough.
        let _ = self.set_zero_linger();
    }
}

impl Stream for TlsStream<TcpStream> {
    fn reset_on_close(&self) {
        self.get_ref().0.reset_on_close();
    }
}

/// Where the server is, and how it is spoken to.
pub struct Upstream {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Upstream {
    /// The server of an address.
    pub fn of(address: &ClickHouseAddress) -> Result<Self, ProbeError> {
        let host = address.host.trim_matches(['[', ']']).to_owned();
        let failed = |reason: String| ProbeError::NotReady {
            what: "the way to the database",
            reason,
        };
        let tls = if address.tls {
            let config = tls::client_config().map_err(|error| failed(error.to_string()))?;
            let name = ServerName::try_from(host.clone());
            let name = name.map_err(|error| failed(error.to_string()))?;
            Some((TlsConnector::from(Arc::clone(&config)), name))
        } else {
            None
        };
        Ok(Self {
            host,
            port: address.port,
            tls,
        })
    }

    /// A new connection to it.
    pub async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        Ok(match &self.tls {
            None => Box::new(stream),
            Some((connector, name)) => Box::new(connector.connect(name.clone(), stream).await?),
        })
    }
}
