//! Room on the disk that is kept for delivery.
//!
//! A spool that grows while the store is away may fill the disk. Then it can only become
//! smaller by being delivered, and even deleting a batch has to be written down first. So
//! a file keeps some room, from the start on; when there is none left for delivery, the
//! file goes, and it comes back when there is room again. Commits get nothing of it for good:
//! what they bring can be fetched later. Those that need no more pages than are free in the
//! journal's file may borrow it for the write-ahead log.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use super::{error::JournalError, file::Journal};

const FILE_NAME: &str = "journal.reserve";
/// As much as SQLite lets its write-ahead log grow to before it is written back.
const SIZE_BYTES: u64 = 4 << 20;

/// Makes the file if there is room for it.
pub(super) fn make(directory: &Path) -> io::Result<()> {
    let path = directory.join(FILE_NAME);
    if path.try_exists()? {
        return Ok(());
    }
    let room = rustix::fs::statvfs(directory)?;
    if room.f_bavail.saturating_mul(room.f_frsize) < SIZE_BYTES {
        return Ok(());
    }
    let mut file = File::create(&path)?;
    let flags = rustix::fs::FallocateFlags::empty();
    let filled = match rustix::fs::fallocate(&file, flags, 0, SIZE_BYTES) {
        Ok(()) => Ok(()),
        // Not every file system can do that.
        Err(_) => file.write_all(&vec![0; SIZE_BYTES as usize]),
    };
    if filled.is_err() {
        fs::remove_file(&path)?;
    }
    filled
}

impl Journal {
    /// Does something for delivery, or a commit that fits into the file as it is; when the
    /// disk is full, once more with the reserve.
    pub(super) fn with_reserve<T>(
        &mut self,
        mut act: impl FnMut(&mut Self) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let first = act(self);
        let is_full = first.as_ref().is_err_and(JournalError::is_disk_full);
        if !is_full || fs::remove_file(self.path.join(FILE_NAME)).is_err() {
            if first.is_ok() && self.lock.is_some() {
                // Without it the journal works as well, until the disk is full.
                let _ = make(&self.path);
            }
            return first;
        }
        let second = act(self);
        // The log gives its room back; should somebody read just now, the next one does.
        let _ = self.write_back();
        // Before commits take it: nothing is won yet but a lease, or one batch.
        let _ = make(&self.path);
        second
    }
}
