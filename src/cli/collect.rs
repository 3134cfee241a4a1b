//! `streamkit collect`: the main job.

use std::{collections::BTreeMap, time::Duration};

use clap::Args;

use crate::{
    app::{collect::Settings, crash::CrashAt, supervise::MischiefAt},
    config::Key,
    domain::{anchor::Anchor, crash::CrashPoints, symbol::Symbol, threshold::Threshold},
};

use super::{
    args::{distinct, duration, stored_anchor},
    context::Context,
    error::CliError,
    exit::ExitCode,
};

pub mod alerting;
pub mod exchange;
pub mod limits;
mod pages;
mod progress;
mod reporting;
mod run;
mod sim;
mod tampering;
pub mod watching;

use limits::LimitsArgs;
pub use run::collector_name;
use sim::SimArgs;
use tampering::TamperingArgs;
pub use watching::SOCKET_NAME;
use watching::WatchArgs;

/// Collect live trades and keep exact range bars of them
///
/// Begins where it left off; what happened in between is fetched by trade id. Runs until
/// it is stopped (Ctrl-C or SIGTERM), and commits everything before it ends.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 stopped as asked, 1 failed, 64 usage, \
                        69 unavailable, 75 try again later, 78 configuration, 130 interrupted")]
pub struct CollectArgs {
    /// The symbols, as the exchange spells them
    #[arg(value_name = "SYMBOL", required = true)]
    symbols: Vec<Symbol>,
    /// What to build bars with, in decimal basis points [default: 250,500,750,1000]
    #[arg(short, long, value_name = "DBPS,…", value_delimiter = ',')]
    thresholds: Vec<Threshold>,
    /// Where to cut bars, in UTC [default: day]
    #[arg(long, value_name = "day|month", value_parser = stored_anchor)]
    anchor: Option<Anchor>,
    /// Call this collector so in the store [default: the machine's name]
    #[arg(long, value_name = "NAME")]
    collector: Option<String>,
    /// End by itself after so long
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    run_for: Option<Duration>,
    /// Store the trades, too
    #[arg(long)]
    record_trades: bool,
    /// Create no tables in the store; they must be there
    #[arg(long)]
    no_create: bool,
    /// Go on although the journal belongs to another store: what it has spooled goes to this one
    #[arg(long)]
    accept_store: bool,
    #[command(flatten)]
    limits: LimitsArgs,
    #[command(flatten)]
    watching: WatchArgs,
    #[command(flatten)]
    sim: SimArgs,
    #[command(flatten)]
    tampering: TamperingArgs,
    /// Make a task misbehave, for tests.
    #[arg(long, value_name = "TASK:panic|hang|return[@N]", hide = true)]
    mischief: Vec<MischiefAt>,
    /// Die at a named point, at its N-th visit.
    #[arg(long, value_name = "NAME[:N]", hide = true)]
    crash_at: Option<CrashAt>,
}

impl CollectArgs {
    /// The settings among the flags.
    pub fn flags(&self) -> BTreeMap<Key, Vec<String>> {
        let mut flags = BTreeMap::new();
        if !self.thresholds.is_empty() {
            let thresholds = self.thresholds.iter().map(ToString::to_string);
            flags.insert(Key::Thresholds, thresholds.collect());
        }
        if let Some(anchor) = self.anchor {
            flags.insert(Key::Anchor, vec![anchor.to_string()]);
        }
        if let Some(collector) = &self.collector {
            flags.insert(Key::Collector, vec![collector.clone()]);
        }
        flags
    }

    /// Collects until the end comes.
    pub fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        run::run(&self, context)
    }

    /// What to collect, and how.
    fn settings(&self, context: &Context) -> Result<Settings, CliError> {
        Ok(Settings {
            symbols: distinct(&self.symbols),
            thresholds: context.settings.thresholds.value.clone(),
            anchor: context.settings.anchor.value,
            record_trades: self.record_trades,
            collector: collector_name(context),
            create_schema: !self.no_create,
            limits: self.tampering.limits(self.limits.limits()?),
            crash: self
                .crash_at
                .map_or_else(CrashPoints::default, CrashAt::arm),
            mischief: self.mischief.clone(),
        })
    }
}
