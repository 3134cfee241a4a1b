//! Where the one file of a zip is.
//!
//! All numbers are little-endian; the offsets below are those within a record.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use super::ZipError;
use crate::exchange::binance::excerpt::excerpt;

/// What a zip begins with, unless it is empty.
pub(in super::super) const MAGIC: [u8; 4] = *b"PK\x03\x04";

const LOCAL_BYTES: usize = 30;
const ENTRY_MAGIC: [u8; 4] = *b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;
const END_MAGIC: [u8; 4] = *b"PK\x05\x06";
const END_BYTES: usize = 22;
const LOCATOR64_MAGIC: [u8; 4] = *b"PK\x06\x07";
const LOCATOR64_BYTES: usize = 20;
const END64_MAGIC: [u8; 4] = *b"PK\x06\x06";
const END64_BYTES: usize = 56;

/// A comment behind the end record may be so long.
const MAX_COMMENT_BYTES: u64 = 0xffff;

/// A directory of one file has less than 200 kB, whatever its name and comment.
const MAX_DIRECTORY_BYTES: u64 = 1 << 20;

/// Stands where the wider form has the number.
const WIDE_U32: u64 = 0xffff_ffff;
const WIDE_U16: u64 = 0xffff;

/// The extra field with the wide numbers.
const EXTRA_ZIP64: u16 = 1;

/// The content is encrypted.
const FLAG_ENCRYPTED: u16 = 1;

/// What the directory says of the one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub name: String,
    pub method: u16,
    pub crc: u32,
    pub content_bytes: u64,
    pub size_bytes: u64,
    /// Where the content begins.
    pub content_start: u64,
}

/// Finds the one file, a CSV.
pub(super) fn find(file: &mut File) -> Result<Entry, ZipError> {
    let size_bytes = file.seek(SeekFrom::End(0))?;
    let truncated = ZipError::Truncated { size_bytes };
    let beginning = read_at(file, 0, size_bytes.min(MAGIC.len() as u64))?;
    if beginning != MAGIC && beginning != END_MAGIC {
        let excerpt = excerpt(&beginning);
        return Err(ZipError::NotZip { excerpt });
    }
    let Some(end) = find_end(file, size_bytes)? else {
        return Err(truncated);
    };
    let directory_end = end.start.checked_add(end.size_bytes);
    if directory_end.is_none_or(|end| end > size_bytes) {
        return Err(truncated);
    }
    if end.size_bytes > MAX_DIRECTORY_BYTES {
        return Err(ZipError::NotOne { count: end.count });
    }
    let directory = read_at(file, end.start, end.size_bytes)?;
    let (entry, local_start) = only_file(&directory)?;
    let local = local_start
        .checked_add(LOCAL_BYTES as u64)
        .filter(|&local_end| local_end <= end.start)
        .ok_or(ZipError::Damaged("its file begins behind its directory"))
        .map(|_| read_at(file, local_start, LOCAL_BYTES as u64))??;
    if local[..4] != MAGIC {
        return Err(ZipError::Damaged("its file does not begin where it says"));
    }
    let skipped =
        LOCAL_BYTES as u64 + u64::from(u16_at(&local, 26)) + u64::from(u16_at(&local, 28));
    let content_start = local_start + skipped;
    let content_end = content_start.checked_add(entry.content_bytes);
    if content_end.is_none_or(|content_end| content_end > end.start) {
        return Err(ZipError::Damaged("its file ends behind its directory"));
    }
    Ok(Entry {
        content_start,
        ..entry
    })
}

/// What the end record says of the directory.
struct End {
    count: u64,
    start: u64,
    size_bytes: u64,
}

/// The end record, if there is one.
fn find_end(file: &mut File, size_bytes: u64) -> Result<Option<End>, ZipError> {
    let tail_bytes = size_bytes.min(MAX_COMMENT_BYTES + END_BYTES as u64);
    let tail_start = size_bytes - tail_bytes;
    let tail = read_at(file, tail_start, tail_bytes)?;
    let is_end = |&place: &usize| {
        let record = &tail[place..];
        record.len() >= END_BYTES && record.len() - END_BYTES == usize::from(u16_at(record, 20))
    };
    let Some(place) = memchr::memmem::rfind_iter(&tail, &END_MAGIC).find(is_end) else {
        return Ok(None);
    };
    let record = &tail[place..];
    let end = End {
        count: u64::from(u16_at(record, 10)),
        size_bytes: u64::from(u32_at(record, 12)),
        start: u64::from(u32_at(record, 16)),
    };
    let is_wide = end.count == WIDE_U16 || end.size_bytes == WIDE_U32 || end.start == WIDE_U32;
    let locator_start = (tail_start + place as u64).checked_sub(LOCATOR64_BYTES as u64);
    let (true, Some(locator_start)) = (is_wide, locator_start) else {
        return Ok(Some(end));
    };
    let locator = read_at(file, locator_start, LOCATOR64_BYTES as u64)?;
    if locator[..4] != LOCATOR64_MAGIC {
        return Ok(Some(end));
    }
    let record_start = u64_at(&locator, 8);
    let fits = record_start
        .checked_add(END64_BYTES as u64)
        .is_some_and(|record_end| record_end <= locator_start);
    if !fits {
        return Err(ZipError::Damaged("its wide end record is not there"));
    }
    let record = read_at(file, record_start, END64_BYTES as u64)?;
    if record[..4] != END64_MAGIC {
        return Err(ZipError::Damaged("its wide end record is not there"));
    }
    Ok(Some(End {
        count: u64_at(&record, 32),
        size_bytes: u64_at(&record, 40),
        start: u64_at(&record, 48),
    }))
}

