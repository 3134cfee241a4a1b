//! Backfills make stored bars complete and exact, whatever was there and whatever happens
//! meanwhile.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

#[path = "backfill/direct.rs"]
mod direct;
#[path = "backfill/faults.rs"]
mod faults;
#[path = "backfill/holes.rs"]
mod holes;
#[path = "backfill/input.rs"]
mod input;
#[path = "backfill/scene.rs"]
mod scene;
#[path = "backfill/workers.rs"]
mod workers;
