//! From the archive into the cache.

use std::{sync::Arc, time::Duration};

use streamkit::exchange::{
    binance::archive::{Archive, ArchiveError, ArchiveSettings, Fetched, Progress},
    sim::ArchiveFault,
};
use tokio::{net::TcpListener, sync::Notify};

use crate::scene::*;

#[tokio::test]
async fn a_day_is_fetched_once_and_then_found_in_the_cache() {
    let scene = Scene::new().await;
    let archive = scene.archive();
    let mut told: Vec<Progress> = Vec::new();
    let Ok(Fetched::File { file, delivery }) = archive
        .fetch(&name(DAY_1), &mut |progress| told.push(progress))
        .await
    else {
        panic!("it is there");
    };
    let size = file.size_bytes();
    assert_eq!(
        (delivery.was_cached, delivery.received_bytes),
        (false, size)
    );
    assert_eq!(delivery.failures, [""; 0]);
    let last = told.last().expect("progress");
    assert_eq!((last.bytes, last.due_bytes), (size, Some(size)));
    assert!(told.is_sorted_by_key(|progress| progress.bytes));
    let (trades, holes) = read(file).expect("trades");
    assert_eq!(trades, scene.tape(FIRST_ID, TRADES_PER_DAY));
    assert_eq!(holes, []);

    // Another run finds it, and only asks whether it is still the same.
    let (file, delivery) = fetched(&scene.archive(), DAY_1).await;
    assert_eq!((delivery.was_cached, delivery.received_bytes), (true, 0));
    assert_eq!(read(file).expect("trades").0, trades);
    assert_eq!((scene.zips(200), scene.stats().zip_bytes), (1, size));
    assert_eq!(scene.stats().checksum_requests[&200], 2);
    assert_eq!(scene.cached(), ["zip"]);
}

#[tokio::test]
async fn what_the_archive_does_not_have_is_no_error() {
    let scene = Scene::new().await;
    let archive = scene.archive();
    for file in [
        // Not over yet; not on the tape; not traded; the month is not over.
        "BTCUSDT-aggTrades-2025-01-03.zip",
        "BTCUSDT-aggTrades-2024-12-31.zip",
        "XYZUSDT-aggTrades-2025-01-01.zip",
        "BTCUSDT-aggTrades-2025-01.zip",
    ] {
        let Ok(Fetched::Absent { url }) = fetch(&archive, file).await else {
            panic!("{file} is there");
        };
        assert!(
            url.starts_with("http://127.0.0.1:") && url.ends_with(file),
            "{url}"
        );
    }
    for fault in [ArchiveFault::Missing {}, ArchiveFault::NoChecksum {}] {
        scene.fault_once(fault);
        let outcome = fetch(&archive, DAY_1).await;
        assert!(matches!(outcome, Ok(Fetched::Absent { .. })), "{outcome:?}");
    }
    assert_eq!(scene.cached(), [""; 0]);
    fetched(&archive, DAY_1).await;
}

#[tokio::test]
async fn a_connection_that_ends_early_is_gone_on_with_where_it_ended() {
    let scene = Scene::new().await;
    scene.fault_once(ArchiveFault::Cut { after_bytes: 3_000 });
    let (file, delivery) = fetched(&scene.archive(), DAY_1).await;
    let size = file.size_bytes();
    assert_eq!((scene.zips(200), scene.zips(206)), (1, 1));
    assert_eq!(scene.stats().zip_bytes, size + size - 3_000);
    assert_eq!(delivery.received_bytes, size);
    assert_eq!(delivery.failures.len(), 1, "{delivery:?}");
    assert_eq!(
        read(file).expect("trades").0,
        scene.tape(FIRST_ID, TRADES_PER_DAY)
    );
}

#[tokio::test]
async fn another_run_goes_on_where_the_last_one_was_given_up() {
    let scene = Scene::new().await;
    scene.fault_once(ArchiveFault::Stall { after_bytes: 5_000 });
    let archive = scene.archive();
    let came = Arc::new(Notify::new());
    let (telling, wanted) = (Arc::clone(&came), name(DAY_1));
    let mut on_progress = move |progress: Progress| {
        if progress.bytes >= 5_000 {
            telling.notify_one();
        }
    };
    tokio::select! {
        outcome = archive.fetch(&wanted, &mut on_progress) => panic!("{outcome:?}"),
        () = came.notified() => {}
    }
    drop(archive);
    // What had not been written is lost, and nothing else.
    let (file, delivery) = fetched(&scene.archive(), DAY_1).await;
    let size = file.size_bytes();
    assert_eq!(delivery.resumed_bytes + delivery.received_bytes, size);
    assert_eq!(scene.stats().zip_bytes, size + delivery.received_bytes);
    read(file).expect("trades");
}

