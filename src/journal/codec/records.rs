//! Records of a fixed size: the rows of which there are many.
//!
//! ```text
//! u16 names; each: u16 length, exchange, u16 length, symbol, u8 anchor
//! u32 records; each: u16 which name, then the fields in the order of the row's type
//! ```
//!
//! Numbers are little-endian, floats are their bits. What names a series is written once a
//! chunk, and is shared by its rows when it is read. Fields of fixed size are a third longer
//! than variable ones, and five times faster.

use std::{mem::size_of, sync::Arc};

use crate::domain::{
    anchor::Anchor,
    bar::{Bar, ClosedBy},
    features::Features,
    price::{Price, Quantity},
    row::{BarRow, ExchangeName, TradeRow},
    sums::{Side, Sums},
    symbol::Symbol,
    threshold::Threshold,
    trade::Trade,
};

/// What the rows of one series, or one tape, have in common.
pub(super) struct Name {
    exchange: ExchangeName,
    symbol: Symbol,
    anchor: Anchor,
}

/// A row that has a record.
pub(super) trait Record: Sized {
    /// Bytes of a record behind the number of its name.
    const SIZE: usize;

    fn exchange(&self) -> &ExchangeName;
    fn symbol(&self) -> &Symbol;
    fn anchor(&self) -> Anchor;
    /// Writes exactly [`SIZE`](Self::SIZE) bytes.
    fn write(&self, to: &mut Writer<'_>);
    /// Reads what [`write`](Self::write) wrote; a sentence when no row is like that.
    fn read(name: &Name, from: &mut Reader<'_>) -> Result<Self, String>;
}

/// Encodes the rows behind `format`.
pub(super) fn encode<R: Record>(format: u8, runs: &[&[R]]) -> Vec<u8> {
    let count: usize = runs.iter().map(|run| run.len()).sum();
    let record = size_of::<u16>() + R::SIZE;
    let (names, numbers) = names(runs, count);
    let mut payload = Vec::with_capacity(256 + count * record);
    payload.push(format);
    payload.extend_from_slice(&(names.len() as u16).to_le_bytes());
    for row in &names {
        for text in [row.exchange().as_ref(), row.symbol().as_str()] {
            payload.extend_from_slice(&(text.len() as u16).to_le_bytes());
            payload.extend_from_slice(text.as_bytes());
        }
        payload.push(anchor_code(row.anchor()));
    }
    payload.extend_from_slice(&(count as u32).to_le_bytes());
    let begun = payload.len();
    payload.resize(begun + count * record, 0);
    let rows = runs.iter().copied().flatten();
    for ((row, number), bytes) in rows
        .zip(numbers)
        .zip(payload[begun..].chunks_exact_mut(record))
    {
        let mut writer = Writer { bytes };
        writer.put(number.to_le_bytes());
        row.write(&mut writer);
    }
    payload
}

/// A row for each name that occurs, and which name each row has.
fn names<'a, R: Record>(runs: &[&'a [R]], count: usize) -> (Vec<&'a R>, Vec<u16>) {
    let mut names: Vec<&R> = Vec::with_capacity(4);
    let mut numbers = Vec::with_capacity(count);
    let mut last = 0;
    for row in runs.iter().copied().flatten() {
        if !names
            .get(last)
            .is_some_and(|name| is_named_alike(*name, row))
        {
            last = names
                .iter()
                .position(|name| is_named_alike(*name, row))
                .unwrap_or_else(|| {
                    names.push(row);
                    names.len() - 1
                });
        }
        numbers.push(last as u16);
    }
    (names, numbers)
}

fn is_named_alike<R: Record>(one: &R, other: &R) -> bool {
    let is_same_exchange =
        Arc::ptr_eq(one.exchange(), other.exchange()) || one.exchange() == other.exchange();
    is_same_exchange && one.symbol() == other.symbol() && one.anchor() == other.anchor()
}

