//! Inflates on a thread of its own, a few blocks ahead of who reads.
//!
//! The blocks go round: filled ones come, emptied ones go back. Whoever stops reading
//! ends the thread; a thread that ends without a word is an error.

use std::{
    any::Any,
    io::{self, Read},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{Builder, JoinHandle},
};

use crc32fast::Hasher;

use super::zip::ZipError;

/// How much is inflated at once: fits a processor's own cache, with what reads it.
const BLOCK_BYTES: usize = 128 * 1024;

/// How many blocks go round.
const BLOCKS: usize = 6;

/// Why nothing more comes.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The zip.
    #[error(transparent)]
    Zip(ZipError),
    /// The thread.
    #[error("the thread that inflates ended: {0}")]
    Thread(String),
}

struct Block {
    bytes: Box<[u8]>,
    filled: usize,
}

enum Message {
    Filled(Block),
    End,
    Failed(ZipError),
}

/// What is inflated, to be read.
pub(super) struct Inflated {
    ring: Option<Ring>,
    block: Block,
    /// What of the block has been read.
    start: usize,
    crc: Hasher,
    due_crc: Option<u32>,
    is_at_end: bool,
}

struct Ring {
    filled: Receiver<Message>,
    emptied: SyncSender<Block>,
    thread: JoinHandle<()>,
}

impl Inflated {
    /// Starts the thread. All of it has to have this CRC-32. `fill` fills a block as far as there is something, and says
    /// how far; a block that is not full is the last one.
    pub(super) fn start(
        due_crc: Option<u32>,
        fill: impl FnMut(&mut [u8]) -> Result<usize, ZipError> + Send + 'static,
    ) -> io::Result<Self> {
        // The ring never holds more than its blocks and the word at the end, so neither side
        // waits for room.
        let (to_reader, filled) = sync_channel(BLOCKS + 1);
        let (emptied, to_thread) = sync_channel(BLOCKS + 1);
        let thread = Builder::new()
            .name("inflate".to_owned())
            .spawn(move || run(fill, &to_thread, &to_reader))?;
        for _ in 0..BLOCKS {
            // It can only fail when the thread has ended, which is seen at the first read.
            let _ = emptied.send(Block {
                bytes: vec![0; BLOCK_BYTES].into_boxed_slice(),
                filled: 0,
            });
        }
        let ring = Some(Ring {
            filled,
            emptied,
            thread,
        });
        Ok(Self {
            ring,
            block: Block {
                bytes: Box::default(),
                filled: 0,
            },
            start: 0,
            crc: Hasher::new(),
            due_crc,
            is_at_end: false,
        })
    }

    /// Exchanges the block that has been read for the next one.
    fn advance(&mut self) -> io::Result<()> {
        let Some(ring) = &self.ring else {
            return Ok(());
        };
        let nothing = Block {
            bytes: Box::default(),
            filled: 0,
        };
        let block = std::mem::replace(&mut self.block, nothing);
        self.start = 0;
        if !block.bytes.is_empty() {
            // A thread that has filled its last block does not want another one.
            let _ = ring.emptied.send(block);
        }
        match ring.filled.recv() {
            Ok(Message::Filled(block)) => {
                self.crc.update(&block.bytes[..block.filled]);
                self.block = block;
            }
            Ok(Message::End) => {
                self.stop();
                let got = self.crc.clone().finalize();
                if let Some(due) = self.due_crc.filter(|&due| due != got) {
                    let error = ZipError::Crc { due, got };
                    return Err(io::Error::other(Broken::Zip(error)));
                }
                self.is_at_end = true;
            }
            Ok(Message::Failed(error)) => {
                self.stop();
                return Err(io::Error::other(Broken::Zip(error)));
            }
            Err(_) => {
                let reason = self.stop().unwrap_or_else(|| "without a word".to_owned());
                return Err(io::Error::other(Broken::Thread(reason)));
            }
        }
        Ok(())
    }

    /// Ends the thread and waits for it, which takes as long as a block at most. What
    /// comes is what it panicked with.
    fn stop(&mut self) -> Option<String> {
        let Ring {
            filled,
            emptied,
            thread,
        } = self.ring.take()?;
        drop((filled, emptied));
        let panic = thread.join().err()?;
        Some(said(panic.as_ref()))
    }
}

