//! One run: look, rule, restart, look again.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::{self, Instant};

use crate::{
    app::clock::Clock,
    domain::{
        freshness::{Level, Restart},
        micros::micros,
        restart_policy::{Ruling, rule},
        words::noun,
    },
    exchange::source::Source,
    journal::trace::LastCommit,
    unit::{Environment, History, Outcome as Effect, RestartError, Unit},
};

use super::{
    ask::Asked,
    look::{Before, Database, JournalTrace, Judged, Known, Sight},
    outcome::{Action, Outcome, SymbolOutcome},
    settings::Settings,
};

/// The data are looked at so often until they are fresh again, at most.
const RECHECK_PAUSE: Duration = Duration::from_secs(1);
/// So many symbols are named as the reason for a restart.
const NAMED: usize = 3;

/// What can be restarted.
#[async_trait]
pub trait Restarts: Send + Sync {
    /// What it is, such as `systemd unit collect.service`.
    fn target(&self) -> String;

    /// Restarts it within `deadline`, and returns how long that took.
    ///
    /// # Errors
    /// When it is not known to be restarted.
    async fn restart(&self, deadline: Duration) -> Result<Duration, NotRestarted>;
}

/// Why something is not known to be restarted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRestarted {
    /// The reason in words.
    pub why: String,
    /// Whether it may be on its way nevertheless: a deadline ends the wait for a service
    /// that catches up before it is ready, and not the service.
    pub may_come: bool,
}

/// A unit, and the environment of the program that restarts it.
#[async_trait]
impl Restarts for (Unit, Environment) {
    fn target(&self) -> String {
        self.0.name()
    }

    async fn restart(&self, deadline: Duration) -> Result<Duration, NotRestarted> {
        let restarted = self.0.restart(&self.1, deadline).await;
        restarted
            .map(|restarted| restarted.took)
            .map_err(|error| NotRestarted {
                why: format!("failed to {error}; {}", error.hint()),
                may_come: matches!(error, RestartError::DeadlinePassed { .. }),
            })
    }
}

/// A run of the watchdog, with everything that it may touch.
pub struct Watchdog {
    /// What to look for, and what to do.
    pub settings: Settings,
    /// What time it is.
    pub clock: Clock,
    /// Where the rows are.
    pub database: Arc<dyn Database>,
    /// The journal on this machine, if there is one.
    pub journal: Option<JournalTrace>,
    /// The exchange, if it is to be asked.
    pub exchange: Option<Arc<dyn Source>>,
    /// What to restart, if anything.
    pub unit: Option<Arc<dyn Restarts>>,
}

impl Watchdog {
    /// Looks, and does what is to be done. `history` is that of the unit, or why it cannot be
    /// used: without a record nothing is restarted.
    pub async fn run(&self, history: Option<Result<&mut History, String>>) -> Outcome {
        let mut judged = self.look(&Before::new()).await;
        let action = if wants_restart(&judged) {
            self.remedy(&mut judged, history).await
        } else {
            Action::NotNeeded
        };
        if let Some(why) = &judged.unread_journal {
            tracing::warn!(
                code = "watchdog.journal",
                "the journal on this machine cannot be read ({why}): whether a collector \
                 whose heartbeat is late still works is not known, and it is not restarted; \
                 let this user read the journal, or name another --state-dir"
            );
        }
        Outcome {
            checked_at_us: judged.checked_at_us,
            store: self.database.address(),
            skew_us: judged.skew_us,
            target: self.unit.as_ref().map(|unit| unit.target()),
            symbols: judged.symbols,
            awaits_seals: false,
            unsealed: Vec::new(),
            action,
        }
    }

    async fn look(&self, before: &Before) -> Judged {
        let patience = self.settings.patience;
        let answer = time::timeout(patience.query, self.database.look()).await;
        let answer = answer.unwrap_or_else(|_| {
            let patience = humantime::format_duration(patience.query);
            Err(format!("no answer within {patience}"))
        });
        let (commits, asked) = match &answer {
            Ok(sight) => {
                let asked = async {
                    match &self.exchange {
                        Some(source) => {
                            Asked::ask(source, sight, &self.settings, &self.clock).await
                        }
                        None => Asked::default(),
                    }
                };
                tokio::join!(self.commits(sight), asked)
            }
            Err(_) => (Ok(Vec::new()), Asked::default()),
        };
        Known {
            settings: &self.settings,
            clock: &self.clock,
            answer,
            commits,
            asked,
            before,
        }
        .judge()
    }

    /// What the journal says, where there are collectors that it may be of.
    async fn commits(&self, sight: &Sight) -> Result<Vec<LastCommit>, String> {
        let has_collectors = sight.seen.iter().any(|seen| seen.collector.is_some());
        let Some(journal) = self.journal.clone().filter(|_| has_collectors) else {
            return Ok(Vec::new());
        };
        let read = tokio::task::spawn_blocking(move || journal());
        match time::timeout(self.settings.patience.query, read).await {
            Ok(Ok(read)) => read,
            Ok(Err(_)) => Err("reading it panicked".to_owned()),
            // A disk that hangs says nothing about the collector.
            Err(_) => {
                let patience = humantime::format_duration(self.settings.patience.query);
                Err(format!("it is not read within {patience}"))
            }
        }
    }

