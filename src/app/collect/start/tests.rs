use async_trait::async_trait;

use super::*;
use crate::{
    domain::price::{Price, Quantity},
    exchange::source::{LiveStream, Newest, Page},
};

fn trade(id: i64, time_us: i64) -> Trade {
    Trade {
        id,
        price: Price(1),
        quantity: Quantity(1),
        first_trade_id: id,
        last_trade_id: id,
        time_us,
        buyer_is_maker: false,
    }
}

/// An exchange that only tells the first trade of a period, if it tells one.
struct Telling(Option<Trade>);

#[async_trait]
impl Source for Telling {
    fn name(&self) -> &'static str {
        "telling"
    }

    async fn connect(&self, _: &[Symbol]) -> Result<Box<dyn LiveStream>, SourceError> {
        std::future::pending().await
    }

    async fn page(&self, _: &Symbol, _: i64) -> Result<Page, SourceError> {
        std::future::pending().await
    }

    async fn latest(&self, _: &Symbol) -> Result<Option<Newest>, SourceError> {
        std::future::pending().await
    }

    async fn first_since(&self, _: &Symbol, _: i64) -> Result<Option<Trade>, SourceError> {
        Ok(self.0)
    }
}

#[tokio::test]
async fn a_period_without_a_first_trade_is_asked_for_again_and_not_begun_in_its_midst() {
    let symbol = "BTCUSDT".parse().expect("a symbol");
    let mut starts = FirstStarts {
        symbol: &symbol,
        newest: trade(900, 5_000_000),
        firsts: Vec::new(),
    };
    let silent = starts.first_since(&Telling(None), 1_000_000).await;
    let error = silent.expect_err("nothing is known").to_string();
    assert!(error.contains("1970-01-01T00:00:01Z"), "{error}");
    assert!(error.contains("900"), "{error}");

    let first = trade(100, 1_000_000);
    let told = starts.first_since(&Telling(Some(first)), 1_000_000).await;
    assert_eq!(told.expect("a trade"), first);
    // What is known once is not asked for again.
    let known = starts.first_since(&Telling(None), 1_000_000).await;
    assert_eq!(known.expect("a trade"), first);
}
