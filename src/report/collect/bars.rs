//! How many bars were closed, in one column: by threshold where that fits, else in all.

use crate::app::collect::SymbolSnapshot;

use super::columns::Column;

/// A count for each threshold: `781/204/70/36`.
#[must_use]
pub fn by_threshold(symbols: &[&SymbolSnapshot]) -> Column {
    let title = format!("BARS {}", thresholds(symbols).join("/"));
    let cell = |symbol: &&SymbolSnapshot| {
        let counts = symbol.bars.iter().map(|(_, count)| count.to_string());
        counts.collect::<Vec<_>>().join("/")
    };
    Column::number(title.trim_end(), 0, symbols.iter().map(cell))
}

/// One count for all thresholds, under their range: `BARS 250..2000 (8)`.
#[must_use]
pub fn in_all(symbols: &[&SymbolSnapshot]) -> Column {
    let thresholds = thresholds(symbols);
    let title = match thresholds.as_slice() {
        [] => "BARS".to_owned(),
        [one] => format!("BARS {one}"),
        [first, .., last] => format!("BARS {first}..{last} ({})", thresholds.len()),
    };
    Column::number(&title, 0, symbols.iter().map(|s| total(s).to_string()))
}

/// All bars of a symbol.
#[must_use]
pub fn total(symbol: &SymbolSnapshot) -> u64 {
    symbol.bars.iter().map(|(_, count)| count).sum()
}

/// The thresholds; a symbol that has not started yet does not know them.
fn thresholds(symbols: &[&SymbolSnapshot]) -> Vec<String> {
    let first = symbols.iter().find(|symbol| !symbol.bars.is_empty());
    first.map_or_else(Vec::new, |symbol| {
        let names = symbol.bars.iter().map(|(threshold, _)| threshold);
        names.map(ToString::to_string).collect()
    })
}
