//! Exchanges: where trades come from.

pub mod binance;
pub mod dial;
pub mod hosts;
pub mod sim;
pub mod socket;
pub mod source;
pub mod tls;
