//! The spool as an operator meets it: what the store refuses, commands beside a running
//! collector, full disks and damaged files, processes that die between any two steps.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it saw"
)]

#[path = "spool/beside.rs"]
mod beside;
#[path = "spool/bounds.rs"]
mod bounds;
#[path = "common/mod.rs"]
mod common;
#[path = "spool/damage.rs"]
mod damage;
#[path = "spool/disk.rs"]
mod disk;
#[path = "spool/place.rs"]
mod place;
#[path = "spool/refused.rs"]
mod refused;
#[path = "spool/scene.rs"]
mod scene;
