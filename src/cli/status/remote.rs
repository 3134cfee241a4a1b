//! Collectors on other machines, by what they have written into the store.

use crate::{
    app::collect::stored_status::StoredStatus,
    cli::{context::Context, error::CliError, exit::ExitCode},
    store::sink::HealthQuery,
};

use super::View;

/// Reads what collectors, or that of one name, have written.
pub(super) async fn ask(
    collector: Option<&str>,
    context: &Context,
) -> Result<StoredStatus, CliError> {
    let status = read(collector, context).await?;
    status.ok_or_else(|| {
        let store = context.settings.store();
        let store = store.map_or_else(|_| "the store".to_owned(), |store| store.value.to_string());
        let who = collector.map_or_else(
            || "no collector".to_owned(),
            |collector| format!("no collector '{collector}'"),
        );
        CliError::new(
            ExitCode::Unavailable,
            format!("{who} has written to stream_health in {store}"),
        )
        .hint("start one with 'streamkit collect', or name the store that it uses with --store")
    })
}

/// The same when no collector answers here; `absent` says so when the store knows none either.
pub(super) async fn in_place_of(absent: CliError, context: &Context) -> Result<View, CliError> {
    match read(None, context).await {
        Ok(Some(status)) => Ok(View::Stored(status)),
        Ok(None) => Err(absent),
        Err(error) => {
            tracing::warn!("cannot ask the store instead: {}", error.message());
            Err(absent)
        }
    }
}

/// What the store knows; none when that is nothing.
async fn read(
    collector: Option<&str>,
    context: &Context,
) -> Result<Option<StoredStatus>, CliError> {
    let Some(store) = context.store_to_read()? else {
        return Ok(None);
    };
    let query = HealthQuery {
        exchange: context.named_exchange.clone(),
        collector: collector.map(ToOwned::to_owned),
        ..HealthQuery::default()
    };
    let rows = store.health(&query).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let now_us = context.clock.wall_us();
    Ok(Some(StoredStatus::of(store.address(), &rows, now_us)))
}
