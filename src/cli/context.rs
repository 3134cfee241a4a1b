//! What every subcommand is given.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::ValueEnum;

use crate::{
    app::clock::Clock,
    config::{Directories, Settings, settings::Origin},
    report::Printer,
    store::{self, StoreOptions, address::StoreAddress, sink::Store},
};

use super::{
    collect::exchange::SIM,
    error::{CliError, Edge as _},
    exit::ExitCode,
};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Text for people.
    Human,
    /// JSON for programs.
    Json,
    /// CSV; only bars have it.
    Csv,
    /// One line for Nagios; only the watchdog has it.
    Nagios,
}

/// Settings, and the ways in and out.
#[derive(Debug)]
pub struct Context {
    /// The settings.
    pub settings: Settings,
    /// How results are printed.
    pub output: Output,
    /// Where they are printed.
    pub printer: Printer,
    /// What time it is.
    pub clock: Clock,
    /// The exchange, if it was named on the command line.
    pub named_exchange: Option<String>,
    /// Whether less is to be said.
    pub is_quiet: bool,
}

impl Context {
    /// Whether to print JSON, for commands that know nothing else but text.
    ///
    /// # Errors
    /// When something else was asked for.
    pub fn is_json(&self) -> Result<bool, CliError> {
        match self.output {
            Output::Human => Ok(false),
            Output::Json => Ok(true),
            Output::Csv => Err(
                CliError::new(ExitCode::Usage, "only bars can be printed as csv")
                    .hint("use -o human or -o json"),
            ),
            Output::Nagios => Err(CliError::new(
                ExitCode::Usage,
                "only the watchdog can print for nagios",
            )
            .hint("use -o human or -o json")),
        }
    }

    /// The directory of the journal. What is made up has one of its own, so that trying it
    /// out does not tie the default one to a store.
    ///
    /// # Errors
    /// When there is no such directory.
    pub fn journal_dir(&self) -> Result<PathBuf, CliError> {
        let state_dir = self.settings.state_dir()?;
        let is_default = state_dir.origin == Origin::Default;
        if is_default && self.settings.exchange.value.as_str() == SIM {
            return Ok(state_dir.value.join(SIM));
        }
        Ok(state_dir.value.clone())
    }

    /// The directory for what can be fetched again.
    ///
    /// # Errors
    /// When the user has no home.
    pub fn cache_dir() -> Result<PathBuf, CliError> {
        Directories::of_this_user().cache.ok_or_else(|| {
            let sentence = "there is no place for a cache: this user has no home directory";
            CliError::new(ExitCode::Configuration, sentence)
                .hint("name one with --cache-dir, or set HOME")
        })
    }

    /// The store to read from; none when it is a file that is not there yet.
    ///
    /// # Errors
    /// When no store is set, or it cannot be opened.
    pub fn store_to_read(&self) -> Result<Option<Arc<dyn Store>>, CliError> {
        Self::open_to_read(&self.settings.store()?.value)
    }

    /// The store at an address to read from; none when it is a file that is not there yet.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open_to_read(address: &StoreAddress) -> Result<Option<Arc<dyn Store>>, CliError> {
        if let StoreAddress::Sqlite(path) = address
            && matches!(path.try_exists(), Ok(false))
        {
            return Ok(None);
        }
        Ok(Some(store::open(address, StoreOptions::default())?))
    }

    /// What is said when there is nothing to read.
    pub fn nothing_stored(&self, what: &str) -> CliError {
        let place = self
            .settings
            .store()
            .map_or_else(|_| "the store".to_owned(), |store| store.value.to_string());
        CliError::new(
            ExitCode::Failed,
            format!("there are no bars of {what} in {place}"),
        )
        .hint(
            "collect some with 'streamkit collect SYMBOL', or name the store that has them \
                 with --store",
        )
    }
}

/// How long the end of a command waits for what hangs, such as a file on a dead disk.
const HANGING_PATIENCE: Duration = Duration::from_secs(1);

/// Runs `work` to its end on this thread. What it has left behind on other threads may take
/// another moment, and no longer.
///
/// # Errors
/// When the runtime cannot be made, or `work` fails.
pub fn block_on<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime
        .map_err(|error| anyhow::Error::new(error).context("start"))
        .hint("free some memory, file descriptors or threads")?;
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(HANGING_PATIENCE);
    result
}

/// Runs `work` to its end on this thread, with `workers` others for what it spawns. What hangs
/// then does not keep the process.
///
/// # Errors
/// When the runtime cannot be made, or `work` fails.
pub fn block_on_threads<T>(
    workers: usize,
    work: impl Future<Output = Result<T, CliError>>,
) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("streamkit")
        .enable_all()
        .build()
        .hint("free some memory, file descriptors or threads")?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    result
}
