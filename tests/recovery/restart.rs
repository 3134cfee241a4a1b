//! Beginnings and ends: nothing depends on when a collector ran.

use std::sync::{Arc, Mutex};

use streamkit::domain::crash::{CrashPoint, CrashPoints};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_faults_every_bar_is_exact_across_days() {
    let (rig, running) = collecting(busy()).await;
    running.until_taken(14_000).await;
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
    let bars = rig.stored(&symbol("BTCUSDT"), dbps(250)).await;
    assert!(
        bars.iter()
            .filter(|row| row.bar.closed_by == ClosedBy::Anchor)
            .count()
            >= 2
    );
    assert_eq!(
        summary.shown.totals.fallbacks, 0,
        "the scanner reads every message"
    );
    assert_eq!(summary.shown.totals.reconnects, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_goes_on_from_the_checkpoint_whatever_was_missed() {
    let (rig, running) = collecting(busy()).await;
    running.stop().await.expect("a graceful stop");
    let running = rig.collect();
    running.until_event("series.resumed").await;
    running.until_more(1000).await;
    assert_eq!(running.count("series.started"), 0);
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_threshold_added_at_a_restart_is_complete_from_its_period_on() {
    // All within one day, so that the new series starts with the tape.
    let config = Config {
        trades_per_day: Some(1_000_000),
        ..busy()
    };
    let (mut rig, running) = collecting(config).await;
    running.stop().await.expect("a graceful stop");
    rig.settings.thresholds = vec![dbps(25), dbps(50), dbps(250)];
    let running = rig.collect();
    running.until_event("series.started").await;
    running.until_more(1500).await;
    running.stop().await.expect("a graceful stop");
    // A threshold that was left out comes back and goes on where it was.
    rig.settings.thresholds = vec![dbps(25), dbps(50), dbps(100), dbps(250)];
    let running = rig.collect();
    running.until_more(500).await;
    assert_eq!(running.count("series.started"), 0);
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_was_deleted_is_made_up_for_from_the_store() {
    let (rig, running) = collecting(busy()).await;
    running.until_taken(8000).await;
    running.stop().await.expect("a graceful stop");
    std::fs::remove_dir_all(rig.state_dir()).expect("deleted");
    let running = rig.collect();
    running.until_event("series.started").await;
    // Until it has caught up, the store holds bars that lie ahead of it.
    running
        .until("both to be live", |s| {
            s.symbols.iter().all(|s| s.phase == Phase::Live)
        })
        .await;
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_symbol_that_the_exchange_does_not_know_leaves_nothing_behind() {
    let mut rig = Rig::start(busy()).await;
    rig.settings.symbols = vec![symbol("BTCUSDT"), symbol("NOSUCH")];
    let running = rig.collect();
    let ended = tokio::time::timeout(common::PATIENCE, running.task).await;
    let error = ended.expect("it ends").expect("no panic");
    let error = error.expect_err("an unknown symbol").to_string();
    assert!(error.contains("NOSUCH"), "{error}");
    assert_eq!(left_behind(&rig), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_cannot_be_reached_leaves_no_journal_behind() {
    let mut rig = Rig::start(busy()).await;
    rig.store_address = "clickhouse://nobody@127.0.0.1:1/none"
        .parse()
        .expect("an address");
    let running = rig.collect();
    let ended = tokio::time::timeout(common::PATIENCE, running.task).await;
    let error = ended.expect("it ends").expect("no panic");
    let error = error.expect_err("no store").to_string();
    assert!(error.contains("127.0.0.1:1"), "{error}");
    assert_eq!(left_behind(&rig), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_directory_that_cannot_be_made_leaves_no_tables_behind() {
    let rig = Rig::start(busy()).await;
    std::fs::write(rig.state_dir(), "in the way").expect("written");
    let running = rig.collect();
    let ended = tokio::time::timeout(common::PATIENCE, running.task).await;
    let error = ended.expect("it ends").expect("no panic");
    let error = error.expect_err("no directory").to_string();
    assert!(error.contains("state"), "{error}");
    assert_eq!(left_behind(&rig), ["state"]);
}

/// The files and directories of a rig.
fn left_behind(rig: &Rig) -> Vec<String> {
    std::fs::read_dir(rig.directory.path())
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_threshold_added_while_the_store_is_down_does_not_stop_the_others() {
    let config = Config {
        trades_per_day: Some(1_000_000),
        ..busy()
    };
    let (mut rig, running) = collecting(config).await;
    running.stop().await.expect("a graceful stop");
    rig.settings.thresholds = vec![dbps(25), dbps(50), dbps(100), dbps(250)];
    // The store is down: its file is out of the way, and a directory is in its place.
    let (path, aside) = (rig.store_path(), rig.directory.path().join("aside"));
    std::fs::rename(&path, &aside).expect("renamed");
    std::fs::create_dir(&path).expect("made");
    let running = rig.collect();
    running.until_event("series.start_delayed").await;
    assert_eq!(running.count("series.started"), 0);
    running.until_more(1000).await;
    running
        .until("both to be live without the new series", |s| {
            s.symbols.iter().all(|s| s.phase == Phase::Live)
        })
        .await;
    std::fs::remove_dir(&path).expect("removed");
    std::fs::rename(&aside, &path).expect("renamed");
    running
        .until("the new series to start", |_| {
            running.count("series.started") == 2
        })
        .await;
    // Until it has caught up, the store holds bars that lie ahead of it.
    running
        .until("both to be live with it", |s| {
            s.symbols.iter().all(|s| s.phase == Phase::Live)
        })
        .await;
    running.until_event("delivery.recovered").await;
    finish(rig, running).await;
}

/// The series of one threshold sleeps for longer than is fetched again, and is woken up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_threshold_that_slept_too_long_leaves_a_hole_and_names_its_remedy() {
    // It sleeps for more than two days of the tape, and as much is fetched again at most.
    let config = Config {
        rate: Rate::PerSecond(4000.0),
        trades_per_day: Some(5000),
        ..ending(24_000)
    };
    let (mut rig, running) = collecting(config).await;
    rig.settings.limits.resume_reach = Duration::from_secs(2 * 86_400);
    running.stop().await.expect("a graceful stop");
    rig.settings.thresholds = vec![dbps(25), dbps(250)];
    let running = rig.collect();
    running.until_reached(12_000).await;
    running.stop().await.expect("a graceful stop");
    let name = symbol("BTCUSDT");
    let slept = rig.stored(&name, dbps(100)).await;
    let slept_at_id = slept.last().expect("a bar").bar.last_agg_trade_id;

    rig.settings.thresholds = vec![dbps(25), dbps(100), dbps(250)];
    let running = rig.collect();
    running.until_event("gap.left").await;
    running
        .until("both to run", |shown| {
            shown.symbols.iter().all(|s| s.phase != Phase::Starting)
        })
        .await;
    let first_id = running.board.read().symbols[0].first_id;
    assert!(
        first_id > slept_at_id + 6000,
        "{first_id}: it is fetched again from {slept_at_id} on"
    );
    running
        .until("the end of the tape", |shown| {
            shown.symbols.iter().all(|s| s.link == Link::Quiet)
        })
        .await;
    let summary = running.stop().await.expect("a graceful stop");
    let gaps = rig.gaps().await;
    let gap = gaps
        .iter()
        .find(|gap| gap.symbol == name && gap.state == GapState::Open)
        .unwrap_or_else(|| panic!("no hole in {gaps:?}"));
    assert_eq!(gap.first_id, slept_at_id + 1, "where the stored bars end");
    let last_id = summary.shown.symbols[0].next_id - 1;
    let expected = rig.expected(&name, dbps(100), (gap.last_id + 1, last_id));
    let stored = rig.stored(&name, dbps(100)).await;
    let woken: Vec<_> = stored
        .into_iter()
        .map(|row| row.bar)
        .filter(|bar| bar.first_agg_trade_id > gap.last_id)
        .collect();
    assert!(!woken.is_empty());
    assert_eq!(woken, expected);
    // The others are whole.
    rig.settings.thresholds = vec![dbps(25), dbps(250)];
    rig.assert_exact(&summary).await;
}

/// The journal's disk fills up: what is shown must not be the last good picture.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_is_being_rebuilt_is_shown_as_down() {
    let mut rig = Rig::start(busy()).await;
    rig.settings.limits.journal_max_pages = Some(400);
    rig.settings.limits.reconnect_min = Duration::from_millis(400);
    rig.settings.limits.batch_age = common::PATIENCE;
    rig.settings.limits.batch_rows = 1_000_000;
    rig.settings.record_trades = true;
    let running = rig.collect();
    running
        .until("both to be live", |shown| {
            let mut symbols = shown.symbols.iter();
            symbols.all(|s| s.phase == Phase::Live && s.link == Link::Up)
        })
        .await;
    assert_eq!(running.count("journal.commit_failed"), 0);
    running.until_event("journal.commit_failed").await;
    running
        .until("the link to be shown as down", |shown| {
            let mut symbols = shown.symbols.iter();
            symbols.all(|s| s.phase == Phase::Starting && s.link == Link::Down)
        })
        .await;
    // That nothing more can be committed is no graceful end.
    drop(running.stop().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_that_hangs_while_a_symbol_starts_does_not_delay_a_stop() {
    let (mut rig, running) = collecting(busy()).await;
    running.stop().await.expect("a graceful stop");
    // The new threshold makes both symbols ask before they can go on.
    rig.settings.thresholds.push(dbps(500));
    rig.binance.request_deadline = common::PATIENCE * 4;
    rig.settings.limits.stop_timeout = Duration::from_secs(2);
    strike(&rig, Fault::new(FaultKind::RestHang {}));
    let struck = rig.server.stats().faults_struck;
    let running = rig.collect();
    running
        .until("both symbols to ask", |_| {
            rig.server.stats().faults_struck >= struck + 2
        })
        .await;
    let stopping = tokio::time::Instant::now();
    running.stop().await.expect("a graceful stop");
    let took = stopping.elapsed();
    assert!(took < Duration::from_secs(1), "it took {took:?}");
    // The journal is let go of, so that another collector may have it.
    rig.server.faults().clear();
    rig.binance.request_deadline = Duration::from_millis(500);
    let running = rig.collect();
    // Until it has caught up, the store holds bars that lie ahead of it.
    running
        .until("both to be live", |s| {
            s.symbols.iter().all(|s| s.phase == Phase::Live)
        })
        .await;
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_symbols_are_checked_at_once() {
    let names: Vec<String> = (0..20).map(|n| format!("COIN{n}USDT")).collect();
    let config = Config {
        symbols: names,
        rate: Rate::PerSecond(100.0),
        history: Some(10),
        ..busy()
    };
    let rig = Rig::start(config).await;
    strike(&rig, Fault::new(FaultKind::RestDelay { delay_ms: 300 }));
    let begun = tokio::time::Instant::now();
    let running = rig.collect();
    running
        .until("the sessions to begin", |shown| {
            shown.symbols.iter().any(|s| s.link != Link::Down)
        })
        .await;
    let took = begun.elapsed();
    assert!(
        took < Duration::from_secs(3),
        "one after the other: {took:?}"
    );
    running.stop().await.expect("a graceful stop");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spool_that_is_full_stops_consuming_until_it_drains() {
    let mut rig = Rig::start(busy()).await;
    rig.settings.limits.spool_size_bytes = 20_000;
    rig.settings.thresholds = vec![dbps(5), dbps(25)];
    let running = rig.collect();
    running.until_event("spool.full").await;
    running.until_event("spool.drained").await;
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_trades_are_the_tape_each_once_across_a_restart() {
    let mut rig = Rig::start(busy()).await;
    rig.settings.record_trades = true;
    let running = rig.collect();
    running.until_taken(3500).await;
    running.stop().await.expect("a graceful stop");
    let running = rig.collect();
    running.until_more(1500).await;
    let summary = running.stop().await.expect("a graceful stop");
    assert_eq!(summary.spool.rows, 0);
    let database = rusqlite::Connection::open(rig.store_path()).expect("a database");
    for shown in &summary.shown.symbols {
        let tape = rig.server.tape();
        let first_id = tape
            .first_id(shown.symbol.as_str())
            .expect("a tape")
            .expect("a trade");
        let (count, least, most): (i64, i64, i64) = database
            .query_row(
                "SELECT count(*), min(agg_trade_id), max(agg_trade_id) FROM trades WHERE symbol = ?1",
                [shown.symbol.as_str()],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .expect("trades");
        assert_eq!((least, most), (first_id, shown.next_id - 1));
        assert_eq!(count, most - least + 1, "each once");
        let wanted = &rig.tape(&shown.symbol, first_id + 3000, first_id + 3000)[0];
        let (price, time_us): (String, i64) = database
            .query_row(
                "SELECT price, trade_time FROM trades WHERE symbol = ?1 AND agg_trade_id = ?2",
                rusqlite::params![shown.symbol.as_str(), wanted.id],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .expect("a trade");
        assert_eq!((price, time_us), (wanted.price.to_string(), wanted.time_us));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_hangs_is_felt_as_back_pressure_and_not_taken_for_a_dead_stream() {
    let mut rig = Rig::start(busy()).await;
    rig.settings.record_trades = true;
    rig.settings.limits.commit_rows = 100;
    let hangs = Arc::new(Mutex::new(()));
    let gate = Arc::clone(&hangs);
    rig.settings.crash = CrashPoints::armed(move |point| {
        if point == CrashPoint::JournalBeforeCommit {
            drop(gate.lock().expect("not poisoned"));
        }
    });
    let running = rig.collect();
    running.until_taken(3000).await;
    let hanging = hangs.lock().expect("not poisoned");
    // Longer than any silence that would be asked about; nothing announces its end.
    std::thread::park_timeout(Duration::from_millis(1500));
    drop(hanging);
    running.until_more(100).await;
    assert_eq!(running.count("stream.dead"), 0);
    finish(rig, running).await;
}

/// The stop and the ends of the sessions that follow it are noticed in one moment here.
#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "the runtime that would notice the stop has to be busy meanwhile"
)]
fn sessions_that_end_with_the_stop_have_not_failed() {
    let exchange = tokio::runtime::Runtime::new().expect("a runtime");
    let rig = exchange.block_on(Rig::start(ending(3000)));
    let is_live = |shown: &Shown| {
        let mut symbols = shown.symbols.iter();
        symbols.all(|symbol| symbol.phase == Phase::Live)
    };
    let collecting = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    collecting.block_on(async {
        for _ in 0..8 {
            let running = rig.collect();
            running.until("live", is_live).await;
            running.stop.cancel();
            std::thread::sleep(Duration::from_millis(150));
            running.stop().await.expect("a graceful stop");
        }
    });
}
