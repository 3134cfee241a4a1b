//! `probe run`: causes failures and measures what they cost.

use std::{path::PathBuf, sync::Arc};

use clap::{Args, Parser};
use tokio_util::sync::CancellationToken;

use crate::{
    app::probe::{
        budget::BudgetFile,
        run::run,
        scenario::Scenario,
        scenarios,
        settings::{Database, MIN_SCALE, Settings},
    },
    cli::{
        args::{distinct, positive},
        collect::limits::LimitsArgs,
        context::Context,
        error::{CliError, Edge as _},
        exit::ExitCode,
        signals::Signals,
    },
    config::settings::Origin,
    domain::threshold::Threshold,
    report::{
        probe::{html, json, progress::Progress, table},
        words::minute,
    },
    store::address::StoreAddress,
};

use super::report::ReportFile;

/// The threshold that is added to the user's, in dbps: its bars come often enough to see when
/// fresh rows arrive.
const FINEST: u32 = 10;

/// What may stand behind `--`.
#[derive(Debug, Parser)]
#[command(disable_help_flag = true)]
struct LimitsLine {
    #[command(flatten)]
    limits: LimitsArgs,
}

/// Cause failures, and measure how they are seen, mended and survived
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Run every scenario, not the core alone
    #[arg(long)]
    all: bool,
    /// Run these
    #[arg(
        long,
        value_name = "NAME,…",
        value_delimiter = ',',
        conflicts_with = "all"
    )]
    only: Vec<String>,
    /// Do not run these
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    skip: Vec<String>,
    /// Run each so often, each time with another seed
    #[arg(long, value_name = "N", default_value = "1", value_parser = positive::<u32>)]
    runs: u32,
    /// The seed of the first run: the same one makes the same trades
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Multiply every time by this, from 0.1 to 1; what is measured is told unscaled
    #[arg(long, value_name = "FACTOR", default_value_t = MIN_SCALE, value_parser = scale)]
    time_scale: f64,
    /// Read changes of budgets from this TOML file
    #[arg(long, value_name = "FILE")]
    budget: Option<PathBuf>,
    /// What to build bars with, in decimal basis points besides 10 [default: as for collect]
    #[arg(short, long, value_name = "DBPS,…", value_delimiter = ',')]
    thresholds: Vec<Threshold>,
    /// Keep what is left of failed runs below this directory [default: a new one in the system's]
    #[arg(long, value_name = "DIR")]
    evidence: Option<PathBuf>,
    /// Write the matrix with a timeline of every scenario to this HTML file, too
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Start this ClickHouse for the runs, with a shell that tells it PORT and DATA
    #[arg(long, value_name = "COMMAND")]
    clickhouse_server: Option<String>,
    /// Limits of the collector, as 'streamkit collect' takes them
    #[arg(last = true, value_name = "LIMIT")]
    limits: Vec<String>,
    /// Take the remedies away that the scenarios test.
    #[arg(long, hide = true)]
    bare: bool,
}

