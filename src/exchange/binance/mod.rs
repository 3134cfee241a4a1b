//! Binance spot: the live stream, history by id, the archive, and files of trades.

mod adapter;
pub mod archive;
mod client;
mod connects;
pub mod csv;
mod digits;
mod endpoints;
mod excerpt;
mod gate;
mod rest;
mod row;
mod settings;
mod stream;
pub mod symbols;
pub mod wire;

pub use adapter::Binance;
pub use settings::{Settings, SettingsError};
pub use stream::MAX_STREAMS;