#[tokio::test]
async fn what_came_before_an_error_is_kept_for_the_next_run() {
    let scene = Scene::new().await;
    scene.fault_once(ArchiveFault::Cut { after_bytes: 4_000 });
    let once = Archive::new(ArchiveSettings {
        tries: 1,
        ..scene.settings()
    })
    .expect("an archive");
    let error = fetch(&once, DAY_1).await.expect_err("it was cut");
    assert!(error.is_transient(), "{error}");
    assert_eq!(scene.cached(), ["from", "part"]);
    let (file, delivery) = fetched(&once, DAY_1).await;
    assert_eq!(delivery.resumed_bytes, 4_000);
    assert_eq!(delivery.received_bytes, file.size_bytes() - 4_000);
    assert_eq!(scene.cached(), ["zip"]);
    assert_eq!(
        read(file).expect("trades").0,
        scene.tape(FIRST_ID, TRADES_PER_DAY)
    );
}

#[tokio::test]
async fn a_server_without_ranges_sends_all_of_it_again() {
    let scene = Scene::new().await;
    scene.fault(ArchiveFault::NoRanges {});
    scene.fault_once(ArchiveFault::Cut { after_bytes: 3_000 });
    let (file, delivery) = fetched(&scene.archive(), DAY_1).await;
    let size = file.size_bytes();
    assert_eq!((scene.zips(200), scene.zips(206)), (2, 0));
    assert_eq!(delivery.received_bytes, size + 3_000);
    assert_eq!(read(file).expect("trades").0.len() as i64, TRADES_PER_DAY);
}

#[tokio::test]
async fn a_file_outlives_many_cuts_unless_it_begins_anew_each_time() {
    let scene = Scene::new().await;
    // Enough comes each time to go on.
    scene.fault(ArchiveFault::Cut {
        after_bytes: 20_000,
    });
    let archive = |cache| {
        Archive::new(ArchiveSettings {
            tries: 3,
            progress_bytes: 10_000,
            ..settings(&scene.server.archive_url(), cache)
        })
        .expect("an archive")
    };
    let (file, delivery) = fetched(&archive(scene.cache.path()), DAY_1).await;
    let size = file.size_bytes();
    assert!(delivery.failures.len() >= 3, "{size} bytes: {delivery:?}");
    assert_eq!(delivery.received_bytes, size);
    scene.fault(ArchiveFault::NoRanges {});
    let before = scene.zips(200);
    let anew = archive(&scene.cache.path().join("anew"));
    fetch(&anew, DAY_1).await.expect_err("it never ends");
    assert_eq!(
        scene.zips(200) - before,
        3,
        "none came farther than the first"
    );
}

#[tokio::test]
async fn a_connection_that_stalls_is_given_up_and_gone_on_with() {
    let scene = Scene::new().await;
    scene.fault_once(ArchiveFault::Stall { after_bytes: 3_000 });
    let archive = Archive::new(ArchiveSettings {
        idle_deadline: Duration::from_secs(1),
        ..scene.settings()
    })
    .expect("an archive");
    let (file, delivery) = fetched(&archive, DAY_1).await;
    let failure = &delivery.failures[0];
    assert!(
        failure.ends_with("the next piece took longer than 1s"),
        "{failure}"
    );
    assert!(scene.zips(206) >= 1);
    read(file).expect("trades");
}