impl RunArgs {
    /// Runs scenarios until they are done, or until a signal.
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let is_json = context.is_json()?;
        refuse_foreign(context)?;
        let database = self.database(context)?;
        let chosen = self.chosen(&database)?;
        let report = self.report.clone().map(ReportFile::new).transpose()?;
        let mut signals = Signals::new().hint("run it where signals can be received")?;
        let settings = self.settings(context, database)?;
        refuse_stale(&chosen, &settings)?;
        let stop = CancellationToken::new();
        let progress = Progress::new(context.printer.messages(), context.is_quiet);
        let told = Arc::new(move |event: &_| progress.tell(event));
        let running = run(&chosen, &settings, told, stop.clone());
        tokio::pin!(running);
        let mut code = None;
        let outcome = loop {
            tokio::select! {
                outcome = &mut running => break outcome,
                signal = signals.next() => {
                    code = Some(signal);
                    stop.cancel();
                }
            }
        };
        let has_evidence = matches!(&outcome, Ok(outcome) if outcome.evidence.is_some());
        if !has_evidence && self.evidence.is_none() {
            // A directory of our own without anything to keep.
            let _ = std::fs::remove_dir_all(&settings.directory);
        }
        let outcome = outcome.map_err(|error| {
            CliError::new(ExitCode::Unavailable, format!("failed to {error}")).hint(
                "name a database that can be reached, make room, and let this user start \
                 processes and listen",
            )
        })?;
        if let Some(report) = &report {
            let made_at = format!("{} UTC", minute(context.clock.wall_us()));
            report.write(&html::page(&outcome, &settings, &made_at))?;
            if !context.is_quiet {
                let path = report.path().display();
                context.printer.tell(format!("report: {path}"));
            }
        }
        let text = if is_json {
            serde_json::to_string(&json::ProbeJson::of(&outcome, &settings))?
        } else {
            table::text(&outcome, &settings, context.printer.width())
        };
        context.printer.line(text)?;
        context.printer.flush()?;
        if is_json && let Some(evidence) = &outcome.evidence {
            let told = format!("what is left of failed runs: {}", evidence.display());
            context.printer.tell(told);
        }
        // What was stopped has proven nothing, whoever asked for its end.
        Ok(match code {
            Some(ExitCode::Interrupted) => ExitCode::Interrupted,
            _ if outcome.has_passed() => ExitCode::Ok,
            _ => ExitCode::Failed,
        })
    }

    /// The scenarios that were asked for.
    fn chosen(&self, database: &Database) -> Result<Vec<Scenario>, CliError> {
        let mut all = scenarios::all();
        for name in self.only.iter().chain(&self.skip) {
            if !all.iter().any(|scenario| scenario.name == name) {
                let sentence = format!("the scenario '{name}' is not known");
                return Err(CliError::new(ExitCode::Usage, sentence)
                    .hint("'streamkit probe list' names them all"));
            }
        }
        for scenario in all
            .iter()
            .filter(|one| self.only.iter().any(|name| name == one.name))
        {
            if let Some(lack) = database.lacks(scenario.needs) {
                let sentence = format!("the scenario '{}' {lack}", scenario.name);
                return Err(CliError::new(ExitCode::Usage, sentence)
                    .hint("name what it needs, or leave it out of --only"));
            }
        }
        all.retain(|scenario| {
            let name = scenario.name.to_owned();
            let is_wanted = if self.only.is_empty() {
                let is_of_the_core = scenario.is_core && database.lacks(scenario.needs).is_none();
                self.all || is_of_the_core
            } else {
                self.only.contains(&name)
            };
            is_wanted && !self.skip.contains(&name)
        });
        if all.is_empty() {
            return Err(CliError::new(ExitCode::Usage, "no scenario is left to run")
                .hint("skip fewer; 'streamkit probe list' names them all"));
        }
        Ok(all)
    }

    /// Where collectors write to: never to a store that was not named for this.
    fn database(&self, context: &Context) -> Result<Database, CliError> {
        let store = context.settings.store().ok();
        let named = store.filter(|store| matches!(store.origin, Origin::Flag(_)));
        let wrong = |sentence: &str, hint: &str| {
            Err(CliError::new(ExitCode::Usage, sentence.to_owned()).hint(hint.to_owned()))
        };
        match (&self.clickhouse_server, named.map(|store| &store.value)) {
            (None, None) => Ok(Database::File),
            (Some(command), None) => Ok(Database::OwnServer(command.clone())),
            (None, Some(StoreAddress::ClickHouse(address))) => {
                Ok(Database::Server(address.clone()))
            }
            (None, Some(StoreAddress::Sqlite(_))) => wrong(
                "the store of a probe is not a file that is there already",
                "leave --store out: each run makes a file of its own",
            ),
            (Some(_), Some(_)) => wrong(
                "--clickhouse-server and --store are two databases",
                "leave one of them out: a server that is started gets its address from PORT",
            ),
        }
    }

    /// The limits that were given, which have to be good before anything is started.
    fn limits(&self) -> Result<Vec<String>, CliError> {
        let words = std::iter::once("collect").chain(self.limits.iter().map(String::as_str));
        let line = LimitsLine::try_parse_from(words).map_err(|error| {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            let reason = first.strip_prefix("error: ").unwrap_or(first);
            CliError::new(
                ExitCode::Usage,
                format!("a limit behind '--' is wrong: {reason}"),
            )
            .hint("'streamkit collect --help' lists them under Limits")
        })?;
        line.limits.limits()?;
        Ok(self.limits.clone())
    }

    fn settings(&self, context: &Context, database: Database) -> Result<Settings, CliError> {
        let budgets = match &self.budget {
            None => BudgetFile::default(),
            Some(path) => read_budgets(path)?,
        };
        let finest = Threshold::new(FINEST)?;
        let mut thresholds = if self.thresholds.is_empty() {
            context.settings.thresholds.value.clone()
        } else {
            self.thresholds.clone()
        };
        thresholds.push(finest);
        thresholds.sort_unstable();
        let thresholds = distinct(&thresholds);
        if self.seed.checked_add(u64::from(self.runs)).is_none() {
            let sentence = format!(
                "--seed {} leaves no room for --runs {}",
                self.seed, self.runs
            );
            return Err(CliError::new(ExitCode::Usage, sentence).hint("give a smaller seed"));
        }
        let directory = match &self.evidence {
            Some(directory) => directory.clone(),
            None => tempfile::Builder::new()
                .prefix("streamkit-probe-")
                .tempdir()
                .hint("make room in the system's directory for temporary files, or name another one with --evidence")?
                .keep(),
        };
        let binary = std::env::current_exe();
        Ok(Settings {
            binary: binary.hint("start it by its full path")?,
            seed: self.seed,
            runs: self.runs,
            scale: self.time_scale,
            finest: thresholds.first().copied().unwrap_or(finest),
            thresholds,
            anchor: context.settings.anchor.value,
            database,
            options: self.limits()?,
            budgets,
            budget_path: self.budget.clone(),
            directory,
            is_bare: self.bare,
        })
    }
}

