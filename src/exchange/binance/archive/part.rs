//! A file that is being fetched.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Seek, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{
    cache::{CachedFile, hash_all, is_at, remove_if_there, touch},
    checksum::Checksum,
};

/// Somebody may remove or finish a part just when it is opened, but not for ever.
const MAX_OPENS: usize = 16;

/// What has come of a file so far, locked. Its checksum is kept up as it grows.
#[derive(Debug)]
pub(super) struct PartFile {
    file: File,
    path: PathBuf,
    mark_path: PathBuf,
    whole_path: PathBuf,
    hash: Sha256,
    length_bytes: u64,
    /// Which version this is of, in the server's words.
    mark: Option<String>,
}

impl PartFile {
    /// Opens and locks a part; none while somebody else works on it.
    pub(super) fn claim(
        path: PathBuf,
        mark_path: PathBuf,
        whole_path: PathBuf,
    ) -> io::Result<Option<Self>> {
        for _ in 0..MAX_OPENS {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            if !is_at(&file, &path)? {
                continue;
            }
            let mark = read_mark(&mark_path)?;
            if mark.is_none() {
                // Nobody can say what it is the beginning of.
                file.set_len(0)?;
            }
            let (hash, length_bytes) = hash_all(&mut file)?;
            return Ok(Some(Self {
                file,
                path,
                mark_path,
                whole_path,
                hash,
                length_bytes,
                mark,
            }));
        }
        Ok(None)
    }

    /// How much has come.
    pub(super) fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    /// Which version it is of, if anything has come.
    pub(super) fn mark(&self) -> Option<&str> {
        self.mark.as_deref().filter(|_| self.length_bytes > 0)
    }

    /// The checksum of what has come.
    pub(super) fn checksum(&self) -> Checksum {
        Checksum::of(&self.hash)
    }

    /// Begins anew with another version.
    pub(super) fn restart(&mut self, mark: Option<&str>) -> io::Result<()> {
        // Without its mark nothing of the old content is ever taken for the new one's.
        remove_if_there(&self.mark_path)?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.hash = Sha256::new();
        self.length_bytes = 0;
        self.mark = mark.map(str::to_owned);
        if let Some(mark) = mark {
            fs::write(&self.mark_path, mark)?;
        }
        Ok(())
    }

    /// Appends what came.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.length_bytes += bytes.len() as u64;
        Ok(())
    }

    /// It is whole and has the right checksum: gives it its name.
    pub(super) fn finish(self) -> io::Result<CachedFile> {
        self.file.sync_all()?;
        touch(&self.file)?;
        fs::rename(&self.path, &self.whole_path)?;
        if let Some(directory) = self.whole_path.parent() {
            File::open(directory)?.sync_all()?;
        }
        remove_if_there(&self.mark_path)?;
        // From now on others may read it as well. If one of them is just removing it, it
        // stays readable for who has it open.
        match self.file.try_lock_shared() {
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        CachedFile::new(self.whole_path, self.file)
    }

    /// Removes it.
    pub(super) fn discard(self) -> io::Result<()> {
        remove_if_there(&self.mark_path)?;
        remove_if_there(&self.path)
    }
}

fn read_mark(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(mark) => Ok(Some(mark).filter(|mark| !mark.is_empty())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // Damage is as good as nothing.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
        Err(error) => Err(error),
    }
}