/// Appends the rows that [`encode`] wrote behind the format.
pub(super) fn decode<R: Record>(bytes: &[u8], rows: &mut Vec<R>) -> Result<(), String> {
    let mut from = Reader { bytes };
    let mut names = Vec::new();
    for _ in 0..u16::from_le_bytes(from.take()?) {
        let unreadable = |error| format!("its rows cannot be read: {error}");
        names.push(Name {
            exchange: from.text()?.into(),
            symbol: from.text()?.parse().map_err(unreadable)?,
            anchor: anchor(u8::from_le_bytes(from.take()?))?,
        });
    }
    let count = u32::from_le_bytes(from.take()?) as usize;
    let record = size_of::<u16>() + R::SIZE;
    if count.checked_mul(record) != Some(from.bytes.len()) {
        let found = from.bytes.len();
        return Err(format!("{count} rows of {record} bytes are not {found}"));
    }
    rows.reserve(count);
    for record in from.bytes.chunks_exact(record) {
        let mut from = Reader { bytes: record };
        let number = u16::from_le_bytes(from.take()?);
        let name = names
            .get(usize::from(number))
            .ok_or_else(|| format!("a row has the name {number} of {}", names.len()))?;
        rows.push(R::read(name, &mut from)?);
    }
    Ok(())
}

/// Writes into a slice that has room for everything.
pub(super) struct Writer<'a> {
    bytes: &'a mut [u8],
}

impl Writer<'_> {
    #[inline(always)]
    fn put<const N: usize>(&mut self, field: [u8; N]) {
        if let Some((head, rest)) = std::mem::take(&mut self.bytes).split_first_chunk_mut::<N>() {
            *head = field;
            self.bytes = rest;
        }
    }
}

/// Reads from a slice that may be too short.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    #[inline(always)]
    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        match self.bytes.split_first_chunk::<N>() {
            Some((head, rest)) => {
                self.bytes = rest;
                Ok(*head)
            }
            None => Err("it ends early".to_owned()),
        }
    }

    fn text(&mut self) -> Result<&'a str, String> {
        let length = usize::from(u16::from_le_bytes(self.take()?));
        let Some((text, rest)) = self.bytes.split_at_checked(length) else {
            return Err("it ends early".to_owned());
        };
        self.bytes = rest;
        std::str::from_utf8(text).map_err(|error| format!("its rows cannot be read: {error}"))
    }

    #[inline(always)]
    fn i64(&mut self) -> Result<i64, String> {
        Ok(i64::from_le_bytes(self.take()?))
    }

    #[inline(always)]
    fn u64(&mut self) -> Result<u64, String> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    #[inline(always)]
    fn i128(&mut self) -> Result<i128, String> {
        Ok(i128::from_le_bytes(self.take()?))
    }

    #[inline(always)]
    fn f64(&mut self) -> Result<f64, String> {
        Ok(f64::from_le_bytes(self.take()?))
    }

    #[inline(always)]
    fn bool(&mut self) -> Result<bool, String> {
        match self.take()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(format!("{other} is neither yes nor no")),
        }
    }
}

const fn anchor_code(anchor: Anchor) -> u8 {
    match anchor {
        Anchor::None => 0,
        Anchor::Day => 1,
        Anchor::Month => 2,
    }
}

fn anchor(code: u8) -> Result<Anchor, String> {
    [Anchor::None, Anchor::Day, Anchor::Month]
        .into_iter()
        .find(|anchor| anchor_code(*anchor) == code)
        .ok_or_else(|| format!("there is no anchor {code}"))
}

const fn closed_by_code(closed_by: ClosedBy) -> u8 {
    match closed_by {
        ClosedBy::Breach => 1,
        ClosedBy::Anchor => 2,
        ClosedBy::Gap => 3,
    }
}

fn closed_by(code: u8) -> Result<ClosedBy, String> {
    [ClosedBy::Breach, ClosedBy::Anchor, ClosedBy::Gap]
        .into_iter()
        .find(|closed_by| closed_by_code(*closed_by) == code)
        .ok_or_else(|| format!("there is no cause of closing {code}"))
}

impl Record for BarRow {
    // The threshold; ids, times and prices; both sides; counts; features; how it was closed,
    // the version, and whether it is a tombstone.
    const SIZE: usize = 4 + 11 * 8 + 2 * (2 * 16 + 8) + 8 + 9 * 8 + 1 + 8 + 1;

    fn exchange(&self) -> &ExchangeName {
        &self.exchange
    }

    fn symbol(&self) -> &Symbol {
        &self.symbol
    }

    fn anchor(&self) -> Anchor {
        self.anchor
    }

