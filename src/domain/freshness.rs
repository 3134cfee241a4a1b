//! How fresh a symbol's data in the database are, and whether a restart would help.
//!
//! A collector writes a row for each of its symbols every few seconds, its heartbeat, which
//! does not wait in the spool. What the heartbeat says of the trades counts only as long as
//! it comes:
//!
//! ```text
//! no answer, an empty one, or times in the future ─► unknown
//! the symbol is wanted and not there ─────────────► missing
//! heartbeat comes ─┬─ trades come ─┬──────────────► fresh
//!                  │               └ rows wait ───► backlog
//!                  ├─ no trades, and rows wait ───► delivering late
//!                  └─ no trades: what does the exchange have?
//!                     the same ───────────────────► quiet market, which is fresh
//!                     newer ones, for so long ────► dead stream: restart
//!                     nobody knows ───────────────► silent
//! no heartbeat: does the journal on this machine advance?
//!                     yes ────────────────────────► delivering late
//!                     no, and trades are due ─────► dead collector: restart
//!                     it cannot be read ──────────► dead collector, it seems
//!                     nobody knows ───────────────► wait, look again: has it come?
//!                                                   yes ► delivering late
//!                                                   no ─► dead collector: restart
//! ```
//!
//! From the age `warn_us` on a finding is a warning, from `crit_us` on critical, and only
//! what is critical is restarted. "Delivering late" is critical at once. A restart is advised on evidence alone: an answer that is
//! missing is never a reason.
//!
//! Ages are taken by the clock that the rows are dated by: that of this machine if their
//! collector runs here, else that of the database, which is this machine's and its measured
//! skew. A time that lies in the future by more than [`SKEW_TOLERANCE_US`] makes the verdict
//! unknown. With such a clock a collector that is dead would look alive until its last row
//! comes of age, so "fresh" cannot be said; and since its rows may well be coming, neither
//! can "stale". A clock that is behind makes a live collector look stale; the second look
//! finds its heartbeat advancing, and nothing is restarted.
//!
//! Rows of a table that has no heartbeat are judged by the age of the data in its place.

mod facts;
mod verdict;

pub use facts::{Answer, Clocks, Dated, Exchange, Facts, Journal, Row, SKEW_TOLERANCE_US, State};
pub use verdict::{Cause, Level, Restart, Verdict};

use super::words::{noun, span};

/// From when on data are stale, and what a collector needs to come back by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From which age on a symbol is worth a warning, in µs.
    pub warn_us: i64,
    /// From which age on it is critical, in µs.
    pub crit_us: i64,
    /// How long the breaker of a collector stays open before its trial, in µs.
    pub breaker_us: i64,
    /// How often a collector writes its heartbeat, in µs.
    pub heartbeat_us: i64,
    /// So many rows that wait in the spool are a backlog.
    pub backlog_rows: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            warn_us: 300_000_000,
            crit_us: 600_000_000,
            breaker_us: 60_000_000,
            heartbeat_us: 10_000_000,
            backlog_rows: 10_000,
        }
    }
}

impl Limits {
    /// How long a collector whose breaker has just opened may take until its next heartbeat
    /// is in the database, in µs.
    #[must_use]
    pub const fn look_again_us(&self) -> i64 {
        self.breaker_us.saturating_add(self.heartbeat_us)
    }
}

/// Judges a symbol.
#[must_use]
pub fn judge(facts: &Facts, limits: &Limits) -> Verdict {
    let mut verdict = match &facts.answer {
        Answer::Failed { why } => {
            Verdict::unknown(Cause::QueryFailed, format!("the query failed: {why}"))
        }
        Answer::Empty => Verdict::unknown(Cause::Empty, "the query returned no rows".to_owned()),
        Answer::Absent => Verdict::new(
            Level::Critical,
            Cause::Missing,
            "no row about it: no collector that writes here has it".to_owned(),
        ),
        Answer::Row(row) => Look { row, facts, limits }.judge(),
    };
    if !facts.is_expected && verdict.level == Level::Critical {
        verdict.level = Level::Warning;
        verdict.restart = Restart::Useless;
    }
    verdict
}

/// A row with what else is known.
struct Look<'a> {
    row: &'a Row,
    facts: &'a Facts,
    limits: &'a Limits,
}

