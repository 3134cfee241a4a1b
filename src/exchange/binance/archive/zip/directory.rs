//! Where the one file of a zip is.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use zip::{CompressionMethod, ZipArchive, result::ZipError as Refused};

use super::ZipError;
use crate::exchange::binance::excerpt::excerpt;

/// What a zip begins with, unless it is empty.
pub(in super::super) const MAGIC: [u8; 4] = *b"PK\x03\x04";
/// What an empty one begins with: the end record.
const END_MAGIC: [u8; 4] = *b"PK\x05\x06";
/// The end record without the comment behind it.
const END_BYTES: usize = 22;
/// With the longest comment.
const MAX_TAIL_BYTES: u64 = END_BYTES as u64 + 0xffff;

/// What the directory says of the one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Whether its content is deflated; it is stored as it is otherwise.
    pub is_deflated: bool,
    pub crc: u32,
    pub content_bytes: u64,
    pub size_bytes: u64,
    /// Where the content begins.
    pub content_start: u64,
}

/// Finds the one file, a CSV.
pub(super) fn find(mut file: &File) -> Result<Entry, ZipError> {
    let size_bytes = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    let mut beginning = Vec::with_capacity(MAGIC.len());
    file.take(MAGIC.len() as u64).read_to_end(&mut beginning)?;
    if beginning != MAGIC && beginning != END_MAGIC {
        let excerpt = excerpt(&beginning);
        return Err(ZipError::NotZip { excerpt });
    }
    let mut archive = match ZipArchive::new(file) {
        Ok(archive) => archive,
        // What a download that broke off lacks is the end.
        Err(Refused::InvalidArchive(_)) if !has_end(file, size_bytes)? => {
            return Err(ZipError::Truncated { size_bytes });
        }
        Err(error) => return Err(refused(error)),
    };
    let index = only_file(&mut archive)?;
    // Nothing is inflated yet.
    let member = archive.by_index_raw(index).map_err(refused)?;
    if member.encrypted() {
        return Err(ZipError::Encrypted);
    }
    let is_deflated = match member.compression() {
        CompressionMethod::Stored => false,
        CompressionMethod::Deflated => true,
        other => return Err(ZipError::Method(other.to_string())),
    };
    let content_start = member
        .data_start()
        .ok_or_else(|| ZipError::Damaged("where its file begins is not said".to_owned()))?;
    Ok(Entry {
        is_deflated,
        crc: member.crc32(),
        content_bytes: member.compressed_size(),
        size_bytes: member.size(),
        content_start,
    })
}

fn refused(refused: Refused) -> ZipError {
    match refused {
        Refused::Io(error) => error.into(),
        Refused::InvalidArchive(reason) => ZipError::Damaged(reason.into_owned()),
        refused => ZipError::Damaged(refused.to_string()),
    }
}

/// Which entry the one file is. A folder is an entry of its own.
fn only_file(archive: &mut ZipArchive<&File>) -> Result<usize, ZipError> {
    let mut found = None;
    let mut count = 0;
    for index in 0..archive.len() {
        let member = archive.by_index_raw(index).map_err(refused)?;
        if !member.is_dir() {
            count += 1;
            let name = member.name().map_err(refused)?;
            found.get_or_insert_with(|| (index, name.into_owned()));
        }
    }
    let Some((index, name)) = found.filter(|_| count == 1) else {
        return Err(ZipError::NotOne { count });
    };
    if !name.to_ascii_lowercase().ends_with(".csv") {
        let name = excerpt(name.as_bytes());
        return Err(ZipError::NotCsv { name });
    }
    Ok(index)
}

/// Whether there is an end record, however wrong.
fn has_end(mut file: &File, size_bytes: u64) -> Result<bool, ZipError> {
    let tail_bytes = size_bytes.min(MAX_TAIL_BYTES);
    file.seek(SeekFrom::Start(size_bytes - tail_bytes))?;
    let mut tail = Vec::new();
    file.take(tail_bytes).read_to_end(&mut tail)?;
    let ends = memchr::memmem::rfind(&tail, &END_MAGIC);
    Ok(ends.is_some_and(|place| tail.len() - place >= END_BYTES))
}
