//! What seals look like on their way, and the reading of them.

use clickhouse::{Client, Row, error::Error};
use serde::{Deserialize, Serialize};

use super::{read::Conditions, rows::Decimal128};
use crate::{
    domain::{
        digest::Digest,
        row::{Table, UnreadableRow},
        seal::{SealKey, SealRead, SealRow},
        tiling::IdRange,
    },
    store::{
        names::{digests, symbol},
        sink::SealQuery,
    },
};

/// A row of `seals`, as it travels.
#[derive(Debug, Row, Serialize, Deserialize)]
pub(super) struct SealRecord<'a> {
    exchange: &'a str,
    symbol: &'a str,
    anchor: &'a str,
    period_start: i64,
    first_agg_trade_id: i64,
    last_agg_trade_id: i64,
    trade_count: u64,
    volume: Decimal128,
    digests: Vec<(u32, String)>,
    sealed_at: i64,
    version: u64,
    is_deleted: u8,
}

impl<'a> From<&'a SealRow> for SealRecord<'a> {
    fn from(row: &'a SealRow) -> Self {
        let digests = row.digests.iter();
        Self {
            exchange: &row.key.exchange,
            symbol: row.key.symbol.as_str(),
            anchor: row.key.anchor.as_str(),
            period_start: row.key.period_start_us,
            first_agg_trade_id: row.ids.first_id,
            last_agg_trade_id: row.ids.last_id,
            trade_count: row.trade_count,
            volume: Decimal128(row.volume),
            digests: digests
                .map(|(threshold, Digest(text))| (threshold.dbps(), text.clone()))
                .collect(),
            sealed_at: row.sealed_at_us,
            version: row.version,
            is_deleted: row.is_deleted.into(),
        }
    }
}

impl SealRecord<'_> {
    fn into_read(self) -> SealRead {
        let unreadable = |column, reason| UnreadableRow {
            table: Table::Seals,
            key: format!(
                "({}, {}, {}, {})",
                self.exchange, self.symbol, self.anchor, self.period_start
            ),
            place: None,
            column,
            reason,
        };
        Ok(SealRow {
            key: SealKey {
                exchange: self.exchange.into(),
                symbol: symbol(self.symbol).map_err(|reason| unreadable("symbol", reason))?,
                anchor: self
                    .anchor
                    .parse()
                    .map_err(|error| unreadable("anchor", format!("{error}")))?,
                period_start_us: self.period_start,
            },
            ids: IdRange {
                first_id: self.first_agg_trade_id,
                last_id: self.last_agg_trade_id,
            },
            trade_count: self.trade_count,
            volume: self.volume.0,
            digests: digests(self.digests.clone())
                .map_err(|reason| unreadable("digests", reason))?,
            sealed_at_us: self.sealed_at,
            version: self.version,
            is_deleted: self.is_deleted != 0,
        })
    }
}

/// The current seals, by exchange, symbol, anchor and period.
pub(super) async fn seals(client: &Client, query: &SealQuery) -> Result<Vec<SealRead>, Error> {
    let mut conditions = Conditions::default();
    if let Some(exchange) = &query.exchange {
        conditions.text("exchange", exchange);
    }
    conditions.symbols(&query.symbols);
    if let Some(anchor) = query.anchor {
        conditions.text("anchor", anchor.as_str());
    }
    conditions.between("period_start", query.since_us, query.until_us);
    let mut cursor = conditions
        .select(
            client,
            "?fields FROM seals FINAL",
            "ORDER BY exchange, symbol, anchor, period_start",
        )
        .fetch::<SealRecord<'_>>()?;
    let mut found = Vec::new();
    while let Some(record) = cursor.next().await? {
        found.push(record.into_read());
    }
    Ok(found)
}