#[tokio::test]
async fn a_try_that_takes_too_long_is_told_by_its_own_deadline() {
    let scene = Scene::new().await;
    scene.fault(ArchiveFault::Stall { after_bytes: 10 });
    let archive = Archive::new(ArchiveSettings {
        try_deadline: Duration::from_millis(50),
        tries: 2,
        ..scene.settings()
    })
    .expect("an archive");
    let error = fetch(&archive, DAY_1).await.expect_err("it stalls");
    assert!(
        matches!(
            error,
            ArchiveError::TimedOut {
                what: "the try",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_in_trouble_is_asked_again_and_a_refusal_is_not() {
    let scene = Scene::new().await;
    let archive = scene.archive();
    let status = |status, retry_after_s| ArchiveFault::Status {
        status,
        retry_after_s,
    };
    for (code, after) in [(500, None), (503, Some(1)), (429, None)] {
        scene.fault_once(status(code, after));
    }
    let (_, delivery) = fetched(&archive, DAY_1).await;
    let told: Vec<bool> = [500, 503, 429]
        .iter()
        .zip(&delivery.failures)
        .map(|(code, text)| text.contains(&format!("HTTP {code}")))
        .collect();
    assert_eq!(told, [true; 3], "{:?}", delivery.failures);

    let asked = || scene.stats().checksum_requests.values().sum::<u64>();
    for (code, after) in [(403, None), (301, None), (429, Some(3600))] {
        let before = asked();
        scene.fault_once(status(code, after));
        let error = fetch(&archive, DAY_1).await.expect_err("refused");
        assert!(
            error.to_string().contains(&format!("HTTP {code}")),
            "{error}"
        );
        assert_eq!(error.retry_after(), after.map(Duration::from_secs));
        assert_eq!(asked() - before, 1, "{code} is not asked again");
    }
    scene.fault(status(502, None));
    let before = asked();
    let error = fetch(&archive, DAY_1).await.expect_err("in trouble");
    assert!(
        error.is_transient() && error.to_string().contains(".CHECKSUM: HTTP 502"),
        "{error}"
    );
    assert_eq!(asked() - before, u64::from(scene.settings().tries));
}

#[tokio::test]
async fn what_arrives_damaged_is_fetched_again_once() {
    for fault in [
        ArchiveFault::Corrupt {},
        ArchiveFault::Truncated { by_bytes: 100 },
        ArchiveFault::WrongChecksum {},
    ] {
        let scene = Scene::new().await;
        scene.fault_once(fault.clone());
        let (file, delivery) = fetched(&scene.archive(), DAY_1).await;
        assert_eq!(delivery.failures.len(), 1, "{fault:?}: {delivery:?}");
        assert!(
            delivery.failures[0].contains("its checksum is "),
            "{delivery:?}"
        );
        assert_eq!((scene.zips(200), scene.zips(206)), (2, 0), "{fault:?}");
        read(file).expect("trades");

        scene.fault(fault.clone());
        let before = scene.zips(200);
        let error = fetch(&scene.archive(), DAY_2).await.expect_err("damaged");
        assert!(matches!(error, ArchiveError::Mismatch { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(DAY_2) && text.contains(" is due"), "{text}");
        assert_eq!(scene.zips(200) - before, 2, "{fault:?}");
        assert_eq!(scene.cached(), ["zip"], "only the first day is left");
    }
}

#[tokio::test]
async fn a_day_that_was_rewritten_is_fetched_anew() {
    let scene = Scene::new().await;
    let archive = scene.archive();
    scene.fault(ArchiveFault::Short { by: 7 });
    let (file, _) = fetched(&archive, DAY_1).await;
    let (trades, _) = read(file).expect("trades");
    assert_eq!(trades, scene.tape(FIRST_ID, TRADES_PER_DAY - 7));
    // Of the next day only a part had come before it was rewritten.
    scene.fault_once(ArchiveFault::Cut { after_bytes: 4_000 });
    let once = Archive::new(ArchiveSettings {
        tries: 1,
        ..scene.settings()
    })
    .expect("an archive");
    fetch(&once, DAY_2).await.expect_err("it was cut");

    scene.server.faults().clear();
    for (day, first_id) in [(DAY_1, FIRST_ID), (DAY_2, FIRST_ID + TRADES_PER_DAY)] {
        let (file, delivery) = fetched(&archive, day).await;
        assert_eq!((delivery.was_cached, delivery.resumed_bytes), (false, 0));
        assert_eq!(
            read(file).expect("trades").0,
            scene.tape(first_id, TRADES_PER_DAY)
        );
    }
}

#[tokio::test]
async fn a_day_that_is_rewritten_while_it_is_fetched_comes_in_its_new_form() {
    let scene = Scene::new().await;
    // The checksum is of the old form, the zip that follows of the new one.
    scene.fault_once(ArchiveFault::WrongChecksum {});
    scene.fault_once(ArchiveFault::Cut { after_bytes: 4_000 });
    let (file, delivery) = fetched(&scene.archive(), DAY_1).await;
    assert_eq!(delivery.failures.len(), 2, "{delivery:?}");
    assert_eq!(read(file).expect("trades").0.len() as i64, TRADES_PER_DAY);
}

#[tokio::test]
async fn a_cache_that_is_full_drops_what_was_used_least_recently() {
    let scene = Scene::new().await;
    let size = fetched(&scene.archive(), DAY_1).await.0.size_bytes();
    let small = Archive::new(ArchiveSettings {
        cache_limit_bytes: size + size / 2,
        ..scene.settings()
    })
    .expect("an archive");
    // While it is in use it stays, although both are more than the limit.
    let (in_use, _) = fetched(&small, DAY_1).await;
    drop(fetched(&small, DAY_2).await);
    assert_eq!(scene.cached(), ["zip", "zip"]);
    read(in_use).expect("trades");
    drop(fetched(&small, "ETHUSDT-aggTrades-2025-01-01.zip").await);
    assert_eq!(scene.cached(), ["zip"]);
    assert!(!fetched(&small, DAY_1).await.1.was_cached);
}

#[tokio::test]
async fn an_archive_that_is_down_is_an_error_after_all_tries() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let cache = tempfile::tempdir().expect("a directory");
    let archive = Archive::new(settings(&url, cache.path())).expect("an archive");
    let error = fetch(&archive, DAY_1).await.expect_err("nobody is there");
    assert!(matches!(error, ArchiveError::Unreachable { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("fetch {url}/data/spot/daily/")),
        "{text}"
    );

    // A directory that cannot be one is named at once.
    let file = cache.path().join("file");
    std::fs::write(&file, "").expect("a file");
    let Err(error) = Archive::new(settings(&url, &file.join("cache"))) else {
        panic!("a file is no directory");
    };
    assert!(
        error.to_string().starts_with("use the archive's cache "),
        "{error}"
    );
    let Err(error) = Archive::new(settings("ftp://127.0.0.1", cache.path())) else {
        panic!("no HTTP");
    };
    assert!(
        error.to_string().contains("has to be http or https"),
        "{error}"
    );
}