/// Refuses what names somebody's own exchange or journal: a probe breaks only what it has made.
fn refuse_foreign(context: &Context) -> Result<(), CliError> {
    let settings = &context.settings;
    let state_dir = settings.state_dir().ok();
    let given = [
        Some(&settings.ws_urls.origin),
        Some(&settings.rest_urls.origin),
        Some(&settings.exchange.origin),
        state_dir.map(|setting| &setting.origin),
    ];
    let flag = given.into_iter().flatten().find_map(|origin| match origin {
        Origin::Flag(flag) => Some(flag),
        _ => None,
    });
    let Some(flag) = flag else {
        return Ok(());
    };
    let sentence = format!("{flag} has no meaning for a probe: it makes an exchange and a journal of its own");
    Err(CliError::new(ExitCode::Usage, sentence).hint("leave it out"))
}

/// Refuses a directory in which an earlier run of the same scenario and seed has left something:
/// neither is what is left of it to be lost, nor is the next run to begin with it.
fn refuse_stale(chosen: &[Scenario], settings: &Settings) -> Result<(), CliError> {
    for scenario in chosen {
        for number in 0..settings.runs {
            let directory = settings.directory_of(scenario.name, settings.seed + u64::from(number));
            if directory.exists() {
                let sentence = format!("an earlier run has left {}", directory.display());
                return Err(CliError::new(ExitCode::Usage, sentence)
                    .hint("remove it, or name another directory with --evidence"));
            }
        }
    }
    Ok(())
}

fn read_budgets(path: &std::path::Path) -> Result<BudgetFile, CliError> {
    let wrong = |reason: String| {
        let sentence = format!("failed to read the budgets in {}: {reason}", path.display());
        CliError::new(ExitCode::Configuration, sentence)
            .hint("a budget has a table [default] and tables [scenario.NAME], each with detected, recovered, lost …")
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let file = BudgetFile::parse(&text).map_err(|error| wrong(error.to_string()))?;
    let known = scenarios::all();
    for name in file.scenario.keys() {
        if !known.iter().any(|scenario| scenario.name == name) {
            return Err(wrong(format!("the scenario '{name}' is not known")));
        }
    }
    Ok(file)
}

fn scale(text: &str) -> Result<f64, String> {
    let scale: f64 = text.parse().map_err(|_| format!("'{text}' is no number"))?;
    if (MIN_SCALE..=1.0).contains(&scale) {
        Ok(scale)
    } else {
        Err(format!("a time scale is from {MIN_SCALE} to 1"))
    }
}