/// The one file of a directory, and where its local header is.
fn only_file(mut directory: &[u8]) -> Result<(Entry, u64), ZipError> {
    let mut found = None;
    let mut count = 0;
    while !directory.is_empty() {
        let (entry, local_start, rest) = first_entry(directory)?;
        directory = rest;
        // A folder is an entry of its own.
        if !entry.name.ends_with('/') {
            count += 1;
            found.get_or_insert((entry, local_start));
        }
    }
    let Some((entry, local_start)) = found.filter(|_| count == 1) else {
        return Err(ZipError::NotOne { count });
    };
    let is_csv = entry.name.to_ascii_lowercase().ends_with(".csv");
    if !is_csv {
        let name = excerpt(entry.name.as_bytes());
        return Err(ZipError::NotCsv { name });
    }
    Ok((entry, local_start))
}

fn first_entry(directory: &[u8]) -> Result<(Entry, u64, &[u8]), ZipError> {
    const CUT: ZipError = ZipError::Damaged("its directory ends within an entry");
    if directory.len() < ENTRY_BYTES {
        return Err(CUT);
    }
    let (fixed, rest) = directory.split_at(ENTRY_BYTES);
    if fixed[..4] != ENTRY_MAGIC {
        return Err(ZipError::Damaged("its directory holds something else"));
    }
    if u16_at(fixed, 8) & FLAG_ENCRYPTED != 0 {
        return Err(ZipError::Encrypted);
    }
    let mut rest = rest;
    let mut take = |length: u16| {
        let (taken, left) = rest.split_at_checked(usize::from(length))?;
        rest = left;
        Some(taken)
    };
    let name = take(u16_at(fixed, 28)).ok_or(CUT)?;
    let extra = take(u16_at(fixed, 30)).ok_or(CUT)?;
    take(u16_at(fixed, 32)).ok_or(CUT)?;
    let mut wide = WideNumbers(wide_numbers(extra));
    // In this order the wide numbers stand, each only if it is needed.
    let size_bytes = wide.or(u32_at(fixed, 24))?;
    let content_bytes = wide.or(u32_at(fixed, 20))?;
    let local_start = wide.or(u32_at(fixed, 42))?;
    let entry = Entry {
        name: String::from_utf8_lossy(name).into_owned(),
        method: u16_at(fixed, 10),
        crc: u32_at(fixed, 16),
        content_bytes,
        size_bytes,
        content_start: 0,
    };
    Ok((entry, local_start, rest))
}

/// The wide numbers among the extra fields.
fn wide_numbers(mut extra: &[u8]) -> &[u8] {
    while extra.len() >= 4 {
        let (head, rest) = extra.split_at(4);
        let length = usize::from(u16_at(head, 2)).min(rest.len());
        if u16_at(head, 0) == EXTRA_ZIP64 {
            return &rest[..length];
        }
        extra = &rest[length..];
    }
    &[]
}

struct WideNumbers<'a>(&'a [u8]);

impl WideNumbers<'_> {
    /// The narrow number, or the next wide one in its place.
    fn or(&mut self, narrow: u32) -> Result<u64, ZipError> {
        if u64::from(narrow) != WIDE_U32 {
            return Ok(u64::from(narrow));
        }
        let (number, rest) = self
            .0
            .split_first_chunk::<8>()
            .ok_or(ZipError::Damaged("a wide number is missing"))?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*number))
    }
}

fn read_at(file: &mut File, start: u64, length: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = vec![0; length as usize];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn bytes_at<const N: usize>(record: &[u8], place: usize) -> [u8; N] {
    // Every record is checked to be whole before its numbers are read.
    let mut bytes = [0; N];
    bytes.copy_from_slice(&record[place..place + N]);
    bytes
}

fn u16_at(record: &[u8], place: usize) -> u16 {
    u16::from_le_bytes(bytes_at(record, place))
}

fn u32_at(record: &[u8], place: usize) -> u32 {
    u32::from_le_bytes(bytes_at(record, place))
}

fn u64_at(record: &[u8], place: usize) -> u64 {
    u64::from_le_bytes(bytes_at(record, place))
}
