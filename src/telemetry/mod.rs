//! What the program says about itself while it runs: the log, pages for watchers, signs of
//! life for a service manager.

pub mod http;
pub mod log;
pub mod metrics;
pub mod systemd;