    fn write(&self, to: &mut Writer<'_>) {
        let bar = &self.bar;
        to.put(bar.threshold.dbps().to_le_bytes());
        for number in [
            bar.first_agg_trade_id,
            bar.last_agg_trade_id,
            bar.first_trade_id,
            bar.last_trade_id,
            bar.open_time_us,
            bar.close_time_us,
            bar.open.0,
            bar.high.0,
            bar.low.0,
            bar.close.0,
            bar.vwap.0,
        ] {
            to.put(number.to_le_bytes());
        }
        let sums = &bar.sums;
        to.put(sums.buy_volume().to_le_bytes());
        to.put(sums.buy_turnover().to_le_bytes());
        to.put(sums.buy_trade_count().to_le_bytes());
        to.put(sums.sell_volume().to_le_bytes());
        to.put(sums.sell_turnover().to_le_bytes());
        to.put(sums.sell_trade_count().to_le_bytes());
        to.put(sums.agg_trade_count().to_le_bytes());
        let features = &bar.features;
        for number in [
            features.ofi,
            features.vwap_close_deviation,
            features.price_impact,
            features.kyle_lambda_proxy,
            features.trade_intensity,
            features.volume_per_trade,
            features.aggression_ratio,
            features.aggregation_density,
            features.turnover_imbalance,
        ] {
            to.put(number.to_le_bytes());
        }
        to.put([closed_by_code(bar.closed_by)]);
        to.put(self.version.to_le_bytes());
        to.put([u8::from(self.is_deleted)]);
    }

    fn read(name: &Name, from: &mut Reader<'_>) -> Result<Self, String> {
        let dbps = u32::from_le_bytes(from.take()?);
        let threshold = Threshold::new(dbps).map_err(|error| error.to_string())?;
        let bar = Bar {
            threshold,
            first_agg_trade_id: from.i64()?,
            last_agg_trade_id: from.i64()?,
            first_trade_id: from.i64()?,
            last_trade_id: from.i64()?,
            open_time_us: from.i64()?,
            close_time_us: from.i64()?,
            open: Price(from.i64()?),
            high: Price(from.i64()?),
            low: Price(from.i64()?),
            close: Price(from.i64()?),
            vwap: Price(from.i64()?),
            sums: Sums::of_sides(side(from)?, side(from)?, from.u64()?),
            features: Features {
                ofi: from.f64()?,
                vwap_close_deviation: from.f64()?,
                price_impact: from.f64()?,
                kyle_lambda_proxy: from.f64()?,
                trade_intensity: from.f64()?,
                volume_per_trade: from.f64()?,
                aggression_ratio: from.f64()?,
                aggregation_density: from.f64()?,
                turnover_imbalance: from.f64()?,
            },
            closed_by: closed_by(u8::from_le_bytes(from.take()?))?,
        };
        Ok(Self {
            exchange: Arc::clone(&name.exchange),
            symbol: name.symbol.clone(),
            anchor: name.anchor,
            bar,
            version: from.u64()?,
            is_deleted: from.bool()?,
        })
    }
}

#[inline(always)]
fn side(from: &mut Reader<'_>) -> Result<Side, String> {
    Ok(Side {
        volume: from.i128()?,
        turnover: from.i128()?,
        trade_count: from.u64()?,
    })
}

impl Record for TradeRow {
    // Ids, price, quantity and time; who was the maker; the version.
    const SIZE: usize = 6 * 8 + 1 + 8;

    fn exchange(&self) -> &ExchangeName {
        &self.exchange
    }

    fn symbol(&self) -> &Symbol {
        &self.symbol
    }

    /// Trades have none.
    fn anchor(&self) -> Anchor {
        Anchor::None
    }

    fn write(&self, to: &mut Writer<'_>) {
        let trade = &self.trade;
        for number in [
            trade.id,
            trade.price.0,
            trade.quantity.0,
            trade.first_trade_id,
            trade.last_trade_id,
            trade.time_us,
        ] {
            to.put(number.to_le_bytes());
        }
        to.put([u8::from(trade.buyer_is_maker)]);
        to.put(self.version.to_le_bytes());
    }

    fn read(name: &Name, from: &mut Reader<'_>) -> Result<Self, String> {
        let trade = Trade {
            id: from.i64()?,
            price: Price(from.i64()?),
            quantity: Quantity(from.i64()?),
            first_trade_id: from.i64()?,
            last_trade_id: from.i64()?,
            time_us: from.i64()?,
            buyer_is_maker: from.bool()?,
        };
        Ok(Self {
            exchange: Arc::clone(&name.exchange),
            symbol: name.symbol.clone(),
            trade,
            version: from.u64()?,
        })
    }
}
