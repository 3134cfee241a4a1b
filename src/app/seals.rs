//! Seals: periods that are whole become rows that anyone can join against.
//!
//! Nobody shares a transaction with those who write bars, perhaps in another process or on
//! another machine. So both look twice: whoever writes bars takes back the seals of their
//! periods [before and after](unsealing), and whoever seals [reads the bars](sealing) before
//! and after, and takes his seal back when they are not the same. Either the bars are there
//! at the second reading, or the seal is there at the writer's second look.

pub mod check;
pub mod diff;
pub mod sealing;
pub mod unsealing;

pub use check::{CheckRequest, SETTLE, UnsealedPeriod, check};
pub use diff::{DiffRequest, StoreDiff, diff};
pub use sealing::{Confirmed, SealRequest, Sealing, confirm, seal};
pub use unsealing::unseal;

#[cfg(test)]
mod tests;
