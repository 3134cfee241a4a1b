//! Opening a damaged file.

use std::{
    fs, io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};

use crate::journal::{file::Journal, schema};

/// Where in a file SQLite's own header ends.
const HEADER_BYTES: usize = 100;
/// Where the header has the number of pages, and where the list of free ones begins.
const PAGES_AT: usize = 28;
const FREE_AT: usize = 32;
/// Opens a damaged file to read what is left of it, if it has the tables that are known.
pub(super) fn open(path: &Path) -> Result<Connection, String> {
    let read = || -> rusqlite::Result<(Connection, i64)> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        // Else a file that is shorter than it says is refused as a whole.
        connection.pragma_update(None, "writable_schema", "ON")?;
        let format = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        connection.prepare("SELECT id, crc32, digest, payload FROM chunks")?;
        connection.prepare("SELECT id, chunks FROM batches")?;
        Ok((connection, format))
    };
    match read() {
        Ok((connection, schema::FORMAT)) => Ok(connection),
        Ok((_, format)) => Err(format!("its format is {format}")),
        Err(error) => Err(error.to_string()),
    }
}

/// A copy that is removed in the end.
pub(super) struct Patched(pub PathBuf);

impl Drop for Patched {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(with_suffix(&self.0, suffix));
        }
    }
}

/// The path with something behind its name.
pub(in crate::journal) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(suffix);
    name.into()
}

/// Makes a copy of the file whose first page is that of a journal: its own behind SQLite's
/// header if that makes it readable, else that of `new`.
pub(super) fn patch(path: &Path, new: &Journal) -> io::Result<Patched> {
    let copy = Patched(with_suffix(path, ".patched"));
    for suffix in ["", "-wal"] {
        let from = with_suffix(path, suffix);
        if from.try_exists()? {
            fs::copy(from, with_suffix(&copy.0, suffix))?;
        }
    }
    let template = new.first_page().map_err(io::Error::other)?;
    for length in [HEADER_BYTES, template.len()] {
        let file = fs::OpenOptions::new().write(true).open(&copy.0)?;
        let pages = file.metadata()?.len() / template.len() as u64;
        let mut page = template[..length].to_vec();
        page[PAGES_AT..PAGES_AT + 4].copy_from_slice(&(pages as u32).to_be_bytes());
        page[FREE_AT..FREE_AT + 8].fill(0);
        file.write_all_at(&page, 0)?;
        file.sync_data()?;
        if open(&copy.0).is_ok() {
            break;
        }
    }
    Ok(copy)
}
