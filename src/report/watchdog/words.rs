//! What all of the forms say in the same words.

use std::collections::BTreeMap;

use crate::{
    app::watchdog::{Action, Outcome, SymbolOutcome, UnsealedNote, outcome::badness},
    domain::{
        tiling::finding::time_text,
        words::{span, trade_ids},
    },
};

/// What was done, as a sentence without its end; none when there was nothing to do.
pub(super) fn action(outcome: &Outcome) -> Option<String> {
    let target = outcome.target.as_deref().unwrap_or("it");
    match &outcome.action {
        Action::NotNeeded => None,
        Action::NoUnit { why } => Some(format!(
            "not restarted, because nothing is named that could be: {why}"
        )),
        Action::DryRun { why } => Some(format!("dry run: {target} would be restarted: {why}")),
        Action::Refused(ruling) => Some(format!("{target} is not restarted: {ruling}")),
        Action::Restarted {
            why,
            took_us,
            fresh_after_us,
            waited_us,
        } => {
            let took = span(*took_us);
            let result = fresh_after_us.map_or_else(
                || format!("not fresh again within {}", span(*waited_us)),
                |us| format!("fresh again after {}", span(us)),
            );
            Some(format!("restarted {target} in {took}, {result}: {why}"))
        }
        Action::Failed { why } => Some(format!("restarting {target} failed: {why}")),
    }
}

/// What there is to say about the clocks.
pub(super) fn clocks(outcome: &Outcome) -> Option<String> {
    let skew_us = outcome.notable_skew_us()?;
    let side = if skew_us < 0 { "behind" } else { "ahead of" };
    let size = span(i64::try_from(skew_us.unsigned_abs()).unwrap_or(i64::MAX));
    Some(format!(
        "the clock of the database is {size} {side} that of this machine, which the ages \
         allow for"
    ))
}

/// Which period is not sealed, and why.
pub(super) fn unsealed(note: &UnsealedNote) -> String {
    let start = time_text(note.period_start_us);
    let ids = note.ids.map_or_else(String::new, |(first_id, last_id)| {
        format!(", {}", trade_ids(first_id, last_id))
    });
    format!("the period from {start} is not sealed{ids}: {}", note.why)
}

/// Each symbol once, in the order in which they came: of several by one name the worst one.
/// Programs take two values by one name for an error of the whole.
pub(super) fn distinct(outcome: &Outcome) -> Vec<&SymbolOutcome> {
    let mut places: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut kept: Vec<&SymbolOutcome> = Vec::new();
    for symbol in &outcome.symbols {
        let place = *places
            .entry((&symbol.exchange, &symbol.name))
            .or_insert(kept.len());
        match kept.get_mut(place) {
            None => kept.push(symbol),
            Some(other) if badness(symbol.verdict.level) > badness(other.verdict.level) => {
                *other = symbol;
            }
            Some(_) => {}
        }
    }
    kept
}

/// The name of a symbol, with that of its exchange where there are several.
pub(super) fn name(symbol: &SymbolOutcome, outcome: &Outcome) -> String {
    let is_same =
        |other: &SymbolOutcome| other.exchange.is_empty() || other.exchange == symbol.exchange;
    if symbol.exchange.is_empty() || outcome.symbols.iter().all(is_same) {
        symbol.name.clone()
    } else {
        format!("{}:{}", symbol.exchange, symbol.name)
    }
}
