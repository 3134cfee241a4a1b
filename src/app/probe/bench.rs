//! One run: an exchange, a collector and a store, each as in earnest, and everything between
//! them that can be broken.

pub mod collector;
pub mod exchange;
mod faults;
pub mod inbox;
pub mod load;
pub mod log;
pub mod process;
pub mod server;
mod statements;
pub mod storage;
pub mod tls;
pub mod watch;

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::time::{Instant, timeout};

use self::{
    collector::{Collector, Orders, write_alerts},
    exchange::Exchange,
    faults::{HOSTS, HOSTS_FILE, OFFSET_FILE, write},
    inbox::Inbox,
    load::{Load, SYMBOLS},
    log::Log,
    storage::{Backend, Storage},
    tls::TlsFront,
    watch::{Views, Watch},
};
use super::{
    error::ProbeError,
    oracle::Oracle,
    relay::Relay,
    settings::Settings,
    timeline::{Mark, MarkKind, Sample, Timeline},
};
use crate::domain::{safeguard::Safeguard, threshold::Threshold};

/// The event of a collector that has ended by itself, or was ended; nobody logs it but whoever
/// started it.
pub const ENDED: &str = "process.ended";
/// The name that the exchange has for the collector.
const HOST: &str = "exchange.test";
/// Where streamkit looks for the password of a store.
const PASSWORD: &str = "STREAMKIT_STORE_PASSWORD";
/// Where TLS looks for the file of the roots that it trusts.
const ROOTS: &str = "SSL_CERT_FILE";
/// How long a collector may take to stop in order, whatever the scale is.
pub const STOP: Duration = Duration::from_secs(15);
/// How long the first rows may take. Machines in CI are slow.
const START: Duration = Duration::from_secs(60);

/// A moment of a run.
#[derive(Debug, Clone)]
pub struct Moment {
    /// When.
    pub at: Instant,
    /// How many lines the log had.
    pub lines: usize,
    /// The newest id that the exchange had, by symbol.
    pub newest: Vec<i64>,
}

/// What a scenario has at hand.
pub struct Bench {
    /// The exchange.
    pub exchange: Arc<Exchange>,
    /// The way to its streams.
    pub streams: Relay,
    /// The way to its history.
    pub history: Relay,
    /// TLS in front of it, if the scenario wants it.
    tls: Option<TlsFront>,
    /// The store.
    pub storage: Arc<Storage>,
    /// Where alerts go.
    pub inbox: Inbox,
    /// What all collectors of the run have said.
    pub log: Log,
    /// What should be stored.
    pub oracle: Oracle,
    /// All times are multiplied by this.
    pub scale: f64,
    /// The number that decides what is decided by chance.
    pub seed: u64,
    /// The directory of the run.
    pub directory: PathBuf,
    finest: Threshold,
    orders: Orders,
    collector: Option<Collector>,
    watch: Watch,
    begun: Instant,
    marks: Vec<Mark>,
    struck: Option<Moment>,
    healed: Option<Moment>,
    /// How often a collector was started.
    starts: u64,
    /// What is taken away from all collectors but the first.
    missing_later: Vec<Safeguard>,
}

/// What a run is made with.
pub struct Plan<'a> {
    /// What was asked for.
    pub settings: &'a Settings,
    /// Where databases are.
    pub backend: &'a Backend,
    /// What the exchange plays.
    pub load: Load,
    /// The seed of the tape and of everything else.
    pub seed: u64,
    /// Options of every start of the collector.
    pub options: &'a [&'a str],
    /// Whether the exchange speaks TLS.
    pub has_tls: bool,
    /// What is taken away from the collector.
    pub missing: &'a [Safeguard],
    /// The directory of the run; it exists and is empty.
    pub directory: PathBuf,
}

