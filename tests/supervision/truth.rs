//! What is told of a stream is true, at every look: the dead are not called healthy, and the
//! quiet are not called dead.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use streamkit::{
    app::collect::{
        Link, Phase,
        health::{Sampler, Tally},
        snapshot::Shown,
    },
    domain::{
        alert::{Metric, readings},
        health::{HealthSnapshot, Pulse},
        row::StreamState,
    },
    exchange::sim::CutHow,
    store::sink::HealthQuery,
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::*;

/// What a page or an alert would be judged by at this moment.
fn health(shown: &Shown) -> HealthSnapshot {
    Sampler::new(Tally::default(), ".".into()).sample(shown, &[], 0, 0)
}

fn data_stale_s(health: &HealthSnapshot) -> f64 {
    let readings = readings(health);
    let stale = readings.iter().filter(|r| r.metric == Metric::DataStaleS);
    stale.map(|reading| reading.value).fold(0.0, f64::max)
}

/// Looks at the collector whenever anything changes, until it is ended.
struct Looks {
    is_over: Arc<AtomicBool>,
    task: JoinHandle<Vec<String>>,
}

impl Looks {
    /// `judge` says what is wrong at a look, if anything is.
    fn begin(
        running: &Running,
        mut judge: impl FnMut(&Shown) -> Option<String> + Send + 'static,
    ) -> Self {
        let (board, is_over) = (running.board.clone(), Arc::new(AtomicBool::new(false)));
        let over = Arc::clone(&is_over);
        let task = tokio::spawn(async move {
            let wrong = Mutex::new(Vec::new());
            board
                .wait_until(|shown| {
                    let is_over = over.load(Ordering::SeqCst);
                    if !is_over && let Some(what) = judge(shown) {
                        wrong.lock().expect("not poisoned").push(what);
                    }
                    is_over
                })
                .await;
            wrong.into_inner().expect("not poisoned")
        });
        Self { is_over, task }
    }

    /// What was wrong at any look.
    async fn end(self) -> Vec<String> {
        self.is_over.store(true, Ordering::SeqCst);
        timeout(PATIENCE, self.task)
            .await
            .expect("another look")
            .expect("no panic")
    }
}

/// Nothing but pings comes, on these connections and on all that follow.
fn go_mute(rig: &Rig) {
    strike(rig, Fault::new(FaultKind::PingsOnly { open: false }));
    rig.server.faults().pings_only();
}

