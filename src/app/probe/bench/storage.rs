//! The store of a run: where the collector writes, what can go wrong there, and how the probe
//! reads past all of that.

mod file;
mod server;

use std::{path::Path, sync::Arc};

use self::{file::FileFaults, server::ServerFaults};
use super::{load::SYMBOLS, server::Server, statements::Statements};
use crate::{
    app::{
        probe::{error::ProbeError, proxy::Mode, settings::Database},
        verify::{PeriodSeal, VerifyRequest, verify},
    },
    domain::{row::BarRow, seal::SealRow, symbol::Symbol, threshold::Threshold},
    store::{
        self, StoreOptions,
        address::{ClickHouseAddress, Password, StoreAddress},
        sink::{BarQuery, SealQuery, Store},
    },
};

/// The name of the exchange in the store.
pub const EXCHANGE: &str = "probe";
/// A UTC day in µs.
const DAY_US: i64 = 86_400_000_000;

/// The database of all runs.
#[derive(Debug, Clone)]
pub enum Backend {
    /// There is none: each run has a file.
    File,
    /// A server that goes on running.
    Server(ClickHouseAddress),
    /// A server that the probe has started.
    OwnServer(Arc<Server>),
}

impl Backend {
    /// Starts what is to be started, below `directory`.
    pub async fn start(database: &Database, directory: &Path) -> Result<Self, ProbeError> {
        Ok(match database {
            Database::File => Self::File,
            Database::Server(address) => {
                // Whoever cannot be reached, or lets nobody in, says so before anything starts.
                Statements::to(address)?.execute("SELECT 1").await?;
                Self::Server(address.clone())
            }
            Database::OwnServer(command) => {
                std::fs::create_dir_all(directory).map_err(|cause| ProbeError::File {
                    path: directory.to_owned(),
                    cause,
                })?;
                Self::OwnServer(Arc::new(Server::start(command, directory).await?))
            }
        })
    }

    /// Databases of earlier probes that nobody has dropped, because they were killed.
    pub async fn left_behind(&self) -> Vec<String> {
        match self {
            Self::Server(address) => server::left_behind(address).await.unwrap_or_default(),
            Self::File | Self::OwnServer(_) => Vec::new(),
        }
    }

    /// Ends what was started.
    pub async fn end(self) {
        if let Self::OwnServer(server) = self {
            server.end(rustix::process::Signal::TERM).await;
        }
    }
}

/// The store of a run.
pub struct Storage {
    /// Where the collector finds it.
    address: StoreAddress,
    store: Arc<dyn Store>,
    faults: Faults,
}

/// What can go wrong with it.
enum Faults {
    File(FileFaults),
    Server(Box<ServerFaults>),
}

impl Storage {
    /// An empty one, in a file below `directory` or in a database of its own.
    pub async fn open(backend: &Backend, directory: &Path) -> Result<Self, ProbeError> {
        let (address, direct, faults) = match backend {
            Backend::File => {
                let faults = FileFaults::below(directory);
                let address = StoreAddress::Sqlite(faults.path().to_owned());
                (address.clone(), address, Faults::File(faults))
            }
            Backend::Server(address) => Self::before(address, None).await?,
            Backend::OwnServer(server) => {
                let own = Some(Arc::clone(server));
                Self::before(&server.address(), own).await?
            }
        };
        Ok(Self {
            address,
            store: store::open(&direct, StoreOptions::default())?,
            faults,
        })
    }

    async fn before(
        address: &ClickHouseAddress,
        own: Option<Arc<Server>>,
    ) -> Result<(StoreAddress, StoreAddress, Faults), ProbeError> {
        let faults = ServerFaults::before(address, own).await?;
        let through = StoreAddress::ClickHouse(faults.through());
        let direct = StoreAddress::ClickHouse(faults.direct().clone());
        Ok((through, direct, Faults::Server(Box::new(faults))))
    }

    /// Where the collector finds it, without a password.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// The password that the collector needs there.
    pub fn password(&self) -> Option<&Password> {
        match &self.address {
            StoreAddress::ClickHouse(address) => address.password.as_ref(),
            StoreAddress::Sqlite(_) => None,
        }
    }

    /// Lets nothing be written from now on.
    pub async fn shut(&self) -> Result<(), ProbeError> {
        match &self.faults {
            Faults::File(file) => file.lock().await,
            Faults::Server(server) => {
                server.set(Mode::Refuse);
                Ok(())
            }
        }
    }

    /// Lets everything be written again.
    pub async fn reopen(&self) -> Result<(), ProbeError> {
        match &self.faults {
            Faults::File(file) => {
                file.unlock();
                Ok(())
            }
            Faults::Server(server) => {
                server.reopen().await?;
                // A server that was started anew has forgotten it. Whoever may not order it was
                // told so at the beginning.
                let _ = server.keep_doubles().await;
                Ok(())
            }
        }
    }

    /// Lets the way to the server do this from now on.
    pub fn set(&self, mode: Mode) -> Result<(), ProbeError> {
        self.server()?.set(mode);
        Ok(())
    }

