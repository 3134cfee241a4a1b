//! `streamkit seals`: proof that periods are whole, as rows.

use clap::{Args, Subcommand};

use crate::{
    app::verify::stored_seals,
    domain::{anchor::Anchor, symbol::Symbol},
    report::seals as report,
    store::sink::SealQuery,
};

use super::{
    args::{Since, distinct, stored_anchor},
    context::{Context, block_on},
    error::CliError,
    exit::ExitCode,
};

mod diff;

/// List the seals, or compare two stores
///
/// A seal says that a closed day or month of a symbol is whole in the store: from its first
/// trade to its last, in every threshold, with a digest over the bars of each. Collectors seal
/// periods soon after they are over, 'verify --seal' seals what deserves it, and whoever
/// writes bars of a sealed period again takes its seal back first. 'verify' names the closed
/// periods that are not sealed, and why.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Exit codes: 0 listed, 1 a seal cannot be read, or no store, 64 usage, \
                  69 store unavailable, 78 configuration"
)]
pub struct SealsArgs {
    #[command(subcommand)]
    command: Option<SealsCommand>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum SealsCommand {
    Diff(diff::DiffArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only these symbols [default: all]
    #[arg(value_name = "SYMBOL")]
    symbols: Vec<Symbol>,
    /// Only seals of days or of months [default: both]
    #[arg(long, value_name = "day|month", value_parser = stored_anchor)]
    anchor: Option<Anchor>,
    /// Begin with the period that held this time: 7d, 2025-01-31
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,
}

impl SealsArgs {
    pub fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        match self.command {
            Some(SealsCommand::Diff(args)) => args.run(context),
            None => self.list.run(context),
        }
    }
}

impl ListArgs {
    fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let is_json = context.is_json()?;
        let since_us = self
            .since
            .map(|since| since.time_us(context.clock.wall_us()));
        let query = SealQuery {
            exchange: context.named_exchange.clone(),
            symbols: distinct(&self.symbols),
            anchor: self.anchor,
            // A month begins no later than any day of it.
            since_us: since_us.map(|since_us| Anchor::Month.period(since_us).start_us),
            until_us: None,
        };
        let Some(store) = context.store_to_read()? else {
            let place = &context.settings.store()?.value;
            let sentence = format!("there is no store at {place}");
            return Err(CliError::new(ExitCode::Failed, sentence)
                .hint("collect with 'streamkit collect SYMBOL', or name the store with --store"));
        };
        let read = block_on(async { Ok(stored_seals(store.as_ref(), &query).await?) })?;
        let (mut seals, mut unreadable) = (Vec::new(), Vec::new());
        for read in read {
            match read {
                Ok(seal) => seals.push(seal),
                Err(error) => unreadable.push(error),
            }
        }
        seals.retain(|seal| {
            let period = seal.key.anchor.period(seal.key.period_start_us);
            since_us.is_none_or(|since_us| period.end_us > since_us)
        });
        let printer = &context.printer;
        if is_json {
            printer.line(report::json(&seals, &unreadable))?;
            printer.flush()?;
        } else {
            report::human(&seals, printer)?;
        }
        let Some(first) = unreadable.first() else {
            return Ok(ExitCode::Ok);
        };
        let sentence = format!(
            "{} of seals cannot be read; failed to {first}",
            unreadable.len()
        );
        Err(CliError::new(ExitCode::Failed, sentence)
            .hint("'streamkit verify SYMBOL --seal' seals the period anew if its bars deserve it"))
    }
}
