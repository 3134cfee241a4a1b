//! A look at the data: what the database, the journal and the exchange say of each symbol.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;

use crate::{
    app::{clock::Clock, watchdog::ask::Asked},
    domain::freshness::{
        Answer, Cause, Clocks, Dated, Exchange, Facts, Journal, Level, Limits, Row, judge,
    },
    journal::trace::LastCommit,
};

use super::{outcome::SymbolOutcome, settings::Settings};

/// What stands in the place of a symbol's name where none is known.
const EVERYTHING: &str = "(all)";

/// Where the rows are that are looked at.
#[async_trait]
pub trait Database: Send + Sync {
    /// Where it is, without secrets.
    fn address(&self) -> String;

    /// Asks it, once. The caller sets a deadline.
    ///
    /// # Errors
    /// When it does not answer, with the reason in words.
    async fn look(&self) -> Result<Sight, String>;
}

/// What the database has answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight {
    /// How much its clock is ahead of this machine's, in µs, if that was measured.
    pub skew_us: Option<i64>,
    /// The rows; several collectors may have one about the same symbol.
    pub seen: Vec<Seen>,
    /// Rows that cannot be read, as name and reason.
    pub unreadable: Vec<(String, String)>,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its exchange; empty for a table of another kind.
    pub exchange: String,
    /// The symbol.
    pub name: String,
    /// Who has written it.
    pub collector: Option<String>,
    /// What it says.
    pub row: Row,
    /// The last aggregate id.
    pub last_id: Option<i64>,
    /// Whose clock it is dated by.
    pub dated: Dated,
    /// Whether its collector has ended as it was told to.
    pub has_ended: bool,
}

/// Reads when the journal on this machine was last committed to: nothing when there is none,
/// and why not when there is one that cannot be read. May block for a moment.
pub type JournalTrace = Arc<dyn Fn() -> Result<Vec<LastCommit>, String> + Send + Sync>;

/// Exchange and symbol.
pub(super) type Name = (String, String);

/// The signs of life that an earlier look has seen.
pub(super) type Before = BTreeMap<(Name, Option<String>), i64>;

/// Everything that is known at a moment, before it is judged.
pub(super) struct Known<'a> {
    pub settings: &'a Settings,
    pub clock: &'a Clock,
    pub answer: Result<Sight, String>,
    /// What the journal on this machine says, or why it cannot be read.
    pub commits: Result<Vec<LastCommit>, String>,
    pub asked: Asked,
    pub before: &'a Before,
}

/// A look, judged.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    pub checked_at_us: i64,
    pub skew_us: Option<i64>,
    pub symbols: Vec<SymbolOutcome>,
    /// The signs of life that were seen.
    pub signs: Before,
    /// Why the journal on this machine cannot be read, if that is so.
    pub unread_journal: Option<String>,
}

