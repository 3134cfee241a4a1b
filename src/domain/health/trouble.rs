//! What health knows of single troubles, beyond their count: enough for somebody who has to
//! decide what to do.

use std::fmt;

use crate::domain::symbol::Symbol;

/// So many streams are named; more are counted.
const MAX_NAMED: usize = 3;

/// A task and its restarts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskHealth {
    /// Its name.
    pub name: String,
    /// How often it was started anew in the last ten minutes.
    pub restarts_10m: u64,
    /// Why it last failed.
    pub last_failure: Option<String>,
}

impl TaskHealth {
    /// Restarts in a row that have not kept it running: the one before the last is known to
    /// have failed.
    #[must_use]
    pub const fn failed_restarts(&self) -> u64 {
        self.restarts_10m.saturating_sub(1)
    }
}

impl fmt::Display for TaskHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "attempt {}: the task was started anew {} within 10 minutes",
            self.restarts_10m,
            times(self.restarts_10m)
        )?;
        match &self.last_failure {
            Some(reason) => write!(f, "; {reason}"),
            None => Ok(()),
        }
    }
}

/// A stream that is dead, and what was done about it has not helped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadStream {
    /// The symbol.
    pub symbol: Symbol,
    /// Looks in a row that found it silent.
    pub silent_looks: u64,
    /// For how long nothing has come, in ms.
    pub silence_ms: u64,
    /// The last id that was taken.
    pub last_id: Option<i64>,
    /// The newest id that is known to exist at the exchange.
    pub newest_id: Option<i64>,
}

impl fmt::Display for DeadStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { symbol, .. } = self;
        let silence_s = self.silence_ms as f64 / 1e3;
        write!(f, "{symbol} is silent for {silence_s:.1} s")?;
        if self.silent_looks > 0 {
            let looks = if self.silent_looks == 1 {
                "look"
            } else {
                "looks in a row"
            };
            write!(f, " ({} {looks})", self.silent_looks)?;
        }
        if let Some(last_id) = self.last_id {
            write!(f, ", last id here {last_id}")?;
        }
        if let Some(newest_id) = self.newest_id {
            write!(f, ", newest known at the exchange {newest_id}")?;
        }
        Ok(())
    }
}

/// The symbols of one connection, and what was done about their streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupHealth {
    /// The task that they belong to.
    pub name: String,
    /// Remedies in a row that have not helped.
    pub failed_remedies: u64,
    /// Those whose streams are dead.
    pub dead: Vec<DeadStream>,
}

impl fmt::Display for GroupHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempts = self.failed_remedies;
        let have = if attempts == 1 {
            "remedy has"
        } else {
            "remedies in a row have"
        };
        write!(f, "attempt {attempts}: {attempts} {have} not helped")?;
        for stream in self.dead.iter().take(MAX_NAMED) {
            write!(f, "; {stream}")?;
        }
        match self.dead.len().saturating_sub(MAX_NAMED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// What the exchange has proven about a symbol's ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The symbol.
    pub symbol: Symbol,
    /// How often in the last hour.
    pub count_1h: u64,
    /// The last time, in words.
    pub last: String,
}

fn times(count: u64) -> String {
    if count == 1 {
        "once".to_owned()
    } else {
        format!("{count} times")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead(symbol: &str) -> DeadStream {
        DeadStream {
            symbol: symbol.parse().expect("a symbol"),
            silent_looks: 7,
            silence_ms: 34_200,
            last_id: Some(41),
            newest_id: Some(57),
        }
    }

    #[test]
    fn a_remedy_that_has_not_helped_is_told_with_everything_that_is_known() {
        let mut group = GroupHealth {
            name: "session-0".to_owned(),
            failed_remedies: 1,
            dead: vec![dead("BTCUSDT")],
        };
        assert_eq!(
            group.to_string(),
            "attempt 1: 1 remedy has not helped; BTCUSDT is silent for 34.2 s (7 looks in a row), \
             last id here 41, newest known at the exchange 57"
        );
        group.failed_remedies = 2;
        group.dead.clear();
        assert_eq!(
            group.to_string(),
            "attempt 2: 2 remedies in a row have not helped"
        );
        group.dead = (0..9)
            .map(|number| dead(&format!("S{number}USDT")))
            .collect();
        assert!(group.to_string().ends_with("; and 6 more"), "{group}");
    }

    #[test]
    fn the_first_restart_of_a_task_has_not_failed_yet() {
        let mut task = TaskHealth {
            name: "delivery".to_owned(),
            restarts_10m: 1,
            last_failure: Some("it panicked".to_owned()),
        };
        assert_eq!(task.failed_restarts(), 0);
        task.restarts_10m = 2;
        assert_eq!(task.failed_restarts(), 1);
        assert_eq!(
            task.to_string(),
            "attempt 2: the task was started anew 2 times within 10 minutes; it panicked"
        );
    }
}
