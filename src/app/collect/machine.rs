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
#[must_use]
pub fn memory_used_ratio() -> Option<f64> {
    let cgroups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = cgroups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let folder = Path::new("/sys/fs/cgroup").join(path);
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    ratio(&read("memory.current")?, &read("memory.max")?)
}

fn ratio(current: &str, limit: &str) -> Option<f64> {
    // Without a limit the file says "max".
    let limit: u64 = limit.trim().parse().ok()?;
    let current: u64 = current.trim().parse().ok()?;
    (limit > 0).then(|| current as f64 / limit as f64)
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
        assert_eq!(ratio("1048576\n", "max\n"), None);
        assert_eq!(ratio("512\n", "1024\n"), Some(0.5));
        assert_eq!(ratio("512\n", "0\n"), None);
    }
}
