//! Whatever happens between a collector and ClickHouse, each bar ends up there exactly once.
//!
//! Trades flow at 2000 a second while the server is killed, frozen and restarted, while a
//! proxy before it breaks connections in every way, and while the collector itself is
//! killed. Afterwards the table holds what the plain reference builder makes of the
//! tape; while it lasts, no bar may ever be visible before the one that it follows.
//!
//! The tests need a ClickHouse (scripts/with-clickhouse). Under `STREAMKIT_SOAK` outages
//! last as long as real ones.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it saw"
)]

#[path = "delivery/beside.rs"]
mod beside;
#[path = "common/mod.rs"]
mod common;
#[path = "delivery/faults.rs"]
mod faults;
#[path = "delivery/heartbeat.rs"]
mod heartbeat;
#[path = "delivery/kills.rs"]
mod kills;
#[path = "delivery/outage.rs"]
mod outage;
#[path = "delivery/rewrite.rs"]
mod rewrite;
#[path = "delivery/scene.rs"]
mod scene;
