//! What a user wants to have measured, and how.

use std::path::PathBuf;

use super::{budget::BudgetFile, scenario::Needs};
use crate::{
    domain::{anchor::Anchor, threshold::Threshold},
    store::address::{ClickHouseAddress, StoreAddress},
};

/// The shortest that times may be scaled to: below it, what a process costs counts for more
/// than what is measured.
pub const MIN_SCALE: f64 = 0.1;

/// Which database collectors write to.
#[derive(Debug, Clone)]
pub enum Database {
    /// A SQLite file of each run's own.
    File,
    /// A ClickHouse that goes on running: each run has a database of its own there, which is
    /// dropped afterwards.
    Server(ClickHouseAddress),
    /// The same on a ClickHouse that this command of the shell starts. It is told in the
    /// environment where to listen (`PORT`, on 127.0.0.1) and where to keep its data (`DATA`).
    OwnServer(String),
}

impl Database {
    /// What keeps a scenario from being played with it; nothing when nothing does.
    #[must_use]
    pub const fn lacks(&self, needs: Needs) -> Option<&'static str> {
        match (needs, self) {
            (Needs::File, Self::Server(_) | Self::OwnServer(_)) => Some("needs a store in a file"),
            (Needs::Server, Self::File) => Some("needs ClickHouse: --store or --clickhouse-server"),
            (Needs::OwnServer, Self::File | Self::Server(_)) => {
                Some("needs a server that may be stopped: --clickhouse-server")
            }
            _ => None,
        }
    }

    /// The name of its kind.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::File => "sqlite",
            Self::Server(_) | Self::OwnServer(_) => "clickhouse",
        }
    }
}

impl Settings {
    /// The directory of one run.
    #[must_use]
    pub fn directory_of(&self, scenario: &str, seed: u64) -> PathBuf {
        self.directory.join(format!("{scenario}-{seed}"))
    }

    /// The command, for a shell, that makes one run again.
    #[must_use]
    pub fn again(&self, scenario: &str, seed: u64) -> String {
        let mut words = ["streamkit", "probe", "run", "--only", scenario].map(str::to_owned).to_vec();
        let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
        option("--seed", seed.to_string());
        option("--time-scale", self.scale.to_string());
        let thresholds: Vec<_> = self.thresholds.iter().map(Threshold::to_string).collect();
        option("--thresholds", thresholds.join(","));
        option("--anchor", self.anchor.to_string());
        match &self.database {
            Database::File => {}
            // An address is told without its password.
            Database::Server(address) => {
                option("--store", StoreAddress::ClickHouse(address.clone()).to_string());
            }
            Database::OwnServer(command) => option("--clickhouse-server", command.clone()),
        }
        if let Some(path) = &self.budget_path {
            option("--budget", path.display().to_string());
        }
        if !self.options.is_empty() {
            words.push("--".to_owned());
            words.extend(self.options.iter().cloned());
        }
        let quoted = shlex::try_join(words.iter().map(String::as_str));
        // Only a word with a NUL in it cannot be quoted, and no command line has one.
        quoted.unwrap_or_else(|_| words.join(" "))
    }
}

/// What is measured, and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The program that is measured.
    pub binary: PathBuf,
    /// The seed of the first run; every further one has the next number.
    pub seed: u64,
    /// How many seeds each scenario is run with.
    pub runs: u32,
    /// All times are multiplied by this, from [`MIN_SCALE`] to 1.
    pub scale: f64,
    /// The thresholds of the bars.
    pub thresholds: Vec<Threshold>,
    /// The one of them whose bars come most often.
    pub finest: Threshold,
    /// Where forming bars are cut.
    pub anchor: Anchor,
    /// Where collectors write to.
    pub database: Database,
    /// Further options of `collect` that the user has set.
    pub options: Vec<String>,
    /// Changes of budgets.
    pub budgets: BudgetFile,
    /// The file that they were read from.
    pub budget_path: Option<PathBuf>,
    /// Below this directory each run has its own.
    pub directory: PathBuf,
    /// Whether the remedies that scenarios test are taken away from the collector.
    pub is_bare: bool,
}
