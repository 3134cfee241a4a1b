//! The place of the journal: its directory, the journal in it, the disk under it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::Access;
use tokio::{task::spawn_blocking, time::timeout};

use crate::{
    cli::{context::Context, spool::journal_options},
    domain::crash::CrashPoints,
    journal::{Journal, JournalError, SpoolStats, filesystem::network_kind},
    report::{doctor::Finding, words::counted},
};

use super::checks::of_error;

const DIRECTORY: &str = "state directory";
const JOURNAL: &str = "journal";
const DISK: &str = "disk";
const SPOOL: &str = "spool";

/// What a spool may take before nothing more is consumed.
const ROOM_BYTES: u64 = 2 << 30;
/// With less than this the journal stops at any moment.
const LEAST_ROOM_BYTES: u64 = 64 << 20;
/// Rows that have waited longer than that say that the store does not take them.
const LONG_WAIT: Duration = Duration::from_secs(300);

/// Looks at all of it. A disk that hangs costs the deadline and a thread.
pub async fn check(context: &Context, deadline: Duration) -> Vec<Finding> {
    let path = match context.journal_dir() {
        Ok(path) => path,
        Err(error) => return vec![of_error(DIRECTORY, error)],
    };
    let now_us = context.clock.wall_us();
    let shown = path.display().to_string();
    let place = path.clone();
    let place = timeout(
        deadline,
        spawn_blocking(move || [state_dir(&place), disk(&place)]),
    )
    .await;
    let Ok(Ok([directory, disk])) = place else {
        let detail = format!("{shown}: the disk did not answer within {deadline:?}");
        let remedy = "look at the disk with dmesg, or choose another one with --state-dir";
        return vec![Finding::failure(DIRECTORY, detail, remedy)];
    };
    let mut findings = vec![directory];
    let looked = timeout(deadline, spawn_blocking(move || journal(&path, now_us))).await;
    if let Ok(Ok([journal, spool])) = looked {
        findings.extend([journal, disk, spool]);
    } else {
        let why = format!("it is not read within {deadline:?}");
        let hint = "'streamkit spool verify' takes the time that it needs";
        let unread = Finding::not_checked(JOURNAL, why).hint(hint);
        let spool = Finding::not_checked(SPOOL, "the journal is not read");
        findings.extend([unread, disk, spool]);
    }
    findings
}

/// Can the journal be kept there?
fn state_dir(path: &Path) -> Finding {
    let shown = path.display();
    let there = nearest(path);
    let writable = rustix::fs::access(&there, Access::WRITE_OK | Access::EXEC_OK);
    let hint = "choose a local directory that this user can write to with --state-dir";
    if !there.is_dir() {
        let detail = format!("{shown}: {} is no directory", there.display());
        return Finding::failure(DIRECTORY, detail, hint);
    }
    if let Err(error) = writable {
        let detail = format!("{shown}: cannot be written to: {error}");
        return Finding::failure(DIRECTORY, detail, hint);
    }
    match network_kind(&there) {
        Ok(None) => {}
        Ok(Some(kind)) => {
            let detail = format!("{shown} is on a network file system ({kind})");
            return Finding::failure(DIRECTORY, detail, hint);
        }
        Err(error) => {
            let detail = format!("{shown}: its file system cannot be told: {error}");
            return Finding::warning(DIRECTORY, detail, hint);
        }
    }
    if there == path {
        Finding::good(DIRECTORY, format!("{shown} can be written to"))
    } else {
        Finding::good(
            DIRECTORY,
            format!("{shown} is not there yet and can be made"),
        )
    }
}