    /// Ends the server, in order or at once.
    pub async fn stop_server(&self, signal: rustix::process::Signal) -> Result<(), ProbeError> {
        self.server()?.stop(signal).await
    }

    fn server(&self) -> Result<&ServerFaults, ProbeError> {
        match &self.faults {
            Faults::Server(server) => Ok(server),
            Faults::File(_) => Err(ProbeError::Missing("a server".to_owned())),
        }
    }

    /// Refuses the bar of a series that begins with this id.
    pub async fn poison(
        &self,
        symbol: &str,
        threshold: Threshold,
        first_id: i64,
    ) -> Result<(), ProbeError> {
        match &self.faults {
            Faults::File(file) => file.poison(symbol, threshold, first_id).await,
            Faults::Server(server) => server.poison(symbol, threshold, first_id).await,
        }
    }

    /// Takes every row again.
    pub async fn heal(&self) -> Result<(), ProbeError> {
        self.reopen().await?;
        match &self.faults {
            Faults::File(file) => file.cure().await,
            Faults::Server(server) => server.cure().await,
        }
    }

    /// Keeps the server from tidying rows up that it was sent twice.
    pub async fn keep_doubles(&self) -> Result<(), ProbeError> {
        match &self.faults {
            Faults::File(_) => Ok(()),
            Faults::Server(server) => server.keep_doubles().await,
        }
    }

    /// How often the way to the server did what it was told; none when there is none, or when it
    /// was told nothing that can be counted.
    pub fn strikes(&self) -> Option<u64> {
        match &self.faults {
            Faults::File(_) => None,
            Faults::Server(server) => server.strikes(),
        }
    }

    /// Seals that do not fit the bars of their period, in words.
    pub async fn broken_seals(&self) -> Result<Vec<String>, ProbeError> {
        let verified = verify(&*self.store, &VerifyRequest::default()).await;
        let verified = verified.map_err(ProbeError::Read)?;
        // What a scenario has sealed ahead and nobody has come to yet is its own doing.
        let spans = verified.series.iter().filter_map(|report| report.span);
        let newest_us = spans.map(|span| span.close_time_us).max();
        let is_reached = |seal: &&PeriodSeal| Some(seal.start_us) <= newest_us;
        let broken = verified.seals.iter().filter(|seal| seal.state.is_damage());
        Ok(broken
            .filter(is_reached)
            .map(|seal| format!("{} {}", seal.symbol, seal.state))
            .collect())
    }

    /// How many rows of bars are stored more often than once.
    pub async fn doubles(&self) -> Result<u64, ProbeError> {
        match &self.faults {
            // The table has a key.
            Faults::File(_) => Ok(0),
            Faults::Server(server) => server.doubles().await,
        }
    }

    /// Removes what is not in the directory of the run. What is stored is written to a file
    /// there before that, if `kept_in` names it.
    pub async fn tear_down(&self, kept_in: Option<&Path>) -> Result<(), ProbeError> {
        match &self.faults {
            Faults::File(_) => Ok(()),
            Faults::Server(server) => server.tear_down(kept_in).await,
        }
    }

    /// Seals the period that is written to now, as if it were whole: whoever writes to it next has
    /// to take that back.
    pub async fn seal_ahead(&self) -> Result<(), ProbeError> {
        let seals = self.store.seals(&SealQuery::default()).await?;
        let mut ahead: Vec<SealRow> = Vec::new();
        for seal in seals {
            // By the time that somebody writes, the next one may have begun.
            for days in 1..=3 {
                let mut key = seal.key.clone();
                key.period_start_us += days * DAY_US;
                ahead.push(SealRow {
                    key,
                    ..seal.clone()
                });
            }
        }
        Ok(self.store.put_seals(&ahead).await?)
    }

    /// The newest id in the bars of a threshold for each symbol; 0 where there is none.
    pub async fn newest(&self, finest: Threshold) -> Result<Vec<i64>, ProbeError> {
        let query = BarQuery {
            exchange: Some(EXCHANGE.to_owned()),
            thresholds: vec![finest],
            ..BarQuery::default()
        };
        let ranges = match self.store.id_ranges(&query).await {
            // The collector makes the tables, in its own time.
            Err(error) if error.lacks_table() => Vec::new(),
            other => other?,
        };
        let newest = |symbol: &str| {
            let found = ranges.iter().find(|range| range.symbol == symbol);
            found.map_or(0, |range| range.last_id)
        };
        Ok(SYMBOLS.iter().map(|symbol| newest(symbol)).collect())
    }

    /// The bars of a series.
    pub async fn bars(
        &self,
        symbol: &Symbol,
        threshold: Threshold,
    ) -> Result<Vec<BarRow>, ProbeError> {
        let query = BarQuery {
            exchange: Some(EXCHANGE.to_owned()),
            symbols: vec![symbol.clone()],
            thresholds: vec![threshold],
            ..BarQuery::default()
        };
        let mut rows = Vec::new();
        let mut take = |more| {
            rows.extend(more);
            Ok(())
        };
        let read = self.store.bars(&query, &mut take).await;
        read.map_err(ProbeError::Read)?;
        Ok(rows)
    }
}
