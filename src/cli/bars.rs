//! `streamkit bars`: bars read back, or built from a tape.

use std::{collections::BTreeMap, num::NonZeroU64, path::PathBuf};

use clap::Args;

use crate::{
    config::Key,
    domain::{anchor::Anchor, symbol::Symbol, threshold::Threshold},
    report::bars::{BarsFormat, BarsReporter},
    store::sink::BarQuery,
};

use super::{
    args::{Since, distinct, positive},
    context::{Context, Output, block_on},
    error::CliError,
    exit::ExitCode,
};

mod tape;

/// How many bars of each series a person is shown.
const SHOWN_BARS: u64 = 20;

/// Print bars from the store, or build them from a file of trades
///
/// For people the last 20 of each series, as csv and json all of them. csv and json (one
/// object a line) have the columns of the store's table: times are microseconds since
/// 1970 UTC, decimals have all their digits (in json they are strings), features are the
/// shortest numbers that read back exactly. The forming bar never appears.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 done, 1 no bars or a bad tape, 64 usage, \
                        69 store unavailable, 78 configuration")]
pub struct BarsArgs {
    /// The symbols; with --from-tape at most one, by default what the file's name begins with
    #[arg(value_name = "SYMBOL", required_unless_present = "from_tape")]
    symbols: Vec<Symbol>,
    /// Only these thresholds, in decimal basis points [default: all that are stored]
    #[arg(short, long, value_name = "DBPS,…", value_delimiter = ',')]
    thresholds: Vec<Threshold>,
    /// Only bars that are cut by day or by month [default: both]; none only with --from-tape
    #[arg(long, value_name = "day|month|none", value_parser = str::parse::<Anchor>)]
    anchor: Option<Anchor>,
    /// Only bars that opened since then: 2h, 2025-01-31, 2025-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,
    /// Only the newest so many of each series
    #[arg(long, value_name = "N", value_parser = positive::<u64>)]
    limit: Option<u64>,
    /// Build the bars from this CSV of trades (a,p,q,f,l,T,m) or a zip of one, without any store
    #[arg(long, value_name = "FILE", help_heading = "From a tape")]
    from_tape: Option<PathBuf>,
    /// Let a bar close even at the time that it opened
    #[arg(long, requires = "from_tape", help_heading = "From a tape")]
    no_gate: bool,
}

impl BarsArgs {
    /// The settings among the flags: bars from a tape are built by them, stored ones
    /// are only chosen.
    pub fn flags(&self) -> BTreeMap<Key, Vec<String>> {
        let mut flags = BTreeMap::new();
        if self.from_tape.is_some() && !self.thresholds.is_empty() {
            let thresholds = self.thresholds.iter().map(ToString::to_string);
            flags.insert(Key::Thresholds, thresholds.collect());
        }
        flags
    }

    pub fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let format = match context.output {
            Output::Human => BarsFormat::Human,
            Output::Csv => BarsFormat::Csv,
            Output::Json => BarsFormat::Json,
            Output::Nagios => {
                let sentence = "only the watchdog can print for nagios";
                return Err(CliError::new(ExitCode::Usage, sentence)
                    .hint("use -o human, -o json or -o csv"));
            }
        };
        let newest = match (self.limit, format) {
            (None, BarsFormat::Human) => Some(SHOWN_BARS),
            (limit, _) => limit,
        };
        let since_us = self
            .since
            .map(|since| since.time_us(context.clock.wall_us()));
        if let Some(path) = &self.from_tape {
            let request = tape::TapeRequest {
                path,
                symbol: tape::symbol(path, &self.symbols)?,
                anchor: self.anchor.unwrap_or(context.settings.anchor.value),
                gate: !self.no_gate,
                newest: newest.and_then(NonZeroU64::new),
                since_us,
                format,
            };
            return tape::run(&request, context);
        }
        if self.anchor == Some(Anchor::None) {
            return Err(CliError::new(
                ExitCode::Usage,
                "bars that are never cut can only be built from a file",
            )
            .hint("give the file with --from-tape, or ask for day or month"));
        }
        let query = BarQuery {
            exchange: context.named_exchange.clone(),
            symbols: distinct(&self.symbols),
            thresholds: distinct(&self.thresholds),
            anchor: self.anchor,
            since_us,
            until_us: None,
            newest,
        };
        stored(&query, format, context)
    }
}

/// Prints the bars that the store holds.
fn stored(query: &BarQuery, format: BarsFormat, context: &Context) -> Result<ExitCode, CliError> {
    let names: Vec<_> = query.symbols.iter().map(ToString::to_string).collect();
    let names = names.join(", ");
    let Some(store) = context.store_to_read()? else {
        return Err(context.nothing_stored(&names));
    };
    let mut reporter = BarsReporter::new(&context.printer, format);
    let mut count = 0;
    block_on(async {
        store
            .bars(query, &mut |rows| {
                count += rows.len();
                for row in rows {
                    reporter.push(row)?;
                }
                Ok(())
            })
            .await?;
        if count > 0 {
            return Ok(());
        }
        // Nothing since then is an answer; nothing at all is a mistake.
        let all = BarQuery {
            since_us: None,
            newest: None,
            ..query.clone()
        };
        if store.series(&all).await?.is_empty() {
            return Err(context.nothing_stored(&names));
        }
        context
            .printer
            .tell("no bar is complete in the part that was asked for");
        Ok(())
    })?;
    reporter.finish()?;
    Ok(ExitCode::Ok)
}
