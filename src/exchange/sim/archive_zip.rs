//! Zips, written from the format's description.
//!
//! A zip here has one file, deflated: a local header, the content, a directory of one
//! entry, an end record. All numbers are little-endian.

use std::io::{self, Write};

use crc32fast::Hasher;
use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::archive_fault::ZipDamage;

/// The version of the format that deflate needs: 2.0.
const VERSION: u16 = 20;
const DEFLATE: u16 = 8;
/// 1980-01-01, the first day that the format knows.
const DATE: u16 = 0x21;

/// A zip in the making: what is written is the content of its one file.
pub(crate) struct ZipWriter {
    name: String,
    deflate: DeflateEncoder<Vec<u8>>,
    crc: Hasher,
    size_bytes: u64,
}

impl ZipWriter {
    /// A zip of a file with this name.
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            deflate: DeflateEncoder::new(Vec::new(), Compression::fast()),
            crc: Hasher::new(),
            size_bytes: 0,
        }
    }

    /// The whole zip.
    pub(crate) fn finish(self, damage: Option<ZipDamage>) -> io::Result<Vec<u8>> {
        let Self {
            name,
            deflate,
            crc,
            size_bytes,
        } = self;
        let content = deflate.finish()?;
        let narrow = |number: u64| {
            u32::try_from(number).map_err(|_| io::Error::other("a zip above 4 GiB is not written"))
        };
        let mut crc = crc.finalize();
        if damage == Some(ZipDamage::Crc) {
            crc ^= 1;
        }
        let entry = Entry {
            crc,
            content_bytes: narrow(content.len() as u64)?,
            size_bytes: narrow(size_bytes)?,
        };
        let copies = if damage == Some(ZipDamage::TwoFiles) {
            2
        } else {
            1
        };
        let mut zip = Vec::with_capacity(content.len() + 512);
        let mut directory = Vec::new();
        for copy in 0..copies {
            let name = if copy == 0 {
                name.clone()
            } else {
                format!("{copy}-{name}")
            };
            let start = narrow(zip.len() as u64)?;
            zip.extend_from_slice(b"PK\x03\x04");
            zip.extend_from_slice(&entry.common());
            zip.extend_from_slice(&lengths(&name));
            zip.extend_from_slice(name.as_bytes());
            zip.extend_from_slice(&content);
            directory.extend_from_slice(b"PK\x01\x02");
            directory.extend_from_slice(&VERSION.to_le_bytes());
            directory.extend_from_slice(&entry.common());
            directory.extend_from_slice(&lengths(&name));
            // No comment, disk 0, no attributes.
            directory.extend_from_slice(&[0; 10]);
            directory.extend_from_slice(&start.to_le_bytes());
            directory.extend_from_slice(name.as_bytes());
        }
        let directory_start = narrow(zip.len() as u64)?;
        zip.extend_from_slice(&directory);
        zip.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        for _ in 0..2 {
            zip.extend_from_slice(&u16::to_le_bytes(copies));
        }
        zip.extend_from_slice(&narrow(directory.len() as u64)?.to_le_bytes());
        zip.extend_from_slice(&directory_start.to_le_bytes());
        zip.extend_from_slice(&[0; 2]);
        if damage == Some(ZipDamage::CutOff) {
            zip.truncate(zip.len() / 2);
        }
        Ok(zip)
    }
}

impl Write for ZipWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.deflate.write_all(bytes)?;
        self.crc.update(bytes);
        self.size_bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Entry {
    crc: u32,
    content_bytes: u32,
    size_bytes: u32,
}

impl Entry {
    /// What the local header and the directory say alike.
    fn common(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(22);
        for number in [VERSION, 0, DEFLATE, 0, DATE] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for number in [self.crc, self.content_bytes, self.size_bytes] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out
    }
}

/// The lengths of the name, and of the extra fields, which there are none of.
fn lengths(name: &str) -> [u8; 4] {
    let [low, high] = (name.len() as u16).to_le_bytes();
    [low, high, 0, 0]
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use super::*;

    #[test]
    fn another_program_reads_what_is_written() {
        let content: Vec<u8> = (0..60_000)
            .flat_map(|n| format!("{n},").into_bytes())
            .collect();
        let mut zip = ZipWriter::new("a.csv".to_owned());
        for piece in content.chunks(70_000) {
            zip.write_all(piece).unwrap();
        }
        let bytes = zip.finish(None).unwrap();
        assert!(bytes.len() < content.len());
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        assert_eq!(archive.len(), 1);
        let mut file = archive.by_index(0).unwrap();
        assert_eq!(file.name().unwrap(), "a.csv");
        let mut read = Vec::new();
        file.read_to_end(&mut read).unwrap();
        assert_eq!(read, content);
    }

    #[test]
    fn another_program_sees_every_damage() {
        let damaged = |damage| {
            let mut zip = ZipWriter::new("a.csv".to_owned());
            zip.write_all(b"1,2,3\n").unwrap();
            Cursor::new(zip.finish(Some(damage)).unwrap())
        };
        assert!(zip::ZipArchive::new(damaged(ZipDamage::CutOff)).is_err());
        let two = zip::ZipArchive::new(damaged(ZipDamage::TwoFiles)).unwrap();
        assert_eq!(two.len(), 2);
        let mut wrong = zip::ZipArchive::new(damaged(ZipDamage::Crc)).unwrap();
        let mut read = Vec::new();
        assert!(wrong.by_index(0).unwrap().read_to_end(&mut read).is_err());
    }
}
