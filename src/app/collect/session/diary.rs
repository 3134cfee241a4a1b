//! Events on their way into the store.
//!
//! A diary outlives the sessions of its group: what a failed commit took with it is put
//! into the next one, and so are the gaps, which no later session would find again.

use crate::{
    app::clock::Clock,
    domain::{
        repeats::Repeats,
        row::{EventRow, Rows},
    },
    journal::Commit,
};

use super::super::event::{Event, Severity};

/// Rows that wait for a commit; more are only counted.
const WAITING_ROWS: usize = 10_000;

/// Symbol and code.
type Key = (String, &'static str);

pub(in super::super) struct Diary {
    collector: String,
    clock: Clock,
    waiting: Vec<EventRow>,
    repeats: Repeats<Key>,
    /// What the commit that is under way would take with it.
    committing: Vec<Rows>,
    /// What a failed one did.
    rescued: Vec<Rows>,
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
        if event.severity() <= Severity::Detail {
            return;
        }
        let symbol = event.symbol().map(ToString::to_string).unwrap_or_default();
        let (key, text) = ((symbol, event.code()), event.to_string());
        let now_us = self.clock.steady_us();
        if self.waiting.len() >= WAITING_ROWS {
            self.repeats.count(&key, &text, now_us);
        } else if self.repeats.is_written(&key, &text, now_us) {
            self.write(key, text);
        }
    }

    fn write(&mut self, (symbol, code): Key, text: String) {
        self.waiting.push(EventRow {
            time_us: self.clock.wall_us(),
            collector: self.collector.clone(),
            symbol,
            code: code.to_owned(),
            text,
        });
    }

    /// Writes down how often was said what was only counted, where it is time for that.
    pub fn tick(&mut self) {
        for repeated in self.repeats.due(self.clock.steady_us()) {
            self.write(repeated.key, repeated.text);
        }
    }

    /// The same at the end, for everything.
    pub fn finish(&mut self) {
        for repeated in self.repeats.rest() {
            self.write(repeated.key, repeated.text);
        }
    }

    /// Moves what waits into a commit, and keeps what must not be lost with it.
    pub fn move_into(&mut self, commit: &mut Commit) {
        commit.rows.append(&mut self.rescued);
        if !self.waiting.is_empty() {
            let waiting = std::mem::take(&mut self.waiting);
            commit.rows.push(Rows::Events(waiting));
        }
        let is_kept = |rows: &&Rows| matches!(rows, Rows::Events(_) | Rows::Gaps(_));
        self.committing = commit.rows.iter().filter(is_kept).cloned().collect();
    }

    /// The commit is in the journal.
    pub fn committed(&mut self) {
        self.committing.clear();
    }

    /// The session has failed: what its last commit would have held goes into the next one.
    pub fn session_failed(&mut self) {
        self.rescued.append(&mut self.committing);
    }
}
