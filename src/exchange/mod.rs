//! Exchanges: where trades come from.

pub mod binance;
pub mod sim;
pub mod source;
