//! What an answer with trades says.

use serde_json::value::RawValue;

use super::Answer;
use crate::{
    domain::trade::Trade,
    exchange::{
        binance::{excerpt::excerpt, row},
        source::{Newest, Page, SourceError},
    },
};

/// How many rows are asked for to learn what is newest: the last one may be no trade.
pub(super) const LATEST_ROWS: usize = 10;

/// How many rows the exchange gives at most.
pub(super) const PAGE_ROWS: usize = 1000;

/// Reads a page. Rows are read one by one: a damaged one does not hide the others.
pub(super) fn read(answer: &Answer, from_id: i64) -> Result<Page, SourceError> {
    let rows = rows(answer)?;
    let mut page = Page {
        is_full: rows.len() >= PAGE_ROWS,
        ..Page::default()
    };
    let mut next_id = from_id;
    for row in rows {
        let id = match row::read(row.get()) {
            Ok(trade) => {
                page.trades.push(trade);
                Some(trade.id)
            }
            Err(malformed) => {
                let id = malformed.id;
                page.malformed.push(malformed);
                id
            }
        };
        if let Some(id) = id {
            if id < next_id {
                return Err(unreadable(
                    answer,
                    format!("the id {id} stands where {next_id} or more is due"),
                    row.get(),
                ));
            }
            next_id = id.saturating_add(1);
        }
    }
    Ok(page)
}

/// Reads what is newest; none when there has never been a trade. A row that is no trade
/// does not hide the ones before it.
pub(super) fn read_latest(answer: &Answer) -> Result<Option<Newest>, SourceError> {
    let (mut newest_id, mut newest_trade) = (None, None);
    let rows = rows(answer)?;
    for row in &rows {
        let id = match row::read(row.get()) {
            Ok(trade) => {
                let is_newer = newest_trade.is_none_or(|known: Trade| known.id < trade.id);
                newest_trade = if is_newer { Some(trade) } else { newest_trade };
                Some(trade.id)
            }
            Err(malformed) => malformed.id,
        };
        newest_id = newest_id.max(id);
    }
    match (newest_id, rows.last()) {
        (Some(id), _) => Ok(Some(Newest {
            id,
            trade: newest_trade,
        })),
        (None, None) => Ok(None),
        (None, Some(row)) => {
            let reason = "not one of its rows has an id that can be read".to_owned();
            Err(unreadable(answer, reason, row.get()))
        }
    }
}

fn rows(answer: &Answer) -> Result<Vec<&RawValue>, SourceError> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        let text = String::from_utf8_lossy(&answer.body);
        unreadable(answer, error.to_string(), &text)
    })
}

fn unreadable(answer: &Answer, reason: String, text: &str) -> SourceError {
    SourceError::Unreadable {
        endpoint: answer.endpoint.clone(),
        reason,
        excerpt: excerpt(text.as_bytes()),
    }
}
