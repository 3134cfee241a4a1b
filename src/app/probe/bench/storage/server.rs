//! What can go wrong with a store on a server.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use rustix::process::Signal;

use crate::{
    app::probe::{
        bench::{server::Server, statements::Statements},
        error::ProbeError,
        proxy::{Mode, Proxy},
    },
    domain::threshold::Threshold,
    journal::random_id,
    store::address::ClickHouseAddress,
};

/// What keeps a row out, in the table of bars.
const POISON: &str = "probe_poison";

/// A database of a run's own on a ClickHouse server, and the way there.
pub struct ServerFaults {
    direct: ClickHouseAddress,
    proxy: Proxy,
    statements: Statements,
    struck: Mutex<Struck>,
    /// The server, if it may be stopped.
    own: Option<Arc<Server>>,
}

/// What the names of a probe's databases begin with.
fn prefix(address: &ClickHouseAddress) -> String {
    format!("{}_probe_", address.database)
}

/// Databases of earlier probes on the server at `address`, by name.
pub async fn left_behind(address: &ClickHouseAddress) -> Result<Vec<String>, ProbeError> {
    let statements = Statements::to(address)?;
    let prefix = prefix(address);
    let names = statements.execute("SHOW DATABASES").await?;
    let names = names.lines().map(str::trim);
    let names = names.filter(|name| name.starts_with(&prefix));
    Ok(names.map(str::to_owned).collect())
}

/// What was ordered of the way, and how often that has struck.
#[derive(Debug, Default)]
struct Struck {
    is_ordered: bool,
    strikes: u64,
}

impl ServerFaults {
    /// A database of its own on the server at `address`; the collector makes it.
    pub async fn before(
        address: &ClickHouseAddress,
        own: Option<Arc<Server>>,
    ) -> Result<Self, ProbeError> {
        let direct = ClickHouseAddress {
            database: format!("{}{}", prefix(address), random_id()),
            ..address.clone()
        };
        if let Some(server) = &own {
            // Whatever was before may have left it stopped.
            server.run().await?;
        }
        let statements = Statements::to(&direct)?;
        Ok(Self {
            proxy: Proxy::start(&direct)?,
            direct,
            statements,
            struck: Mutex::default(),
            own,
        })
    }

    /// Where it is, past every fault.
    pub const fn direct(&self) -> &ClickHouseAddress {
        &self.direct
    }

    /// Where it is for the collector.
    pub fn through(&self) -> ClickHouseAddress {
        let address = self.proxy.address();
        ClickHouseAddress {
            tls: false,
            host: address.ip().to_string(),
            port: address.port(),
            ..self.direct.clone()
        }
    }

    /// Lets the way do this from now on.
    pub fn set(&self, mode: Mode) {
        let mut struck = self.struck.lock().unwrap_or_else(PoisonError::into_inner);
        struck.strikes += self.proxy.hits();
        // Whoever is refused never comes so far as to be counted.
        struck.is_ordered |= !matches!(mode, Mode::Pass | Mode::Refuse);
        self.proxy.set(mode);
    }

    /// How often the way did what it was told; none when it was told nothing that is counted.
    pub fn strikes(&self) -> Option<u64> {
        let struck = self.struck.lock().unwrap_or_else(PoisonError::into_inner);
        let strikes = struck.strikes + self.proxy.hits();
        struck.is_ordered.then_some(strikes)
    }

    /// The way is free, and the server runs.
    pub async fn reopen(&self) -> Result<(), ProbeError> {
        self.set(Mode::Pass);
        match &self.own {
            Some(server) => server.run().await,
            None => Ok(()),
        }
    }

    /// Ends the server.
    pub async fn stop(&self, signal: Signal) -> Result<(), ProbeError> {
        let server = self.own.as_ref();
        let server = server.ok_or_else(|| ProbeError::Missing("a server to stop".to_owned()))?;
        server.end(signal).await;
        Ok(())
    }

    /// Refuses the bar of a series that begins with this id.
    pub async fn poison(
        &self,
        symbol: &str,
        threshold: Threshold,
        first_id: i64,
    ) -> Result<(), ProbeError> {
        self.alter_bars(&format!(
            "ADD CONSTRAINT {POISON} CHECK NOT (first_agg_trade_id = {first_id} \
             AND symbol = '{symbol}' AND threshold_decimal_bps = {})",
            threshold.dbps()
        ))
        .await
    }

    /// Takes every row again.
    pub async fn cure(&self) -> Result<(), ProbeError> {
        self.alter_bars(&format!("DROP CONSTRAINT IF EXISTS {POISON}"))
            .await
    }

    async fn alter_bars(&self, change: &str) -> Result<(), ProbeError> {
        let table = self.table("bars");
        let sql = format!("ALTER TABLE {table} {change}");
        self.statements.execute(&sql).await.map(drop)
    }

    /// Keeps the server from merging rows of bars that are the same, until it is started anew.
    pub async fn keep_doubles(&self) -> Result<(), ProbeError> {
        let sql = format!("SYSTEM STOP MERGES {}", self.table("bars"));
        self.statements.execute(&sql).await.map(drop)
    }

    /// Rows of bars that are stored more often than once.
    pub async fn doubles(&self) -> Result<u64, ProbeError> {
        let sql = format!(
            "SELECT count() - uniqExact(exchange, symbol, threshold_decimal_bps, anchor, \
             first_agg_trade_id, version) FROM {}",
            self.table("bars")
        );
        let said = self.statements.execute(&sql).await?;
        let count = said.trim().parse();
        count.map_err(|_| ProbeError::Statement(format!("a count was asked for, not '{said}'")))
    }

    /// Drops the database, and writes its bars to a file before, if `kept_in` names it.
    pub async fn tear_down(&self, kept_in: Option<&Path>) -> Result<(), ProbeError> {
        if let Some(path) = kept_in {
            let bars = self.table("bars");
            let order = "exchange, symbol, threshold_decimal_bps, first_agg_trade_id, version";
            let sql = format!("SELECT * FROM {bars} ORDER BY {order} FORMAT CSVWithNames");
            // There is no table when the run has failed before anything was stored.
            if let Ok(text) = self.statements.execute(&sql).await {
                let _ = std::fs::write(path, text);
            }
        }
        let sql = format!("DROP DATABASE IF EXISTS `{}` SYNC", self.direct.database);
        self.statements.execute(&sql).await.map(drop)
    }

    fn table(&self, name: &str) -> String {
        format!("`{}`.{name}", self.direct.database)
    }
}
