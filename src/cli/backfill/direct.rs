//! `streamkit backfill SYMBOL…`: makes stored bars complete, here and now.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    app::backfill::{
        board::SymbolBoard,
        cooldown::{CooldownQuery, take_resting},
        direct::{Entry, Kept},
        event::Emit,
        feed::Sources,
        job::Shared,
        patient_store::PatientStore,
        plan::{Plan, Wish},
        run::{Finished, RunLimits, run},
        stored::all_thresholds,
    },
    cli::{
        args::{Since, distinct, duration, duration_or_zero, positive, stored_anchor},
        collect::collector_name,
        context::{Context, block_on_threads},
        error::{CliError, Edge as _},
        exit::ExitCode,
        signals::{Signals, until_done},
    },
    config::Key,
    domain::{
        anchor::Anchor,
        backfill_request::{Scope, Status},
        micros::micros,
        symbol::Symbol,
        threshold::Threshold,
    },
    report::{
        OutputError,
        backfill::{live::LiveBars, plan as plan_report, run as run_report},
        terminal,
    },
    store::{self, StoreOptions, sink::Store},
};

use super::{
    outcome::{outcome, planned},
    sources::{self, SourceArgs},
};

/// How far back, unless somebody says so.
pub const DEFAULT_SINCE: Duration = Duration::from_secs(7 * 86_400);
/// How long the end waits for the rows of the queue.
const END_PATIENCE: Duration = Duration::from_secs(5);
/// Why the row of one that was stopped is skipped.
const INTERRUPTED: &str = "it was interrupted before it was done; it goes on when it is run again";
/// Threads for reading, building, writing and telling.
pub const WORKERS: usize = 4;

/// What to make complete.
#[derive(Debug, Args)]
pub struct DirectArgs {
    /// The symbols, as the exchange spells them
    #[arg(value_name = "SYMBOL", required = true)]
    symbols: Vec<Symbol>,
    /// What to build bars with, in decimal basis points [default: those of the settings]
    #[arg(short, long, value_name = "DBPS,…", value_delimiter = ',')]
    thresholds: Vec<Threshold>,
    /// Those of the settings, and all that the store has of the symbol
    #[arg(long, conflicts_with = "thresholds")]
    all_thresholds: bool,
    /// Where bars are cut, in UTC [default: day]
    #[arg(long, value_name = "day|month", value_parser = stored_anchor)]
    anchor: Option<Anchor>,
    /// From the period of this time up to now: 7d, 2025-01-31 [default: 7d]
    #[arg(long, value_name = "TIME", conflicts_with_all = ["from", "to"])]
    since: Option<Since>,
    /// From the period of this time on: 2025-01-31, 2025-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<Since>,
    /// Up to this time; the period that it lies in is made whole [default: now]
    #[arg(long, value_name = "TIME")]
    to: Option<Since>,
    /// Build everything again, also what is sealed or seems right, or was completed just now
    #[arg(long)]
    rebuild: bool,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    sources: SourceArgs,
    /// Leave a threshold alone for so long after it was completed up to now; 0s for not at all
    #[arg(long, value_name = "DURATION", value_parser = duration_or_zero, default_value = "5m")]
    cooldown: Duration,
    /// How many symbols have their turn at once; all of them take turns
    #[arg(long, value_name = "N", value_parser = positive::<usize>, default_value = "4")]
    parallel: usize,
    /// The trades of a symbol's turn
    #[arg(
        long, hide_short_help = true, value_name = "N",
        value_parser = positive::<u64>, default_value = "200000"
    )]
    slice: u64,
    /// How long a store or an exchange may fail before a symbol is given up
    #[arg(
        long, hide_short_help = true, value_name = "DURATION",
        value_parser = duration, default_value = "15m"
    )]
    patience: Duration,
    /// Create no tables in the store; they must be there
    #[arg(long)]
    no_create: bool,
}

impl DirectArgs {
    /// The settings among the flags.
    pub fn flags(&self) -> BTreeMap<Key, Vec<String>> {
        let mut flags = BTreeMap::new();
        if let Some(anchor) = self.anchor {
            flags.insert(Key::Anchor, vec![anchor.to_string()]);
        }
        flags
    }

