//! A sim exchange, a cache, and what is expected of them.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use jiff::civil::date;
use streamkit::{
    domain::trade::Trade,
    exchange::{
        binance::archive::{
            Archive, ArchiveError, ArchiveName, ArchiveSettings, CachedFile, Delivery, Fetched,
            FileError, TradeFile,
        },
        sim::{ArchiveFault, ArchiveStats, Config, Fault, FaultKind, Rate, Server},
    },
};
use tempfile::TempDir;

use crate::tape::domain_trade;

/// 2025-01-01 in days since 1970.
const DAY: i64 = 20_089;
/// Trades of a day.
pub const TRADES_PER_DAY: i64 = 5_000;
/// The first id of the first day.
pub const FIRST_ID: i64 = DAY * TRADES_PER_DAY;
/// The first finished day.
pub const DAY_1: &str = "BTCUSDT-aggTrades-2025-01-01.zip";
/// The second one, and the last.
pub const DAY_2: &str = "BTCUSDT-aggTrades-2025-01-02.zip";

pub struct Scene {
    pub server: Server,
    pub cache: TempDir,
}

/// Two finished days and the half of a third one.
pub fn two_days() -> Config {
    Config {
        history: Some(2 * TRADES_PER_DAY as u64 + 2_500),
        // So slow that nothing happens any more.
        rate: Rate::PerSecond(0.001),
        trades_per_day: Some(TRADES_PER_DAY as u64),
        day: Some(date(2025, 1, 1)),
        ..Config::default()
    }
}

impl Scene {
    pub async fn start(config: Config) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            server: Server::start(config, address).await.expect("a sim"),
            cache: tempfile::tempdir().expect("a directory"),
        }
    }

    pub async fn new() -> Self {
        Self::start(two_days()).await
    }

    pub fn settings(&self) -> ArchiveSettings {
        settings(&self.server.archive_url(), self.cache.path())
    }

    pub fn archive(&self) -> Archive {
        Archive::new(self.settings()).expect("an archive")
    }

    pub fn fault(&self, fault: ArchiveFault) {
        let fault = Fault::new(FaultKind::Archive(fault));
        self.server.faults().add(fault).expect("a fault");
    }

    pub fn fault_once(&self, fault: ArchiveFault) {
        let fault = Fault::new(FaultKind::Archive(fault)).times(1);
        self.server.faults().add(fault).expect("a fault");
    }

    pub fn stats(&self) -> ArchiveStats {
        self.server.stats().archive
    }

    /// Requests for zips that were answered with this status.
    pub fn zips(&self, status: u16) -> u64 {
        *self.stats().zip_requests.get(&status).unwrap_or(&0)
    }

    /// The trades of the tape from `first_id` on.
    pub fn tape(&self, first_id: i64, count: i64) -> Vec<Trade> {
        let trades = self.server.tape().trades("BTCUSDT", first_id, count as u64);
        trades.expect("trades").iter().map(domain_trade).collect()
    }

    /// The extensions of what lies in the cache, in order.
    pub fn cached(&self) -> Vec<String> {
        let files = fs::read_dir(self.cache.path()).expect("a directory");
        let names = files.map(|file| file.expect("a file").file_name());
        let mut extensions: Vec<String> = names
            .filter_map(|name| Some(name.to_str()?.rsplit_once('.')?.1.to_owned()))
            .collect();
        extensions.sort();
        extensions
    }
}

/// Settings for a test: short pauses, patient deadlines.
pub fn settings(url: &str, cache: &Path) -> ArchiveSettings {
    ArchiveSettings {
        retry_min: Duration::from_millis(5),
        retry_max: Duration::from_secs(2),
        ..ArchiveSettings::new(url.parse().expect("a URL"), cache.to_owned())
    }
}

pub fn name(text: &str) -> ArchiveName {
    text.parse().expect(text)
}

pub async fn fetch(archive: &Archive, file: &str) -> Result<Fetched, ArchiveError> {
    can_be_spawned(archive.fetch(&name(file), &mut |_| {})).await
}

fn can_be_spawned<T: Send>(future: T) -> T {
    future
}

/// The file, which has to be there.
pub async fn fetched(archive: &Archive, file: &str) -> (CachedFile, Delivery) {
    match fetch(archive, file).await {
        Ok(Fetched::File { file, delivery }) => (file, delivery),
        other => panic!("{file}: {other:?}"),
    }
}

/// Trades, and the holes between them as first and last ids.
pub type Found = (Vec<Trade>, Vec<(i64, i64)>);

/// All trades of a file.
pub fn read(file: CachedFile) -> Result<Found, FileError> {
    read_file(file.read()?)
}

pub fn read_file(mut file: TradeFile) -> Result<Found, FileError> {
    let (mut trades, mut holes) = (Vec::new(), Vec::new());
    while let Some(block) = file.next_block()? {
        trades.extend_from_slice(block.trades);
        holes.extend(block.gaps.iter().map(|gap| (gap.first_id, gap.last_id)));
    }
    Ok((trades, holes))
}
