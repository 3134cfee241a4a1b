//! The archive as a source of trades, against a real HTTP server on loopback with every
//! fault that an archive can have.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it saw"
)]

mod content;
mod delivery;
mod processes;
mod random;
mod scene;
mod served;
#[path = "../common/tape.rs"]
mod tape;
