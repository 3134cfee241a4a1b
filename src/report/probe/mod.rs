//! What failures cost, for people and for programs.

pub mod html;
pub mod json;
pub mod list;
pub mod progress;
pub mod table;

use std::time::Duration;

/// A time in ms for people: `850ms`, `1.2s`, `75s`.
fn seconds(ms: Option<u64>) -> String {
    match ms {
        None => "never".to_owned(),
        Some(ms) if ms < 1000 => format!("{ms}ms"),
        Some(ms) => {
            let seconds = Duration::from_millis(ms).as_secs_f64();
            format!("{seconds:.1}s")
        }
    }
}

/// Bytes for people: `24 MiB`.
fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

#[cfg(test)]
mod tests;
