//! How long symbols were up, and how much of their tapes is there, from what a store holds.

use crate::{
    domain::{
        completeness::Completeness,
        row::GapRow,
        symbol::Symbol,
        uptime::{COLLECTOR_CODES, SYMBOL_CODES, Uptime, Window, uptimes},
    },
    store::sink::{BarQuery, EventQuery, GapQuery, Store, StoreError, SymbolIds},
};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UptimeRequest {
    /// Completeness on this exchange; on all when none. Events know of no exchange.
    pub exchange: Option<String>,
    /// Of these symbols; of all when empty.
    pub symbols: Vec<Symbol>,
    /// In this time.
    pub window: Window,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// In this time.
    pub window: Window,
    /// By collector and symbol.
    pub uptimes: Vec<Uptime>,
    /// By exchange and symbol.
    pub tapes: Vec<TapeReport>,
}

/// How much of a tape is in the bars that opened in the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TapeReport {
    /// The ids that the bars reach over.
    pub ids: SymbolIds,
    /// How much of them is there.
    pub completeness: Completeness,
}

impl Measured {
    /// All tapes together.
    #[must_use]
    pub fn completeness(&self) -> Completeness {
        let tapes = self.tapes.iter().map(|tape| tape.completeness);
        tapes.fold(Completeness::default(), Completeness::and)
    }

    /// Which of `symbols` no event tells of.
    #[must_use]
    pub fn untold<'a>(&self, symbols: &'a [Symbol]) -> Vec<&'a str> {
        let names = symbols.iter().map(Symbol::as_str);
        let is_untold = |name: &&str| self.uptimes.iter().all(|uptime| uptime.symbol != *name);
        names.filter(is_untold).collect()
    }
}

/// Reads what counts, and counts it.
///
/// # Errors
/// When the store fails, or a row cannot be read.
pub async fn measure(store: &dyn Store, request: &UptimeRequest) -> Result<Measured, StoreError> {
    let (window, symbols) = (request.window, &request.symbols);
    let names = || symbols.iter().map(ToString::to_string).collect();
    let owned = |codes: &[&str]| codes.iter().map(ToString::to_string).collect();
    // The last moment of the window belongs to it.
    let until_us = Some(window.until_us.saturating_add(1));
    let of_collectors = EventQuery {
        codes: owned(&COLLECTOR_CODES),
        until_us,
        ..EventQuery::default()
    };
    let within = EventQuery {
        codes: owned(&SYMBOL_CODES),
        symbols: names(),
        since_us: Some(window.since_us),
        until_us,
        ..EventQuery::default()
    };
    // How each symbol was when the window began.
    let before = EventQuery {
        since_us: None,
        until_us: Some(window.since_us),
        last_of_each: true,
        ..within.clone()
    };
    let mut rows = store.events(&of_collectors).await?;
    rows.extend(store.events(&before).await?);
    rows.extend(store.events(&within).await?);
    let mut uptimes = uptimes(&rows, window);
    if !symbols.is_empty() {
        uptimes.retain(|uptime| {
            symbols
                .iter()
                .any(|symbol| symbol.as_str() == uptime.symbol)
        });
    }
    let bars = BarQuery {
        exchange: request.exchange.clone(),
        symbols: symbols.clone(),
        since_us: Some(window.since_us),
        ..BarQuery::default()
    };
    let gaps = GapQuery {
        exchange: request.exchange.clone(),
        symbols: symbols.clone(),
    };
    let ranges = store.id_ranges(&bars).await?;
    let gaps = if ranges.is_empty() {
        Vec::new()
    } else {
        store.gaps(&gaps).await?
    };
    let tapes = ranges.into_iter().map(|ids| tape(ids, &gaps)).collect();
    Ok(Measured {
        window,
        uptimes,
        tapes,
    })
}

fn tape(ids: SymbolIds, gaps: &[GapRow]) -> TapeReport {
    let is_own =
        |gap: &&GapRow| *gap.exchange == *ids.exchange && gap.symbol.as_str() == ids.symbol;
    let own: Vec<_> = gaps.iter().filter(is_own).cloned().collect();
    TapeReport {
        completeness: Completeness::of(ids.first_id, ids.last_id, &own),
        ids,
    }
}
