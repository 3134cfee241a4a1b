//! What the machine has left: room on the disk, memory within the cgroup's limit.

use std::{fs, path::Path};

/// How full the file system of `path` is, 0 to 1; none where it cannot be told.
#[must_use]
pub fn disk_used_ratio(path: &Path) -> Option<f64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    // What only root may use is no room for us.
    let used = stat.f_blocks.checked_sub(stat.f_bfree)?;
    let whole = used.checked_add(stat.f_bavail)?;
    (whole > 0).then(|| used as f64 / whole as f64)
}

/// How much of the cgroup's memory limit is used, 0 to 1; none without a limit, or where
/// there are no cgroups of version 2.
///
/// What is counted is the working set: file pages that nobody has used lately are given back
/// before anybody is killed, and a journal leaves many of them behind. Of this cgroup and
/// those around it the one counts that is nearest to its limit.
#[must_use]
pub fn memory_used_ratio() -> Option<f64> {
    let cgroups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = cgroups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    tightest(Path::new("/sys/fs/cgroup"), Path::new(path))
}

fn tightest(root: &Path, path: &Path) -> Option<f64> {
    // The last of them is the root itself, which a container sees its own limit in.
    let folders = path.ancestors().map(|folder| root.join(folder));
    folders
        .filter_map(|folder| {
            let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
            let stat = read("memory.stat").unwrap_or_default();
            ratio(&read("memory.current")?, &stat, &read("memory.max")?)
        })
        .max_by(f64::total_cmp)
}

fn ratio(current: &str, stat: &str, limit: &str) -> Option<f64> {
    // Without a limit the file says "max".
    let limit: u64 = limit.trim().parse().ok()?;
    let current: u64 = current.trim().parse().ok()?;
    let mut lines = stat.lines();
    let unused = lines.find_map(|line| line.strip_prefix("inactive_file "));
    let unused: u64 = unused
        .and_then(|bytes| bytes.trim().parse().ok())
        .unwrap_or(0);
    let used = current.saturating_sub(unused);
    (limit > 0).then(|| used as f64 / limit as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_of_a_directory_that_exists_is_somewhere_between_empty_and_full() {
        let ratio = disk_used_ratio(Path::new(".")).expect("it can be told");
        assert!((0.0..=1.0).contains(&ratio), "{ratio}");
        assert_eq!(disk_used_ratio(Path::new("/nowhere/at/all")), None);
    }

    #[test]
    fn memory_without_a_limit_is_never_short() {
        assert_eq!(ratio("1048576\n", "", "max\n"), None);
        assert_eq!(ratio("512\n", "", "1024\n"), Some(0.5));
        assert_eq!(ratio("512\n", "", "0\n"), None);
    }

    #[test]
    fn file_pages_that_can_be_given_back_are_not_in_use() {
        let stat = "anon 200\nfile 800\ninactive_file 700\nactive_file 100\n";
        assert_eq!(ratio("1000\n", stat, "1024\n"), Some(300.0 / 1024.0));
    }

    #[test]
    fn the_nearest_limit_counts_whoever_set_it() {
        let root = tempfile::tempdir().expect("a directory");
        let path = Path::new("system.slice/collector.service");
        for (folder, current, limit) in [
            ("", "900\n", "max\n"),
            ("system.slice", "900\n", "1000\n"),
            ("system.slice/collector.service", "100\n", "400\n"),
        ] {
            let folder = root.path().join(folder);
            fs::create_dir_all(&folder).expect("made");
            fs::write(folder.join("memory.current"), current).expect("written");
            fs::write(folder.join("memory.max"), limit).expect("written");
        }
        assert_eq!(tightest(root.path(), path), Some(0.9));
        assert_eq!(tightest(root.path(), Path::new("user.slice")), None);
    }
}
