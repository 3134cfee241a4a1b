//! Fetching files of the archive: checksum, cache, and tries until the file is whole.
//!
//! A file is what its checksum says. It is asked for first, so a file that the exchange
//! has rewritten is another one. What is in the cache is not fetched; what has come of
//! a file is not fetched again. A try that fails is repeated after a pause; what arrives
//! damaged is fetched once more from the beginning, with the checksum of that time.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};
use url::Url;

use super::{
    cache::{Cache, CachedFile},
    checksum::Checksum,
    error::ArchiveError,
    name::ArchiveName,
    part::PartFile,
    settings::ArchiveSettings,
    transfer::{Transfer, Transferred},
};
use crate::exchange::binance::{client, excerpt::excerpt, settings::SettingsError};

/// How long to wait before looking again whether another process is ready.
const BUSY_MIN: Duration = Duration::from_millis(50);
const BUSY_MAX: Duration = Duration::from_secs(1);

/// What comes damaged is fetched once more.
const ROUNDS: usize = 2;

/// The exchange's archive, with a cache.
pub struct Archive {
    url: Url,
    cache: Cache,
    transfer: Transfer,
    settings: ArchiveSettings,
}

/// What became of a file that was asked for.
#[derive(Debug)]
pub enum Fetched {
    /// It is here.
    File {
        /// The file.
        file: CachedFile,
        /// How it came.
        delivery: Delivery,
    },
    /// The archive does not have it, or not yet.
    Absent {
        /// What is not there.
        url: String,
    },
}

/// How a file came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    /// It was in the cache.
    pub was_cached: bool,
    /// How many bytes came from the archive, those in vain included.
    pub received_bytes: u64,
    /// How many bytes had come before, in an earlier try or an earlier run.
    pub resumed_bytes: u64,
    /// What went wrong on the way, in order.
    pub failures: Vec<String>,
}

/// How far a file has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// How many bytes are here.
    pub bytes: u64,
    /// How many it has, once that is known.
    pub due_bytes: Option<u64>,
}

/// Told how far a file has come.
pub type OnProgress<'a> = &'a mut (dyn FnMut(Progress) + Send);

impl Archive {
    /// An archive with its cache's directory, which is made if it is not there.
    ///
    /// # Errors
    /// When the address is no HTTP address, TLS cannot be set up, or the directory cannot
    /// be made.
    pub fn new(settings: ArchiveSettings) -> Result<Self, ArchiveSetupError> {
        let url = settings.url.clone();
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            let wanted = "http or https";
            return Err(SettingsError::WrongScheme { url, wanted }.into());
        }
        let http = client::builder(&settings.resolver, settings.connect_deadline)
            .map_err(SettingsError::from)?
            .build()
            .map_err(SettingsError::from)?;
        let directory = settings.cache_directory.clone();
        let cache = Cache::open(directory, settings.cache_limit_bytes).map_err(|cause| {
            ArchiveError::Cache {
                path: settings.cache_directory.clone(),
                cause,
            }
        })?;
        Ok(Self {
            url,
            transfer: Transfer::new(http, &settings, cache.clone()),
            cache,
            settings,
        })
    }

    /// Brings a file into the cache. It can be given up at any time: what has come is
    /// gone on with when it is asked for again.
    ///
    /// # Errors
    /// When it is there and could not be had, or is not what its checksum says.
    pub async fn fetch(
        &self,
        name: &ArchiveName,
        on_progress: OnProgress<'_>,
    ) -> Result<Fetched, ArchiveError> {
        let mut delivery = Delivery::default();
        for round in 1.. {
            match self.fetch_once(name, &mut delivery, on_progress).await {
                Ok(Some(file)) => return Ok(Fetched::File { file, delivery }),
                Ok(None) => break,
                Err(error) if error.is_damage() && round < ROUNDS => {
                    tracing::warn!(%error, "it is fetched again");
                    delivery.failures.push(error.to_string());
                }
                Err(error) => return Err(error),
            }
        }
        let url = name.url(&self.url).to_string();
        Ok(Fetched::Absent { url })
    }

    /// None when it is not there.
    async fn fetch_once(
        &self,
        name: &ArchiveName,
        delivery: &mut Delivery,
        on_progress: OnProgress<'_>,
    ) -> Result<Option<CachedFile>, ArchiveError> {
        let Some(checksum) = self.checksum(name, delivery).await? else {
            return Ok(None);
        };
        let part = match self.claim(name, checksum).await? {
            Claimed::Whole(file) => {
                delivery.was_cached = true;
                return Ok(Some(file));
            }
            Claimed::Part(part) => part,
        };
        delivery.resumed_bytes = part.length_bytes();
        self.complete(name, checksum, part, delivery, on_progress)
            .await
    }

    /// What the file has to be; none when it is not there.
    async fn checksum(
        &self,
        name: &ArchiveName,
        delivery: &mut Delivery,
    ) -> Result<Option<Checksum>, ArchiveError> {
        let url = name.checksum_url(&self.url);
        let mut retry = Retry::new(&self.settings);
        loop {
            match self.transfer.small(&url).await {
                Ok(None) => return Ok(None),
                Ok(Some(text)) => {
                    return Checksum::parse(&text, &name.to_string())
                        .map(Some)
                        .ok_or_else(|| ArchiveError::NoChecksum {
                            url: url.to_string(),
                            excerpt: excerpt(&text),
                        });
                }
                Err(error) => retry.pause(error, 0, delivery).await?,
            }
        }
    }

    /// The file if it is here, or the part to go on with. Waits for other processes.
    async fn claim(&self, name: &ArchiveName, checksum: Checksum) -> Result<Claimed, ArchiveError> {
        let since = Instant::now();
        let mut pauses = pauses(BUSY_MIN, BUSY_MAX);
        loop {
            let (cache, wanted) = (self.cache.clone(), name.clone());
            let claim = self.blocking(move || {
                if let Some(file) = cache.find(&wanted, &checksum)? {
                    return Ok(Some(Claimed::Whole(file)));
                }
                let Some(part) = cache.claim(&wanted, &checksum)? else {
                    return Ok(None);
                };
                // Another process may have finished it just before it was ours.
                match cache.find(&wanted, &checksum)? {
                    Some(file) => {
                        part.discard()?;
                        Ok(Some(Claimed::Whole(file)))
                    }
                    None => Ok(Some(Claimed::Part(part))),
                }
            });
            if let Some(claimed) = claim.await? {
                return Ok(claimed);
            }
            let waited = since.elapsed();
            if waited >= self.settings.busy_deadline {
                let url = name.url(&self.url).to_string();
                return Err(ArchiveError::Busy { url, waited });
            }
            sleep(pauses.next().unwrap_or(BUSY_MAX)).await;
        }
    }

    /// Fetches what is missing of a part.
    async fn complete(
        &self,
        name: &ArchiveName,
        checksum: Checksum,
        mut part: PartFile,
        delivery: &mut Delivery,
        on_progress: OnProgress<'_>,
    ) -> Result<Option<CachedFile>, ArchiveError> {
        let url = name.url(&self.url);
        let mut retry = Retry::new(&self.settings);
        retry.farthest_bytes = part.length_bytes();
        // A process may have ended between the last byte and the name.
        while part.length_bytes() == 0 || part.checksum() != checksum {
            let outcome = self.transfer.run(&url, part, on_progress).await?;
            part = outcome.part;
            delivery.received_bytes += outcome.received_bytes;
            match outcome.how {
                Ok(Transferred::Whole) if part.checksum() == checksum => break,
                Ok(Transferred::Whole) => {
                    let error = ArchiveError::Mismatch {
                        url: url.to_string(),
                        due: checksum,
                        got: part.checksum(),
                        size_bytes: part.length_bytes(),
                    };
                    self.blocking(move || part.discard()).await?;
                    return Err(error);
                }
                Ok(Transferred::Absent) => {
                    self.blocking(move || part.discard()).await?;
                    return Ok(None);
                }
                Err(error) => {
                    retry.pause(error, part.length_bytes(), delivery).await?;
                }
            }
        }
        let cache = self.cache.clone();
        let finished = self.blocking(move || {
            let file = part.finish()?;
            cache.make_room(0)?;
            Ok(file)
        });
        finished.await.map(Some)
    }

    /// Does what waits for the disk elsewhere.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, ArchiveError> {
        on_disk(&self.cache, work).await
    }
}

