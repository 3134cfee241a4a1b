//! Zips are written by another library, and then damaged.

use std::io::{Seek, SeekFrom, Write};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::*;

/// Long enough for several fills of the input, and not all alike.
fn content() -> Vec<u8> {
    let mut content = Vec::new();
    for number in 0..60_000_u64 {
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        writeln!(content, "{number},{mixed}").expect("written");
    }
    content
}

fn deflated() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)
}

fn zipped(files: &[(&str, &[u8], SimpleFileOptions)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content, options) in files {
        zip.start_file(*name, *options).expect("a file");
        zip.write_all(content).expect("written");
    }
    zip.finish().expect("a zip").into_inner()
}

fn read(zip: &[u8]) -> Result<Vec<u8>, ZipError> {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(zip).expect("written");
    file.seek(SeekFrom::Start(0)).expect("rewound");
    let mut member = Member::open(file)?;
    let (mut all, due) = (Vec::new(), member.crc());
    // An odd size, so that blocks and the content end in different places.
    let mut block = vec![0; 70_001];
    loop {
        let length = member.fill(&mut block)?;
        all.extend_from_slice(&block[..length]);
        if length < block.len() {
            assert_eq!(member.fill(&mut block)?, 0, "the end stays the end");
            let got = crc32fast::hash(&all);
            if got != due {
                return Err(ZipError::Crc { due, got });
            }
            return Ok(all);
        }
    }
}

#[track_caller]
fn assert_refused(zip: &[u8], text: &str) {
    let error = read(zip).expect_err(text).to_string();
    assert!(error.contains(text), "{text:?} is not in {error:?}");
}

#[test]
fn deflated_stored_wide_and_empty_files_are_read() {
    let content = content();
    let stored = deflated().compression_method(CompressionMethod::Stored);
    let wide = deflated().large_file(true);
    for options in [deflated(), stored, wide, stored.large_file(true)] {
        assert_eq!(
            read(&zipped(&[("a.csv", &content, options)])).expect("a zip"),
            content
        );
        let empty = zipped(&[("folder/A.CSV", b"", options)]);
        assert_eq!(read(&empty).expect("a zip"), b"");
    }
}

#[test]
fn a_folder_and_a_comment_are_no_files() {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.add_directory("data/", deflated()).expect("a folder");
    zip.start_file("data/a.csv", deflated()).expect("a file");
    zip.write_all(b"1,2\n").expect("written");
    // It looks like an end record, and is none.
    zip.set_comment("PK\x05\x06 is how a zip ends, mostly with some more bytes")
        .expect("a comment");
    let zip = zip.finish().expect("a zip").into_inner();
    assert_eq!(read(&zip).expect("a zip"), b"1,2\n");
}

/// What an archive above 4 GiB has behind its directory, here without need.
#[test]
fn a_wide_end_record_is_followed() {
    let zip = zipped(&[("a.csv", b"1,2\n", deflated())]);
    let (body, end) = zip.split_at(zip.len() - 22);
    let number = |place: usize| u32::from_le_bytes(end[place..place + 4].try_into().expect("four"));
    let mut wide = body.to_vec();
    let record_start = wide.len() as u64;
    wide.extend_from_slice(b"PK\x06\x06");
    wide.extend_from_slice(&44_u64.to_le_bytes());
    wide.extend_from_slice(&[45, 0, 45, 0]);
    wide.extend_from_slice(&[0; 8]);
    for number in [1, 1, u64::from(number(12)), u64::from(number(16))] {
        wide.extend_from_slice(&number.to_le_bytes());
    }
    wide.extend_from_slice(b"PK\x06\x07\0\0\0\0");
    wide.extend_from_slice(&record_start.to_le_bytes());
    wide.extend_from_slice(&1_u32.to_le_bytes());
    let narrow_start = wide.len();
    wide.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    wide.extend_from_slice(&[0xff; 12]);
    wide.extend_from_slice(&[0; 2]);
    assert_eq!(read(&wide).expect("a wide zip"), b"1,2\n");
    // The locator points somewhere else.
    wide[narrow_start - 12] ^= 1;
    assert_refused(&wide, "the zip is damaged: ");
}

#[test]
fn another_number_of_files_or_another_file_is_named() {
    let two = zipped(&[("a.csv", b"1", deflated()), ("b.csv", b"1", deflated())]);
    assert_refused(&two, "the zip holds 2 files, one CSV is due");
    assert_refused(&zipped(&[]), "the zip holds 0 files, one CSV is due");
    let text = zipped(&[("readme.txt", b"1", deflated())]);
    assert_refused(&text, "the zip holds 'readme.txt', which is no CSV");
}

#[test]
fn a_file_that_is_no_zip_is_named_with_its_beginning() {
    assert_refused(b"<html>", "it is no zip: it begins with '<htm'");
    assert_refused(b"", "it is no zip: it begins with ''");
}

#[test]
fn a_cut_zip_is_cut_wherever_it_ends() {
    let content = content();
    let zip = zipped(&[("a.csv", &content, deflated())]);
    for length in [4, 30, 1000, zip.len() / 2, zip.len() - 23, zip.len() - 1] {
        let text = format!("the zip is cut off after {length} bytes");
        assert_refused(&zip[..length], &text);
    }
}

/// Changes every byte, one at a time: that is seen, or changes nothing that counts, and
/// never panics or hangs.
#[test]
fn no_changed_byte_changes_what_is_read() {
    let content: Vec<u8> = content().into_iter().take(2_000).collect();
    let zip = zipped(&[("a.csv", &content, deflated())]);
    let mut seen = 0;
    for place in 0..zip.len() {
        for bit in [0x01, 0x80] {
            let mut damaged = zip.clone();
            damaged[place] ^= bit;
            match read(&damaged) {
                Ok(read) => assert_eq!(read, content, "at {place}"),
                Err(_) => seen += 1,
            }
        }
    }
    assert!(seen > zip.len(), "{seen} of {}", 2 * zip.len());
}

#[test]
fn a_wrong_crc_or_size_is_told_with_both_numbers() {
    let content = content();
    let zip = zipped(&[("a.csv", &content, deflated())]);
    let entry = memchr::memmem::find(&zip, b"PK\x01\x02").expect("a directory");
    let mut wrong = zip.clone();
    wrong[entry + 16] ^= 1;
    let crc = crc32fast::hash(&content);
    assert_refused(
        &wrong,
        &format!("its CRC-32 is {crc:08x} where {:08x} is due", crc ^ 1),
    );
    // Said to hold less, it is given up before it fills the memory.
    let mut wrong = zip.clone();
    wrong[entry + 24..entry + 28].copy_from_slice(&5_u32.to_le_bytes());
    assert_refused(&wrong, "bytes where 5 are due");
    let mut wrong = zip;
    let more = content.len() as u32 + 1;
    wrong[entry + 24..entry + 28].copy_from_slice(&more.to_le_bytes());
    assert_refused(
        &wrong,
        &format!("it holds {} bytes where {more} are due", content.len()),
    );
}

#[test]
fn encryption_and_other_methods_are_named() {
    let zip = zipped(&[("a.csv", b"1,2\n", deflated())]);
    let entry = memchr::memmem::find(&zip, b"PK\x01\x02").expect("a directory");
    let mut encrypted = zip.clone();
    encrypted[entry + 8] |= 1;
    assert_refused(&encrypted, "the zip is encrypted");
    let mut other = zip;
    other[entry + 10] = 93;
    assert_refused(&other, "the zip is compressed by Zstd");
}
