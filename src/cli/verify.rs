//! `streamkit verify`: proof that nothing is missing.

use clap::Args;

use crate::{
    app::{
        seals::{SealRequest, confirm, seal},
        verify::{VerifyRequest, verify},
    },
    domain::{anchor::Anchor, seal::SealRow, symbol::Symbol, threshold::Threshold},
    exchange::{binance, source::Source},
    report::{OutputError, verify as report},
    store::sink::Store,
};

use super::{
    args::{Since, distinct, stored_anchor},
    collect::exchange::history,
    context::{Context, block_on},
    error::CliError,
    exit::ExitCode,
};

/// Check that the stored bars are whole and right
///
/// Finds every hole and overlap with the exact ids, every bar that breaks a rule by
/// itself, and closed periods in which the thresholds do not hold the same trades. Holes
/// that the exchange has proven absent are listed and pass. Closed periods that are not
/// sealed are named with the reason; bars that are not what was sealed are damage.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 no damage, 1 damage or no bars, 64 usage, \
                        69 store unavailable, 78 configuration"
)]
pub struct VerifyArgs {
    /// The symbols
    #[arg(value_name = "SYMBOL", required = true)]
    symbols: Vec<Symbol>,
    /// Only these thresholds, in decimal basis points [default: all that are stored]
    #[arg(short, long, value_name = "DBPS,…", value_delimiter = ',')]
    thresholds: Vec<Threshold>,
    /// Only bars that are cut by day or by month [default: both]
    #[arg(long, value_name = "day|month", value_parser = stored_anchor)]
    anchor: Option<Anchor>,
    /// Begin with bars that opened then: 2h, 2025-01-31, 2025-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,
    /// Count proven holes as damage, too
    #[arg(long)]
    strict: bool,
    /// Seal every closed period that deserves it; the exchange is asked where bars begin
    #[arg(long, conflicts_with = "thresholds")]
    seal: bool,
}

impl VerifyArgs {
    pub fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let is_json = context.is_json()?;
        let request = VerifyRequest {
            exchange: context.named_exchange.clone(),
            symbols: distinct(&self.symbols),
            thresholds: distinct(&self.thresholds),
            anchor: self.anchor,
            since_us: self
                .since
                .map(|since| since.time_us(context.clock.wall_us())),
        };
        let names: Vec<_> = request.symbols.iter().map(ToString::to_string).collect();
        let Some(store) = context.store_to_read()? else {
            return Err(context.nothing_stored(&names.join(", ")));
        };
        let source = if self.seal {
            // Without one, what begins a series stays unsealed.
            history(binance::Settings::default(), context)?
        } else {
            None
        };
        let (verified, sealed) = block_on(async {
            let mut sealed = Vec::new();
            if self.seal {
                sealed = seal_all(store.as_ref(), source.as_deref(), &request, context).await?;
            }
            Ok((verify(store.as_ref(), &request).await?, sealed))
        })?;
        let printed = if is_json {
            context
                .printer
                .line(report::json(&verified, &sealed, self.strict))
                .and_then(|()| context.printer.flush())
        } else {
            report::human(&verified, &sealed, self.strict, &context.printer)
        };
        match printed {
            // Whoever stopped reading still gets the verdict.
            Ok(()) | Err(OutputError::Closed) => {}
            Err(error) => return Err(error.into()),
        }
        match verified.damage(self.strict) {
            0 => Ok(ExitCode::Ok),
            _ if verified.series.is_empty() => Err(context.nothing_stored(&names.join(", "))),
            1 => Err(damaged("1 finding of damage")),
            damage => Err(damaged(&format!("{damage} findings of damage"))),
        }
    }
}

/// Seals what deserves it, and returns the seals that stand.
async fn seal_all(
    store: &dyn Store,
    source: Option<&dyn Source>,
    request: &VerifyRequest,
    context: &Context,
) -> anyhow::Result<Vec<SealRow>> {
    let seal_request = SealRequest {
        exchange: request.exchange.clone(),
        symbols: request.symbols.clone(),
        anchor: request.anchor,
        since_us: request.since_us,
        wanted: None,
        only: None,
    };
    let sealing = seal(store, source, &context.clock, &seal_request).await?;
    let confirmed = confirm(store, &context.clock, sealing.written).await?;
    Ok(confirmed.sealed)
}

fn damaged(what: &str) -> CliError {
    CliError::new(
        ExitCode::Failed,
        format!("the stored bars are not whole: {what}"),
    )
    .hint(
        "'streamkit backfill SYMBOL --all-thresholds --since TIME' writes again what is missing \
         or wrong since then",
    )
}
