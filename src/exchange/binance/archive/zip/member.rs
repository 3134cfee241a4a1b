//! The content of the one file, inflated as it is read.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use flate2::{Decompress, FlushDecompress, Status};

use super::{
    ZipError,
    directory::{self, Entry},
};

/// How much of the zip is read at once.
const INPUT_BYTES: usize = 128 * 1024;

/// Reads the content of the one file from its beginning to its end.
pub(in super::super) struct Member {
    file: File,
    entry: Entry,
    input: Box<[u8]>,
    /// What is in the buffer and not yet taken.
    start: usize,
    end: usize,
    /// How much of the content is still in the file.
    left_bytes: u64,
    /// None when the content is stored as it is.
    inflate: Option<Decompress>,
    out_bytes: u64,
    is_at_end: bool,
}

impl Member {
    /// Looks for the one CSV in a zip.
    pub(in super::super) fn open(mut file: File) -> Result<Self, ZipError> {
        let entry = directory::find(&file)?;
        let inflate = entry.is_deflated.then(|| Decompress::new(false));
        file.seek(SeekFrom::Start(entry.content_start))?;
        Ok(Self {
            file,
            input: vec![0; INPUT_BYTES].into_boxed_slice(),
            start: 0,
            end: 0,
            left_bytes: entry.content_bytes,
            entry,
            inflate,
            out_bytes: 0,
            is_at_end: false,
        })
    }

    /// The CRC-32 that all of the content has to have. Who reads it compares: inflating is
    /// what takes longest, and shall not wait for it.
    pub(in super::super) fn crc(&self) -> u32 {
        self.entry.crc
    }

    /// Fills `block` with what comes next, as far as there is something, and says how far.
    /// At the end the length of the content has been checked.
    pub(in super::super) fn fill(&mut self, block: &mut [u8]) -> Result<usize, ZipError> {
        let mut filled = 0;
        while filled < block.len() && !self.is_at_end {
            if self.start == self.end {
                self.refill()?;
            }
            let length = self.step(&mut block[filled..])?;
            self.out_bytes += length as u64;
            filled += length;
            // A zip that says less than it holds must not fill a disk or a day.
            if self.out_bytes > self.entry.size_bytes {
                return Err(self.wrong_size());
            }
        }
        if self.is_at_end {
            self.check()?;
        }
        Ok(filled)
    }

    fn refill(&mut self) -> Result<(), ZipError> {
        let wanted = self.left_bytes.min(INPUT_BYTES as u64) as usize;
        self.start = 0;
        self.end = 0;
        while self.end < wanted {
            match self.file.read(&mut self.input[self.end..wanted]) {
                Ok(0) => return Err(ZipError::Io(io::ErrorKind::UnexpectedEof.into())),
                Ok(length) => self.end += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.left_bytes -= wanted as u64;
        Ok(())
    }

    /// Takes from the input what fits into `out`; says how much of `out` it fills.
    fn step(&mut self, out: &mut [u8]) -> Result<usize, ZipError> {
        let input = &self.input[self.start..self.end];
        let Some(inflate) = &mut self.inflate else {
            let length = input.len().min(out.len());
            out[..length].copy_from_slice(&input[..length]);
            self.start += length;
            self.is_at_end = self.start == self.end && self.left_bytes == 0;
            return Ok(length);
        };
        let (in_before, out_before) = (inflate.total_in(), inflate.total_out());
        let status = inflate.decompress(input, out, FlushDecompress::None);
        let length = (inflate.total_out() - out_before) as usize;
        let taken = (inflate.total_in() - in_before) as usize;
        self.start += taken;
        match status {
            Ok(Status::StreamEnd) => {
                self.is_at_end = true;
                if self.start < self.end || self.left_bytes > 0 {
                    return Err(ZipError::Damaged("its content ends early".to_owned()));
                }
            }
            // Nothing goes in and nothing comes out: the stream wants more than there is.
            Ok(Status::Ok | Status::BufError) if length == 0 && taken == 0 => {
                let reason = "its content ends within a block".to_owned();
                return Err(ZipError::Damaged(reason));
            }
            Ok(Status::Ok | Status::BufError) => {}
            Err(error) => {
                return Err(ZipError::Deflate {
                    offset: self.out_bytes,
                    reason: error.to_string(),
                });
            }
        }
        Ok(length)
    }

    fn check(&self) -> Result<(), ZipError> {
        if self.out_bytes == self.entry.size_bytes {
            Ok(())
        } else {
            Err(self.wrong_size())
        }
    }

    fn wrong_size(&self) -> ZipError {
        ZipError::Size {
            due: self.entry.size_bytes,
            got: self.out_bytes,
        }
    }
}