impl Read for Inflated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.start == self.block.filled && !self.is_at_end {
            if self.ring.is_none() {
                let reason = "it has failed before".to_owned();
                return Err(io::Error::other(Broken::Thread(reason)));
            }
            self.advance()?;
        }
        let rest = &self.block.bytes[self.start..self.block.filled];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.start += length;
        Ok(length)
    }
}

impl Drop for Inflated {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The thread. It ends when its work is done, or when nobody wants it any more.
fn run(
    mut fill: impl FnMut(&mut [u8]) -> Result<usize, ZipError>,
    emptied: &Receiver<Block>,
    filled: &SyncSender<Message>,
) {
    while let Ok(mut block) = emptied.recv() {
        let is_last = match fill(&mut block.bytes) {
            Ok(length) => {
                block.filled = length;
                let is_last = length < block.bytes.len();
                if filled.send(Message::Filled(block)).is_err() {
                    return;
                }
                is_last
            }
            Err(error) => {
                // If nobody wants to know, that is well.
                let _ = filled.send(Message::Failed(error));
                return;
            }
        };
        if is_last {
            let _ = filled.send(Message::End);
            return;
        }
    }
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("it panicked: {}", text.unwrap_or("without a word"))
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    /// Blocks that hold their numbers; the one behind the last is short.
    fn numbered(count: usize) -> impl FnMut(&mut [u8]) -> Result<usize, ZipError> + Send {
        let mut number = 0;
        move |block| {
            block.fill(number as u8);
            number += 1;
            Ok(if number > count { 7 } else { block.len() })
        }
    }

    #[test]
    fn everything_comes_in_order_and_then_the_end() {
        let mut inflated = Inflated::start(None, numbered(20)).expect("a thread");
        let mut all = Vec::new();
        inflated.read_to_end(&mut all).expect("all");
        assert_eq!(all.len(), 20 * BLOCK_BYTES + 7);
        assert!(
            all.chunks(BLOCK_BYTES)
                .enumerate()
                .all(|(number, block)| block.iter().all(|&byte| byte == number as u8))
        );
        assert_eq!(inflated.read(&mut [0; 8]).expect("the end, again"), 0);
    }

    #[test]
    fn whoever_stops_reading_ends_the_thread_and_no_more_than_the_ring_is_made() {
        let made = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&made);
        let mut inflated = Inflated::start(None, move |block| {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok(block.len())
        })
        .expect("a thread");
        let mut some = vec![0; 3 * BLOCK_BYTES];
        inflated.read_exact(&mut some).expect("some");
        // Drop waits for the thread; its closure is gone afterwards.
        drop(inflated);
        assert_eq!(Arc::strong_count(&made), 1, "the thread has ended");
        assert!(made.load(Ordering::SeqCst) <= 3 + BLOCKS);
    }

    #[test]
    fn a_panic_is_an_error_that_says_so_and_nothing_comes_after_it() {
        let mut fill = numbered(100);
        let mut inflated = Inflated::start(None, move |block| {
            let filled = fill(block)?;
            assert!(block[0] < 2, "boom");
            Ok(filled)
        })
        .expect("a thread");
        let mut all = Vec::new();
        let error = inflated.read_to_end(&mut all).expect_err("a panic");
        assert_eq!(
            error.to_string(),
            "the thread that inflates ended: it panicked: boom"
        );
        assert_eq!(all.len(), 2 * BLOCK_BYTES);
        assert!(inflated.read(&mut [0; 8]).is_err());
    }

    #[test]
    fn an_error_comes_behind_what_was_made_before_it() {
        let mut fill = numbered(100);
        let mut inflated = Inflated::start(None, move |block| {
            let filled = fill(block)?;
            if block[0] == 2 {
                return Err(ZipError::Encrypted);
            }
            Ok(filled)
        })
        .expect("a thread");
        let mut all = Vec::new();
        let error = inflated.read_to_end(&mut all).expect_err("an error");
        assert_eq!(error.to_string(), "the zip is encrypted");
        assert_eq!(all.len(), 2 * BLOCK_BYTES);
    }
}
