//! Bars as CSV, JSON lines or tables.
//!
//! CSV and JSON have the columns of the store's table `bars`, in its order, without
//! `version` and `is_deleted`:
//!
//! - times are whole µs since 1970 UTC;
//! - decimals have all their digits: 8 after the point for prices and volumes, 16 for
//!   turnovers; in JSON they are strings, because a JSON number may lose digits;
//! - features are the shortest decimals that read back to the same f64: `1.0`, `5e-7`;
//! - JSON is one object a line, with the columns' names as keys.

use std::{fmt::Write as _, mem};

use crate::domain::{
    price::{Decimal, Price},
    row::{BarRow, OWN_COLUMNS, bar_column_names},
};

use super::{OutputError, Printer};

mod table;

/// How bars are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BarsFormat {
    /// A table for each series.
    Human,
    /// A header and one line a bar.
    Csv,
    /// One JSON object a bar and line.
    Json,
}

/// One value of a row.
#[derive(Debug, Clone, Copy)]
enum Value<'a> {
    Text(&'a str),
    Integer(i128),
    Decimal(Decimal),
    Float(f64),
}

/// The names of the columns that are printed, in order.
pub fn columns() -> impl ExactSizeIterator<Item = &'static str> + Clone {
    bar_column_names().take(OWN_COLUMNS)
}

/// The values of a row's columns, in their order.
fn values(row: &BarRow) -> [Value<'_>; OWN_COLUMNS] {
    let bar = &row.bar;
    let sums = &bar.sums;
    let integer = |value: i64| Value::Integer(i128::from(value));
    let count = |value: u64| Value::Integer(i128::from(value));
    let price = |price: Price| {
        Value::Decimal(Decimal {
            units: i128::from(price.0),
            digits: 8,
        })
    };
    let volume = |units| Value::Decimal(Decimal { units, digits: 8 });
    let turnover = |units| Value::Decimal(Decimal { units, digits: 16 });
    let [f0, f1, f2, f3, f4, f5, f6, f7, f8] =
        bar.features.columns().map(|(_, value)| Value::Float(value));
    [
        Value::Text(&row.exchange),
        Value::Text(row.symbol.as_str()),
        integer(i64::from(bar.threshold.dbps())),
        Value::Text(row.anchor.as_str()),
        integer(bar.first_agg_trade_id),
        integer(bar.last_agg_trade_id),
        integer(bar.first_trade_id),
        integer(bar.last_trade_id),
        integer(bar.open_time_us),
        integer(bar.close_time_us),
        price(bar.open),
        price(bar.high),
        price(bar.low),
        price(bar.close),
        price(bar.vwap),
        volume(sums.volume()),
        volume(sums.buy_volume()),
        volume(sums.sell_volume()),
        turnover(sums.turnover()),
        turnover(sums.buy_turnover()),
        turnover(sums.sell_turnover()),
        count(sums.trade_count()),
        count(sums.buy_trade_count()),
        count(sums.sell_trade_count()),
        count(sums.agg_trade_count()),
        Value::Integer(i128::from(bar.close_time_us) - i128::from(bar.open_time_us)),
        f0,
        f1,
        f2,
        f3,
        f4,
        f5,
        f6,
        f7,
        f8,
        Value::Text(bar.closed_by.as_str()),
    ]
}

/// Appends the row as a line of CSV.
pub fn push_csv(row: &BarRow, line: &mut String) {
    for (index, value) in values(row).into_iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        let written = match value {
            Value::Text(text) => {
                push_csv_text(text, line);
                Ok(())
            }
            Value::Integer(number) => write!(line, "{number}"),
            Value::Decimal(decimal) => write!(line, "{decimal}"),
            Value::Float(number) => write!(line, "{number:?}"),
        };
        debug_assert!(written.is_ok(), "a String takes everything");
    }
    line.push('\n');
}

