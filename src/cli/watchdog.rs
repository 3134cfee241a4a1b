//! `streamkit watchdog`: are the data fresh in the database, and would a restart help?

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;

use crate::{
    app::clock::Clock,
    app::seals::{CheckRequest, SETTLE},
    app::watchdog::{
        AnyTable, Database, JournalTrace, NoFile, Outcome, Patience, Restarts, Settings,
        StoredHealth, Watchdog, check_seals,
    },
    config::{Key, settings::Freshness},
    domain::{freshness, freshness::Level, micros::micros, restart_policy, symbol::Symbol},
    exchange::binance,
    journal::trace,
    report::watchdog as report,
    unit::{Claim, History, HistoryError},
};

use super::{
    args::{distinct, duration, positive},
    collect::{collector_name, exchange},
    context::{Context, Output, block_on},
    error::CliError,
    exit::ExitCode,
};

mod hold;
mod table;
mod target;
mod telling;
mod textfile;

use hold::HoldArgs;
use table::TableArgs;
use target::TargetArgs;

/// Check that the data in the database are fresh, and restart a unit if that helps
///
/// To be run by cron every few minutes. It looks at what collectors write into stream_health
/// of the store, where the newest row of any collector counts. A database that does not answer
/// is no reason to restart anything; neither is a market that is quiet, or a collector that
/// lives and cannot deliver.
///
/// With --unit, --container or --restart-command it restarts what does not work, at most three
/// times an hour and two minutes apart, and waits until the data are fresh again.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 fresh, 1 a warning, or restarted and fresh again, 2 critical, \
                  3 unknown, also for a wrong command line and while another one is at it"
)]
pub struct WatchdogArgs {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    hold: HoldArgs,
    #[command(flatten)]
    table: TableArgs,
    /// Look only at this symbol, and miss it when it is absent; may be given several times
    #[arg(long = "symbol", value_name = "SYMBOL", value_delimiter = ',')]
    symbols: Vec<String>,
    /// From which age on data are worth a warning
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    warn: Duration,
    /// From which age on they are critical
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    crit: Duration,
    /// Other ages for one symbol: SYMBOL=WARN/CRIT; may be given several times
    #[arg(long, value_name = "SYMBOL=WARN/CRIT")]
    freshness: Vec<Freshness>,
    /// Ask the exchange whether a symbol without trades is dead or quiet
    #[arg(long, conflicts_with_all = ["table", "query"])]
    ask_exchange: bool,
    /// How long the database may take to answer
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    query_timeout: Duration,
    /// How long the collectors' breaker stays open; a restart waits for it, and a heartbeat
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    breaker: Duration,
    /// How often the collectors write their heartbeat
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    heartbeat: Duration,
    /// Rows that wait in a collector's spool are a backlog from so many on
    #[arg(long, value_name = "ROWS", default_value = "10000", value_parser = positive::<u64>)]
    backlog: u64,
    /// Warn of periods that ended within this time, and have holes or no seal for other reasons
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = duration,
        conflicts_with_all = ["table", "query"]
    )]
    check_seals: Option<Duration>,
    /// How long looking at seals may take: bars are read where one is missing
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    seals_timeout: Duration,
    /// Write the result for node_exporter to this file, whose name ends in .prom
    #[arg(long, value_name = "FILE.prom")]
    textfile: Option<PathBuf>,
    /// The TOML file with rules and channels of alerts, as for 'collect'
    #[arg(long, value_name = "FILE")]
    alerts: Option<PathBuf>,
    /// Take this machine's clock to be so many seconds ahead. Only for tests
    #[arg(
        long,
        value_name = "SECONDS",
        hide = true,
        allow_negative_numbers = true
    )]
    clock_ahead_s: Option<i64>,
}

impl WatchdogArgs {
    /// The settings that these flags give.
    pub fn flags(&self) -> BTreeMap<Key, Vec<String>> {
        let freshness: Vec<_> = self.freshness.iter().map(ToString::to_string).collect();
        if freshness.is_empty() {
            return BTreeMap::new();
        }
        BTreeMap::from([(Key::Freshness, freshness)])
    }

