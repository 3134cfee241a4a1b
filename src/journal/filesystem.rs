//! Which file systems a journal can be kept on.
//!
//! SQLite's WAL needs shared memory and locks that work, and a journal needs an fsync
//! that means it. Network file systems promise neither.

use std::path::Path;

/// Magic numbers of `statfs(2)`, from the manual page of that call.
const NETWORK: [(i64, &str); 8] = [
    (0x6969, "nfs"),
    (0x517b, "smb"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb2"),
    (0x5346_414f, "afs"),
    (0x00c3_6400, "ceph"),
    (0x0102_1997, "9p"),
    (0x7375_7245, "coda"),
];

/// The kind of network file system that `path` lies on, if it does.
///
/// # Errors
/// When the system cannot tell.
pub fn network_kind(path: &Path) -> std::io::Result<Option<&'static str>> {
    #[cfg(target_os = "linux")]
    {
        Ok(kind_of(rustix::fs::statfs(path)?.f_type))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        Ok(None)
    }
}

fn kind_of(magic: i64) -> Option<&'static str> {
    NETWORK
        .iter()
        .find(|(number, _)| *number == magic & 0xffff_ffff)
        .map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_directory_is_accepted_and_network_kinds_are_named() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(network_kind(directory.path()).expect("statfs"), None);
        assert_eq!(kind_of(0x6969), Some("nfs"));
        // The field is signed on some systems.
        assert_eq!(kind_of(i64::from(0xff53_4d42_u32 as i32)), Some("cifs"));
        assert_eq!(kind_of(0xef53), None);
    }
}
