//! The adapter itself: what the exchange offers, behind the trait that all share.

use std::sync::Arc;

use async_trait::async_trait;
use rustls::ClientConfig;

use super::{
    connects::ConnectLimiter,
    endpoints::Endpoints,
    rest::Rest,
    settings::{Settings, SettingsError},
    stream::{MAX_STREAMS, Stream, stream_url},
};
use crate::{
    domain::{symbol::Symbol, trade::Trade},
    exchange::{
        socket,
        source::{LiveStream, Newest, Page, Source, SourceError},
        tls,
    },
};

/// Binance spot, or anything that speaks the same.
pub struct Binance {
    settings: Settings,
    streams: Arc<Endpoints>,
    limiter: ConnectLimiter,
    tls: Arc<ClientConfig>,
    rest: Rest,
}

impl Binance {
    /// Prepares the adapter; nothing is connected to yet.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        let streams = Endpoints::new(settings.ws_urls.clone())
            .ok_or(SettingsError::NoEndpoint("a stream endpoint"))?;
        Ok(Self {
            streams: Arc::new(streams),
            limiter: ConnectLimiter::default(),
            tls: tls::client_config()?,
            rest: Rest::new(&settings)?,
            settings,
        })
    }
}

#[async_trait]
impl Source for Binance {
    fn name(&self) -> &str {
        &self.settings.name
    }

    async fn connect(&self, symbols: &[Symbol]) -> Result<Box<dyn LiveStream>, SourceError> {
        if symbols.is_empty() || symbols.len() > MAX_STREAMS {
            return Err(SourceError::StreamCount {
                endpoint: self.streams.preferred().to_string(),
                asked: symbols.len(),
                limit: MAX_STREAMS,
            });
        }
        let mut first_error = None;
        for (number, endpoint) in self.streams.in_order() {
            self.limiter
                .admit()
                .await
                .map_err(|closed| SourceError::RateLimited {
                    endpoint: endpoint.to_string(),
                    status: closed.status,
                    retry_after: closed.remaining(),
                })?;
            let Settings {
                socket, resolver, ..
            } = &self.settings;
            let url = stream_url(endpoint, symbols);
            match socket::connect(&url, socket, resolver, Arc::clone(&self.tls)).await {
                Ok(socket) => {
                    let streams = Arc::clone(&self.streams);
                    self.streams.works(number);
                    let reads_unusual = self.settings.reads_unusual;
                    let stream = Stream::new(socket, symbols, streams, number, reads_unusual);
                    return Ok(Box::new(stream));
                }
                Err(error) => {
                    if let SourceError::RateLimited {
                        status,
                        retry_after,
                        ..
                    } = error
                    {
                        // The limit is our address's, whatever the endpoint.
                        self.limiter.close(status, retry_after);
                        return Err(error);
                    }
                    self.streams.fails(number);
                    tracing::debug!(%endpoint, %error, "an endpoint was not reached");
                    first_error.get_or_insert(error);
                }
            }
        }
        Err(first_error.unwrap_or_else(|| SourceError::Unreachable {
            endpoint: self.streams.preferred().to_string(),
            cause: "there is no endpoint".to_owned(),
        }))
    }

    async fn page(&self, symbol: &Symbol, from_id: i64) -> Result<Page, SourceError> {
        self.rest.page(symbol, from_id).await
    }

    async fn latest(&self, symbol: &Symbol) -> Result<Option<Newest>, SourceError> {
        self.rest.latest(symbol).await
    }

    async fn first_since(
        &self,
        symbol: &Symbol,
        time_us: i64,
    ) -> Result<Option<Trade>, SourceError> {
        self.rest.first_since(symbol, time_us).await
    }

    async fn time_us(&self) -> Result<Option<i64>, SourceError> {
        self.rest.time_us().await.map(Some)
    }
}

#[cfg(test)]
mod tests;
