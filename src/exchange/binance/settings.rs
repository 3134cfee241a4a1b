//! What can be set about the adapter.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use url::Url;

use crate::exchange::{
    dial::{Resolver, SystemResolver},
    socket::SocketSettings,
};

/// Streams: the hosts for market data alone come first, they need no account and are
/// not shared with trading.
const STREAM_URLS: [&str; 4] = [
    "wss://data-stream.binance.vision",
    "wss://data-stream.binance.vision:9443",
    "wss://stream.binance.com:9443",
    "wss://stream.binance.com",
];

/// History, in the same order.
const REST_URLS: [&str; 2] = ["https://data-api.binance.vision", "https://api.binance.com"];

/// The exchange allows 6000; the rest is left for other programs at this address.
const WEIGHT_PER_MINUTE: NonZeroU32 = NonZeroU32::new(4800).unwrap();

/// The settings of a [`Binance`](super::Binance) adapter.
#[derive(Clone)]
pub struct Settings {
    /// The exchange's name in the store.
    pub name: String,
    /// Where streams are, best first: `wss://host[:port]`.
    pub ws_urls: Vec<Url>,
    /// Where history is, best first: `https://host[:port]`.
    pub rest_urls: Vec<Url>,
    /// The limits of a stream's connection.
    pub socket: SocketSettings,
    /// For name, TCP and TLS of a request.
    pub connect_deadline: Duration,
    /// For a whole request, with all endpoints that are tried.
    pub request_deadline: Duration,
    /// How much weight may be used in a minute; one request for history weighs 4.
    pub weight_per_minute: NonZeroU32,
    /// Finds the addresses of hosts.
    pub resolver: Resolver,
    /// Whether messages of an unusual form are read, too. It is only ever off to see what that is
    /// good for.
    pub reads_unusual: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let urls = |texts: &[&str]| texts.iter().filter_map(|text| text.parse().ok()).collect();
        Self {
            name: "binance".to_owned(),
            ws_urls: urls(&STREAM_URLS),
            rest_urls: urls(&REST_URLS),
            socket: SocketSettings::default(),
            connect_deadline: Duration::from_secs(10),
            request_deadline: Duration::from_secs(10),
            weight_per_minute: WEIGHT_PER_MINUTE,
            resolver: Arc::new(SystemResolver),
            reads_unusual: true,
        }
    }
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A list of endpoints is empty.
    #[error("use an exchange without {0}: at least one is needed")]
    NoEndpoint(&'static str),
    /// An endpoint's scheme does not fit its purpose.
    #[error("use {url}: its scheme has to be {wanted}")]
    WrongScheme {
        /// The endpoint.
        url: Url,
        /// What it should be.
        wanted: &'static str,
    },
    /// TLS could not be set up.
    #[error(transparent)]
    Tls(#[from] crate::exchange::tls::TlsSetupError),
    /// The client for requests could not be set up.
    #[error("set up the client for requests: {0}")]
    Client(#[from] reqwest::Error),
}

impl Settings {
    /// Checks the endpoints.
    ///
    /// # Errors
    /// When a list is empty, or an endpoint is neither `ws(s)` nor `http(s)` where it
    /// should be.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        for (urls, what, schemes, wanted) in [
            (
                &self.ws_urls,
                "a stream endpoint",
                ["ws", "wss"],
                "ws or wss",
            ),
            (
                &self.rest_urls,
                "a history endpoint",
                ["http", "https"],
                "http or https",
            ),
        ] {
            if urls.is_empty() {
                return Err(SettingsError::NoEndpoint(what));
            }
            for url in urls {
                if !schemes.contains(&url.scheme()) || url.host().is_none() {
                    let url = url.clone();
                    return Err(SettingsError::WrongScheme { url, wanted });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_be_used_and_nonsense_is_refused() {
        let settings = Settings::default();
        assert!(settings.check().is_ok());
        assert_eq!((settings.ws_urls.len(), settings.rest_urls.len()), (4, 2));
        let swapped = Settings {
            ws_urls: settings.rest_urls.clone(),
            ..settings.clone()
        };
        let error = swapped.check().expect_err("https is no stream");
        assert!(error.to_string().contains("has to be ws or wss"), "{error}");
        let empty = Settings {
            rest_urls: Vec::new(),
            ..settings
        };
        assert!(empty.check().is_err());
    }
}
