//! The made-up exchange that `collect --exchange sim` runs inside, as flags.

use clap::Args;

use crate::{
    domain::symbol::Symbol,
    exchange::sim::{Config, Rate},
};

/// Which tape it plays, and how fast.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "With --exchange sim")]
pub struct SimArgs {
    /// The seed of its tape
    #[arg(long, hide_short_help = true, value_name = "N", default_value_t = 1)]
    sim_seed: u64,
    /// Trades a second and symbol, or max for as fast as they are taken
    #[arg(
        long,
        hide_short_help = true,
        value_name = "RATE",
        default_value = "10"
    )]
    sim_rate: Rate,
    /// Play the tape from its beginning with so many trades past, not by the clock
    #[arg(long, hide_short_help = true, value_name = "N")]
    sim_history: Option<u64>,
    /// Trades of a day of a played tape [default: the rate over a day]
    #[arg(
        long,
        hide_short_help = true,
        value_name = "N",
        requires = "sim_history"
    )]
    sim_trades_per_day: Option<u64>,
}

impl SimArgs {
    /// The settings of a sim exchange that serves `symbols`.
    pub fn config(&self, symbols: &[Symbol]) -> Config {
        Config {
            seed: self.sim_seed,
            symbols: symbols.iter().map(ToString::to_string).collect(),
            rate: self.sim_rate,
            history: self.sim_history,
            trades_per_day: self.sim_trades_per_day,
            // It is asked for a whole day at once, by this program alone.
            weight_limit: u32::MAX,
            ..Config::default()
        }
    }
}
