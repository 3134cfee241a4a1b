//! A disk that is really full: a small file system of its own.

use std::{path::Path, process::Command};

use crate::scene::{Collecting, Scene, until};

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
    until("the spool to drain", || {
        // Looking is possible while the disk is full.
        let list = scene.json(&["spool", "ls"], 0);
        scene.place.count("bars") > waiting + 50 && list["totals"]["rows"].as_i64() < Some(5000)
    });
    let before = scene.place.count("bars");
    until("more bars", || scene.place.count("bars") > before + 20);
    // Those may have waited in the spool.
    until("commits to succeed again", || is_collecting(&scene));
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
    let other = mounted.path().join("other");
    until("a commit to fail", || {
        // It takes what the reserve gave, too.
        fill(&other);
        scene.logs("full; going on from the journal") > 2
    });
    assert!(collecting.process.0.try_wait().expect("a child").is_none());
    std::fs::remove_file(&other).expect("removed");
    let before = scene.place.count("bars");
    until("more bars", || scene.place.count("bars") > before + 20);
    // Those may have waited in the spool.
    until("commits to succeed again", || is_collecting(&scene));
    collecting.judge(&scene);
    drop(scene);
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
