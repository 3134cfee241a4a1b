//! Events on their way into the store.
//!
//! A diary outlives the sessions of its group, or the task that commits it: what a failed
//! commit took with it is put into the next one, and so are the gaps, which no later session
//! would find again.

use crate::{
    app::clock::Clock,
    domain::{
        repeats::Repeats,
        row::{EventRow, Rows},
    },
    journal::{Commit, Doubtful},
};

use super::event::Event;

/// Rows that wait for a commit; more are only counted.
const WAITING_ROWS: usize = 10_000;

/// What sentences have in common that are told together when they repeat.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    symbol: String,
    /// The task or the alert, where it is about one.
    subject: String,
    code: &'static str,
}

pub(super) struct Diary {
    collector: String,
    clock: Clock,
    waiting: Vec<EventRow>,
    repeats: Repeats<Key>,
    /// What the commit that is under way would take with it.
    committing: Vec<Doubtful>,
    /// What those did that have failed, or that nothing was heard of.
    rescued: Vec<Doubtful>,
}

impl Diary {
    pub fn new(collector: String, clock: Clock) -> Self {
        Self {
            collector,
            clock,
            waiting: Vec::new(),
            repeats: Repeats::default(),
            committing: Vec::new(),
            rescued: Vec::new(),
        }
    }

    /// Writes an event down, or counts it if it was said too often lately.
    pub fn note(&mut self, event: &Event) {
        if !event.is_recorded() {
            return;
        }
        let key = Key {
            symbol: event.symbol().map(ToString::to_string).unwrap_or_default(),
            subject: event.subject().to_owned(),
            code: event.code(),
        };
        let (text, now_us) = (event.to_string(), self.clock.steady_us());
        if self.is_full() {
            self.repeats.count(&key, &text, now_us);
        } else if event.is_counted_singly() || self.repeats.is_written(&key, &text, now_us) {
            let time_us = event.time_us().unwrap_or_else(|| self.clock.wall_us());
            self.write(key, text, time_us);
        }
    }

    /// Whether no more may wait, what failed commits have left included.
    fn is_full(&self) -> bool {
        let kept = self.rescued.iter().chain(&self.committing);
        self.waiting.len() + kept.map(|kept| kept.rows.len()).sum::<usize>() >= WAITING_ROWS
    }

    fn write(&mut self, key: Key, text: String, time_us: i64) {
        self.waiting.push(EventRow {
            time_us,
            collector: self.collector.clone(),
            symbol: key.symbol,
            code: key.code.to_owned(),
            text,
        });
    }

    /// Writes down how often was said what was only counted, where it is time for that.
    pub fn tick(&mut self) {
        if self.is_full() {
            return;
        }
        for repeated in self.repeats.due(self.clock.steady_us()) {
            let now_us = self.clock.wall_us();
            self.write(repeated.key, repeated.text, now_us);
        }
    }

    /// The same at the end, for everything.
    pub fn finish(&mut self) {
        for repeated in self.repeats.rest() {
            let now_us = self.clock.wall_us();
            self.write(repeated.key, repeated.text, now_us);
        }
    }

    /// Moves what waits into a commit, and keeps what must not be lost with it.
    pub fn move_into(&mut self, commit: &mut Commit) {
        // Of an earlier commit that nothing was heard of the journal knows whether it is in.
        self.failed();
        if !self.waiting.is_empty() {
            let waiting = std::mem::take(&mut self.waiting);
            commit.rows.push(Rows::Events(waiting));
        }
        commit.doubtful.append(&mut self.rescued);
        let is_kept = |rows: &&Rows| matches!(rows, Rows::Events(_) | Rows::Gaps(_));
        let kept = commit.rows.iter().filter(is_kept).map(|rows| Doubtful {
            rows: rows.clone(),
            receipts: Vec::new(),
        });
        self.committing = commit.doubtful.iter().cloned().chain(kept).collect();
        for kept in &mut self.committing {
            kept.receipts.push(commit.receipt.clone());
        }
    }

    /// The commit is in the journal.
    pub fn committed(&mut self) {
        self.committing.clear();
    }

    /// The commit has failed, or nothing was heard of it: what it would have held goes into
    /// the next one, unless it is in.
    pub fn failed(&mut self) {
        self.rescued.append(&mut self.committing);
        self.rescued.retain(|doubtful| !doubtful.is_in());
        for doubtful in &mut self.rescued {
            doubtful.receipts.retain(|receipt| !receipt.has_failed());
        }
    }

    /// Leaves everything that is not committed to `heir`, because no more is committed here.
    pub fn leave_to(&mut self, heir: &mut Self) {
        self.finish();
        self.failed();
        heir.rescued.append(&mut self.rescued);
        heir.waiting.append(&mut self.waiting);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        domain::{outage::Cure, repeats::times},
        journal::{Journal, testing::options},
    };