    /// Looks, acts and tells. Whatever keeps it from that, it cannot be told how things are.
    pub fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        self.check_and_act(context)
            .map_err(|error| error.exit(ExitCode::Unknown))
    }

    fn check_and_act(self, context: &Context) -> Result<ExitCode, CliError> {
        if context.output == Output::Csv {
            // The others are checked where they are printed.
            context.is_json()?;
        }
        if self.warn > self.crit {
            return Err(CliError::new(
                ExitCode::Usage,
                "data would be critical before they are worth a warning",
            )
            .hint("give --warn an age below that of --crit"));
        }
        if let Some(path) = &self.textfile {
            textfile::check(path)?;
        }
        let wanted = self.wanted()?;
        let unit = self.target.unit()?;
        let state_dir = context.settings.state_dir()?.value.clone();
        let name = unit.as_ref().map_or_else(
            || format!("check of {}", Self::place(context)),
            |unit| unit.target(),
        );
        if let Some(request) = self.hold.request()? {
            let is_dry_run = self.target.dry_run;
            return hold::run(request, unit.as_deref(), is_dry_run, &state_dir, context);
        }
        // A check that neither restarts nor tells anybody may run beside others.
        let is_alone = unit.is_some() || self.alerts.is_some();
        let busy = |error: HistoryError| {
            let hint = error.hint();
            CliError::from(error).hint(hint)
        };
        // Whatever their state directories are, there is one target.
        let claim = unit
            .is_some()
            .then(|| Claim::take(&self.target.on_machine(&name)));
        let _claim = claim.transpose().map_err(busy)?;
        let history = is_alone.then(|| History::lock(&state_dir, &name, context.clock.wall_us()));
        let mut history = match history {
            Some(Err(error @ HistoryError::Busy { .. })) => return Err(busy(error)),
            history => history,
        };
        if let Some(Ok(history)) = &history
            && let Some(damage) = history.damage()
        {
            tracing::warn!(
                code = "watchdog.history",
                "the record of restarts was damaged ({}) and is kept as {}; it counts as one \
                 restart made just now",
                damage.reason,
                damage.copy.display()
            );
        }
        block_on(async {
            let watchdog = self.watchdog(wanted, unit, context)?;
            let record = history.as_mut().map(|history| match history {
                Ok(history) => Ok(history),
                Err(error) => Err(format!("failed to {error}; {}", error.hint())),
            });
            let mut outcome = watchdog.run(record).await;
            if self.check_seals.is_some() {
                outcome.awaits_seals = true;
                // Looking at seals may take minutes: whoever is on call does not wait for that.
                if let Some(path) = &self.alerts
                    && outcome.level() != Level::Fresh
                {
                    telling::tell(&outcome, path, &state_dir, &name, context).await;
                }
                self.look_at_seals(&mut outcome, &watchdog.settings, context)
                    .await?;
                outcome.awaits_seals = false;
            }
            if let Some(path) = &self.alerts {
                telling::tell(&outcome, path, &state_dir, &name, context).await;
            }
            Ok(self.show(&outcome, context))
        })
    }

    /// Whether it looks at `stream_health`, where names are symbols.
    fn is_of_symbols(&self) -> bool {
        self.table.query(self.query_timeout).is_none()
    }

    /// The names that have to be there, as they are in the table: those of symbols are in
    /// capitals, those in other tables are whatever they are.
    fn wanted(&self) -> Result<Vec<String>, CliError> {
        if !self.is_of_symbols() {
            return Ok(distinct(&self.symbols));
        }
        let mut wanted = Vec::with_capacity(self.symbols.len());
        for name in &self.symbols {
            let symbol = name.parse::<Symbol>().map_err(|error| {
                CliError::new(ExitCode::Usage, format!("'{name}' is no symbol: {error}"))
                    .hint("spell symbols as the exchange does, such as BTCUSDT")
            })?;
            wanted.push(symbol.to_string());
        }
        Ok(distinct(&wanted))
    }

    /// The same of a name that has ages of its own; what is no symbol is of another table.
    fn name_in_table(&self, name: &str) -> String {
        let symbol = name.parse::<Symbol>().ok().filter(|_| self.is_of_symbols());
        symbol.map_or_else(|| name.to_owned(), |symbol| symbol.to_string())
    }

    fn watchdog(
        &self,
        wanted: Vec<String>,
        unit: Option<Arc<dyn Restarts>>,
        context: &Context,
    ) -> Result<Watchdog, CliError> {
        let exchange = if self.ask_exchange {
            let source = exchange::history(binance::Settings::default(), context)?;
            Some(source.ok_or_else(|| {
                CliError::new(
                    ExitCode::Usage,
                    "the sim exchange inside a collector cannot be asked from here",
                )
                .hint("give --rest-url of the exchange, or leave --ask-exchange out")
            })?)
        } else {
            None
        };
        Ok(Watchdog {
            settings: self.settings(wanted, context),
            clock: self.clock(context),
            database: self.database(context)?,
            journal: Self::journal(context),
            exchange,
            unit,
        })
    }

    fn settings(&self, wanted: Vec<String>, context: &Context) -> Settings {
        let overrides = context.settings.freshness.value.iter();
        Settings {
            wanted,
            limits: freshness::Limits {
                warn_us: micros(self.warn),
                crit_us: micros(self.crit),
                breaker_us: micros(self.breaker),
                heartbeat_us: micros(self.heartbeat),
                backlog_rows: self.backlog,
            },
            overrides: overrides
                .map(|limit| {
                    let ages = (micros(limit.warn), micros(limit.crit));
                    (self.name_in_table(&limit.name), ages)
                })
                .collect(),
            budget: restart_policy::Limits {
                restarts: self.target.restarts_per_hour,
                apart_us: micros(self.target.restarts_apart),
                ..restart_policy::Limits::UNIT
            },
            is_dry_run: self.target.dry_run,
            patience: Patience {
                query: self.query_timeout,
                restart: self.target.restart_timeout,
                recheck: self.target.recheck,
                ..Patience::default()
            },
        }
    }

    fn database(&self, context: &Context) -> Result<Arc<dyn Database>, CliError> {
        Ok(match context.store_to_read()? {
            Some(store) => match self.table.query(self.query_timeout) {
                Some(query) => Arc::new(AnyTable {
                    store,
                    clock: self.clock(context),
                    query,
                }),
                None => Arc::new(StoredHealth::new(
                    store,
                    self.clock(context),
                    context.named_exchange.clone(),
                    collector_name(context),
                )),
            },
            None => Arc::new(NoFile {
                address: Self::place(context),
            }),
        })
    }

    async fn look_at_seals(
        &self,
        outcome: &mut Outcome,
        settings: &Settings,
        context: &Context,
    ) -> Result<(), CliError> {
        let (Some(window), Some(store)) = (self.check_seals, context.store_to_read()?) else {
            return Ok(());
        };
        let names = self.symbols.iter();
        let request = CheckRequest {
            exchange: context.named_exchange.clone(),
            symbols: names.filter_map(|name| name.parse().ok()).collect(),
            window,
            settle: SETTLE,
        };
        check_seals(outcome, &*store, &request, settings, self.seals_timeout).await;
        Ok(())
    }

    fn clock(&self, context: &Context) -> Clock {
        let Some(ahead_s) = self.clock_ahead_s else {
            return context.clock.clone();
        };
        let (clock, ahead_us) = (context.clock.clone(), ahead_s.saturating_mul(1_000_000));
        Clock::with_wall(move || clock.wall_us().saturating_add(ahead_us))
    }

    /// The journal on this machine. One that does not say whose it is belongs to whoever
    /// collects here.
    fn journal(context: &Context) -> Option<JournalTrace> {
        let directory = context.journal_dir().ok()?;
        let collector_here = collector_name(context);
        Some(Arc::new(move || {
            let mut commits = trace::last_commits(&directory)
                .map_err(|error| format!("{}: failed to {error}", directory.display()))?;
            for commit in &mut commits {
                commit
                    .collector
                    .get_or_insert_with(|| collector_here.clone());
            }
            Ok(commits)
        }))
    }

    fn place(context: &Context) -> String {
        let store = context.settings.store();
        store.map_or_else(|_| "the store".to_owned(), |store| store.value.to_string())
    }

    fn show(&self, outcome: &Outcome, context: &Context) -> ExitCode {
        if let Some(path) = &self.textfile {
            // Whoever reads the exit code is told all the same.
            if let Err(error) = textfile::write(path, &report::prometheus::text(outcome)) {
                context.printer.tell(&error);
            }
        }
        let level = outcome.level();
        let is_silent = context.is_quiet && level == Level::Fresh;
        if !is_silent && let Err(error) = telling::print(outcome, context) {
            // What was found matters more than that it could not be said.
            error.report(&context.printer);
        }
        match level {
            Level::Fresh => ExitCode::Ok,
            Level::Warning => ExitCode::Failed,
            Level::Critical => ExitCode::Critical,
            Level::Unknown => ExitCode::Unknown,
        }
    }
}