    async fn remedy(
        &self,
        judged: &mut Judged,
        history: Option<Result<&mut History, String>>,
    ) -> Action {
        let Some(unit) = &self.unit else {
            let reasons: Vec<_> = judged
                .symbols
                .iter()
                .filter(|symbol| is_asking(symbol))
                .collect();
            return Action::NoUnit { why: why(&reasons) };
        };
        let history = match history {
            Some(Ok(history)) => history,
            Some(Err(why)) => return Action::Failed { why },
            None => {
                let why = "there is no record of its restarts".to_owned();
                return Action::Failed { why };
            }
        };
        // Whoever may not restart need not find out whether that would help.
        if let Some(refused) = self.refusal(history) {
            return refused;
        }
        if needed(judged, &Restart::Helps).is_empty() {
            let wait_us = judged.symbols.iter().filter_map(|symbol| {
                let Restart::LookAgain { after_us } = symbol.verdict.restart else {
                    return None;
                };
                u64::try_from(after_us).ok()
            });
            time::sleep(Duration::from_micros(wait_us.max().unwrap_or_default())).await;
            *judged = self.look(&judged.signs).await;
        }
        let reasons = needed(judged, &Restart::Helps);
        if reasons.is_empty() {
            return Action::NotNeeded;
        }
        let why = why(&reasons);
        if self.settings.is_dry_run {
            return Action::DryRun { why };
        }
        // The second look took its time.
        if let Some(refused) = self.refusal(history) {
            return refused;
        }
        let names: Vec<_> = reasons
            .iter()
            .map(|symbol| (symbol.exchange.clone(), symbol.name.clone()))
            .collect();
        if let Err(error) = history.begin(self.clock.wall_us(), &why) {
            let why = format!("failed to {error}; {}", error.hint());
            return Action::Failed { why };
        }
        let begun = Instant::now();
        let restarted = unit.restart(self.settings.patience.restart).await;
        let took_us = micros(
            restarted
                .as_ref()
                .map_or_else(|_| begun.elapsed(), |took| *took),
        );
        let failure = match restarted {
            Ok(_) => {
                let effect = "not known yet".to_owned();
                record(history, Effect::Restarted { took_us, effect });
                None
            }
            Err(NotRestarted { why, may_come }) => {
                record(history, Effect::Failed { why: why.clone() });
                if !may_come {
                    return Action::Failed { why };
                }
                Some(why)
            }
        };
        let begun = Instant::now();
        let fresh_after = self.recheck(judged, &names, begun).await;
        if let (Some(why), None) = (failure, fresh_after) {
            return Action::Failed { why };
        }
        let effect = match fresh_after {
            Some(after) => format!("fresh after {}", humantime::format_duration(round(after))),
            None => "not fresh".to_owned(),
        };
        record(history, Effect::Restarted { took_us, effect });
        Action::Restarted {
            took_us,
            why,
            fresh_after_us: fresh_after.map(micros),
            waited_us: micros(begun.elapsed()),
        }
    }

    fn refusal(&self, history: &History) -> Option<Action> {
        let attempts_us = history.attempts_us();
        let now_us = self.clock.wall_us();
        let hold = match history.hold(now_us) {
            Ok(hold) => hold,
            Err(error) => {
                let why = format!("failed to {error}; release the target, or hold it anew");
                return Some(Action::Failed { why });
            }
        };
        let ruling = rule(self.settings.budget, &attempts_us, hold.as_ref(), now_us);
        (ruling != Ruling::Allowed).then_some(Action::Refused(ruling))
    }

    /// Looks again and again until all of `names` are fresh; returns after how long.
    async fn recheck(
        &self,
        judged: &mut Judged,
        names: &[(String, String)],
        begun: Instant,
    ) -> Option<Duration> {
        let until = begun + self.settings.patience.recheck;
        loop {
            *judged = self.look(&Before::new()).await;
            let is_fresh = |name: &(String, String)| {
                let mut symbols = judged.symbols.iter();
                symbols.any(|symbol| {
                    (&symbol.exchange, &symbol.name) == (&name.0, &name.1)
                        && symbol.verdict.level == Level::Fresh
                })
            };
            if names.iter().all(is_fresh) {
                return Some(begun.elapsed());
            }
            if Instant::now() >= until {
                return None;
            }
            time::sleep_until(until.min(Instant::now() + RECHECK_PAUSE)).await;
        }
    }
}

fn wants_restart(judged: &Judged) -> bool {
    judged.symbols.iter().any(is_asking)
}

fn is_asking(symbol: &SymbolOutcome) -> bool {
    symbol.verdict.restart != Restart::Useless
}

fn needed<'a>(judged: &'a Judged, restart: &Restart) -> Vec<&'a SymbolOutcome> {
    let symbols = judged.symbols.iter();
    symbols
        .filter(|symbol| symbol.verdict.restart == *restart)
        .collect()
}

fn why(reasons: &[&SymbolOutcome]) -> String {
    let mut text = String::new();
    for symbol in reasons.iter().take(NAMED) {
        let separator = if text.is_empty() { "" } else { "; " };
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "{separator}{}: {}",
            symbol.name, symbol.verdict.reason
        );
    }
    let more = reasons.len().saturating_sub(NAMED);
    if more > 0 {
        let _ = write!(text, "; and {more} more {}", noun(more as u64, "symbol"));
    }
    text
}

/// What cannot be recorded was done all the same, and the attempt counts.
fn record(history: &mut History, effect: Effect) {
    if let Err(error) = history.end(effect) {
        tracing::warn!(
            code = "watchdog.history",
            "failed to {error}; {}",
            error.hint()
        );
    }
}

fn round(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
