//! One run of a scenario, from an empty directory to what came of it.
//!
//! ```text
//!  start ─ fresh rows ─ settle ─ the scenario plays ─ seen? recovered?
//!        ─ everything healed ─ tape stopped ─ drained ─ compared
//!        ─ tape goes on ─ new trades arrive? ─ SIGTERM ─ compared again
//! ```
//!
//! What the collector does wrong becomes a figure or a sentence in the outcome; only what
//! keeps the probe itself from going on is an error.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    bench::{Bench, ENDED, STOP, load::SYMBOLS},
    error::ProbeError,
    event::{Emit, Event, Phase},
    harm::{Harm, Miss},
    measures::Measures,
    oracle::{Damage, compare},
    outcome::RunOutcome,
    scenario::Scenario,
    settings::Settings,
    timeline::MarkKind,
};
use crate::domain::{bar::Bar, symbol::Symbol, threshold::Threshold};

/// How long the collector is left alone before anything happens, unscaled.
const SETTLE: Duration = Duration::from_secs(5);
/// How long a scenario that makes no failure is watched, unscaled.
const LOOK_ON: Duration = Duration::from_secs(30);
/// What is never seen, or never over, is waited for so many times as long as it may take.
const PATIENCE_FACTOR: u32 = 2;
/// … and as long as this at least, not scaled: for slow machines.
const PATIENCE_MIN: Duration = Duration::from_secs(5);
/// Draining may take so long, unscaled: the breaker's pause, and then some.
const DRAIN: Duration = Duration::from_secs(120);
/// … and as long as this at least, not scaled.
const DRAIN_MIN: Duration = Duration::from_secs(20);

/// Everything that is known when a run is over.
struct Run<'a> {
    scenario: &'a Scenario,
    bench: &'a mut Bench,
    thresholds: &'a [Threshold],
    measures: Measures,
    missed: Vec<Miss>,
}

/// Plays a scenario once, on a bench where nothing has been started yet but the exchange.
///
/// # Errors
/// When the probe cannot go on; what the collector does wrong is no error.
pub async fn play(
    scenario: &Scenario,
    settings: &Settings,
    bench: &mut Bench,
    emit: &Emit,
) -> Result<RunOutcome, ProbeError> {
    let phase = |phase| {
        let name = scenario.name;
        emit(&Event::Phase { name, phase });
    };
    bench.start(&[])?;
    bench.until_fresh().await?;
    if let Err(error) = bench.storage.keep_doubles().await {
        // Those that the server has left are seen all the same.
        let reason = format!("doubles may be merged away before they are counted: {error}");
        let name = scenario.name;
        emit(&Event::Note { name, reason });
    }
    bench.hold(SETTLE).await;
    phase(Phase::Failing);
    (scenario.play)(bench).await?;
    let mut run = Run {
        scenario,
        bench,
        thresholds: &settings.thresholds,
        measures: Measures::default(),
        missed: Vec::new(),
    };
    phase(Phase::Recovering);
    run.watch().await;
    if !run.bench.has_struck().await? {
        // Whatever was measured then, it was not what this failure costs.
        let text = "the failure was ordered and has not struck";
        run.missed.push(Miss::new(Harm::Other, text));
    }
    run.bench.heal_everything().await?;
    phase(Phase::Comparing);
    let before = run.drain_and_compare(settings.finest).await?;
    phase(Phase::Proving);
    run.prove_alive().await?;
    let after = run.stop_and_compare().await?;
    run.count(before.worse(after));
    Ok(run.outcome(settings))
}

