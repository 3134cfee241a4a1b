//! What became of a commit, for those that stopped waiting for the answer.
//!
//! Whoever is ended in the middle of a commit leaves rows of which nobody knows whether they
//! are in. They go into a later commit together with the receipts of those that held them, and
//! the journal, which knows by then, leaves out what it has.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use crate::domain::row::Rows;

const OPEN: u8 = 0;
const IN: u8 = 1;
const FAILED: u8 = 2;

/// Says whether a commit is in the journal. Clones say the same.
#[derive(Debug, Clone, Default)]
pub struct Receipt(Arc<AtomicU8>);

impl Receipt {
    /// Whether it is in.
    #[must_use]
    pub fn is_in(&self) -> bool {
        self.0.load(Ordering::Acquire) == IN
    }

    /// Whether it has failed for good.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.0.load(Ordering::Acquire) == FAILED
    }

    pub(super) fn set(&self, is_in: bool) {
        let state = if is_in { IN } else { FAILED };
        // What is in stays in, whatever somebody does with a copy of the same commit.
        let _ = self
            .0
            .compare_exchange(OPEN, state, Ordering::AcqRel, Ordering::Acquire);
    }
}

/// Rows that were in commits of which nothing was heard.
#[derive(Debug, Clone)]
pub struct Doubtful {
    /// The rows.
    pub rows: Rows,
    /// Of each of those commits.
    pub receipts: Vec<Receipt>,
}

impl Doubtful {
    /// Whether one of those commits is in, as far as is known.
    #[must_use]
    pub fn is_in(&self) -> bool {
        self.receipts.iter().any(Receipt::is_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::crash::{CrashPoint, CrashPoints},
        journal::{
            Commit, Journal, Options,
            testing::{events, options},
        },
    };

    /// The rows of `numbers`, of which nothing was heard since `commits` held them.
    fn doubtful(numbers: std::ops::Range<i64>, commits: &[&Commit]) -> Doubtful {
        let receipts = commits.iter().map(|commit| commit.receipt.clone());
        Doubtful {
            rows: events(numbers),
            receipts: receipts.collect(),
        }
    }

    fn commit(numbers: std::ops::Range<i64>) -> Commit {
        Commit {
            rows: vec![events(numbers)],
            ..Commit::default()
        }
    }

    #[test]
    fn what_nobody_heard_of_goes_in_once_whatever_became_of_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut journal = Journal::open(directory.path(), options()).expect("opened");
        let (was_in, was_not) = (commit(0..3), commit(3..5));
        journal.commit(was_in.clone()).expect("committed");
        let next = Commit {
            doubtful: vec![
                doubtful(0..3, &[&was_in]),
                doubtful(3..5, &[&was_not]),
                // Tried twice, and in the second time.
                doubtful(1..3, &[&was_not, &was_in]),
            ],
            ..commit(5..6)
        };
        journal.commit(next.clone()).expect("committed");
        assert!(was_in.receipt.is_in() && next.receipt.is_in());
        assert!(!was_not.receipt.is_in() && !was_not.receipt.has_failed());
        journal.seal(None).expect("sealed");
        let batch = |journal: &mut Journal| journal.next_batch(None).expect("readable");
        let batch = batch(&mut journal).expect("a batch");
        assert_eq!(batch.rows, events(0..6));
        assert_eq!(journal.stats().rows, 6);
    }

    #[test]
    fn a_receipt_says_what_happened_also_when_the_answer_did_not_come() {
        let directory = tempfile::tempdir().expect("a directory");
        let full = Options {
            max_pages: Some(40),
            ..options()
        };
        let mut journal = Journal::open(directory.path(), full).expect("opened");
        let too_much = commit(0..100_000);
        assert!(journal.commit(too_much.clone()).is_err());
        assert!(too_much.receipt.has_failed());
        drop(journal);
        // It dies right behind the commit.
        let dying = Options {
            crash: CrashPoints::armed(|point| assert_ne!(point, CrashPoint::JournalAfterCommit)),
            ..options()
        };
        let mut journal = Journal::open(directory.path(), dying).expect("opened");
        let commit = commit(0..3);
        let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            journal.commit(commit.clone())
        }));
        assert!(died.is_err());
        assert!(commit.receipt.is_in());
    }
}