    fn diary() -> Diary {
        Diary::new("nas".to_owned(), Clock::with_wall(|| 7))
    }

    fn up() -> Event {
        Event::SymbolUp {
            symbol: "BTCUSDT".parse().expect("a symbol"),
            took: Duration::from_secs(1),
            cure: Cure::Reconnected,
        }
    }

    fn failed(task: &str) -> Event {
        Event::TaskFailed {
            task: task.into(),
            reason: "it is ill".to_owned(),
            backtrace: None,
            restart: None,
        }
    }

    fn rows(diary: &mut Diary) -> Vec<EventRow> {
        let mut commit = Commit::default();
        diary.move_into(&mut commit);
        let doubtful = commit.doubtful.into_iter().map(|doubtful| doubtful.rows);
        let rows = doubtful.chain(commit.rows).map(|rows| match rows {
            Rows::Events(rows) => rows,
            other => panic!("{other:?}"),
        });
        rows.flatten().collect()
    }

    #[tokio::test]
    async fn what_uptime_is_counted_from_is_never_folded_and_tasks_are_told_apart() {
        let mut diary = diary();
        for _ in 0..100 {
            diary.note(&up());
            diary.note(&failed("delivery"));
        }
        diary.note(&failed("session-0"));
        diary.finish();
        let rows = rows(&mut diary);
        let of = |code: &str| {
            let of_code = rows.iter().filter(|row| row.code == code);
            of_code.map(|row| times(&row.text)).collect::<Vec<_>>()
        };
        assert_eq!(of("symbol.up"), [1; 100]);
        let of_tasks = of("task.given_up");
        assert_eq!(of_tasks.iter().sum::<u64>(), 101);
        assert_eq!(of_tasks.len(), 5, "three, the other task, and their number");
        assert_eq!((rows[0].time_us, &*rows[0].collector), (7, "nas"));
    }

    #[tokio::test]
    async fn a_failed_commit_loses_nothing_and_no_more_than_the_bound_waits() {
        let mut diary = diary();
        for _ in 0..WAITING_ROWS / 2 {
            diary.note(&up());
        }
        assert_eq!(rows(&mut diary).len(), WAITING_ROWS / 2);
        // These wait beside the commit that is under way, and after it has failed.
        for _ in 0..WAITING_ROWS {
            diary.note(&up());
        }
        diary.failed();
        diary.note(&up());
        assert_eq!(rows(&mut diary).len(), WAITING_ROWS);
        diary.committed();
        diary.finish();
        let left = rows(&mut diary);
        let told: u64 = left.iter().map(|row| times(&row.text)).sum();
        assert_eq!(told, WAITING_ROWS as u64 / 2 + 1, "{left:?}");
    }

    fn note(diary: &mut Diary, reason: &str) {
        let reason = reason.to_owned();
        diary.note(&Event::Disconnected { reason });
    }

    fn texts(diary: &mut Diary) -> Vec<String> {
        rows(diary).into_iter().map(|row| row.text).collect()
    }

    #[test]
    fn what_a_commit_held_that_nothing_was_heard_of_is_in_the_next_one() {
        let mut diary = diary();
        note(&mut diary, "one");
        assert_eq!(texts(&mut diary).len(), 1);
        note(&mut diary, "two");
        assert_eq!(texts(&mut diary).len(), 2);
        diary.committed();
        assert!(texts(&mut diary).is_empty());
    }

    /// A session may be ended while its commit is under way, and the commit goes on.
    #[test]
    fn what_a_commit_brought_in_that_nothing_was_heard_of_is_not_told_twice() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut journal = Journal::open(directory.path(), options()).expect("a journal");
        let (mut diary, mut heir) = (diary(), diary());
        note(&mut diary, "one");
        let mut under_way = Commit::default();
        diary.move_into(&mut under_way);
        note(&mut diary, "two");
        // The heir takes over before the journal has come to it.
        diary.leave_to(&mut heir);
        let mut next = Commit::default();
        heir.move_into(&mut next);
        assert!(next.has_rows());
        journal.commit(under_way).expect("committed");
        journal.commit(next).expect("committed");
        assert_eq!(journal.stats().rows, 2);
        // And behind it.
        let mut heard_of = Commit::default();
        note(&mut heir, "three");
        heir.committed();
        heir.move_into(&mut heard_of);
        journal.commit(heard_of).expect("committed");
        heir.failed();
        assert!(texts(&mut heir).is_empty());
        assert_eq!(journal.stats().rows, 3);
    }

    #[test]
    fn an_heir_gets_what_waits_and_what_was_under_way() {
        let (mut diary, mut heir) = (diary(), diary());
        note(&mut diary, "one");
        texts(&mut diary);
        note(&mut diary, "two");
        diary.leave_to(&mut heir);
        assert_eq!(texts(&mut heir).len(), 2);
        assert!(texts(&mut diary).is_empty());
    }
}
