//! The sim exchange seen from outside: over its socket, with a WebSocket client and
//! HTTP requests that know nothing of its insides.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it saw"
)]

mod client;
mod connection_faults;
mod message_faults;
mod rest;
mod rest_faults;
mod streams;
