//! Runs of the collector: whether the last one came to a good end, and when it last lived.
//!
//! ```text
//! meta  run_symbols   what the run collects; there from its beginning to its graceful end
//!       run_alive_us  when the run last said that it lives
//!       run_collector the name in the store of whoever ran last
//! ```
//!
//! Both change only within a commit, together with the rows that tell of it: whatever
//! interrupts a start, the loss of the run before is told exactly once.

use rusqlite::{Transaction, params};

use super::{error::JournalError, file::Journal};

const SYMBOLS: &str = "run_symbols";
pub(super) const ALIVE: &str = "run_alive_us";
pub(super) const COLLECTOR: &str = "run_collector";

/// What a commit says of the run that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunMark {
    /// It has begun.
    Began {
        /// With these symbols.
        symbols: String,
        /// By this name of its collector in the store.
        collector: String,
    },
    /// It lives.
    Alive,
    /// It has come to a good end.
    Ended,
}

/// A run that did not come to a good end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostRun {
    /// What it collected, as it said.
    pub symbols: String,
    /// Its last sign of life in the journal, in µs on the wall clock.
    pub alive_us: i64,
}

impl Journal {
    /// The run before this one, if it did not come to a good end. A journal that was made by
    /// an older version, or is new, knows of none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn lost_run(&self) -> Result<Option<LostRun>, JournalError> {
        let Some(symbols) = self.meta(SYMBOLS)? else {
            return Ok(None);
        };
        let said = self.meta(ALIVE)?.and_then(|text| text.parse().ok());
        // Each checkpoint is a sign of life, too.
        let committed: Option<i64> = self.connection.query_row(
            "SELECT max(committed_at_us) FROM checkpoints",
            [],
            |row| row.get(0),
        )?;
        let alive_us = said.into_iter().chain(committed).max().unwrap_or_default();
        Ok(Some(LostRun { symbols, alive_us }))
    }
}

/// Notes in a commit what it says of its run.
pub(super) fn note(
    transaction: &Transaction<'_>,
    mark: &RunMark,
    now_us: i64,
) -> Result<(), JournalError> {
    let mut put = transaction.prepare_cached(
        "INSERT INTO meta (key, value) VALUES (?1, ?2)
         ON CONFLICT DO UPDATE SET value = excluded.value",
    )?;
    put.execute(params![ALIVE, now_us.to_string()])?;
    match mark {
        RunMark::Began { symbols, collector } => {
            put.execute(params![SYMBOLS, symbols])?;
            put.execute(params![COLLECTOR, collector])?;
        }
        RunMark::Alive => {}
        RunMark::Ended => {
            transaction.execute("DELETE FROM meta WHERE key = ?1", [SYMBOLS])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{anchor::Anchor, crash::CrashPoints},
        journal::{CheckpointRow, Commit, Options},
    };

    fn open(directory: &std::path::Path) -> Journal {
        let options = Options {
            store: None,
            accept_store: false,
            batch_rows: 10,
            batch_age_us: 1,
            most_rows: 10,
            max_pages: None,
            crash: CrashPoints::default(),
        };
        Journal::open(directory, options).expect("opened")
    }

    #[test]
    fn who_looks_from_outside_sees_that_a_collector_lives_although_nothing_is_traded() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut journal = open(directory.path());
        let seen = || {
            let commits = crate::journal::trace::last_commits(directory.path());
            let commits = commits.expect("readable").into_iter();
            commits
                .map(|commit| commit.committed_at_us)
                .collect::<Vec<_>>()
        };
        assert_eq!(seen(), [0; 0]);
        checkpoint(&mut journal, 5);
        assert_eq!(seen(), [5]);
        mark(&mut journal, RunMark::Alive, 9);
        assert_eq!(seen(), [9]);
    }

    #[test]
    fn who_looks_from_outside_sees_whose_journal_it_is_also_after_the_end() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut journal = open(directory.path());
        let seen = || {
            let commits = crate::journal::trace::last_commits(directory.path());
            let commits = commits.expect("readable").into_iter();
            commits.map(|commit| commit.collector).collect::<Vec<_>>()
        };
        checkpoint(&mut journal, 5);
        assert_eq!(seen(), [None], "of an older version");
        mark(&mut journal, began("BTCUSDT"), 9);
        assert_eq!(seen(), [Some("nas".to_owned())]);
        mark(&mut journal, RunMark::Ended, 10);
        assert_eq!(seen(), [Some("nas".to_owned())]);
    }

    fn began(symbols: &str) -> RunMark {
        RunMark::Began {
            symbols: symbols.to_owned(),
            collector: "nas".to_owned(),
        }
    }

    fn checkpoint(journal: &mut Journal, now_us: i64) {
        let checkpoint = CheckpointRow {
            exchange: "sim".into(),
            symbol: "BTCUSDT".parse().expect("a symbol"),
            anchor: Anchor::Day,
            last_agg_trade_id: 7,
            state: "{}".to_owned(),
        };
        let commit = Commit {
            checkpoints: vec![checkpoint],
            now_us,
            ..Commit::default()
        };
        journal.commit(commit).expect("committed");
    }

    fn mark(journal: &mut Journal, mark: RunMark, now_us: i64) {
        let commit = Commit {
            run: Some(mark),
            now_us,
            ..Commit::default()
        };
        journal.commit(commit).expect("committed");
    }

    #[test]
    fn a_run_that_did_not_end_is_known_with_its_last_sign_of_life() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut journal = open(directory.path());
        assert_eq!(journal.lost_run().expect("read"), None);
        mark(&mut journal, began("BTCUSDT"), 100);
        mark(&mut journal, RunMark::Alive, 200);
        drop(journal);
        let mut journal = open(directory.path());
        let lost = |alive_us| {
            let symbols = "BTCUSDT".to_owned();
            Some(LostRun { symbols, alive_us })
        };
        assert_eq!(journal.lost_run().expect("read"), lost(200));
        checkpoint(&mut journal, 300);
        assert_eq!(journal.lost_run().expect("read"), lost(300));
        mark(&mut journal, RunMark::Ended, 400);
        drop(journal);
        assert_eq!(open(directory.path()).lost_run().expect("read"), None);
    }
}