    pub fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        block_on_threads(WORKERS, self.backfill(context))
    }

    async fn backfill(&self, context: &Context) -> Result<ExitCode, CliError> {
        let is_json = context.is_json()?;
        let mut signals = Signals::new().hint("run it where signals can be received")?;
        let now_us = context.clock.wall_us();
        // A file may be large, and has to be read to its end.
        let opened = tokio::select! {
            opened = sources::open(&self.sources, context, self.patience) => opened?,
            _ = signals.next() => return Ok(ExitCode::Interrupted),
        };
        let (from_us, until_us) = self.range(now_us, opened.of_files)?;
        let symbols = distinct(&self.symbols);
        tokio::select! {
            checked = sources::check_files(&opened.sources, &symbols) => checked?,
            _ = signals.next() => return Ok(ExitCode::Interrupted),
        }
        if self.dry_run {
            let range = (from_us, until_us);
            let planning = self.plan_only(context, &opened.sources, range, is_json);
            return tokio::select! {
                planned = planning => planned,
                _ = signals.next() => Ok(ExitCode::Interrupted),
            };
        }
        let store = store::open(&context.settings.store()?.value, StoreOptions::default())?;
        if !self.no_create {
            store.create_schema().await?;
        }
        let wishes = self
            .wishes(context, Some(&*store), &opened.sources, (from_us, until_us))
            .await?;
        let shared = Shared {
            exchange: opened.sources.exchange.name().into(),
            store,
            sources: opened.sources,
            clock: context.clock.clone(),
        };
        let emit = run_report::events(context.printer.clone(), is_json);
        let mut entered = self.enter(context, &shared, wishes, &emit).await?;
        let stop = CancellationToken::new();
        let wishes = std::mem::take(&mut entered.wishes);
        let limits = self.limits();
        let showing = Showing::start(context, &wishes, is_json);
        let running = run(&shared, wishes, limits, stop.clone());
        let (finished, signal) = until_done(running, &stop, &mut signals).await;
        showing.stop().await;
        entered.end(&finished).await;
        let printed = run_report::finished(&context.printer, &finished, &entered.resting, is_json);
        match printed {
            Ok(()) | Err(OutputError::Closed) => {}
            Err(error) => return Err(error.into()),
        }
        outcome(finished, &entered.resting, signal)
    }

    fn limits(&self) -> RunLimits {
        let mut limits = RunLimits::default();
        limits.slice_trades = self.slice.try_into().unwrap_or(limits.slice_trades);
        limits.parallel = self.parallel;
        limits.writer.patience = self.patience;
        limits
    }

    /// From when until when: in µs.
    fn range(
        &self,
        now_us: i64,
        of_files: Option<(i64, i64)>,
    ) -> Result<(i64, Option<i64>), CliError> {
        let time_us = |time: Option<Since>| time.map(|time| time.time_us(now_us));
        let (from_us, until_us) = (time_us(self.from), time_us(self.to));
        let since_us = time_us(self.since);
        let (from_us, until_us) = match (from_us.or(since_us), until_us, of_files) {
            (None, None, Some((first_us, last_us))) => (first_us, Some(last_us + 1)),
            (Some(from_us), until_us, _) => (from_us, until_us),
            (None, Some(_), _) => {
                let sentence = "--to says where to end, and nothing where to begin";
                return Err(CliError::new(ExitCode::Usage, sentence).hint("give --from as well"));
            }
            (None, None, None) => (now_us.saturating_sub(micros(DEFAULT_SINCE)), None),
        };
        if until_us.is_some_and(|until_us| until_us <= from_us) {
            let sentence = "--to does not lie behind --from: there is nothing in between";
            return Err(CliError::new(ExitCode::Usage, sentence)
                .hint("exchange them, or name the day after the last one with --to"));
        }
        if from_us > now_us {
            return Err(
                CliError::new(ExitCode::Usage, "the period lies in the future")
                    .hint("name a time that is past; a collector takes what is to come"),
            );
        }
        Ok((from_us, until_us))
    }

    /// What is wanted for each symbol.
    async fn wishes(
        &self,
        context: &Context,
        store: Option<&dyn Store>,
        sources: &Sources,
        (from_us, until_us): (i64, Option<i64>),
    ) -> Result<Vec<Wish>, CliError> {
        let anchor = context.settings.anchor.value;
        let mut wishes = Vec::new();
        for symbol in distinct(&self.symbols) {
            let configured = &context.settings.thresholds.value;
            let thresholds = match store.filter(|_| self.all_thresholds) {
                Some(store) => {
                    let exchange = sources.exchange.name();
                    all_thresholds(store, exchange, &symbol, anchor, configured).await?
                }
                None if self.thresholds.is_empty() => sorted(configured),
                None => sorted(&self.thresholds),
            };
            wishes.push(Wish {
                symbol,
                anchor,
                thresholds,
                from_us,
                until_us,
                is_rebuild: self.rebuild,
            });
        }
        Ok(wishes)
    }

    /// Says what would be done. Neither a store nor a table is made for that.
    async fn plan_only(
        &self,
        context: &Context,
        sources: &Sources,
        range: (i64, Option<i64>),
        is_json: bool,
    ) -> Result<ExitCode, CliError> {
        let store = context.store_to_read()?;
        let mut plans = Vec::new();
        for wish in self
            .wishes(context, store.as_deref(), sources, range)
            .await?
        {
            let symbol = wish.symbol.clone();
            let told = move |event| tracing::warn!("{symbol}: {event}");
            let source = sources.patient(Arc::new(told));
            let mut store = store
                .as_ref()
                .map(|store| PatientStore::impatient(Arc::clone(store), context.clock.clone()));
            let plan = Plan::make(store.as_mut(), &source, wish).await;
            let mut plan = plan.map_err(planned)?;
            plan.look_at_open_days(&source).await.map_err(planned)?;
            plans.push(plan);
        }
        match plan_report::plans(&context.printer, &plans, sources, is_json) {
            Ok(()) | Err(OutputError::Closed) => Ok(ExitCode::Ok),
            Err(error) => Err(error.into()),
        }
    }

    /// Leaves out what rests, and enters the rest into the queue, where everybody sees it. Only
    /// a backfill up to now rests, and counts for the cooldown of others: a row cannot say where
    /// one ends. What is built again is wanted again, whenever it was completed.
    async fn enter(
        &self,
        context: &Context,
        shared: &Shared,
        wishes: Vec<Wish>,
        emit: &Emit,
    ) -> Result<Entered, CliError> {
        let mut entered = Entered::default();
        let worker = format!("{}:{}", collector_name(context), std::process::id());
        for mut wish in wishes {
            let is_up_to_now = wish.until_us.is_none();
            if is_up_to_now && !self.rebuild {
                let asked = CooldownQuery {
                    exchange: &shared.exchange,
                    symbol: &wish.symbol,
                    anchor: wish.anchor,
                    from_us: wish.from_us,
                    now_us: context.clock.wall_us(),
                    cooldown: self.cooldown,
                };
                let resting = take_resting(&*shared.store, &asked, &mut wish.thresholds).await?;
                if !resting.is_empty() {
                    entered.resting.push((wish.symbol.clone(), resting));
                }
                if wish.thresholds.is_empty() {
                    continue;
                }
            }
            let board = SymbolBoard::new(wish.symbol.clone(), &wish.thresholds, Arc::clone(emit));
            let listed: &[Threshold] = if self.all_thresholds {
                &[]
            } else {
                &wish.thresholds
            };
            let entry = Entry::make(
                Arc::clone(&shared.store),
                context.clock.clone(),
                &worker,
                &Scope::new(&shared.exchange, wish.anchor),
                is_up_to_now.then_some(wish.from_us),
                listed,
                board.clone(),
            )
            .await?;
            let over = CancellationToken::new();
            let kept = entry.keep(over.clone());
            entered.kept.push((wish.symbol.clone(), over, kept));
            entered.wishes.push((wish, board));
        }
        Ok(entered)
    }
}