impl Look<'_> {
    fn judge(&self) -> Verdict {
        let now_us = self.facts.clocks.now_us();
        let ahead_us = [self.row.heartbeat_at_us, self.row.received_at_us]
            .into_iter()
            .flatten()
            .max()
            .map_or(0, |newest_us| newest_us.saturating_sub(now_us));
        if ahead_us > SKEW_TOLERANCE_US {
            let text = format!(
                "its newest row is dated {} in the future: the clock of the collector or \
                 of the database is wrong",
                span(ahead_us)
            );
            return Verdict::unknown(Cause::Future, text);
        }
        match (self.row.sign_at_us(), self.row.heartbeat_at_us) {
            (None, _) => Verdict::unknown(Cause::Empty, "its row has no time".to_owned()),
            (Some(at_us), Some(_)) if self.age_us(at_us) < self.limits.warn_us => self.attended(),
            (Some(at_us), None) if self.age_us(at_us) < self.limits.warn_us => {
                let text = format!("data {} old", span(self.age_us(at_us)));
                Verdict::new(Level::Fresh, Cause::Fresh, text)
            }
            (Some(at_us), None) if self.is_excused() => self.without_trades(Some(at_us)),
            (Some(at_us), _) => self.unattended(at_us),
        }
    }

    /// Whether the exchange explains why there are no data: none were due until a moment ago.
    fn is_excused(&self) -> bool {
        match self.facts.exchange {
            Exchange::Same { .. } => true,
            Exchange::Newer {
                missing_since_us, ..
            } => missing_since_us.is_some_and(|us| self.missing_us(us) < self.limits.warn_us),
            Exchange::Unreachable | Exchange::NotAsked => false,
        }
    }

    /// The heartbeat comes.
    fn attended(&self) -> Verdict {
        if self.row.state == State::Stopped {
            let text = "the collector has given it up: look at its log".to_owned();
            return Verdict::new(Level::Critical, Cause::Stopped, text);
        }
        match self.row.received_at_us {
            Some(at_us) if self.age_us(at_us) < self.limits.warn_us => self.with_trades(at_us),
            at_us => self.without_trades(at_us),
        }
    }

    /// The heartbeat comes, and so do trades.
    fn with_trades(&self, received_at_us: i64) -> Verdict {
        let last = span(self.age_us(received_at_us));
        if let Some(backlog) = self.backlog() {
            let text = format!("delivering late: last trade {last} ago; {backlog}");
            return Verdict::new(Level::Warning, Cause::Backlog, text);
        }
        Verdict::new(Level::Fresh, Cause::Fresh, format!("last trade {last} ago"))
    }

    /// What waits for the store, if more than always does, or keeps the collector from taking
    /// trades. No restart makes a store faster, or a disk larger.
    fn backlog(&self) -> Option<String> {
        let (row, rows) = (self.row, self.row.spool_rows);
        let is_paused = row.state == State::Paused;
        if !is_paused && !row.is_breaker_open && rows < self.limits.backlog_rows {
            return None;
        }
        let paused = if is_paused {
            "the collector has paused until its spool or disk has room, "
        } else {
            ""
        };
        let breaker = if row.is_breaker_open {
            "the breaker is open, "
        } else {
            ""
        };
        let noun = noun(rows, "row");
        Some(format!("{paused}{breaker}{rows} {noun} in the spool"))
    }

    /// No trade has come for longer than it should.
    fn without_trades(&self, received_at_us: Option<i64>) -> Verdict {
        let silence_us = received_at_us.map(|at_us| self.age_us(at_us));
        let silence = silence_us.map_or_else(
            || "no trade yet".to_owned(),
            |us| format!("no trade for {}", span(us)),
        );
        if let Some(backlog) = self.backlog() {
            let text = format!("delivering late: {silence}; {backlog}");
            let is_quiet = matches!(self.facts.exchange, Exchange::Same { .. })
                || self.row.state == State::Quiet;
            return if is_quiet {
                Verdict::new(Level::Warning, Cause::Backlog, text)
            } else {
                Verdict::new(self.level(silence_us), Cause::DeliveringLate, text)
            };
        }
        match (self.facts.exchange, self.row.state) {
            (_, State::CatchingUp) => {
                let text = format!("{silence}; the collector is catching up");
                Verdict::new(self.level(silence_us), Cause::CatchingUp, text)
            }
            (Exchange::Same { id }, _) => {
                let text = format!("quiet market: {silence}, the exchange has none after {id}");
                Verdict::new(Level::Fresh, Cause::Quiet, text)
            }
            (
                Exchange::Newer {
                    id,
                    missing_since_us,
                },
                _,
            ) => self.with_missing(id, missing_since_us, silence_us, &silence),
            (_, State::Quiet) => {
                let text = format!("quiet market: {silence}, as its collector asked the exchange");
                Verdict::new(Level::Fresh, Cause::Quiet, text)
            }
            (Exchange::Unreachable, _) => {
                let text = format!("{silence}, and the exchange cannot be asked");
                Verdict::new(self.level(silence_us), Cause::Silent, text)
            }
            (Exchange::NotAsked, _) => {
                let text = format!("{silence}; the exchange was not asked");
                Verdict::new(self.level(silence_us), Cause::Silent, text)
            }
        }
    }

    /// The exchange has trades that have not come.
    fn with_missing(
        &self,
        id: i64,
        since_us: Option<i64>,
        silence_us: Option<i64>,
        silence: &str,
    ) -> Verdict {
        let missing_us = since_us.map(|at_us| self.missing_us(at_us)).or(silence_us);
        if self.is_excused() {
            let text = format!("{silence}; the exchange has {id}, which is on its way");
            return Verdict::new(Level::Fresh, Cause::Fresh, text);
        }
        let level = self.level(missing_us);
        let text = format!("dead stream: {silence}, and the exchange has {id}");
        Verdict::new(level, Cause::DeadStream, text).with_restart(Restart::Helps)
    }

    /// The heartbeat does not come: the newest one is from `sign_at_us`.
    fn unattended(&self, sign_at_us: i64) -> Verdict {
        let age_us = self.age_us(sign_at_us);
        let level = self.level(Some(age_us));
        let sign = match self.row.heartbeat_at_us {
            Some(_) => "heartbeat",
            None => "data",
        };
        let age = span(age_us);
        // Whoever reads the store is blind, though the collector is not.
        let late = |text: String| Verdict::new(Level::Critical, Cause::DeliveringLate, text);
        let dead = |text: String| Verdict::new(level, Cause::DeadCollector, text);
        match (self.facts.journal, self.facts.seen_before_us) {
            (Journal::Advances, _) => late(format!(
                "delivering late: {sign} {age} old, but its journal advances"
            )),
            (_, Some(before_us)) if before_us < sign_at_us => late(format!(
                "delivering late: {sign} {age} old, but it advances; \
                 the collector's clock may be behind"
            )),
            (Journal::Unreadable, _) => dead(format!(
                "dead collector, it seems: {sign} {age} old; the journal on this machine \
                 cannot be read, and without it nothing is restarted"
            )),
            // In a quiet market, or on a full disk, a journal rests although its collector lives.
            (Journal::Rests, None) if !self.is_excused() && self.backlog().is_none() => dead(
                format!("dead collector: {sign} {age} old, and its journal does not advance"),
            )
            .with_restart(Restart::Helps),
            (_, Some(_)) => dead(format!(
                "dead collector: {sign} {age} old, and the same at a second look"
            ))
            .with_restart(Restart::Helps),
            (_, None) => {
                let after_us = self.limits.look_again_us();
                dead(format!("dead collector, it seems: {sign} {age} old"))
                    .with_restart(Restart::LookAgain { after_us })
            }
        }
    }

    /// The level of an age; one that is not known is worth a warning.
    fn level(&self, age_us: Option<i64>) -> Level {
        match age_us {
            Some(us) if us >= self.limits.crit_us => Level::Critical,
            _ => Level::Warning,
        }
    }

    /// The age of a trade that the exchange has dated, whose clock is taken to agree with this
    /// machine's: that of the database has no part in it.
    fn missing_us(&self, since_us: i64) -> i64 {
        let now_us = self.facts.clocks.machine_us;
        now_us.saturating_sub(since_us).max(0)
    }

    fn age_us(&self, at_us: i64) -> i64 {
        self.facts.clocks.now_us().saturating_sub(at_us).max(0)
    }
}

#[cfg(test)]
mod tests;
