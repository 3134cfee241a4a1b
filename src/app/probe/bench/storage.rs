//! The store of a run: where the collector writes, and how the probe reads past every fault.

use std::{path::Path, sync::Arc};

use super::load::SYMBOLS;
use crate::{
    app::probe::error::ProbeError,
    domain::{row::BarRow, symbol::Symbol, threshold::Threshold},
    store::{
        self, StoreOptions,
        address::StoreAddress,
        sink::{BarQuery, Store},
    },
};

/// The name of the exchange in the store.
pub const EXCHANGE: &str = "probe";

/// The store of a run.
pub struct Storage {
    /// Where the collector finds it.
    address: StoreAddress,
    store: Arc<dyn Store>,
}

impl Storage {
    /// A file of its own below `directory`.
    pub fn file(directory: &Path) -> Result<Self, ProbeError> {
        let address = StoreAddress::Sqlite(directory.join("store.sqlite"));
        let store = store::open(&address, StoreOptions::default())?;
        Ok(Self { address, store })
    }

    /// Where the collector finds it.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// The newest id in the bars of a threshold for each symbol; 0 where there is none.
    pub async fn newest(&self, finest: Threshold) -> Result<Vec<i64>, ProbeError> {
        let query = BarQuery {
            exchange: Some(EXCHANGE.to_owned()),
            thresholds: vec![finest],
            ..BarQuery::default()
        };
        let ranges = match self.store.id_ranges(&query).await {
            // The collector makes the tables, in its own time.
            Err(error) if error.lacks_table() => Vec::new(),
            other => other?,
        };
        let newest = |symbol: &str| {
            let found = ranges.iter().find(|range| range.symbol == symbol);
            found.map_or(0, |range| range.last_id)
        };
        Ok(SYMBOLS.iter().map(|symbol| newest(symbol)).collect())
    }

    /// The bars of a series.
    pub async fn bars(
        &self,
        symbol: &Symbol,
        threshold: Threshold,
    ) -> Result<Vec<BarRow>, ProbeError> {
        let query = BarQuery {
            exchange: Some(EXCHANGE.to_owned()),
            symbols: vec![symbol.clone()],
            thresholds: vec![threshold],
            ..BarQuery::default()
        };
        let mut rows = Vec::new();
        let mut take = |more| {
            rows.extend(more);
            Ok(())
        };
        let read = self.store.bars(&query, &mut take).await;
        read.map_err(ProbeError::Read)?;
        Ok(rows)
    }
}
