//! Binance spot: the live stream and the history over REST.
