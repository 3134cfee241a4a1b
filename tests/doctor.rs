//! `doctor` on machines that are broken in one way each: it names what is broken, and the right
//! remedy. Everything is on loopback.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

#[path = "doctor/exchange.rs"]
mod exchange;
#[path = "doctor/machine.rs"]
mod machine;
#[path = "doctor/scene.rs"]
mod scene;
#[path = "doctor/store.rs"]
mod store;