fn are_all(shown: &Shown, link: Link) -> bool {
    shown.symbols.iter().all(|symbol| symbol.link == link)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mute_stream_is_at_no_look_called_healthy_until_trades_come_again() {
    let mut rig = Rig::start(busy()).await;
    scale(&mut rig);
    rig.settings.limits.health_interval = Duration::from_millis(30);
    rig.settings.limits.expected_check = Duration::from_millis(300);
    let running = rig.collect();
    running.until_taken(3000).await;
    running
        .until("health", |shown| health(shown).complaints().is_empty())
        .await;
    go_mute(&rig);
    running
        .until("both to be found dead", |shown| {
            shown.symbols.iter().all(|s| s.pulse == Pulse::Dead)
        })
        .await;
    let silence_us = Mutex::new(0);
    let looks = Looks::begin(&running, move |shown| {
        let mut silence_us = silence_us.lock().expect("not poisoned");
        let before_us = std::mem::replace(&mut *silence_us, shown.symbols[0].silence_us);
        if before_us > *silence_us {
            return Some(format!("its silence fell from {before_us} to {silence_us}"));
        }
        let complaints = health(shown).complaints();
        (complaints.len() < 2).then(|| format!("only {complaints:?}: {shown:#?}"))
    });
    let found_us = running.board.read().symbols[0].silence_us;
    let up = running.count("symbol.up");
    let mute = async {
        let (store, begun) = (rig.store(), Instant::now());
        let mut since_us = None;
        // Through reconnections and rebuildings.
        while running.count("remedy.failed") < 12 {
            let rows = store.health(&HealthQuery::default()).await.expect("rows");
            let since_us = *since_us.get_or_insert_with(|| {
                rows.iter()
                    .map(|row| row.heartbeat_at_us)
                    .max()
                    .expect("a row")
            });
            for row in rows.iter().filter(|row| row.heartbeat_at_us > since_us) {
                assert_ne!(row.state, StreamState::Live, "{row:?}");
                assert_ne!(row.state, StreamState::Quiet, "{row:?}");
            }
            assert!(begun.elapsed() < PATIENCE, "the ladder stands still");
            sleep(Duration::from_millis(10)).await;
        }
    };
    mute.await;
    let shown = running.board.read();
    assert!(shown.symbols[0].silence_us > found_us + 1_000_000);
    assert!(shown.symbols[0].age_us.is_some(), "{shown:#?}");
    assert!(running.count("symbols.missing") > 0);
    assert_eq!(looks.end().await, Vec::<String>::new());
    assert_eq!(running.count("remedy.helped"), 0);
    assert_eq!(running.count("symbol.up"), up);
    rig.server.faults().clear();
    running
        .until("health", |shown| health(shown).complaints().is_empty())
        .await;
    assert_eq!(running.count("remedy.helped"), 2);
    running
        .until("both to be up", |_| running.count("symbol.up") == up + 2)
        .await;
    running.until_more(300).await;
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
}

/// One trade in 17 s at full size: the pauses between its trades are often longer than the
/// shortest silence after which the exchange is asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_symbol_that_stays_mute_leads_up_the_whole_ladder() {
    let mut rig = Rig::start(Config {
        symbols: vec!["BTCUSDT".to_owned()],
        rate: Rate::PerSecond(3.0),
        ..busy()
    })
    .await;
    scale(&mut rig);
    let restarts = &mut rig.settings.limits.tasks.restarts;
    (restarts.restarts, restarts.window_us) = (2, 600_000_000);
    let running = rig.collect();
    running
        .until("a live trade", |shown| shown.symbols[0].age_us.is_some())
        .await;
    go_mute(&rig);
    let events = Arc::clone(&running.events);
    let ended = timeout(2 * PATIENCE, running.task).await.expect("it ends");
    let error = ended.expect("no panic").expect_err("nothing has helped");
    assert!(matches!(error, CollectError::Escalated(_)), "{error}");
    let events = events.lock().expect("not poisoned");
    assert!(events.iter().all(|event| event.code() != "remedy.helped"));
    let failed = events.iter().filter_map(|event| match event {
        Event::RemedyFailed {
            remedy, failures, ..
        } => Some((*remedy, *failures)),
        _ => None,
    });
    let (reconnect, rebuild) = (Remedy::Reconnect, Remedy::Rebuild);
    let ladder = [
        reconnect, reconnect, reconnect, rebuild, reconnect, rebuild, reconnect,
    ];
    assert_eq!(
        failed.collect::<Vec<_>>(),
        ladder.into_iter().zip(1..).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_symbol_and_no_history_leave_the_connection_of_a_busy_one_alone() {
    let (rig, running) = misbehaving(&[]).await;
    running.until_taken(3000).await;
    let how = CutHow::Rst;
    strike(&rig, Fault::new(FaultKind::RestDown { how }));
    let mute = FaultKind::MuteSymbol { open: true };
    strike(&rig, Fault::new(mute).symbol("ETHUSDT").times(1));
    running
        .until("a long silence", |shown| {
            shown.symbols[1].silence_us > 4_000_000
        })
        .await;
    let shown = running.board.read();
    assert_eq!(shown.symbols[0].phase, Phase::Live);
    assert_eq!(shown.totals.reconnects, 0);
    for code in ["stream.dead", "stream.disconnected", "symbol.down"] {
        assert_eq!(running.count(code), 0, "{code}");
    }
    let complaints = health(&shown).complaints();
    assert!(
        matches!(&complaints[..], [one] if one.starts_with("ETHUSDT is silent")),
        "{complaints:?}"
    );
    // Once it can be asked the symbol is mended, and nothing but that.
    rig.server.faults().clear();
    running.until_more(300).await;
    assert_eq!(running.board.read().totals.reconnects, 0);
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
}

/// A collector of a tape that has come to its end.
async fn quiet() -> (Rig, Running) {
    let mut rig = Rig::start(Config {
        length: Some(4000),
        ..busy()
    })
    .await;
    scale(&mut rig);
    let running = rig.collect();
    running.until_taken(4000).await;
    running
        .until("quiet", |shown| are_all(shown, Link::Quiet))
        .await;
    (rig, running)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_in_a_quiet_market_makes_nothing_stale_and_nobody_complain() {
    let (rig, running) = quiet().await;
    running
        .until("a long silence", |shown| {
            shown.symbols.iter().all(|s| s.silence_us > 2_000_000)
        })
        .await;
    let cut = Instant::now();
    let looks = Looks::begin(&running, move |shown| {
        let health = health(shown);
        let (stale_s, complaints) = (data_stale_s(&health), health.complaints());
        let since_s = cut.elapsed().as_secs_f64();
        let is_connecting = shown.symbols.iter().any(|s| s.phase != Phase::Live);
        (stale_s > since_s || !(complaints.is_empty() || is_connecting))
            .then(|| format!("stale for {stale_s} s, {since_s} s after the cut; {complaints:?}"))
    });
    rig.server.faults().cut(CutHow::Rst);
    running
        .until("a new connection", |shown| shown.totals.reconnects == 1)
        .await;
    running
        .until("quiet again", |shown| are_all(shown, Link::Quiet))
        .await;
    assert_eq!(looks.end().await, Vec::<String>::new());
    assert!(data_stale_s(&health(&running.board.read())) == 0.0);
    running
        .until("both to be up", |_| {
            running.count("symbol.up") == running.count("symbol.down") + 2
        })
        .await;
    assert_eq!(running.count("stream.dead"), 0);
    running.stop().await.expect("a graceful stop");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_market_that_is_quiet_after_a_remedy_is_left_alone() {
    let mut rig = Rig::start(Config {
        length: Some(4000),
        ..busy()
    })
    .await;
    scale(&mut rig);
    let running = rig.collect();
    running.until_taken(2600).await;
    go_mute(&rig);
    running.until_event("stream.dead").await;
    // All that is left of the tape is only to be fetched.
    running.until_taken(4000).await;
    rig.server.faults().clear();
    running
        .until("quiet", |shown| {
            are_all(shown, Link::Quiet) && health(shown).complaints().is_empty()
        })
        .await;
    let dead = running.count("stream.dead");
    let looks = Looks::begin(&running, |shown| {
        let health = health(shown);
        let is_quiet = shown.symbols.iter().all(|s| s.pulse == Pulse::Quiet);
        (!is_quiet || !health.complaints().is_empty() || data_stale_s(&health) > 0.0)
            .then(|| format!("{shown:#?}"))
    });
    let asked = running.board.read().totals.quiet_confirmed;
    running
        .until("more confirmations", |shown| {
            shown.totals.quiet_confirmed >= asked + 8
        })
        .await;
    assert_eq!(looks.end().await, Vec::<String>::new());
    assert_eq!(running.count("stream.dead"), dead);
    assert_eq!(running.count("remedy.helped"), 0, "nothing has shown that");
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_that_wants_no_questions_in_a_quiet_market_is_waited_for() {
    let mut rig = Rig::start(Config {
        length: Some(3000),
        ..busy()
    })
    .await;
    scale(&mut rig);
    let running = rig.collect();
    running.until_taken(3000).await;
    running
        .until("quiet", |shown| are_all(shown, Link::Quiet))
        .await;
    let ban = FaultKind::RestStatus {
        status: 418,
        retry_after_s: Some(3600),
    };
    strike(&rig, Fault::new(ban));
    running
        .until("the wait to count as work", |shown| {
            shown.totals.refused_checks > 20
        })
        .await;
    assert_eq!(running.count("stream.dead"), 0);
    assert_eq!(running.board.read().totals.reconnects, 0);
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_that_cannot_be_fetched_make_data_stale_although_live_trades_come() {
    let (rig, running) = misbehaving(&[]).await;
    running.until_taken(3000).await;
    let how = CutHow::Rst;
    strike(&rig, Fault::new(FaultKind::RestDown { how }));
    let skip = FaultKind::Skip {
        every: 1,
        ids: Vec::new(),
    };
    strike(&rig, Fault::new(skip).symbol("BTCUSDT").times(1));
    running
        .until("stale data", |shown| {
            shown.symbols[0].pulse == Pulse::Fresh && data_stale_s(&health(shown)) > 1.0
        })
        .await;
    rig.server.faults().clear();
    running
        .until("the ids to be here", |shown| {
            shown.symbols[0].phase == Phase::Live && data_stale_s(&health(shown)) == 0.0
        })
        .await;
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
}
