//! A disk that is really full: a small file system of its own.

use std::{path::Path, process::Command};

use streamkit::{
    domain::anchor::Anchor,
    journal::{CheckpointRow, Claim, Commit, JournalError},
};

use crate::scene::{Collecting, Scene, gaps, until};

/// A file system in memory, of so many MiB; it is unmounted in the end.
struct Mounted(tempfile::TempDir);

impl Mounted {
    /// Nothing when this user may not mount.
    fn new(size_mib: u32) -> Option<Self> {
        let directory = tempfile::tempdir().expect("a directory");
        let size = format!("size={size_mib}m");
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(directory.path())
            .output();
        match output {
            Ok(output) if output.status.success() => Some(Self(directory)),
            failed => {
                eprintln!("skipped: a file system cannot be mounted here: {failed:?}");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

const LIMITS: [&str; 7] = [
    "--breaker-open",
    "300ms",
    "--retry-min",
    "50ms",
    "--retry-max",
    "300ms",
    "--record-trades",
];

/// The spool itself has filled the disk: delivering must make room again, although even
/// deleting needs some.
#[test]
fn a_spool_that_has_filled_the_disk_drains_by_itself() {
    let Some(mounted) = Mounted::new(16) else {
        return;
    };
    let mut scene = Scene::sqlite();
    scene.run(&["schema", "apply"]);
    scene.place.poison("bars", "first_agg_trade_id >= 0");
    scene.place.poison("trades", "agg_trade_id >= 0");
    scene.state = Some(mounted.path().join("state"));
    // More than what is left would take minutes.
    let other = vec![0; (9 << 20) + (1 << 19)];
    std::fs::write(mounted.path().join("other"), other).expect("written");
    let mut collecting = Collecting::with(&scene, &LIMITS);
    until("the disk to be full", || {
        scene.logs("full; going on from the journal") > 5 && free_bytes(mounted.path()) < 256 << 10
    });
    assert!(collecting.process.0.try_wait().expect("a child").is_none());
    scene.place.heal("bars");
    scene.place.heal("trades");
    let waiting = scene.place.count("bars");
    // Looking is possible while the disk is full.
    let few = |rows| scene.json(&["spool", "ls"], 0)["totals"]["rows"].as_i64() < Some(rows);
    until("the spool to drain", || {
        scene.place.count("bars") > waiting + 50 && few(5000)
    });
    let before = scene.place.count("bars");
    until("more bars", || scene.place.count("bars") > before + 20);
    // Those may have waited in the spool. While much is in it a commit may fail once more,
    // also the last.
    until("commits to succeed again", || {
        is_collecting(&scene) && few(1000)
    });
    collecting.judge(&scene);
    drop(scene);
}

/// Something else has filled the disk, and goes away again.
#[test]
fn a_disk_that_others_have_filled_is_waited_for() {
    let Some(mounted) = Mounted::new(16) else {
        return;
    };
    let mut scene = Scene::sqlite();
    scene.state = Some(mounted.path().join("state"));
    let mut collecting = Collecting::with(&scene, &LIMITS);
    until("bars", || {
        scene.directory.path().join("store.sqlite").exists()
            && scene.place.count("sqlite_schema") > 5
            && scene.place.count("bars") > 20
    });
    // While delivery makes room in the journal's file, commits can succeed on a full disk.
    scene.place.poison("bars", "first_agg_trade_id >= 0");
    scene.place.poison("trades", "agg_trade_id >= 0");
    let other = mounted.path().join("other");
    until("a commit to fail", || {
        // It takes what the reserve gave, too.
        fill(&other);
        scene.logs("full; going on from the journal") > 2
    });
    assert!(collecting.process.0.try_wait().expect("a child").is_none());
    std::fs::remove_file(&other).expect("removed");
    scene.place.heal("bars");
    scene.place.heal("trades");
    let before = scene.place.count("bars");
    until("more bars", || scene.place.count("bars") > before + 20);
    // Those may have waited in the spool.
    until("commits to succeed again", || is_collecting(&scene));
    collecting.judge(&scene);
    drop(scene);
}

/// On a full disk the log cannot grow, but what it holds can go into the file, and the next
/// commit then begins it again.
#[test]
fn commits_that_need_no_room_succeed_on_a_full_disk() {
    let Some(mounted) = Mounted::new(3) else {
        return;
    };
    let mut scene = Scene::sqlite();
    scene.state = Some(mounted.path().join("state"));
    // What is closed has everything in the file, which then need not grow.
    scene.journal().commit(checkpoint()).expect("committed");
    let mut journal = scene.journal();
    journal.commit(checkpoint()).expect("committed");
    fill(&mounted.path().join("other"));
    for number in 1..=20 {
        let committed = journal.commit(checkpoint());
        assert!(committed.is_ok(), "commit {number}: {committed:?}");
    }
}

/// The room that is kept for delivery is all there is: commits may borrow it for the log, but
/// none that makes the file longer.
#[test]
fn a_commit_borrows_what_is_kept_for_delivery_and_gives_it_back() {
    let Some(mounted) = Mounted::new(12) else {
        return;
    };
    let mut scene = Scene::sqlite();
    scene.state = Some(mounted.path().join("state"));
    scene.spool_gaps(5000);
    {
        let mut journal = scene.journal();
        journal.seal(None).expect("sealed");
        let Ok(Claim::Batch(batch)) = journal.claim("a test", 0, 1, None) else {
            panic!("no batch");
        };
        journal.delivered(batch.id).expect("delivered");
    }
    let mut journal = scene.journal();
    let reserve = mounted.path().join("state/journal.reserve");
    assert!(reserve.exists());
    fill(&mounted.path().join("other"));
    for number in 1..=20 {
        let committed = journal.commit(checkpoint());
        assert!(committed.is_ok(), "commit {number}: {committed:?}");
        assert!(reserve.exists(), "after commit {number}");
    }
    let refused = journal.commit(gaps(20_000));
    assert!(
        matches!(refused, Err(JournalError::Sqlite(_))),
        "{refused:?}"
    );
    assert!(reserve.exists());
    assert_eq!(journal.stats().rows, 0);
    journal.commit(checkpoint()).expect("committed");
}

fn checkpoint() -> Commit {
    Commit {
        checkpoints: vec![CheckpointRow {
            exchange: "sim".into(),
            symbol: "BTCUSDT".parse().expect("a symbol"),
            anchor: Anchor::Day,
            last_agg_trade_id: 7,
            state: "state".repeat(1 << 12),
        }],
        ..Commit::default()
    }
}

/// Whether it has caught up since a commit last failed.
fn is_collecting(scene: &Scene) -> bool {
    let log = std::fs::read_to_string(scene.log()).unwrap_or_default();
    log.rfind("has caught up") > log.rfind("full; going on from the journal")
}

/// Takes all room that is left, for a file that grows.
fn fill(path: &Path) {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .create(true)
        .append(true)
        .open(path)
        .expect("a file");
    for size in [1 << 16, 1 << 12] {
        let piece = vec![0; size];
        while file.write_all(&piece).is_ok() {}
    }
}

fn free_bytes(path: &Path) -> u64 {
    let found = rustix::fs::statvfs(path).expect("a file system");
    found.f_bavail * found.f_frsize
}
