//! What a run of the watchdog ended in: for people, for Nagios, as JSON, and for Prometheus.

pub mod human;
pub mod json;
pub mod nagios;
pub mod prometheus;
#[cfg(test)]
mod testing;
mod words;