/// Names from a store may hold anything.
fn push_csv_text(text: &str, line: &mut String) {
    if text.contains(['"', ',', '\n', '\r']) {
        line.push('"');
        line.push_str(&text.replace('"', "\"\""));
        line.push('"');
    } else {
        line.push_str(text);
    }
}

/// Appends the row as a line with a JSON object.
pub fn push_json(row: &BarRow, line: &mut String) {
    for (index, (name, value)) in columns().zip(values(row)).enumerate() {
        line.push(if index == 0 { '{' } else { ',' });
        let written = match value {
            Value::Text(text) => write!(line, "\"{name}\":{}", serde_json::Value::from(text)),
            Value::Integer(number) => write!(line, "\"{name}\":{number}"),
            Value::Decimal(decimal) => write!(line, "\"{name}\":\"{decimal}\""),
            // JSON has no word for what is not finite.
            Value::Float(number) if !number.is_finite() => write!(line, "\"{name}\":null"),
            Value::Float(number) => write!(line, "\"{name}\":{number:?}"),
        };
        debug_assert!(written.is_ok(), "a String takes everything");
    }
    line.push_str("}\n");
}

/// Prints bars one after the other.
#[derive(Debug)]
pub struct BarsReporter<'a> {
    printer: &'a Printer,
    format: BarsFormat,
    has_header: bool,
    /// The bars of the series whose table is being made.
    series: Vec<BarRow>,
    tables: usize,
    line: String,
}

impl<'a> BarsReporter<'a> {
    /// Prints to `printer`. The header of CSV comes with the first bar, or at the end.
    #[must_use]
    pub fn new(printer: &'a Printer, format: BarsFormat) -> Self {
        Self {
            printer,
            format,
            has_header: false,
            series: Vec::new(),
            tables: 0,
            line: String::new(),
        }
    }

    /// Prints a bar. Bars of one series come together.
    ///
    /// # Errors
    /// When it cannot be printed.
    pub fn push(&mut self, row: BarRow) -> Result<(), OutputError> {
        if self.format == BarsFormat::Human {
            if self
                .series
                .first()
                .is_some_and(|first| first.series() != row.series())
            {
                self.print_table()?;
            }
            self.series.push(row);
            return Ok(());
        }
        self.line.clear();
        push_line(self.format, &row, &mut self.line);
        self.print_header()?;
        self.printer.data(self.line.as_bytes())
    }

    /// Prints lines that [`push_line`] made.
    ///
    /// # Errors
    /// When they cannot be printed.
    pub fn lines(&mut self, lines: &[u8]) -> Result<(), OutputError> {
        self.print_header()?;
        self.printer.data(lines)
    }

    /// Prints what is left.
    ///
    /// # Errors
    /// When it cannot be printed.
    pub fn finish(mut self) -> Result<(), OutputError> {
        self.print_header()?;
        self.print_table()?;
        self.printer.flush()
    }

    fn print_header(&mut self) -> Result<(), OutputError> {
        if self.format == BarsFormat::Csv && !self.has_header {
            self.has_header = true;
            self.printer.line(columns().collect::<Vec<_>>().join(","))?;
        }
        Ok(())
    }

    fn print_table(&mut self) -> Result<(), OutputError> {
        let rows = mem::take(&mut self.series);
        if rows.is_empty() {
            return Ok(());
        }
        if self.tables > 0 {
            self.printer.line("")?;
        }
        self.tables += 1;
        table::lines(&rows, self.printer.width(), self.printer.has_color())
            .into_iter()
            .try_for_each(|line| self.printer.line(line))
    }
}

/// Appends the row as a line of CSV or JSON; tables have no lines of their own.
pub fn push_line(format: BarsFormat, row: &BarRow, line: &mut String) {
    match format {
        BarsFormat::Csv => push_csv(row, line),
        BarsFormat::Json => push_json(row, line),
        BarsFormat::Human => {}
    }
}

#[cfg(test)]
mod tests;
