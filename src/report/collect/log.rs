//! Events as log lines.

use crate::app::collect::{Emit, Event, Severity};

/// Logs every event at the level of its severity, with its stable code and symbol.
#[must_use]
pub fn events_to_log() -> Emit {
    Emit::new(log)
}

fn log(event: &Event) {
    let code = event.code();
    let text = match event.symbol() {
        Some(symbol) => format!("{symbol} {event}"),
        None => event.to_string(),
    };
    match event.severity() {
        Severity::Detail => tracing::debug!(code, "{text}"),
        Severity::Info => tracing::info!(code, "{text}"),
        Severity::Warning => tracing::warn!(code, "{text}"),
        Severity::Critical => tracing::error!(code, "CRITICAL {text}"),
    }
}