impl Bench {
    /// Starts the exchange and makes the store; nothing is collected yet.
    pub async fn set_up(plan: Plan<'_>) -> Result<Self, ProbeError> {
        let settings = plan.settings;
        let (binary, scale) = (settings.binary.clone(), settings.scale);
        let directory = &plan.directory;
        plan.load.write(plan.seed, directory)?;
        let exchange = Exchange::start(&binary, &plan.load, plan.seed, scale, directory).await?;
        let exchange = Arc::new(exchange);
        let tls = if plan.has_tls {
            Some(TlsFront::before(exchange.address(), HOST, directory).await?)
        } else {
            None
        };
        let server = tls.as_ref().map_or(exchange.address(), TlsFront::address);
        let (streams, history) = (Relay::to(server)?, Relay::to(server)?);
        let storage = Arc::new(Storage::open(plan.backend, directory).await?);
        let inbox = Inbox::open().await?;
        write_alerts(&plan.directory.join("alerts.toml"), &inbox.url(), scale)?;
        let oracle = Oracle::new(&plan.load.tape(plan.seed, directory), settings.anchor)?;
        let mut options = settings.options.clone();
        let thresholds: Vec<_> = settings
            .thresholds
            .iter()
            .map(Threshold::to_string)
            .collect();
        options.extend(["-t".to_owned(), thresholds.join(",")]);
        options.extend(["--anchor".to_owned(), settings.anchor.to_string()]);
        options.extend(plan.options.iter().map(ToString::to_string));
        let file = |name: &str| directory.join(name).to_string_lossy().into_owned();
        options.extend(["--hosts".to_owned(), file(HOSTS_FILE)]);
        options.extend(["--wall-offset".to_owned(), file(OFFSET_FILE)]);
        // At its first start there is nothing to go on with.
        let (later, missing): (Vec<Safeguard>, Vec<Safeguard>) = plan
            .missing
            .iter()
            .partition(|&&missing| missing == Safeguard::Resume);
        for missing in missing {
            options.extend(["--without".to_owned(), missing.to_string()]);
        }
        let mut environment = Vec::new();
        if let Some(password) = storage.password() {
            environment.push((PASSWORD, password.expose().into()));
        }
        let s = if let Some(tls) = &tls {
            environment.push((ROOTS, tls.root().into()));
            "s"
        } else {
            ""
        };
        let orders = Orders {
            binary,
            directory: plan.directory.clone(),
            ws_url: format!("ws{s}://{HOST}:{}", streams.address().port()),
            rest_url: format!("http{s}://{HOST}:{}", history.address().port()),
            store: storage.address(),
            scale,
            options,
            environment,
        };
        write(&directory.join(HOSTS_FILE), HOSTS)?;
        let first_ids: Result<Vec<_>, _> =
            SYMBOLS.iter().map(|name| oracle.first_id(name)).collect();
        let begun = Instant::now();
        let watch = Watch::start(Views {
            exchange: Arc::clone(&exchange),
            storage: Arc::clone(&storage),
            finest: settings.finest,
            first_ids: first_ids?,
            begun,
        });
        Ok(Self {
            exchange,
            streams,
            history,
            tls,
            storage,
            inbox,
            log: Log::default(),
            oracle,
            scale,
            seed: plan.seed,
            directory: plan.directory,
            finest: settings.finest,
            orders,
            collector: None,
            watch,
            begun,
            marks: Vec::new(),
            struck: None,
            healed: None,
            starts: 0,
            missing_later: later,
        })
    }

    /// A time of the unscaled world, in this one.
    pub fn scaled(&self, time: Duration) -> Duration {
        time.mul_f64(self.scale)
    }

