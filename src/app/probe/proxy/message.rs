//! Whole HTTP/1.1 messages off a connection, as bytes: a head, and a body that is as long
//! as its head says or comes in chunks.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::upstream::Stream;

/// No message is longer.
const MAX_BYTES: usize = 256 << 20;

/// The head of a message.
pub struct Head {
    text: String,
}

/// A whole message.
pub struct Message {
    head: String,
    /// As it came.
    pub bytes: Vec<u8>,
}

impl Head {
    /// Whether it begins an insert.
    pub fn is_insert(&self) -> bool {
        is_insert(&self.text)
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.text.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

fn is_insert(head: &str) -> bool {
    let line = head.lines().next().unwrap_or_default();
    line.to_ascii_uppercase().contains("QUERY=INSERT")
}

impl Message {
    /// How long the head is, with the empty line behind it.
    pub fn head_bytes(&self) -> usize {
        self.head.len()
    }

    /// The deduplication token of an insert.
    pub fn token(&self) -> Option<&str> {
        let line = self.head.lines().next()?;
        let (_, rest) = line.split_once("insert_deduplication_token=")?;
        rest.split(['&', ' ']).next()
    }

    /// Adds a setting to a request's address, as its last.
    pub fn add_setting(&mut self, setting: &str) {
        let Some(end) = memchr::memmem::find(&self.bytes, b" HTTP/1.1\r\n") else {
            return;
        };
        let added = format!("&{setting}");
        self.bytes.splice(end..end, added.bytes());
        self.head.insert_str(end, &added);
    }

    /// Whether it is an answer that confirms.
    pub fn is_confirmation(&self) -> bool {
        self.head.starts_with("HTTP/1.1 200")
    }
}

/// A connection, read message by message.
pub struct Reader {
    stream: Box<dyn Stream>,
    /// What was read and belongs to no message yet.
    waiting: Vec<u8>,
}

impl Reader {
    /// Reads from the beginning of a connection.
    pub fn new(stream: Box<dyn Stream>) -> Self {
        Self {
            stream,
            waiting: Vec::new(),
        }
    }

    /// Lets the connection end with a reset.
    pub fn reset_on_close(&self) {
        self.stream.reset_on_close();
    }

    /// Sends.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Reads more; false at the end.
    async fn more(&mut self) -> io::Result<bool> {
        if self.waiting.len() > MAX_BYTES {
            return Err(io::Error::other("a message is too long"));
        }
        self.waiting.reserve(64 * 1024);
        Ok(self.stream.read_buf(&mut self.waiting).await? > 0)
    }

    async fn at_least(&mut self, bytes: usize) -> io::Result<()> {
        while self.waiting.len() < bytes {
            if !self.more().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// The next head, with the empty line behind it; none when the other side is done.
    pub async fn head(&mut self) -> io::Result<Option<Head>> {
        loop {
            if let Some(end) = memchr::memmem::find(&self.waiting, b"\r\n\r\n") {
                let text = String::from_utf8_lossy(&self.waiting[..end + 4]).into_owned();
                return Ok(Some(Head { text }));
            }
            if !self.more().await? {
                return if self.waiting.is_empty() {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
    }

    /// The whole message that `head` begins.
    pub async fn body(&mut self, head: Head) -> io::Result<Message> {
        let mut end = head.text.len();
        if let Some(length) = head.field("Content-Length") {
            end += length.parse::<usize>().map_err(io::Error::other)?;
            self.at_least(end).await?;
        } else if head
            .field("Transfer-Encoding")
            .is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
        {
            loop {
                let size = self.chunk_size(end).await?;
                // The line of the size, the chunk, and the line's end behind it.
                end = size.0 + size.1 + 2;
                self.at_least(end).await?;
                if size.1 == 0 {
                    break;
                }
            }
        }
        let rest = self.waiting.split_off(end);
        let bytes = std::mem::replace(&mut self.waiting, rest);
        Ok(Message {
            head: head.text,
            bytes,
        })
    }

    /// Where the chunk that is announced at `start` begins, and how long it is.
    async fn chunk_size(&mut self, start: usize) -> io::Result<(usize, usize)> {
        loop {
            if let Some(length) = memchr::memmem::find(&self.waiting[start..], b"\r\n") {
                let line = String::from_utf8_lossy(&self.waiting[start..start + length]);
                let digits = line.split(';').next().unwrap_or_default();
                let size = usize::from_str_radix(digits.trim(), 16).map_err(io::Error::other)?;
                return Ok((start + length + 2, size));
            }
            self.at_least(self.waiting.len() + 1).await?;
        }
    }

    /// The head and so many bytes behind it, at most all but the last one.
    pub async fn part(&mut self, head: Head, bytes: usize) -> io::Result<Vec<u8>> {
        let end = head.text.len() + bytes;
        if self.waiting.len() <= end {
            // A short message may end before; a long one is not read to its end.
            let is_chunked = head.field("Transfer-Encoding").is_some();
            loop {
                let is_whole = is_chunked && self.waiting.ends_with(b"\r\n0\r\n\r\n");
                if self.waiting.len() > end || is_whole {
                    break;
                }
                self.at_least(self.waiting.len() + 1).await?;
            }
        }
        let end = end.min(self.waiting.len() - 1);
        Ok(self.waiting[..end].to_vec())
    }

    /// Reads until the other side closes.
    pub async fn until_closed(&mut self) -> io::Result<()> {
        let mut scratch = vec![0; 64 * 1024];
        while self.stream.read(&mut scratch).await? > 0 {}
        Ok(())
    }
}
