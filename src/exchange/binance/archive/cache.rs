//! The files that were fetched, kept up to a size.
//!
//! ```text
//! BTCUSDT-aggTrades-2025-09-01.0123456789abcdef.zip    a whole file
//! BTCUSDT-aggTrades-2025-09-01.0123456789abcdef.part   one that is being fetched
//! BTCUSDT-aggTrades-2025-09-01.0123456789abcdef.from   which version the part is of
//! ```
//!
//! The digits are the beginning of the checksum, so a file that the exchange has rewritten
//! is another file here. A part is renamed once all of it has been compared with the
//! checksum and is on disk. Several processes may share a directory: who fetches a file
//! locks its part, who reads one shares a lock on it, and nothing that is locked is
//! removed. What was used least recently goes first; when it was used is its time of
//! modification. Files with other names are left alone.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Seek},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, futimens};
use sha2::{Digest, Sha256};

use super::{
    checksum::Checksum,
    file::{FileError, TradeFile},
    name::ArchiveName,
    part::PartFile,
};

pub(super) const WHOLE: &str = "zip";
pub(super) const PART: &str = "part";
pub(super) const MARK: &str = "from";

/// How much is hashed at once.
const PIECE_BYTES: usize = 256 * 1024;

/// A directory of files.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    directory: PathBuf,
    limit_bytes: u64,
}

/// A whole file with the right checksum. It stays in the cache as long as this is held.
#[derive(Debug)]
pub struct CachedFile {
    path: PathBuf,
    file: File,
    size_bytes: u64,
}

impl CachedFile {
    /// A file that is open, and locked.
    pub(super) fn new(path: PathBuf, file: File) -> io::Result<Self> {
        let size_bytes = file.metadata()?.len();
        Ok(Self {
            path,
            file,
            size_bytes,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How long it is.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Reads its trades.
    ///
    /// # Errors
    /// As for [`TradeFile::new`].
    pub fn read(mut self) -> Result<TradeFile, FileError> {
        let name = self.path.display().to_string();
        match self.file.rewind() {
            Ok(()) => TradeFile::new(name, self.file),
            Err(cause) => Err(FileError::io(name, cause)),
        }
    }
}

impl Cache {
    /// Makes the directory if it is not there.
    pub(super) fn open(directory: PathBuf, limit_bytes: u64) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        Ok(Self {
            directory,
            limit_bytes,
        })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    fn path(&self, name: &ArchiveName, checksum: &Checksum, extension: &str) -> PathBuf {
        let file = format!("{}.{}.{extension}", name.stem(), checksum.short());
        self.directory.join(file)
    }

    /// The whole file, if it is here. Its checksum is compared again: a disk may have
    /// lost some of it in the meantime.
    pub(super) fn find(
        &self,
        name: &ArchiveName,
        checksum: &Checksum,
    ) -> io::Result<Option<CachedFile>> {
        let path = self.path(name, checksum, WHOLE);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match file.try_lock_shared() {
            Ok(()) => {}
            // It is just being removed.
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let (found, _) = hash_all(&mut file)?;
        if Checksum::of(&found) != *checksum {
            tracing::warn!(path = %path.display(), "a file of the cache is damaged, it is fetched again");
            fs::remove_file(&path)?;
            return Ok(None);
        }
        touch(&file)?;
        CachedFile::new(path, file).map(Some)
    }

    /// The part to go on with, which may be empty; none while somebody else works on it.
    pub(super) fn claim(
        &self,
        name: &ArchiveName,
        checksum: &Checksum,
    ) -> io::Result<Option<PartFile>> {
        PartFile::claim(
            self.path(name, checksum, PART),
            self.path(name, checksum, MARK),
            self.path(name, checksum, WHOLE),
        )
    }

    /// Removes what was used least recently until `more_bytes` fit in, or nothing is left
    /// that is not in use. Says how many files went.
    pub(super) fn make_room(&self, more_bytes: u64) -> io::Result<u64> {
        let mut kept = self.list()?;
        kept.sort_by_key(|kept| kept.used);
        let mut all_bytes: u64 = kept.iter().map(|kept| kept.size_bytes).sum();
        let mut removed = 0;
        for kept in kept {
            if all_bytes.saturating_add(more_bytes) <= self.limit_bytes {
                break;
            }
            if remove_unless_used(&kept.path)? {
                tracing::debug!(path = %kept.path.display(), "removed from the cache");
                all_bytes -= kept.size_bytes;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// All whole files and parts.
    fn list(&self) -> io::Result<Vec<Kept>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if !is_ours(&path) {
                continue;
            }
            match path.symlink_metadata() {
                Ok(metadata) if metadata.is_file() => all.push(Kept {
                    size_bytes: metadata.len(),
                    used: metadata.modified()?,
                    path,
                }),
                Ok(_) => {}
                // Somebody else has removed it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }
}

struct Kept {
    path: PathBuf,
    size_bytes: u64,
    used: SystemTime,
}

/// Whether a file is a whole one or a part of the cache.
fn is_ours(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    let parts: Vec<&str> = name.split('.').collect();
    let [stem, digits, WHOLE | PART] = parts[..] else {
        return false;
    };
    Checksum::is_short(digits) && stem.parse::<ArchiveName>().is_ok()
}

/// Removes a file with its mark, unless somebody holds a lock on it.
fn remove_unless_used(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(false),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // What was opened may have been renamed or removed before it was locked.
    if !is_at(&file, path)? {
        return Ok(false);
    }
    remove_if_there(&path.with_extension(MARK))?;
    remove_if_there(path)?;
    Ok(true)
}

pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether `path` still names the file that is open.
pub(super) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let open = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Notes that a file is used now.
pub(super) fn touch(file: &File) -> io::Result<()> {
    let now_or_not = |nanoseconds| Timespec {
        tv_sec: 0,
        tv_nsec: nanoseconds,
    };
    futimens(
        file,
        &Timestamps {
            last_access: now_or_not(UTIME_OMIT),
            last_modification: now_or_not(UTIME_NOW),
        },
    )?;
    Ok(())
}

/// Hashes a file from its beginning; it stands at its end afterwards. With the hash
/// comes how long it is.
pub(super) fn hash_all(file: &mut File) -> io::Result<(Sha256, u64)> {
    file.rewind()?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut length_bytes = 0;
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok((hash, length_bytes)),
            Ok(length) => {
                hash.update(&piece[..length]);
                length_bytes += length as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
