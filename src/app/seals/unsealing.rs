//! Taking seals back from periods whose bars are written again.

use std::collections::BTreeMap;

use crate::{
    app::verify::stored_seals,
    domain::{
        anchor::Anchor,
        row::{BarRow, ExchangeName},
        seal::SealRow,
        symbol::Symbol,
    },
    store::sink::{SealQuery, Store, StoreError, StoreErrorKind},
};

/// Takes back the seals of all periods that `rows` belong to, and returns those that there
/// were.
///
/// Whoever writes bars, or tombstones of bars, calls this **before** and **after** it, with
/// the same rows, and counts the rows as written only when the second call has succeeded: a
/// crash in between leaves the periods unsealed, or the rows to be written again.
///
/// # Errors
/// When the store fails. Rows must not be written then, or not count as written. A store in
/// which this user cannot look for seals is none: it takes bars all the same.
pub async fn unseal(
    store: &dyn Store,
    rows: &[BarRow],
    now_us: i64,
) -> Result<Vec<SealRow>, StoreError> {
    let mut groups: BTreeMap<(&ExchangeName, Anchor), Vec<&BarRow>> = BTreeMap::new();
    for row in rows {
        groups
            .entry((&row.exchange, row.anchor))
            .or_default()
            .push(row);
    }
    let mut taken = Vec::new();
    for ((exchange, anchor), rows) in groups {
        let query = query(exchange, anchor, &rows);
        let sealed = match stored_seals(store, &query).await {
            Ok(sealed) => sealed,
            // Its seals are no business of this user, and its bars are.
            Err(error) if error.kind == StoreErrorKind::Configuration => continue,
            Err(error) => return Err(error),
        };
        // A seal that cannot be read vouches for nothing.
        let sealed = sealed.into_iter().flatten();
        taken.extend(sealed.filter(|seal| rows.iter().any(|row| is_in(row, seal))));
    }
    if taken.is_empty() {
        return Ok(taken);
    }
    let tombstones: Vec<_> = taken.iter().map(|seal| tombstone(seal, now_us)).collect();
    store.put_seals(&tombstones).await?;
    Ok(taken)
}

/// What says that a period is not sealed any more.
pub(super) fn tombstone(seal: &SealRow, now_us: i64) -> SealRow {
    SealRow {
        version: version(now_us, Some(seal)),
        is_deleted: true,
        ..seal.clone()
    }
}

/// A version above that of a row which is replaced, and above those of the past.
pub(super) fn version(now_us: i64, replaced: Option<&SealRow>) -> u64 {
    let now = u64::try_from(now_us).unwrap_or(0);
    replaced.map_or(now, |seal| now.max(seal.version.saturating_add(1)))
}

/// The seals of all periods that rows of one exchange and anchor may belong to.
fn query(exchange: &ExchangeName, anchor: Anchor, rows: &[&BarRow]) -> SealQuery {
    let mut symbols: Vec<Symbol> = rows.iter().map(|row| row.symbol.clone()).collect();
    symbols.sort_unstable();
    symbols.dedup();
    let opened = rows.iter().map(|row| row.bar.open_time_us).min();
    let closed = rows
        .iter()
        .map(|row| row.bar.close_time_us.max(row.bar.open_time_us));
    SealQuery {
        exchange: Some(exchange.to_string()),
        symbols,
        anchor: Some(anchor),
        since_us: opened.map(|time_us| anchor.period(time_us).start_us),
        // A bar of late trades is dated before the period that it belongs to, which is then
        // the next one.
        until_us: closed
            .max()
            .map(|time_us| anchor.period(time_us).end_us.saturating_add(1)),
    }
}

/// Whether a row belongs to the period of a seal, by what it says of its time or of its ids.
fn is_in(row: &BarRow, seal: &SealRow) -> bool {
    let bar = &row.bar;
    let is_of_tape = row.symbol == seal.key.symbol;
    let has_its_time = row.anchor.period(bar.open_time_us).start_us == seal.key.period_start_us;
    let has_its_ids = bar.first_agg_trade_id <= seal.ids.last_id
        && seal.ids.first_id <= bar.last_agg_trade_id.max(bar.first_agg_trade_id);
    is_of_tape && (has_its_time || has_its_ids)
}
