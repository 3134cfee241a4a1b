//! Two processes with one cache.

use std::{
    env,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use streamkit::exchange::{
    binance::archive::{Archive, ArchiveError, ArchiveSettings},
    sim::ArchiveFault,
};

use crate::scene::*;

const URL: &str = "STREAMKIT_TEST_ARCHIVE_URL";
const CACHE: &str = "STREAMKIT_TEST_ARCHIVE_CACHE";

/// The second process: it fetches a day and says how it came.
#[tokio::test]
#[ignore = "the other tests start it as a process of its own"]
async fn fetch_a_day_as_a_process_of_its_own() {
    let Ok(url) = env::var(URL) else { return };
    let cache = env::var_os(CACHE).expect("a directory");
    let archive = Archive::new(settings(&url, Path::new(&cache))).expect("an archive");
    let (file, delivery) = fetched(&archive, DAY_1).await;
    let (trades, _) = read(file).expect("trades");
    println!(
        "came: {} trades, cached {}, received {}, resumed {}",
        trades.len(),
        delivery.was_cached,
        delivery.received_bytes,
        delivery.resumed_bytes
    );
}

fn spawn(scene: &Scene) -> Child {
    Command::new(env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "--nocapture"])
        .arg("processes::fetch_a_day_as_a_process_of_its_own")
        .env(URL, scene.server.archive_url())
        .env(CACHE, scene.cache.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process")
}

async fn said(child: Child) -> String {
    let output = tokio::task::spawn_blocking(move || child.wait_with_output());
    let output = output.await.expect("its end").expect("its output");
    let text = String::from_utf8(output.stdout).expect("text");
    let line = text
        .lines()
        .find_map(|line| Some(line.split_once("came: ")?.1));
    line.unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// Waits until the sim has been asked for so many zips.
async fn asked_for_zips(scene: &Scene, count: u64) {
    let waiting = async {
        while scene.stats().zip_requests.values().sum::<u64>() < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let patience = Duration::from_secs(60);
    tokio::time::timeout(patience, waiting)
        .await
        .expect("nobody asks");
}

#[tokio::test]
async fn processes_that_want_the_same_day_fetch_it_once() {
    let scene = Scene::new().await;
    let children = [spawn(&scene), spawn(&scene), spawn(&scene)];
    let mut fetched_bytes = 0;
    for child in children {
        let said = said(child).await;
        assert!(said.starts_with("5000 trades, "), "{said}");
        fetched_bytes += u64::from(said.contains("cached false"));
    }
    assert_eq!((fetched_bytes, scene.zips(200)), (1, 1));
    assert_eq!(scene.cached(), ["zip"]);
}

#[tokio::test]
async fn a_killed_process_leaves_a_part_that_the_next_one_goes_on_with() {
    let scene = Scene::new().await;
    scene.fault_once(ArchiveFault::Stall { after_bytes: 3_000 });
    let mut child = spawn(&scene);
    asked_for_zips(&scene, 1).await;
    // Whoever waits for it gives up by its own deadline.
    let impatient = Archive::new(ArchiveSettings {
        busy_deadline: Duration::from_millis(100),
        ..scene.settings()
    })
    .expect("an archive");
    let error = fetch(&impatient, DAY_1).await.expect_err("it is locked");
    assert!(matches!(error, ArchiveError::Busy { .. }), "{error}");
    child.kill().expect("killed");
    child.wait().expect("ended");
    let (file, _) = fetched(&scene.archive(), DAY_1).await;
    assert_eq!(read(file).expect("trades").0.len() as i64, TRADES_PER_DAY);
    assert_eq!(scene.cached(), ["zip"]);
}
