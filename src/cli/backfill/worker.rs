//! `streamkit backfill worker`: takes requests from the queue.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use clap::Args;
use tokio_util::sync::CancellationToken;

use crate::{
    app::backfill::{
        job::Shared,
        run::RunLimits,
        turns::Turns,
        work::Carrier,
        worker::{Settings, Worker},
    },
    cli::{
        args::{duration, duration_or_zero, positive, stored_anchor},
        collect::collector_name,
        context::{Context, block_on_threads},
        error::{CliError, Edge as _},
        exit::ExitCode,
        signals::{Signals, until_done},
    },
    config::Key,
    domain::{anchor::Anchor, backfill_request::Scope},
    journal::random_id,
    report::backfill::{run as run_report, worker as report},
    store::{self, StoreOptions},
};

use super::{
    direct::{DEFAULT_SINCE, WORKERS},
    sources::{self, SourceArgs},
};

/// How long work that is told to stop may take.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// What is added to a worker's name, in digits: enough to tell some workers apart.
const NAME_DIGITS: usize = 6;

/// Take requests for backfills, and carry them out
///
/// Requests of one symbol are carried out together, because its trades are read once for all
/// thresholds; the symbols of all requests, up to 16, take turns. Several workers may run at
/// once: they share the symbols, and each request is completed once. One that ends gives back
/// what it has not finished; what a dead one had is taken up when its lease is over.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 stopped as asked, or nothing left with --once, 64 usage, \
                  69 store unavailable with --once, 78 configuration, 130 interrupted"
)]
pub struct WorkerArgs {
    /// End when nothing is left to take
    #[arg(long)]
    once: bool,
    /// How often to look for requests
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    poll: Duration,
    /// For how long a request is this worker's without a sign of life
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "2m")]
    lease: Duration,
    /// How many symbols have their turn at once; all that were asked for take turns
    #[arg(long, value_name = "N", value_parser = positive::<usize>, default_value = "2")]
    parallel: usize,
    /// How far back, for requests that do not say so
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    since: Option<Duration>,
    /// Where bars are cut, in UTC [default: day]
    #[arg(long, value_name = "day|month", value_parser = stored_anchor)]
    anchor: Option<Anchor>,
    /// Leave a threshold alone for so long after it was completed; 0s for not at all
    #[arg(long, value_name = "DURATION", value_parser = duration_or_zero, default_value = "5m")]
    cooldown: Duration,
    /// How long a store or an exchange may fail before a request is given up
    #[arg(
        long, hide_short_help = true, value_name = "DURATION",
        value_parser = duration, default_value = "15m"
    )]
    patience: Duration,
    #[command(flatten)]
    sources: SourceArgs,
}

impl WorkerArgs {
    /// The settings among the flags.
    pub fn flags(&self) -> BTreeMap<Key, Vec<String>> {
        let anchor = self
            .anchor
            .map(|anchor| (Key::Anchor, vec![anchor.to_string()]));
        anchor.into_iter().collect()
    }

    pub fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        block_on_threads(WORKERS, self.work(context))
    }

    async fn work(&self, context: &Context) -> Result<ExitCode, CliError> {
        let is_json = context.is_json()?;
        let mut signals = Signals::new().hint("run it where signals can be received")?;
        let opened = sources::open(&self.sources, context, self.patience).await?;
        let store = store::open(&context.settings.store()?.value, StoreOptions::default())?;
        store.create_schema().await?;
        let shared = Shared {
            exchange: opened.sources.exchange.name().into(),
            store: Arc::clone(&store),
            sources: opened.sources,
            clock: context.clock.clone(),
        };
        let shared_exchange = Arc::clone(&shared.exchange);
        let mut limits = RunLimits::default();
        limits.writer.patience = self.patience;
        let carrier = Carrier {
            shared,
            configured: context.settings.thresholds.value.clone(),
            anchor: context.settings.anchor.value,
            since: self.since.unwrap_or(DEFAULT_SINCE),
            cooldown: self.cooldown,
            turns: Turns::new(limits.slice_trades, self.parallel),
            writer: limits.writer,
            emit: run_report::events(context.printer.clone(), is_json),
        };
        let host = collector_name(context);
        let pid = std::process::id();
        let settings = Settings {
            // In containers every process is the first, and hosts may be called alike.
            name: format!("{host}:{pid}:{}", random_id().split_at(NAME_DIGITS).0),
            scope: Scope::new(shared_exchange.as_ref(), context.settings.anchor.value),
            host,
            pid,
            poll: self.poll,
            lease: self.lease,
            parallel: self.parallel,
            stop_timeout: STOP_TIMEOUT,
            is_once: self.once,
        };
        let tell = report::events(context.printer.clone(), is_json);
        let clock = context.clock.clone();
        let worker = Worker::new(settings, store, clock, Arc::new(carrier), tell);
        let stop = CancellationToken::new();
        let (done, signal) = until_done(worker.run(stop.clone()), &stop, &mut signals).await;
        done?;
        Ok(signal.unwrap_or(ExitCode::Ok))
    }
}
