//! `streamkit backfill`: makes stored bars complete, and keeps a queue of requests for that.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};

use crate::config::Key;

use super::{context::Context, error::CliError, exit::ExitCode};

mod direct;
mod outcome;
mod request;
mod sources;
mod status;
mod worker;

/// Make the stored bars of a time complete and exact
///
/// Reads the trades of every day (or month) that is not sealed and lacks bars, or has wrong ones,
/// once for all thresholds: from the exchange's daily archive and by REST, or from files. Writes
/// what differs and nothing else, and seals what is whole. It may run beside a collector, and goes
/// on when it is run again. Requests for the same lie in the store, where dashboards can put them,
/// too; workers on any machine take them from there.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Exit codes: 0 complete, 1 not whole, or a file is wrong, 64 usage or unknown \
                  symbol, 69 store or exchange unavailable, 75 completed a moment ago, \
                  78 configuration, 130 interrupted"
)]
pub struct BackfillArgs {
    #[command(subcommand)]
    command: Option<BackfillCommand>,
    #[command(flatten)]
    direct: direct::DirectArgs,
}

#[derive(Debug, Subcommand)]
enum BackfillCommand {
    Request(request::RequestArgs),
    Worker(Box<worker::WorkerArgs>),
    Status(status::StatusArgs),
}

impl BackfillArgs {
    /// The settings among the flags.
    pub fn flags(&self) -> BTreeMap<Key, Vec<String>> {
        match &self.command {
            Some(BackfillCommand::Worker(args)) => args.flags(),
            _ => self.direct.flags(),
        }
    }

    pub fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        match self.command {
            Some(BackfillCommand::Request(args)) => args.run(context),
            Some(BackfillCommand::Worker(args)) => args.run(context),
            Some(BackfillCommand::Status(args)) => args.run(context),
            None => self.direct.run(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    /// The subcommands beside symbols that stand for themselves.
    #[derive(Debug, Parser)]
    #[command(args_conflicts_with_subcommands = true)]
    struct Line {
        #[command(subcommand)]
        command: Option<BackfillCommand>,
        symbols: Vec<String>,
        #[arg(long)]
        all_thresholds: bool,
    }

    #[test]
    fn symbols_and_subcommands_are_told_apart() {
        let parse = |line: &str| Line::try_parse_from(line.split(' ')).expect(line);
        let direct = parse("backfill BTCUSDT ETHUSDT --all-thresholds");
        assert!(direct.command.is_none() && direct.all_thresholds);
        assert_eq!(direct.symbols, ["BTCUSDT", "ETHUSDT"]);
        let asked = parse("backfill request BTCUSDT -t 250,500 --since 7d");
        assert!(matches!(asked.command, Some(BackfillCommand::Request(_))));
        assert!(asked.symbols.is_empty());
        let shown = parse("backfill status BTCUSDT --watch --all");
        assert!(matches!(shown.command, Some(BackfillCommand::Status(_))));
    }
}