/// Each of them once, in order.
fn sorted(thresholds: &[Threshold]) -> Vec<Threshold> {
    let sorted: BTreeSet<_> = thresholds.iter().copied().collect();
    sorted.into_iter().collect()
}

/// What stands in the queue, and what rests.
#[derive(Default)]
struct Entered {
    wishes: Vec<(Wish, SymbolBoard)>,
    kept: Vec<(Symbol, CancellationToken, Kept)>,
    resting: run_report::Resting,
}

impl Entered {
    /// Says in the queue how each has ended.
    async fn end(&mut self, finished: &[Finished]) {
        let deadline = Instant::now() + END_PATIENCE;
        for (symbol, over, kept) in self.kept.drain(..) {
            over.cancel();
            let result = finished.iter().find(|finished| finished.symbol == symbol);
            let (status, error) = match result.and_then(|finished| finished.result.as_ref()) {
                Some(Ok(())) => (Status::Completed, String::new()),
                Some(Err(error)) => (Status::Failed, format!("failed to {error}")),
                // Not failed: whoever has stopped it knows.
                None => (Status::Skipped, INTERRUPTED.to_owned()),
            };
            kept.end(status, &error, deadline).await;
        }
    }
}

/// Whoever shows how far the work is.
struct Showing {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Showing {
    fn start(context: &Context, wishes: &[(Wish, SymbolBoard)], is_json: bool) -> Self {
        let stop = CancellationToken::new();
        let boards: Vec<_> = wishes.iter().map(|(_, board)| board.clone()).collect();
        let stopped = stop.clone();
        let live = LiveBars::new(boards, context.printer.clone());
        let can_draw = terminal::can_draw() && !is_json;
        let task = tokio::spawn(async move {
            if can_draw {
                live.draw_until(stopped).await;
            } else {
                live.tell_until(stopped, is_json).await;
            }
        });
        Self { stop, task }
    }

    async fn stop(self) {
        self.stop.cancel();
        let _ = timeout(END_PATIENCE, self.task).await;
    }
}
