//! The sim's trades as those of the domain, which share no code.

pub use streamkit::app::probe::oracle::domain_trade;
