use std::io::Write as _;

use ::zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::*;

fn line(id: i64) -> String {
    format!("{id},50014.00859087,0.12019569,3,5,1756710002083000,False,True\n")
}

fn lines(ids: std::ops::Range<i64>) -> String {
    ids.map(line).collect()
}

/// The file of this name with this content, zipped if it is a.zip.
fn open(name: &str, content: &str) -> Result<TradeFile, FileError> {
    let mut file = tempfile::tempfile().expect("a file");
    if name == "a.zip" {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        let mut zip = ZipWriter::new(&mut file);
        zip.start_file("a.csv", options).expect("a file");
        zip.write_all(content.as_bytes()).expect("written");
        zip.finish().expect("a zip");
    } else {
        file.write_all(content.as_bytes()).expect("written");
    }
    file.rewind().expect("rewound");
    TradeFile::new(name.to_owned(), file)
}

/// All ids with their lines, until the end or an error.
fn read(file: &mut TradeFile) -> (Vec<(u64, i64)>, Option<FileError>) {
    let mut all = Vec::new();
    loop {
        match file.next_block() {
            Ok(Some(block)) => {
                let ids = block.trades.iter().map(|trade| trade.id);
                all.extend((block.first_line..).zip(ids));
            }
            Ok(None) => return (all, None),
            Err(error) => return (all, Some(error)),
        }
    }
}

#[test]
fn plain_and_zipped_files_are_the_same_trades_on_the_same_lines() {
    let content = format!("a,p,q,f,l,T,m,M\n{}", lines(1..20_001));
    for name in ["a.csv", "a.zip"] {
        let (all, error) = read(&mut open(name, &content).expect(name));
        assert!(error.is_none(), "{error:?}");
        assert_eq!(all.len(), 20_000);
        assert!(
            all.iter().all(|&(line, id)| line as i64 == id + 1),
            "{name}"
        );
    }
}

#[test]
fn an_error_comes_once_behind_the_trades_before_it() {
    for name in ["a.csv", "a.zip"] {
        let content = format!("{}oops\n{}", lines(1..10_001), lines(10_001..10_005));
        let mut file = open(name, &content).expect(name);
        let (all, error) = read(&mut file);
        assert_eq!(all.len(), 10_000);
        let text = error.expect("a broken line").to_string();
        let expected = format!("read {name}:10001: it has 1 columns, 7 or 8 are due: 'oops'");
        assert_eq!(text, expected);
        assert!(matches!(file.next_block(), Ok(None)));
        // Giving up in the middle ends the thread.
        let mut file = open(name, &content).expect(name);
        assert!(matches!(file.next_block(), Ok(Some(_))));
    }
}

#[test]
fn an_id_that_does_not_rise_above_the_file_before_is_named() {
    for name in ["a.csv", "a.zip"] {
        let mut file = open(name, &lines(5..8)).expect(name).after(Some(5));
        let text = read(&mut file).1.expect("an id twice").to_string();
        assert_eq!(
            text,
            format!("read {name}:1: a (aggregate id): the id does not rise after 5: '5'")
        );
        let mut file = open(name, &lines(5..8)).expect(name).after(Some(2));
        let block = file.next_block().expect("a block").expect("trades");
        let gap = Gap {
            first_id: 3,
            last_id: 4,
        };
        assert_eq!((block.gaps, block.trades.len()), (&[gap][..], 3));
        assert_eq!(file.last_id(), Some(7));
    }
}

#[test]
fn a_name_that_promises_a_zip_has_to_keep_it() {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(b"<html>404</html>").expect("written");
    file.rewind().expect("rewound");
    let Err(error) = TradeFile::new("a.zip".to_owned(), file) else {
        panic!("that is no zip");
    };
    assert_eq!(
        error.to_string(),
        "read a.zip: it is no zip: it begins with '<htm'"
    );
}

#[test]
fn a_pipe_is_read_as_csv_and_refused_as_zip() {
    for (content, expected) in [
        (lines(1..4), None),
        ("PK\x03\x04 and so on".to_owned(), Some("from a pipe")),
    ] {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        writer.write_all(content.as_bytes()).expect("written");
        drop(writer);
        let file = File::from(std::os::fd::OwnedFd::from(reader));
        match (TradeFile::new("-".to_owned(), file), expected) {
            (Ok(mut file), None) => assert_eq!(read(&mut file).0.len(), 3),
            (Err(error), Some(text)) => assert!(error.to_string().contains(text), "{error}"),
            (file, _) => panic!("{:?}", file.err()),
        }
    }
}

#[test]
fn damage_deep_in_a_zip_is_told_behind_the_trades_before_it() {
    let content = lines(1..50_001);
    let mut bytes = Vec::new();
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut zip = ZipWriter::new(Cursor::new(&mut bytes));
    zip.start_file("a.csv", options).expect("a file");
    zip.write_all(content.as_bytes()).expect("written");
    zip.finish().expect("a zip");
    // The price of a trade near the end, still a price: only the CRC-32 knows.
    let place = bytes.len() - 2_000
        + bytes[bytes.len() - 2_000..]
            .iter()
            .position(|&b| b == b'.')
            .expect("a point")
        + 1;
    bytes[place] ^= 1;
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(&bytes).expect("written");
    file.rewind().expect("rewound");
    let mut file = TradeFile::new("a.zip".to_owned(), file).expect("a zip");
    let (all, error) = read(&mut file);
    let text = error.expect("damage").to_string();
    assert!(
        text.starts_with("read a.zip: the zip is damaged: its CRC-32 is "),
        "{text}"
    );
    assert!(
        !all.is_empty() && all.len() < 50_000,
        "the last block is not handed out"
    );
}
