//! `spool flush` beside a collector that delivers all the time.

use serde_json::Value;

use crate::{
    common::process::{run, text},
    kills::Killing,
};

/// How often the spool is flushed while trades flow.
const FLUSHES: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushing_beside_a_collector_sends_nothing_twice() {
    let Some(killing) = Killing::new("beside", 12_000) else {
        return;
    };
    let mut collector = killing.begin(&[]);
    let (mut flushed, mut verdicts) = (0, Vec::new());
    for _ in 0..FLUSHES {
        let output =
            run(killing
                .command("spool")
                .args(["flush", "--deadline", "20s", "-o", "json"]));
        let told: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
        flushed += told["rows_delivered"].as_u64().expect("a number");
        verdicts.push((output.status.code(), told["held_by"].is_string()));
    }
    collector.terminate();
    assert!(collector.wait().success());
    killing.finish().await;
    let confirmed = killing.proxy.confirmed();
    eprintln!(
        "{flushed} rows flushed, {} batches in all, {verdicts:?}",
        confirmed.len()
    );
    // Who never gets the lease from a busy collector is told so; nothing else may be left.
    for verdict in &verdicts {
        assert!(
            matches!(verdict, (Some(0), _) | (Some(75), true)),
            "{verdict:?}"
        );
    }
    // The collector delivers most of it itself, and how much it leaves is a matter of chance:
    // `spool::beside` shows that a flush delivers beside a collector.
    assert!(confirmed.len() > FLUSHES, "{confirmed:?}");
    let twice: Vec<_> = confirmed.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "confirmed more than once: {twice:?}");
}
