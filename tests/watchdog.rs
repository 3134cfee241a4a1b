//! The watchdog as cron runs it: a process, a store, a unit.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

#[path = "watchdog/cases.rs"]
mod cases;
#[path = "watchdog/frozen.rs"]
mod frozen;
#[path = "../src/report/json_schema.rs"]
mod json_schema;
#[path = "watchdog/outage.rs"]
mod outage;
#[path = "watchdog/restart.rs"]
mod restart;
#[path = "watchdog/said.rs"]
mod said;
#[path = "watchdog/scene.rs"]
mod scene;
#[path = "watchdog/sources.rs"]
mod sources;
#[path = "watchdog/target.rs"]
mod target;