/// The path itself, or the nearest directory above it that is there.
fn nearest(path: &Path) -> PathBuf {
    let above = path.ancestors().find(|path| path.exists());
    match above {
        Some(path) if !path.as_os_str().is_empty() => path.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Is there room for a spool?
fn disk(path: &Path) -> Finding {
    match rustix::fs::statvfs(nearest(path)) {
        Ok(room) => room_for_spool(room.f_bavail.saturating_mul(room.f_frsize)),
        Err(error) => Finding::not_checked(DISK, format!("its room cannot be told: {error}")),
    }
}

fn room_for_spool(free_bytes: u64) -> Finding {
    let free_mib = free_bytes >> 20;
    let detail = format!("{} free", mebibytes(free_mib));
    let remedy = "make room on the disk of --state-dir: the spool takes up to 2 GiB while the \
                  store is away";
    match free_bytes {
        ..LEAST_ROOM_BYTES => Finding::failure(DISK, detail, remedy),
        LEAST_ROOM_BYTES..ROOM_BYTES => Finding::warning(DISK, detail, remedy),
        ROOM_BYTES.. => Finding::good(DISK, detail),
    }
}

fn mebibytes(size_mib: u64) -> String {
    if size_mib < 10 << 10 {
        format!("{size_mib} MiB")
    } else {
        format!("{} GiB", size_mib >> 10)
    }
}

/// Is the journal what was written, and does anything wait in it?
fn journal(path: &Path, now_us: i64) -> [Finding; 2] {
    if !Journal::is_at(path) {
        let why = "there is none yet: 'streamkit collect' makes it";
        return [JOURNAL, SPOOL].map(|what| Finding::not_checked(what, why));
    }
    let unread = || Finding::not_checked(SPOOL, "the journal cannot be read");
    let looked = Journal::look(path, journal_options(None, CrashPoints::default()));
    let looked = match looked {
        Ok(Some(looked)) => looked,
        Ok(None) => {
            let why = "it is of an older format: 'streamkit collect' brings it up to date";
            return [JOURNAL, SPOOL].map(|what| Finding::not_checked(what, why));
        }
        Err(error) => return [damaged(error), unread()],
    };
    let journal = match looked.damage.first() {
        None => Finding::good(JOURNAL, "it is what was written"),
        Some(first) => {
            let place = first.batch.map(|batch| format!("batch {batch}: "));
            let reason = format!("{}{}", place.unwrap_or_default(), first.reason);
            let others = match looked.damage.len() - 1 {
                0 => String::new(),
                others => format!("; {others} more"),
            };
            Finding::failure(JOURNAL, format!("{reason}{others}"), RESTART)
        }
    };
    [journal, waiting(looked.stats, now_us)]
}

const RESTART: &str = "check the disk of --state-dir; 'streamkit spool verify' lists all damage, \
                       and a restart of 'streamkit collect' sets the file aside and goes on";

fn damaged(error: JournalError) -> Finding {
    if error.damage().is_some() {
        of_error(JOURNAL, error).hint(RESTART)
    } else {
        of_error(JOURNAL, error)
    }
}

fn waiting(stats: SpoolStats, now_us: i64) -> Finding {
    if stats.dead_batches > 0 {
        let batches = counted(stats.dead_batches, "batch");
        let detail = format!("{batches} cannot be delivered: the store refuses the rows");
        let remedy = "'streamkit spool ls' tells why; then flush or drop them";
        return Finding::warning(SPOOL, detail, remedy);
    }
    let Some(oldest_us) = stats.oldest_us.filter(|_| stats.rows > 0) else {
        return Finding::good(SPOOL, "nothing waits");
    };
    let age_s = now_us.saturating_sub(oldest_us).max(0) / 1_000_000;
    let age = Duration::from_secs(age_s.unsigned_abs());
    let rows = counted(stats.rows, "row");
    let detail = format!(
        "{rows} wait, the oldest for {}",
        humantime::format_duration(age)
    );
    if age > LONG_WAIT {
        let remedy = "mend the store, and let 'streamkit collect' or 'streamkit spool flush' \
                      deliver them";
        return Finding::warning(SPOOL, detail, remedy);
    }
    Finding::good(SPOOL, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::doctor::Verdict;

    #[test]
    fn the_nearest_directory_above_is_the_one_that_is_there() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a/b");
        assert_eq!(nearest(&path), directory.path());
        assert_eq!(nearest(directory.path()), directory.path());
        assert_eq!(nearest(Path::new("nowhere/at/all")), Path::new("."));
    }

    #[test]
    fn a_disk_that_is_nearly_full_is_told_before_it_is() {
        for (free_mib, verdict, words) in [
            (0, Verdict::Failure, "0 MiB free"),
            (63, Verdict::Failure, "63 MiB free"),
            (64, Verdict::Warning, "64 MiB free"),
            (2047, Verdict::Warning, "2047 MiB free"),
            (2048, Verdict::Good, "2048 MiB free"),
            (40 << 10, Verdict::Good, "40 GiB free"),
        ] {
            let found = room_for_spool(free_mib << 20);
            assert_eq!((found.verdict, &*found.detail), (verdict, words));
            let is_told = found
                .hint
                .is_some_and(|hint| hint.starts_with("make room on"));
            assert_eq!(is_told, verdict != Verdict::Good, "{free_mib}");
        }
    }

    #[test]
    fn rows_that_wait_for_long_and_dead_letters_are_told() {
        let stats = SpoolStats {
            rows: 3,
            oldest_us: Some(0),
            ..SpoolStats::default()
        };
        let after = |now_s: i64| waiting(stats, now_s * 1_000_000);
        assert_eq!(after(60).verdict, Verdict::Good);
        let late = after(600);
        assert_eq!(late.verdict, Verdict::Warning);
        assert_eq!(late.detail, "3 rows wait, the oldest for 10m");
        let dead = SpoolStats {
            dead_batches: 1,
            ..stats
        };
        assert!(waiting(dead, 0).detail.starts_with("1 batch cannot be"));
        assert_eq!(waiting(SpoolStats::default(), 0).detail, "nothing waits");
    }
}