impl Known<'_> {
    /// Judges every symbol.
    pub fn judge(&self) -> Judged {
        let mut judged = Judged {
            checked_at_us: self.clock.wall_us(),
            skew_us: None,
            symbols: Vec::new(),
            signs: Before::new(),
            unread_journal: self.commits.as_ref().err().cloned(),
        };
        match &self.answer {
            Err(why) => {
                let answer = Answer::Failed { why: why.clone() };
                judged.symbols = self.of_all(&answer);
            }
            Ok(sight) => {
                judged.skew_us = sight.skew_us;
                if sight.seen.is_empty() && sight.unreadable.is_empty() {
                    judged.symbols = self.of_all(&Answer::Empty);
                } else {
                    judged.symbols = self.of_rows(sight);
                }
                judged.signs = signs(sight);
            }
        }
        judged
    }

    /// The same about everything that is looked for.
    fn of_all(&self, answer: &Answer) -> Vec<SymbolOutcome> {
        let everything = [EVERYTHING.to_owned()];
        let names = if self.settings.wanted.is_empty() {
            &everything[..]
        } else {
            &self.settings.wanted
        };
        let names = names.iter();
        names.map(|name| self.without_row(name, answer)).collect()
    }

    fn without_row(&self, name: &str, answer: &Answer) -> SymbolOutcome {
        let limits = self.settings.limits_of(name);
        let facts = Facts {
            answer: answer.clone(),
            is_expected: true,
            exchange: Exchange::NotAsked,
            journal: Journal::NotHere,
            clocks: self.clocks(None, Dated::ByDatabase),
            seen_before_us: None,
        };
        SymbolOutcome {
            exchange: String::new(),
            name: name.to_owned(),
            collector: None,
            verdict: judge(&facts, &limits),
            age_us: None,
            warn_us: limits.warn_us,
            crit_us: limits.crit_us,
            last_id: None,
            heartbeat_age_us: None,
        }
    }

    fn of_rows(&self, sight: &Sight) -> Vec<SymbolOutcome> {
        let wanted = &self.settings.wanted;
        let is_wanted = |name: &String| wanted.is_empty() || wanted.contains(name);
        let mut by_name: BTreeMap<Name, Vec<&Seen>> = BTreeMap::new();
        for seen in sight.seen.iter().filter(|seen| is_wanted(&seen.name)) {
            let name = (seen.exchange.clone(), seen.name.clone());
            by_name.entry(name).or_default().push(seen);
        }
        let mut symbols = Vec::with_capacity(by_name.len());
        for mut rows in by_name.into_values() {
            // Who has ended says nothing about those who have not.
            if rows.iter().any(|seen| !seen.has_ended) {
                rows.retain(|seen| !seen.has_ended);
            }
            let outcomes = rows.iter().map(|seen| self.of_row(seen, sight.skew_us));
            symbols.extend(outcomes.min_by_key(rank));
        }
        let unreadable = sight.unreadable.iter();
        for (name, why) in unreadable.filter(|(name, _)| is_wanted(name)) {
            // Somebody else's row about the symbol will do.
            if symbols.iter().all(|symbol| symbol.name != *name) {
                symbols.push(self.without_row(name, &Answer::Failed { why: why.clone() }));
            }
        }
        for name in wanted {
            if symbols.iter().all(|symbol| symbol.name != *name) {
                symbols.push(self.without_row(name, &Answer::Absent));
            }
        }
        symbols
    }

    fn of_row(&self, seen: &Seen, skew_us: Option<i64>) -> SymbolOutcome {
        let limits = self.settings.limits_of(&seen.name);
        let clocks = self.clocks(skew_us, seen.dated);
        let name = (seen.exchange.clone(), seen.name.clone());
        let facts = Facts {
            answer: Answer::Row(seen.row),
            // What was told to end is not missed, unless it was named.
            is_expected: !seen.has_ended || self.settings.wanted.contains(&seen.name),
            exchange: self.asked.about(&name),
            journal: self.journal(seen, &limits),
            clocks,
            seen_before_us: self.before.get(&(name, seen.collector.clone())).copied(),
        };
        let age_us = |at_us: i64| clocks.now_us().saturating_sub(at_us);
        SymbolOutcome {
            exchange: seen.exchange.clone(),
            name: seen.name.clone(),
            collector: seen.collector.clone(),
            verdict: judge(&facts, &limits),
            age_us: seen.row.received_at_us.map(age_us),
            warn_us: limits.warn_us,
            crit_us: limits.crit_us,
            last_id: seen.last_id,
            heartbeat_age_us: seen.row.heartbeat_at_us.map(age_us),
        }
    }

    /// What the journal on this machine says. It is a process that commits, for all of its
    /// symbols: one that is traded shows that it works for those that are not.
    fn journal(&self, seen: &Seen, limits: &Limits) -> Journal {
        if seen.collector.is_none() {
            return Journal::NotHere;
        }
        let Ok(commits) = &self.commits else {
            return Journal::Unreadable;
        };
        // It vouches for no collector but its own.
        let has = |commit: &LastCommit| {
            (&commit.exchange, &commit.symbol) == (&seen.exchange, &seen.name)
                && commit.collector == seen.collector
        };
        let newest_us = commits.iter().map(|commit| commit.committed_at_us).max();
        let Some(newest_us) = newest_us.filter(|_| commits.iter().any(has)) else {
            return Journal::NotHere;
        };
        let age_us = self.clock.wall_us().saturating_sub(newest_us);
        if (0..limits.breaker_us.min(limits.warn_us)).contains(&age_us) {
            Journal::Advances
        } else if age_us >= limits.warn_us {
            Journal::Rests
        } else {
            // It may have ended just now, or there may just be no trades.
            Journal::NotHere
        }
    }

    fn clocks(&self, skew_us: Option<i64>, dated: Dated) -> Clocks {
        Clocks {
            machine_us: self.clock.wall_us(),
            skew_us: skew_us.unwrap_or(0),
            dated,
        }
    }
}

/// The better a row is, the lower; of equal ones the one with the newest sign of life. A row
/// from the future may be of a collector that lives: only one that is fresh is better.
fn rank(outcome: &SymbolOutcome) -> (u8, i64) {
    let level = match outcome.verdict.level {
        Level::Fresh => 0,
        Level::Unknown if outcome.verdict.cause == Cause::Future => 1,
        Level::Warning => 2,
        Level::Critical => 3,
        Level::Unknown => 4,
    };
    let age_us = outcome.heartbeat_age_us.or(outcome.age_us);
    (level, age_us.unwrap_or(i64::MAX))
}

fn signs(sight: &Sight) -> Before {
    let seen = sight.seen.iter();
    seen.filter_map(|seen| {
        let sign_us = seen.row.heartbeat_at_us.or(seen.row.received_at_us)?;
        let name = (seen.exchange.clone(), seen.name.clone());
        Some(((name, seen.collector.clone()), sign_us))
    })
    .collect()
}