enum Claimed {
    Whole(CachedFile),
    Part(PartFile),
}

/// Does what waits for the disk on a thread that may wait.
pub(super) async fn on_disk<T: Send + 'static>(
    cache: &Cache,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, ArchiveError> {
    let done = spawn_blocking(work).await;
    // Only a panic or the runtime's end keeps it from being done.
    done.unwrap_or_else(|error| Err(std::io::Error::other(error)))
        .map_err(|cause| ArchiveError::Cache {
            path: cache.directory().to_owned(),
            cause,
        })
}

/// How often is tried again, and when.
struct Retry<'a> {
    settings: &'a ArchiveSettings,
    pauses: ExponentialBackoff,
    failed: u32,
    /// How far a try has come at most. A server that begins anew each time, and never gets
    /// to the end, gets nowhere.
    farthest_bytes: u64,
}

impl<'a> Retry<'a> {
    fn new(settings: &'a ArchiveSettings) -> Self {
        Self {
            settings,
            pauses: pauses(settings.retry_min, settings.retry_max),
            failed: 0,
            farthest_bytes: 0,
        }
    }

    /// Waits before the next try, or gives the error back if there is none. So many bytes
    /// of the file are here.
    async fn pause(
        &mut self,
        error: ArchiveError,
        here_bytes: u64,
        delivery: &mut Delivery,
    ) -> Result<(), ArchiveError> {
        if here_bytes >= self.farthest_bytes + self.settings.progress_bytes {
            self.pauses = pauses(self.settings.retry_min, self.settings.retry_max);
            self.failed = 0;
        }
        self.farthest_bytes = self.farthest_bytes.max(here_bytes);
        self.failed += 1;
        let max = self.settings.retry_max;
        let wanted = error.retry_after().unwrap_or_default();
        if !error.is_transient() || self.failed >= self.settings.tries || wanted > max {
            return Err(error);
        }
        let pause = self.pauses.next().unwrap_or(max).max(wanted);
        tracing::warn!(%error, ?pause, "it is tried again");
        delivery.failures.push(error.to_string());
        sleep(pause).await;
        Ok(())
    }
}

fn pauses(min: Duration, max: Duration) -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(min)
        .with_max_delay(max)
        .with_factor(2.0)
        .with_jitter()
        .without_max_times()
        .build()
}

/// Why an archive cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveSetupError {
    /// Its address, or the client for it.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Its cache.
    #[error(transparent)]
    Cache(#[from] ArchiveError),
}
