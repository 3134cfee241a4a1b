//! What must hold for any bytes at all, by parser: it never panics, and what it reads is the
//! same however it is read.

use std::{collections::BTreeMap, fs, path::PathBuf};

use streamkit::{
    config::{Directories, Settings, Sources},
    exchange::binance::{
        csv::Reader,
        wire::{self, Message},
    },
    journal::codec,
};

/// A message of a stream. What the scanner reads, the general parser reads, too.
pub fn wire(data: &[u8]) {
    let scanned = wire::scan(data);
    let general = wire::read_generally(data);
    if let Some(scanned) = scanned {
        match general {
            Message::Trade { symbol, trade } => {
                assert_eq!(trade, scanned.trade);
                assert_eq!(symbol.to_uppercase().as_bytes(), scanned.symbol);
            }
            other => panic!("the scanner reads a trade, the general parser {other:?}"),
        }
    }
}

/// A file of trades. However its bytes come, its trades and its first error are the same, and
/// ids rise.
pub fn csv(data: &[u8]) {
    let whole = read(data);
    let in_pieces = read(Pieces(data));
    assert_eq!(whole, in_pieces);
    let ids: Vec<i64> = whole.0.iter().map(|trade| trade.id).collect();
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
}

type Read = (Vec<streamkit::domain::trade::Trade>, Option<String>);

fn read(input: impl std::io::Read) -> Read {
    let mut reader = Reader::new("a file".to_owned(), input);
    let mut trades = Vec::new();
    loop {
        match reader.read_block(&mut trades) {
            Ok(true) => {}
            Ok(false) => return (trades, None),
            Err(error) => return (trades, Some(error.to_string())),
        }
    }
}

/// Gives a few bytes at a time, as a slow disk might.
struct Pieces<'a>(&'a [u8]);

impl std::io::Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.0.len().min(buffer.len()).min(7);
        let (piece, rest) = self.0.split_at(size);
        buffer[..size].copy_from_slice(piece);
        self.0 = rest;
        Ok(size)
    }
}

/// A record of the journal whose checksum is right. What is read can be written, and is then
/// read as the same.
pub fn journal(data: &[u8]) {
    let Ok(rows) = codec::decode(data, crc32fast::hash(data)) else {
        return;
    };
    let Ok(chunk) = codec::encode(&rows) else {
        panic!("what was read cannot be written: {rows:?}");
    };
    let again = codec::decode(&chunk.payload, chunk.crc32);
    assert_eq!(format!("{again:?}"), format!("{:?}", Ok::<_, String>(rows)));
}

/// A settings file. It gives settings, or an error that says where.
pub fn settings(data: &[u8]) {
    let Ok(directory) = tempfile::tempdir() else {
        return;
    };
    let path: PathBuf = directory.path().join("streamkit.toml");
    if fs::write(&path, data).is_err() {
        return;
    }
    let settings = Settings::resolve(&Sources {
        flags: BTreeMap::new(),
        variable: &|_| None,
        file: Some(path),
        directories: Directories::default(),
    });
    match settings {
        Ok(settings) => assert!(!settings.shown().is_empty()),
        Err(error) => assert!(error.to_string().contains("streamkit.toml"), "{error}"),
    }
}
