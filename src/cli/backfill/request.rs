//! `streamkit backfill request`: asks for a backfill.

use std::str::FromStr;

use clap::Args;

use crate::{
    app::backfill::{overview::overview, queue::ask},
    cli::{
        args::{Since, distinct},
        collect::exchange::history,
        context::{Context, block_on},
        error::CliError,
        exit::ExitCode,
    },
    domain::{
        backfill_request::Scope,
        symbol::Symbol,
        threshold::{Threshold, ThresholdError},
        words::list,
    },
    exchange::{binance, source::SourceError},
    report::backfill::request as report,
    store::sink::{HealthQuery, Store},
};

/// Ask for a backfill; a worker makes it when it is its turn
///
/// What is pending or under way already is not asked for twice. Symbols that neither a
/// collector follows nor the exchange knows are refused; when the exchange cannot be asked,
/// that is said, and the worker finds out. Tables that the store lacks are made.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 asked for, now or before, 1 no store, 64 usage or unknown \
                  symbol, 69 store unavailable, 78 configuration"
)]
pub struct RequestArgs {
    /// The symbols
    #[arg(value_name = "SYMBOL", required = true)]
    symbols: Vec<Symbol>,
    /// These thresholds, in decimal basis points; 0 for all [default: all of the symbol]
    #[arg(short, long, value_name = "DBPS,…", value_delimiter = ',')]
    thresholds: Vec<Wanted>,
    /// From then on: 7d, 2025-01-31, 2025-01-31T12:00:00Z [default: the worker decides]
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,
}

/// A threshold, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wanted(Option<Threshold>);

impl FromStr for Wanted {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        match text {
            "0" => Ok(Self(None)),
            text => Ok(Self(Some(text.parse()?))),
        }
    }
}

/// The thresholds to ask for; none of them for all.
fn thresholds(wanted: &[Wanted]) -> Vec<Threshold> {
    let each: Option<Vec<Threshold>> = wanted.iter().map(|wanted| wanted.0).collect();
    distinct(&each.unwrap_or_default())
}

impl RequestArgs {
    pub fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let is_json = context.is_json()?;
        let symbols = distinct(&self.symbols);
        let now_us = context.clock.wall_us();
        let since_us = self.since.map(|since| since.time_us(now_us));
        if since_us.is_some_and(|since_us| since_us > now_us) {
            return Err(CliError::new(ExitCode::Usage, "--since is in the future")
                .hint("ask for a time that is past, such as --since 7d"));
        }
        let Some(store) = context.store_to_read()? else {
            return Err(super::status::no_store(context)?);
        };
        let store = store.as_ref();
        let (asked, seen) = block_on(async {
            store.create_schema().await?;
            let unknown = not_collected(store, context, &symbols).await?;
            // All of them before the first is asked for: it is done in whole or not at all.
            refuse_unknown(context, &unknown).await?;
            let mut asked = Vec::new();
            let thresholds = thresholds(&self.thresholds);
            let settings = &context.settings;
            let scope = Scope::new(settings.exchange.value.as_str(), settings.anchor.value);
            for symbol in &symbols {
                let clock = &context.clock;
                asked.extend(ask(store, clock, symbol, &thresholds, since_us, &scope).await?);
            }
            let seen = overview(store, &context.clock, &symbols, false).await?;
            Ok((asked, seen))
        })?;
        let printer = &context.printer;
        if is_json {
            printer.line(report::json(&asked))?;
        } else {
            for line in report::lines(&asked, printer.width()) {
                printer.line(line)?;
            }
        }
        printer.flush()?;
        if seen.alive().next().is_none() && !context.is_quiet {
            printer.tell(
                "note: no worker has told of itself in the last 5 minutes; \
                 'streamkit backfill worker' takes requests",
            );
        }
        Ok(ExitCode::Ok)
    }
}

/// The symbols that no collector has written about.
async fn not_collected(
    store: &dyn Store,
    context: &Context,
    symbols: &[Symbol],
) -> Result<Vec<Symbol>, CliError> {
    let query = HealthQuery {
        exchange: context.named_exchange.clone(),
        symbols: symbols.to_vec(),
        collector: None,
    };
    let health = store.stored_health(&query).await?;
    let is_collected = |symbol: &Symbol| health.iter().flatten().any(|row| row.symbol == *symbol);
    let others = symbols.iter().filter(|symbol| !is_collected(symbol));
    Ok(others.cloned().collect())
}

/// Asks the exchange for symbols that nobody collects here.
async fn refuse_unknown(context: &Context, symbols: &[Symbol]) -> Result<(), CliError> {
    if symbols.is_empty() {
        return Ok(());
    }
    // The sim inside has every symbol.
    let Some(source) = history(binance::Settings::default(), context)? else {
        return Ok(());
    };
    for (index, symbol) in symbols.iter().enumerate() {
        match source.latest(symbol).await {
            Ok(_) => {}
            Err(error @ SourceError::UnknownSymbol { .. }) => return Err(error.into()),
            Err(error) => {
                // The others would be waited for as long, and as much in vain.
                context.printer.tell(format_args!(
                    "note: whether the exchange has {} could not be found out: failed to {error}",
                    list(&symbols[index..])
                ));
                return Ok(());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_among_thresholds_means_all_of_them() {
        let wanted = |texts: &[&str]| -> Vec<Wanted> {
            let wanted = texts.iter().map(|text| text.parse().expect("a threshold"));
            wanted.collect()
        };
        let dbps = |texts: &[&str]| -> Vec<u32> {
            let thresholds = thresholds(&wanted(texts)).into_iter();
            thresholds.map(Threshold::dbps).collect()
        };
        assert_eq!(dbps(&["250", "500", "250"]), [250, 500]);
        assert_eq!(dbps(&["250", "0"]), [0; 0]);
        assert_eq!(dbps(&[]), [0; 0]);
        assert!("100001".parse::<Wanted>().is_err());
        assert!("-1".parse::<Wanted>().is_err());
    }
}
