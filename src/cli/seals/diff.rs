//! `streamkit seals diff`: are two stores the same?

use clap::Args;

use crate::{
    app::seals::{DiffRequest, diff},
    cli::{
        args::{Since, distinct, stored_anchor},
        context::{Context, block_on},
        error::CliError,
        exit::ExitCode,
    },
    domain::{anchor::Anchor, symbol::Symbol},
    report::{OutputError, seals::diff as report},
    store::address::StoreAddress,
};

/// Compare two stores, and name the first bar of each series that differs
///
/// Closed periods that are whole in both stores are compared by a digest over their bars as
/// they are now, whatever seals say. Periods that only one store has, because it begins or ends
/// at another time, are named and make no difference; bars that are missing within one do.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 equal, 1 different, or nothing to compare, 64 usage, \
                  69 a store is unavailable, 78 configuration"
)]
pub struct DiffArgs {
    /// One store: sqlite:PATH or clickhouse://user@host/database
    #[arg(value_name = "STORE_A")]
    a: StoreAddress,
    /// The other store
    #[arg(value_name = "STORE_B")]
    b: StoreAddress,
    /// Only these symbols [default: all]
    #[arg(value_name = "SYMBOL")]
    symbols: Vec<Symbol>,
    /// Only bars that are cut by day or by month [default: both]
    #[arg(long, value_name = "day|month", value_parser = stored_anchor)]
    anchor: Option<Anchor>,
    /// Begin with the period that held this time: 7d, 2025-01-31
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,
    /// Take what only one of them has, or has not whole, for a difference
    #[arg(long)]
    strict: bool,
}

impl DiffArgs {
    pub fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let is_json = context.is_json()?;
        let request = DiffRequest {
            exchange: context.named_exchange.clone(),
            symbols: distinct(&self.symbols),
            anchor: self.anchor,
            since_us: self
                .since
                .map(|since| since.time_us(context.clock.wall_us())),
        };
        let open = |address: StoreAddress| {
            let address = with_password(address, context);
            Context::open_to_read(&address)?.ok_or_else(|| {
                CliError::new(ExitCode::Failed, format!("there is no store at {address}"))
                    .hint("give the addresses of two stores that collectors have written to")
            })
        };
        let (a, b) = (open(self.a)?, open(self.b)?);
        let found = block_on(async { Ok(diff(a.as_ref(), b.as_ref(), &request).await?) })?;
        let (in_a, in_b) = (a.address(), b.address());
        let addresses = [in_a.as_str(), in_b.as_str()];
        let printer = &context.printer;
        let printed = if is_json {
            printer
                .line(report::json(&found, addresses))
                .and_then(|()| printer.flush())
        } else {
            report::human(&found, addresses, printer)
        };
        match printed {
            // Whoever stopped reading still gets the verdict.
            Ok(()) | Err(OutputError::Closed) => {}
            Err(error) => return Err(error.into()),
        }
        if found.is_equal() && (found.is_complete() || !self.strict) {
            return Ok(ExitCode::Ok);
        }
        if found.differences.is_empty() && found.compared() > 0 {
            let sentence = "what could be compared is equal, but one store lacks bars";
            return Err(CliError::new(ExitCode::Failed, sentence).hint(
                "'streamkit backfill SYMBOL --all-thresholds --since TIME' writes what is missing",
            ));
        }
        if found.compared() == 0 && found.differences.is_empty() {
            let sentence = "there is nothing to compare: no period is whole in both stores";
            return Err(CliError::new(ExitCode::Failed, sentence).hint(
                "a period is whole when a later trade has closed it; 'streamkit verify SYMBOL' \
                 tells what is missing",
            ));
        }
        Err(
            CliError::new(ExitCode::Failed, "the two stores are not equal").hint(
                "build the truth from the exchange's own file: 'streamkit bars SYMBOL \
                 --from-tape FILE', and compare the bar that is named",
            ),
        )
    }
}

/// The settings' password is for their own server and user.
fn with_password(address: StoreAddress, context: &Context) -> StoreAddress {
    let Ok(setting) = context.settings.store() else {
        return address;
    };
    match (&address, &setting.value) {
        (StoreAddress::ClickHouse(mine), StoreAddress::ClickHouse(known))
            if mine.is_same_user(known) =>
        {
            address.or_password(known.password.clone())
        }
        _ => address,
    }
}
