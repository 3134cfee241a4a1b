//! Binance spot: the live stream, history by id, and files of trades.

mod digits;
mod excerpt;
mod row;
pub mod symbols;
pub mod wire;
