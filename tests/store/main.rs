//! Both stores pass one suite; what only one of them can meet has tests of its own.
//!
//! The tests of ClickHouse need a server in `CLICKHOUSE_URL` (scripts/with-clickhouse
//! starts one) and make a database each. Without it they say so and pass, except on CI.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it skips"
)]

mod clickhouse;
mod damage;
mod faults;
mod health;
mod newest;
mod outage;
mod place;
mod requests;
mod routine;
mod rows;
mod seals;
#[path = "../common/clickhouse.rs"]
mod server;
mod sqlite;
mod suite;
mod workers;