impl Run<'_> {
    /// Waits until the failure was seen and is over, or would have to be.
    async fn watch(&mut self) {
        let Some(strike) = self.bench.strike().cloned() else {
            self.bench.hold(LOOK_ON).await;
            return;
        };
        let budget = self.scenario.budget;
        let unscaled = |bench: &Bench, time: Duration| {
            let ms = time.as_secs_f64() * 1000.0 / bench.scale;
            ms.round() as u64
        };
        let codes = self.scenario.seen_as;
        let seen = |bench: &Bench| {
            let log = &bench.log;
            log.find(strike.lines, |line| codes.contains(&line.code.as_str()))
        };
        let Some(from) = self.bench.recovery_from().cloned() else {
            return;
        };
        let is_fresh = |bench: &Bench| bench.is_beyond(&from.newest);
        let mut patience = self.patience(budget.recovered);
        if !codes.is_empty() {
            patience = patience.max(self.patience(budget.detected));
        }
        let until = Instant::now() + patience;
        if self.bench.wait(patience, is_fresh).await {
            let took = from.at.elapsed();
            self.measures.recovered_ms = Some(unscaled(self.bench, took));
            let text = "trades that were made afterwards are stored".to_owned();
            self.bench.mark(MarkKind::Recovered, text);
        }
        if codes.is_empty() {
            return;
        }
        // What is seen has the time of its line in the log, whenever it is looked for.
        let left = until.saturating_duration_since(Instant::now());
        self.bench.wait(left, |bench| seen(bench).is_some()).await;
        if let Some(line) = seen(self.bench) {
            let took = line.at.saturating_duration_since(strike.at);
            self.measures.detected_ms = Some(unscaled(self.bench, took));
            let text = format!("{}: {}", line.code, line.message);
            self.bench.mark_at(line.at, MarkKind::Detected, text);
        }
    }

    fn patience(&self, allowed: Option<Duration>) -> Duration {
        let allowed = allowed.unwrap_or(LOOK_ON) * PATIENCE_FACTOR;
        self.bench.scaled(allowed).max(PATIENCE_MIN)
    }

    /// Stops the tape, waits until everything is stored, and compares.
    async fn drain_and_compare(&mut self, finest: Threshold) -> Result<Damage, ProbeError> {
        self.bench.exchange.pace(0.0).await?;
        // A trade that was due a moment ago may still be on its way into the tape.
        let last_ids = self.bench.exchange.newest(&SYMBOLS).await?;
        let expected = self.expected(&last_ids)?;
        let place = self.thresholds.iter().position(|&dbps| dbps == finest);
        let due: Vec<i64> = expected
            .iter()
            .map(|series| series.last_closed(place.unwrap_or(0)))
            .collect();
        let patience = self.bench.scaled(DRAIN).max(DRAIN_MIN);
        let is_drained = |bench: &Bench| {
            let before: Vec<i64> = due.iter().map(|id| id - 1).collect();
            bench.is_beyond(&before)
        };
        if !self.bench.wait(patience, is_drained).await {
            self.missed.push(Miss::other("what was behind has not come into the store"));
        }
        // Coarser bars that close with the same trade come with the same commit, and may be in
        // the next batch.
        let mut damage = self.compare(&expected).await?;
        let deadline = Instant::now() + self.bench.scaled(SETTLE).max(PATIENCE_MIN);
        while damage != Damage::default() && Instant::now() < deadline {
            self.bench.wait(Duration::from_millis(100), |_| false).await;
            damage = self.compare(&expected).await?;
        }
        let broken = self.bench.storage.broken_seals().await?;
        if let Some(first) = broken.first() {
            // Bars can be right in the end, and vouched for while they were not.
            let text = format!("{} of seals do not fit their bars: {first}", broken.len());
            self.missed.push(Miss::new(Harm::Differing, text));
        }
        Ok(damage)
    }

    /// Lets the tape go on; new trades have to arrive.
    async fn prove_alive(&mut self) -> Result<(), ProbeError> {
        let newest = self.bench.exchange.newest(&SYMBOLS).await?;
        self.bench.exchange.pace(1.0).await?;
        let patience = self.patience(None);
        if !self
            .bench
            .wait(patience, |bench| bench.is_beyond(&newest))
            .await
        {
            self.missed.push(Miss::other("afterwards no new trades have arrived"));
        }
        Ok(())
    }

    /// Stops the collector in order, and compares everything that it has taken.
    async fn stop_and_compare(&mut self) -> Result<Damage, ProbeError> {
        let Some(ending) = self.bench.stop(STOP).await? else {
            self.missed.push(Miss::other("it does not stop when it is asked to"));
            return Ok(Damage::default());
        };
        if !ending.status.success() {
            self.missed.push(Miss::other(format!("its stop ended with {}", ending.status)));
        }
        if ending.dead_rows > 0 {
            self.missed.push(Miss::other(format!("{} rows were given up", ending.dead_rows)));
        }
        let Some(last_ids) = ending.last_ids else {
            self.missed.push(Miss::other("its stop did not tell how far it had come"));
            return Ok(Damage::default());
        };
        let expected = self.expected(&last_ids)?;
        self.compare(&expected).await
    }

    /// What should be stored once the trades up to these ids were taken.
    fn expected(&self, last_ids: &[i64]) -> Result<Vec<Series>, ProbeError> {
        let of = |(name, &last_id): (&&str, &i64)| {
            let trades = self.bench.oracle.trades(name, last_id)?;
            let bars = |&dbps| self.bench.oracle.bars(dbps, &trades);
            Ok(Series {
                symbol: name
                    .parse()
                    .map_err(|_| ProbeError::Missing(format!("the symbol {name}")))?,
                bars: self.thresholds.iter().map(bars).collect(),
            })
        };
        SYMBOLS.iter().zip(last_ids).map(of).collect()
    }

    async fn compare(&self, expected: &[Series]) -> Result<Damage, ProbeError> {
        let mut all = Damage::default();
        for series in expected {
            let mut of_symbol = Damage::default();
            for (&threshold, bars) in self.thresholds.iter().zip(&series.bars) {
                let stored = self.bench.storage.bars(&series.symbol, threshold).await?;
                of_symbol = of_symbol.with(compare(bars, &stored));
            }
            let lost = all.lost + of_symbol.lost;
            all = Damage {
                lost,
                ..all.with(of_symbol)
            };
        }
        all.duplicated += self.bench.storage.doubles().await?;
        Ok(all)
    }

    /// What was counted all along.
    fn count(&mut self, damage: Damage) {
        let bench = &self.bench;
        let (scenario, log) = (self.scenario, &bench.log);
        let of = |codes: &[&str]| log.count(0, |line| codes.contains(&line.code.as_str())) as u64;
        // Each process makes a first connection, and so does each session that is rebuilt.
        let reconnects = of(&["stream.disconnected", "stream.dead", "link.dead"]);
        let tasks = of(&["task.failed", "task.given_up", "journal.commit_failed"]);
        let processes = of(&[ENDED]);
        let deliveries = of(&["delivery.failed"]);
        let allowed = scenario.allowed;
        let made_anew = [
            (reconnects, allowed.reconnects),
            (tasks, allowed.tasks),
            (processes, allowed.processes),
            (deliveries, allowed.deliveries),
        ];
        let needless = made_anew.map(|(count, allowed)| count.saturating_sub(allowed));
        let samples = bench.samples();
        let most = |figure: fn(&super::timeline::Sample) -> Option<u64>| {
            samples.iter().filter_map(figure).max().unwrap_or(0)
        };
        self.measures = Measures {
            lost: damage.lost,
            duplicated: damage.duplicated,
            misordered: damage.misordered,
            differing: damage.differing,
            restarts: made_anew.map(|(count, _)| count).iter().sum(),
            needless_restarts: needless.iter().sum(),
            peak_rss_bytes: bench.peak_rss_bytes(),
            peak_spool_rows: most(|sample| sample.spool_rows),
            alerts: bench.inbox.firing(),
            ..self.measures
        };
    }

    fn outcome(mut self, settings: &Settings) -> RunOutcome {
        let mut budget = settings
            .budgets
            .apply(self.scenario.name, self.scenario.budget);
        if self.bench.strike().is_none() {
            // Nothing fails, so there is nothing to recover from.
            budget.recovered = None;
        }
        let must_be_seen = !self.scenario.seen_as.is_empty();
        let mut missed = budget.missed(&self.measures, must_be_seen);
        missed.append(&mut self.missed);
        if settings.is_bare {
            // Any other harm proves nothing of the remedy that was taken away.
            missed.retain(|miss| miss.harm == self.scenario.harm);
        }
        RunOutcome {
            seed: self.bench.seed,
            measures: Some(self.measures),
            missed: missed.into_iter().map(|miss| miss.text).collect(),
            timeline: self.bench.timeline().thinned(),
        }
    }
}

/// The bars of a symbol, by threshold.
struct Series {
    symbol: Symbol,
    bars: Vec<Vec<Bar>>,
}

impl Series {
    /// The last id in a closed bar of a threshold; 0 when there is none.
    fn last_closed(&self, place: usize) -> i64 {
        let last = self.bars.get(place).and_then(|bars| bars.last());
        last.map_or(0, |bar| bar.last_agg_trade_id)
    }
}
