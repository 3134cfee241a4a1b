//! How collecting looks: log lines, a live table on a terminal, a summary at the end.

pub mod bars;
pub mod columns;
pub mod counters;
pub mod heartbeat;
pub mod live;
pub mod log;
pub mod rate;
pub mod summary;
