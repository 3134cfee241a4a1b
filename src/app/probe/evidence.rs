//! What is kept of a run that has failed, beside its log, its journal and its store.

use std::{
    fs,
    io::{self, BufWriter, Write},
    path::Path,
};

use super::{
    bench::load::SYMBOLS, oracle::Oracle, outcome::RunOutcome, scenario::Scenario,
    settings::Settings,
};

/// So many trades behind the last one that was seen belong to what is kept.
const AHEAD: i64 = 1000;

/// Writes what was measured, how to run it again, and the tape as far as it was played.
///
/// # Errors
/// When a file cannot be written.
pub fn keep(
    scenario: &Scenario,
    settings: &Settings,
    ran: &RunOutcome,
    directory: &Path,
) -> io::Result<()> {
    let described = serde_json::json!({
        "scenario": scenario.name,
        "seed": ran.seed,
        "time_scale": settings.scale,
        "run": ran,
        "timeline": ran.timeline,
        "again": settings.again(scenario.name, ran.seed),
    });
    let text = serde_json::to_vec_pretty(&described)?;
    fs::write(directory.join("run.json"), text)?;
    let last = ran.timeline.samples.last();
    let played = last.map_or(0, |sample| sample.trades_in);
    let count = i64::try_from(played).unwrap_or(0) / SYMBOLS.len() as i64 + AHEAD;
    // Without a tape there is nothing to keep of it.
    let Ok(oracle) = Oracle::new(&scenario.load.tape(ran.seed, directory), settings.anchor) else {
        return Ok(());
    };
    for symbol in SYMBOLS {
        let path = directory.join(format!("tape-{symbol}.csv"));
        let mut file = BufWriter::new(fs::File::create(path)?);
        let first_id = oracle.first_id(symbol).unwrap_or(0);
        let written = oracle.write(symbol, first_id + count, &mut file);
        written.map_err(io::Error::other)?;
        file.flush()?;
    }
    Ok(())
}
