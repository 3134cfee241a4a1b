//! What the program says about itself while it runs: the log.

pub mod log;