    /// Waits for so long, unscaled: as long as a failure lasts.
    pub async fn hold(&mut self, time: Duration) {
        let deadline = Instant::now() + self.scaled(time);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            // Whatever ends meanwhile is seen while it lasts.
            let _ = timeout(left, self.watch.next()).await;
            self.tend();
        }
    }

    /// Starts a collector with these options besides the usual ones.
    pub fn start(&mut self, more: &[&str]) -> Result<(), ProbeError> {
        let mut more: Vec<String> = more.iter().map(ToString::to_string).collect();
        if self.starts > 0 {
            for missing in &self.missing_later {
                more.extend(["--without".to_owned(), missing.to_string()]);
            }
        }
        let collector = Collector::start(&self.orders, &more, &self.log)?;
        self.watch.follow(Some(collector.looker()));
        self.collector = Some(collector);
        self.starts += 1;
        Ok(())
    }

    /// Waits until rows of live trades are in the store.
    pub async fn until_fresh(&mut self) -> Result<(), ProbeError> {
        let newest = self.exchange.newest(&SYMBOLS).await?;
        let is_fresh = self.wait(START, |bench| bench.is_beyond(&newest)).await;
        if is_fresh {
            return Ok(());
        }
        let said = self.log.tail(3).join("; ");
        Err(ProbeError::NotReady {
            what: "the collector",
            reason: format!("no rows came into the store; it said last: {said}"),
        })
    }

    /// Whether the store has trades of each symbol behind these ids.
    pub fn is_beyond(&self, ids: &[i64]) -> bool {
        let seen = self.watch.seen();
        seen.newest.iter().zip(ids).all(|(seen, id)| seen > id)
    }

    /// Waits until something is so, within a time that is not scaled; false when it is not.
    pub async fn wait(&mut self, patience: Duration, is_so: impl Fn(&Self) -> bool) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            self.tend();
            if is_so(self) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            // A look that does not come is as good as the deadline.
            let _ = timeout(left, self.watch.next()).await;
        }
    }

    /// Starts a collector that has ended by itself again, as a service manager would.
    fn tend(&mut self) {
        let Some(collector) = &mut self.collector else {
            return;
        };
        let Ok(Some(status)) = collector.process().child().try_wait() else {
            return;
        };
        self.log.note(ENDED, &format!("it ended with {status}"));
        self.mark(MarkKind::Restart, format!("it ended with {status}"));
        // What cannot be started shows in everything that is measured then.
        let _ = self.start(&[]);
    }

    /// A failure begins now.
    pub async fn struck(&mut self, text: &str) -> Result<(), ProbeError> {
        self.struck = Some(self.moment().await?);
        self.mark(MarkKind::Fault, text.to_owned());
        Ok(())
    }

    /// The failure is over; only then can anything recover.
    pub async fn healed(&mut self) -> Result<(), ProbeError> {
        self.healed = Some(self.moment().await?);
        self.mark(MarkKind::Healed, "the failure is over".to_owned());
        Ok(())
    }

    async fn moment(&self) -> Result<Moment, ProbeError> {
        Ok(Moment {
            newest: self.exchange.newest(&SYMBOLS).await?,
            lines: self.log.size(),
            at: Instant::now(),
        })
    }

    /// Whether any collector of the run has logged an event of this code.
    pub fn has_logged(&self, code: &str) -> bool {
        self.log.find(0, |line| line.code == code).is_some()
    }

    /// When the failure began, if it did.
    pub const fn strike(&self) -> Option<&Moment> {
        self.struck.as_ref()
    }

    /// The moment that recovery is counted from.
    pub const fn recovery_from(&self) -> Option<&Moment> {
        match &self.healed {
            Some(healed) => Some(healed),
            None => self.struck.as_ref(),
        }
    }

    /// Notes that something happened now.
    pub fn mark(&mut self, kind: MarkKind, text: String) {
        self.mark_at(Instant::now(), kind, text);
    }

    /// Notes that something happened.
    pub fn mark_at(&mut self, at: Instant, kind: MarkKind, text: String) {
        let at = at.saturating_duration_since(self.begun);
        self.marks.push(Mark {
            at_ms: u64::try_from(at.as_millis()).unwrap_or(u64::MAX),
            kind,
            text,
        });
    }

    /// Whether a collector runs.
    pub const fn is_collecting(&self) -> bool {
        self.collector.is_some()
    }

    /// All looks so far.
    pub fn samples(&self) -> Vec<Sample> {
        self.watch.samples()
    }

    /// What the run has looked like so far.
    pub fn timeline(&self) -> Timeline {
        Timeline {
            samples: self.samples(),
            marks: self.marks.clone(),
        }
    }

    /// Whether what was ordered to go wrong has gone wrong, as far as that can be told.
    pub async fn has_struck(&self) -> Result<bool, ProbeError> {
        let at_exchange = self.exchange.strikes().await?;
        Ok(at_exchange != Some(0) && self.storage.strikes() != Some(0))
    }

    /// The most memory that any collector has held, in bytes.
    pub fn peak_rss_bytes(&self) -> u64 {
        self.watch.peak_rss_bytes()
    }

    /// Ends everything that was started, and waits until it has ended. What is not in the
    /// directory of the run is removed, after it was written there if the run has failed.
    ///
    /// # Errors
    /// When something of it cannot be removed.
    pub async fn tear_down(mut self, has_failed: bool) -> Result<(), ProbeError> {
        if let Some(mut collector) = self.collector.take() {
            collector.process().kill().await;
        }
        self.exchange.end().await;
        let kept = has_failed.then(|| self.directory.join("bars.csv"));
        self.storage.tear_down(kept.as_deref()).await
    }
}
