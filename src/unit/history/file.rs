//! The files of a history.
//!
//! ```text
//! NAME.json              {"version":1,"target":…,"attempts":[…]}
//! NAME.lock              locked by the watchdog of the target; holds its process number
//! NAME.json~new          the next one, while it is written
//! NAME~damaged-N.json    what could not be understood, N from 1 to 9
//! ```
//!
//! The file is replaced as a whole: what is read is what was written once, or damage. The
//! lock is on a file of its own, since a lock stays with a file that is replaced.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Attempt, HistoryError};

/// The version of the file.
const VERSION: u64 = 1;

/// No file of ours is larger.
const MAX_SIZE_BYTES: u64 = 8 << 20;

/// The longest name, without what is added to it; file systems take 255.
const MAX_NAME_BYTES: usize = 150;

/// So many damaged files are kept; the last one is replaced by later ones.
const KEPT_COPIES: u32 = 9;

/// What a name may not have: `~` is left for what is added to it.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'@');

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Content {
    version: u64,
    target: String,
    /// The oldest first.
    pub attempts: Vec<Attempt>,
}

impl Content {
    pub(super) fn new(target: &str) -> Self {
        Self {
            version: VERSION,
            target: target.to_owned(),
            attempts: Vec::new(),
        }
    }
}

/// What every version of the file begins with: the rest may be of another shape.
#[derive(Deserialize)]
pub(in crate::unit) struct Head {
    pub version: u64,
}

/// What was read.
#[derive(Debug)]
pub(super) enum Found {
    Nothing,
    Content(Content),
    /// It cannot be understood, for this reason.
    Damage(String),
}

/// The name of the files of `target`: no two targets share one, and none leaves its
/// directory or is hidden.
pub(in crate::unit) fn safe_name(target: &str) -> String {
    let name = utf8_percent_encode(target, ESCAPED).to_string();
    let name = match name.strip_prefix('.') {
        Some(rest) => format!("%2E{rest}"),
        None => name,
    };
    if !name.is_empty() && name.len() <= MAX_NAME_BYTES {
        return name;
    }
    let mut half = [0; 16];
    half.copy_from_slice(&Sha256::digest(target.as_bytes())[..16]);
    let digest = format!("{:032x}", u128::from_be_bytes(half));
    // Encoded text is ASCII, so that every byte is a boundary.
    let kept = MAX_NAME_BYTES - digest.len() - 1;
    format!("{}~{digest}", &name[..kept.min(name.len())])
}

pub(in crate::unit) fn refused(doing: &'static str, path: &Path, cause: io::Error) -> HistoryError {
    HistoryError::Io {
        doing,
        path: path.to_owned(),
        cause,
    }
}

/// Takes the lock; its file names the holder.
pub(in crate::unit) fn lock(path: &Path, target: &str) -> Result<File, HistoryError> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|cause| refused("open", path, cause))?;
    match file.try_lock() {
        Ok(()) => {
            // The number is a courtesy to whoever comes next; the lock holds without it.
            let _ = file.set_len(0);
            let _ = file.rewind();
            let _ = writeln!(file, "{}", std::process::id());
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _ = file.take(32).read_to_string(&mut pid);
            Err(HistoryError::Busy {
                target: target.to_owned(),
                pid: pid.trim().parse().ok(),
            })
        }
        Err(TryLockError::Error(cause)) => Err(refused("lock", path, cause)),
    }
}

pub(super) fn read(path: &Path) -> Result<Found, HistoryError> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(MAX_SIZE_BYTES + 1).read_to_end(&mut bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => Err(error),
    }
    .map_err(|cause| refused("read", path, cause))?;
    if bytes.len() as u64 > MAX_SIZE_BYTES {
        return Ok(Found::Damage(format!(
            "it is larger than {MAX_SIZE_BYTES} bytes"
        )));
    }
    let found = match serde_json::from_slice::<Head>(&bytes) {
        Ok(head) => head.version,
        Err(error) => return Ok(Found::Damage(error.to_string())),
    };
    if found > VERSION {
        return Err(HistoryError::UnknownVersion {
            path: path.to_owned(),
            found,
            known: VERSION,
        });
    }
    Ok(match serde_json::from_slice(&bytes) {
        Ok(content) => Found::Content(content),
        Err(error) => Found::Damage(error.to_string()),
    })
}

/// Replaces the file; when this returns, the new one is on the disk. Only the holder of the
/// lock writes, so that the new one may have a fixed name: what a crash leaves of it is
/// written over.
pub(in crate::unit) fn write(path: &Path, content: &impl Serialize) -> Result<(), HistoryError> {
    let new = path.with_extension("json~new");
    let replace = || -> io::Result<()> {
        let mut bytes = serde_json::to_vec(content)?;
        bytes.push(b'\n');
        let mut file = File::create(&new)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    replace().map_err(|cause| refused("write", path, cause))
}

/// Copies a damaged file, and returns where to.
pub(super) fn keep_aside(
    path: &Path,
    directory: &Path,
    name: &str,
) -> Result<PathBuf, HistoryError> {
    let copy_of = |number| directory.join(format!("{name}~damaged-{number}.json"));
    let copy = (1..=KEPT_COPIES)
        .map(copy_of)
        .find(|copy| !copy.exists())
        .unwrap_or_else(|| copy_of(KEPT_COPIES));
    fs::copy(path, &copy).map_err(|cause| refused("copy", path, cause))?;
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_target_leaves_the_directory_or_shares_a_name() {
        let long = "x".repeat(1000);
        let longer = "x".repeat(1001);
        let wide = "é".repeat(300);
        let targets = [
            "streamkit.service",
            "",
            ".",
            "..",
            "../../etc/passwd",
            "/etc/passwd",
            "a/b",
            "a%2Fb",
            "a b",
            "a~b",
            "a\0b",
            "a\nb",
            ".hidden",
            "%2Ehidden",
            "docker restart x",
            "x.lock",
            "x~damaged-1",
            "x",
            &long,
            &longer,
            &wide,
        ];
        let names: HashSet<String> = targets.iter().map(|t| safe_name(t)).collect();
        assert_eq!(names.len(), targets.len());
        for name in names {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_@%~".contains(c);
            assert!(name.chars().all(is_plain), "{name}");
            assert!(!name.is_empty() && !name.starts_with('.'), "{name}");
            assert!(name.len() <= MAX_NAME_BYTES, "{name}");
        }
        assert_eq!(safe_name("streamkit@a.service"), "streamkit@a.service");
    }
}
