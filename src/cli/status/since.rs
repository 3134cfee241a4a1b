//! `streamkit status --since 30d`: how long was every symbol up, as the store tells.

use crate::{
    app::uptime::{UptimeRequest, measure},
    cli::{
        args::{Since, distinct},
        context::{Context, block_on},
        error::CliError,
        exit::ExitCode,
    },
    domain::{symbol::Symbol, uptime::Window},
    report::uptime as report,
};

/// Counts from the store; no collector is asked.
pub fn run(since: Since, symbols: &[Symbol], context: &Context) -> Result<ExitCode, CliError> {
    let is_json = context.is_json()?;
    let now_us = context.clock.wall_us();
    // Before 1970 nothing was traded here, and stores do not know every time.
    let since_us = since.time_us(now_us).max(0);
    if since_us >= now_us {
        return Err(
            CliError::new(ExitCode::Usage, "--since has to lie in the past")
                .hint("give a duration such as 30d, or a time that is over"),
        );
    }
    let request = UptimeRequest {
        exchange: context.named_exchange.clone(),
        symbols: distinct(symbols),
        window: Window {
            since_us,
            until_us: now_us,
        },
    };
    let Some(store) = context.store_to_read()? else {
        return Err(nothing(context, "there is no store at")?);
    };
    let measured = block_on(async { Ok(measure(store.as_ref(), &request).await?) })?;
    let untold = measured.untold(&request.symbols).join(", ");
    if measured.uptimes.is_empty() {
        return Err(untold_of(context, &untold)?);
    }
    if is_json {
        context.printer.line(report::document(&measured))?;
    } else {
        let (width, has_color) = (context.printer.width(), context.printer.has_color());
        for line in report::lines(&measured, width, has_color) {
            context.printer.line(line)?;
        }
    }
    context.printer.flush()?;
    if untold.is_empty() {
        return Ok(ExitCode::Ok);
    }
    Err(untold_of(context, &untold)?)
}

fn untold_of(context: &Context, symbols: &str) -> Result<CliError, CliError> {
    let of = if symbols.is_empty() {
        String::new()
    } else {
        format!(" of {symbols}")
    };
    nothing(
        context,
        &format!("there are no events{of} to count from in"),
    )
}

fn nothing(context: &Context, what: &str) -> Result<CliError, CliError> {
    let place = &context.settings.store()?.value;
    Ok(
        CliError::new(ExitCode::Failed, format!("{what} {place}")).hint(
            "collect with 'streamkit collect SYMBOL', or name the store that it writes to with \
             --store; counting begins when a symbol has caught up for the first time",
        ),
    )
}
