//! Seals: put in past every batch, and read back.

use std::collections::BTreeMap;

use rusqlite::{
    Connection, Row, Statement, TransactionBehavior, params_from_iter, types::ValueRef,
};

use super::{
    errors::Failure,
    insert::{put_all, upsert},
    read::Conditions,
    rows::{PRICE_DIGITS, decimal, integer},
    values::{Columns, Fault, shown, text_in},
};
use crate::{
    domain::{
        anchor::AnchorError,
        digest::Digest,
        row::{Table, UnreadableRow},
        seal::{SealKey, SealRead, SealRow},
        threshold::Threshold,
        tiling::IdRange,
    },
    store::{
        names::{digests, symbol},
        sink::{SealQuery, StoreErrorKind::Content},
    },
};

const SEAL_KEY: [&str; 4] = ["exchange", "symbol", "anchor", "period_start"];

/// The columns of `seals`, in the order in which they are written and read.
pub(super) const SEAL_COLUMNS: [&str; 12] = [
    "exchange",
    "symbol",
    "anchor",
    "period_start",
    "first_agg_trade_id",
    "last_agg_trade_id",
    "trade_count",
    "volume",
    "digests",
    "sealed_at",
    "version",
    "is_deleted",
];

/// Puts rows in, or in the place of older versions. They are on disk when this returns.
pub(super) fn put(connection: &mut Connection, rows: &[SealRow]) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let sql = upsert(Table::Seals.as_str(), &SEAL_COLUMNS, &SEAL_KEY, "version");
    put_all(&transaction, &sql, rows, put_row)?;
    transaction
        .commit()
        .map_err(|error| Failure::from(error).at_commit())
}

fn put_row(statement: &mut Statement<'_>, row: &SealRow) -> Result<(), Failure> {
    let digests: BTreeMap<u32, &Digest> = row
        .digests
        .iter()
        .map(|(threshold, digest)| (threshold.dbps(), digest))
        .collect();
    let digests = serde_json::to_string(&digests)
        .map_err(|error| Failure::new(Content, format!("digests: {error}")))?;
    statement.execute(rusqlite::params![
        &*row.key.exchange,
        row.key.symbol.as_str(),
        row.key.anchor.as_str(),
        row.key.period_start_us,
        row.ids.first_id,
        row.ids.last_id,
        integer(row.trade_count, "trade_count")?,
        decimal(row.volume, PRICE_DIGITS),
        digests,
        row.sealed_at_us,
        integer(row.version, "version")?,
        row.is_deleted,
    ])?;
    Ok(())
}

/// The current seals, by exchange, symbol, anchor and period.
pub(super) fn seals(connection: &Connection, query: &SealQuery) -> Result<Vec<SealRead>, Failure> {
    let mut conditions = Conditions::default();
    conditions.add("is_deleted = ?", 0);
    if let Some(exchange) = &query.exchange {
        conditions.add("exchange = ?", exchange.clone());
    }
    conditions.symbols(&query.symbols);
    if let Some(anchor) = query.anchor {
        conditions.add("anchor = ?", anchor.as_str().to_owned());
    }
    conditions.between("period_start", query.since_us, query.until_us);
    let sql = conditions.sql(
        &format!("SELECT {} FROM seals", SEAL_COLUMNS.join(", ")),
        "ORDER BY exchange, symbol, anchor, period_start",
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(params_from_iter(&conditions.values))?;
    let mut seals = Vec::new();
    while let Some(row) = found.next()? {
        seals.push(read(row));
    }
    Ok(seals)
}

fn read(row: &Row<'_>) -> SealRead {
    read_columns(&mut Columns::of_seal(row)).map_err(|(column, reason)| {
        let key = [0, 1, 2, 3].map(|index| shown(row.get_ref(index).unwrap_or(ValueRef::Null)));
        UnreadableRow {
            table: Table::Seals,
            key: format!("({})", key.join(", ")),
            place: None,
            column,
            reason,
        }
    })
}

fn read_columns(columns: &mut Columns<'_>) -> Result<SealRow, Fault> {
    // The fields stand in the order of the columns, which is the order of evaluation.
    Ok(SealRow {
        key: SealKey {
            exchange: columns.text()?.into(),
            symbol: columns.read(|value| symbol(text_in(value)?))?,
            anchor: columns.read(|value| {
                let anchor = text_in(value)?.parse();
                anchor.map_err(|error: AnchorError| error.to_string())
            })?,
            period_start_us: columns.integer()?,
        },
        ids: IdRange {
            first_id: columns.integer()?,
            last_id: columns.integer()?,
        },
        trade_count: columns.count()?,
        volume: columns.units(PRICE_DIGITS)?,
        digests: columns.read(|value| stored_digests(text_in(value)?))?,
        sealed_at_us: columns.integer()?,
        version: columns.count()?,
        is_deleted: columns.integer()? != 0,
    })
}

fn stored_digests(text: &str) -> Result<BTreeMap<Threshold, Digest>, String> {
    let by_dbps: BTreeMap<u32, String> =
        serde_json::from_str(text).map_err(|error| error.to_string())?;
    digests(by_dbps)
}
