//! Before the start: are the symbols, the store and the journal what they should be?

use std::{path::Path, sync::Arc};

use futures_util::{StreamExt, stream};
use rustix::fs::Access;

use super::{
    super::event::{Emit, Event},
    CollectError, Collector,
};
use crate::{
    domain::{micros::micros, symbol::Symbol},
    exchange::source::SourceError,
    journal::{Journal, JournalError, LostRun, Options},
    store::sink::StoreError,
};

/// Symbols that the exchange is asked about at once.
const CHECKS_AT_ONCE: usize = 8;

/// What a start has made sure of.
pub(super) struct Ready {
    pub journal: Journal,
    /// How it was opened.
    pub options: Options,
    /// The run before, if it did not come to a good end.
    pub lost: Option<LostRun>,
    /// Whether the store's tables still have to be created.
    pub needs_schema: bool,
}

/// Opens the journal, and makes sure of symbols and store.
///
/// On a first start nothing may be left behind by a mistake, so the exchange is asked
/// about the symbols before the store makes tables, and the journal comes last, in a
/// directory that was looked at before. Where
/// there is a journal it is opened first: it tells what need not be asked, and whether
/// another collector is at work.
pub(super) async fn prepare(collector: &Collector, told: &Emit) -> Result<Ready, CollectError> {
    let is_first = !Journal::is_at(&collector.state_dir);
    if is_first {
        check_symbols(collector, &collector.settings.symbols).await?;
        let was_made = make_directory(&collector.state_dir)?;
        if let Err(error) = check_store(collector).await {
            if was_made {
                // It goes only if it is empty, and it does no harm if it stays.
                let _ = std::fs::remove_dir(&collector.state_dir);
            }
            return Err(error.into());
        }
        let (journal, options) = open_journal(collector, told).await?;
        return Ok(Ready {
            lost: journal.lost_run()?,
            journal,
            options,
            needs_schema: false,
        });
    }
    let (journal, options) = open_journal(collector, told).await?;
    let mut new_symbols = Vec::new();
    for symbol in &collector.settings.symbols {
        let anchor = collector.settings.anchor;
        let known = journal.checkpoint(collector.source.name(), symbol, anchor)?;
        if known.is_none() {
            new_symbols.push(symbol.clone());
        }
    }
    check_symbols(collector, &new_symbols).await?;
    let needs_schema = match check_store(collector).await {
        Ok(()) => false,
        // A database that is down is not a collector that is dead, but an address that
        // never worked is a mistake: only with checkpoints it may begin without.
        Err(error) if new_symbols.is_empty() => {
            told.emit(&Event::StoreUnavailable {
                reason: error.to_string(),
            });
            collector.settings.create_schema
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Ready {
        lost: journal.lost_run()?,
        journal,
        options,
        needs_schema,
    })
}

/// Makes sure that the journal can be made in `directory`. Returns whether the directory
/// itself had to be.
fn make_directory(directory: &Path) -> Result<bool, JournalError> {
    let is_new = !directory.exists();
    std::fs::create_dir_all(directory)
        .and_then(|()| {
            let needed = Access::WRITE_OK | Access::EXEC_OK;
            rustix::fs::access(directory, needed).map_err(Into::into)
        })
        .map_err(|cause| JournalError::Unusable {
            path: directory.to_owned(),
            cause,
        })?;
    Ok(is_new)
}

async fn open_journal(
    collector: &Collector,
    told: &Emit,
) -> Result<(Journal, Options), CollectError> {
    let limits = &collector.settings.limits;
    let options = Options {
        store: Some(collector.store.address()),
        accept_store: collector.accept_store,
        batch_rows: limits.batch_rows,
        batch_age_us: micros(limits.batch_age),
        most_rows: limits.batch_rows_most,
        max_pages: limits.journal_max_pages,
        crash: collector.settings.crash.clone(),
    };
    let (state_dir, opened_with) = (collector.state_dir.clone(), options.clone());
    let journal = tokio::task::spawn_blocking(move || Journal::open(&state_dir, opened_with))
        .await
        .map_err(|error| super::failed("the journal", &error))??;
    if let Some(set_aside) = journal.set_aside() {
        told.emit(&Event::JournalSetAside {
            copy: set_aside.copy.clone(),
            reason: set_aside.reason.clone(),
            salvaged: set_aside.salvaged.to_string(),
        });
    }
    Ok((journal, options))
}

/// Makes sure that the store is there, with its tables.
async fn check_store(collector: &Collector) -> Result<(), StoreError> {
    if collector.settings.create_schema {
        collector.store.create_schema().await
    } else {
        collector.store.ping().await
    }
}

/// Refuses symbols that the exchange does not know. One that cannot be asked for now is
/// not a mistake; it starts later.
async fn check_symbols(collector: &Collector, symbols: &[Symbol]) -> Result<(), CollectError> {
    let source = &collector.source;
    let mut answers = stream::iter(symbols.to_vec())
        .map(|symbol| {
            let source = Arc::clone(source);
            async move { source.latest(&symbol).await }
        })
        .buffer_unordered(CHECKS_AT_ONCE);
    while let Some(answer) = answers.next().await {
        if let Err(error @ SourceError::UnknownSymbol { .. }) = answer {
            return Err(error.into());
        }
    }
    Ok(())
}
