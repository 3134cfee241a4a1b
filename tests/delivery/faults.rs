//! Each fault of the network and of the server's answers, several times.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    common::{
        PATIENCE,
        clickhouse::{OwnClickHouse, clickhouse_url},
        proxy::{Mode, Proxy},
        soak,
    },
    scene::Scene,
};

/// How often it is looked whether a server still lives.
const LOOK_AFTER: Duration = Duration::from_millis(500);

/// How a fault ends for the collector.
#[derive(PartialEq)]
enum Outcome {
    /// The attempt fails.
    Failure,
    /// It takes longer.
    Delay,
}

/// How often a fault strikes, and how long that may take: one that is waited out takes some
/// two seconds each time.
fn times() -> (u64, Duration) {
    let patience = PATIENCE * u32::try_from(1 + 4 * soak()).expect("few");
    (3 + 30 * soak(), patience)
}

/// Lets the fault strike so often while trades flow.
async fn strike(test: &str, mode: Mode, outcome: Outcome) {
    let Some(url) = clickhouse_url() else { return };
    let proxy = Proxy::start(&url);
    let mut scene = Scene::new(test, &url, &proxy.url()).await;
    if outcome == Outcome::Delay {
        scene.be_patient();
    }
    let running = scene.rig.collect();
    let watch = scene.watch();
    running.until_taken(2500).await;
    let (times, patience) = times();
    proxy.set(mode);
    proxy.until_hits(times, patience).await;
    if outcome == Outcome::Failure {
        // It strikes whoever asks the store for anything, seals and health included.
        let least = usize::try_from(times.div_ceil(2)).expect("few");
        running
            .until_events("delivery.failed", least, patience)
            .await;
    }
    proxy.set(Mode::Pass);
    scene.until_delivered(&running).await;
    if outcome == Outcome::Delay {
        assert_eq!(running.count("delivery.failed"), 0);
    }
    scene.finish(running, watch, true).await;
}

/// Resets connections to a server that may die of it: this build does, now and then, when a
/// connection ends while it reads the head of a request. It is started again then, and
/// other tests do not miss it.
async fn reset(test: &str, after_bytes: usize) {
    let Some(mut server) = OwnClickHouse::start().await else {
        return;
    };
    let proxy = Proxy::start(&server.url());
    let scene = Scene::new(test, &server.url(), &proxy.url()).await;
    let running = scene.rig.collect();
    let watch = scene.watch();
    running.until_taken(2500).await;
    let (times, patience) = times();
    proxy.set(Mode::ResetRequest { after_bytes });
    let mut deaths = 0;
    let strike = async {
        while timeout(LOOK_AFTER, proxy.hits_reach(times)).await.is_err() {
            if !server.answers().await {
                server.restart().await;
                deaths += 1;
            }
        }
    };
    let is_reached = timeout(patience, strike).await.is_ok();
    assert!(is_reached, "{} of {times} resets", proxy.hits());
    running.until_event("delivery.failed").await;
    proxy.set(Mode::Pass);
    if !server.answers().await {
        server.restart().await;
        deaths += 1;
    }
    eprintln!("the server died {deaths} times");
    scene.until_delivered(&running).await;
    scene.finish(running, watch, deaths == 0).await;
}

#[tokio::test]
async fn a_refused_connection_loses_nothing() {
    strike("refuse", Mode::Reset, Outcome::Failure).await;
}

#[tokio::test]
async fn a_reset_in_the_head_of_a_request_loses_nothing() {
    reset("reset_head", 0).await;
}

#[tokio::test]
async fn a_reset_in_the_body_of_a_request_loses_nothing() {
    reset("reset_body", 700).await;
}

#[tokio::test]
async fn a_reset_before_the_last_byte_loses_nothing() {
    reset("reset_end", usize::MAX >> 1).await;
}

#[tokio::test]
async fn an_answer_that_is_dropped_after_the_commit_stores_nothing_twice() {
    let mode = Mode::DropAnswer { one_in: 1 };
    strike("drop_answer", mode, Outcome::Failure).await;
}

#[tokio::test]
async fn every_second_answer_dropped_stores_nothing_twice() {
    let mode = Mode::DropAnswer { one_in: 2 };
    strike("drop_some", mode, Outcome::Failure).await;
}

#[tokio::test]
async fn a_500_with_the_server_s_words_loses_nothing() {
    let mode = Mode::ServerError { has_body: true };
    strike("error_body", mode, Outcome::Failure).await;
}

#[tokio::test]
async fn a_500_without_a_word_loses_nothing() {
    let mode = Mode::ServerError { has_body: false };
    strike("error_bare", mode, Outcome::Failure).await;
}

#[tokio::test]
async fn a_late_exception_loses_nothing() {
    let mode = Mode::LateException {
        is_committed: false,
    };
    strike("late", mode, Outcome::Failure).await;
}

#[tokio::test]
async fn a_late_exception_after_the_commit_stores_nothing_twice() {
    let mode = Mode::LateException { is_committed: true };
    strike("late_committed", mode, Outcome::Failure).await;
}

#[tokio::test]
async fn a_server_that_stalls_loses_nothing() {
    strike("stall", Mode::Stall, Outcome::Failure).await;
}

#[tokio::test]
async fn answers_that_trickle_store_nothing_twice() {
    let pause = Duration::from_millis(50);
    let mode = Mode::TrickleToClient { pause };
    strike("trickle_back", mode, Outcome::Failure).await;
}

#[tokio::test]
async fn requests_that_trickle_lose_nothing() {
    let pause = Duration::from_millis(50);
    let mode = Mode::TrickleToServer { pause };
    strike("trickle_forth", mode, Outcome::Failure).await;
}

#[tokio::test]
async fn latency_costs_time_only() {
    let delay = Duration::from_millis(150);
    strike("latency", Mode::Latency { delay }, Outcome::Delay).await;
}
