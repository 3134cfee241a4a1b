//! `probe list`: the failures that can be caused.

use clap::Args;

use crate::{
    app::probe::scenarios,
    cli::{context::Context, error::CliError, exit::ExitCode},
    report::probe::list,
};

/// List the failures that can be caused
#[derive(Debug, Args)]
pub(super) struct ListArgs {}

impl ListArgs {
    /// Lists them.
    #[expect(clippy::unused_self, reason = "as with every subcommand")]
    pub(super) fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let all = scenarios::all();
        let text = if context.is_json()? {
            serde_json::to_string(&list::json(&all))?
        } else {
            list::text(&all, context.printer.width())
        };
        context.printer.line(text)?;
        context.printer.flush()?;
        Ok(ExitCode::Ok)
    }
}
