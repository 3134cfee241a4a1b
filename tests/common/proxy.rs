//! The proxy of `probe` before a test's own server.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{ops::Deref, time::Duration};

#[allow(unused_imports, reason = "each test binary uses its own part")]
pub use streamkit::app::probe::proxy::Mode;
use streamkit::{app::probe::proxy, store::address::StoreAddress};
use tokio::time::timeout;

use super::clickhouse::clickhouse_address;

/// A proxy at work. It ends when it is dropped.
pub struct Proxy(proxy::Proxy);

impl Deref for Proxy {
    type Target = proxy::Proxy;

    fn deref(&self) -> &proxy::Proxy {
        &self.0
    }
}

impl Proxy {
    /// A proxy before the server at `upstream` (`http://host:port`) that changes nothing yet.
    pub fn start(upstream: &str) -> Self {
        let address = clickhouse_address(upstream, "default", "default");
        let StoreAddress::ClickHouse(address) = address else {
            panic!("{upstream} is no ClickHouse");
        };
        Self(proxy::Proxy::start(&address).expect("a proxy"))
    }

    /// Where it listens, as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Waits until it did what it was told so often.
    pub async fn until_hits(&self, count: u64, patience: Duration) {
        let is_reached = timeout(patience, self.hits_reach(count)).await;
        assert!(
            is_reached.is_ok(),
            "the fault was hit {} times, not {count}; {:?}",
            self.hits(),
            self.errors()
        );
    }
}
