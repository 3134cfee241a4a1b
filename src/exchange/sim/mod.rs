//! A Binance-compatible exchange on loopback.
