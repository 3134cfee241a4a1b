//! Periods are sealed once they are whole in the store, whoever collects them and whatever
//! happens meanwhile; and two stores are compared by what they hold.
//!
//! A UTC day of the tape passes in a second or two, so that days are over while they are
//! watched.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

#[path = "seals/diff.rs"]
mod diff;
#[path = "seals/rewrite.rs"]
mod rewrite;
#[path = "seals/scene.rs"]
mod scene;
#[path = "seals/sealing.rs"]
mod sealing;
