//! WebSocket frames on the server's side (RFC 6455, section 5.2).
//!
//! The sim writes frames itself, because it must be able to send what a sound
//! library refuses to: text that is not UTF-8, a pong that never comes, one byte at a time.
//! It also makes a broadcast cheap: a server's frames are not masked, so the bytes
//! are built once and shared by all connections. Headers are parsed by tungstenite.

use std::io::Cursor;

use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// The largest message that a client may send; subscriptions to 1024 streams fit well.
const MAX_MESSAGE_SIZE_BYTES: u64 = 256 << 10;
/// The FIN bit: every frame that the sim sends is a whole message.
const FIN: u8 = 0x80;

/// The kinds of frame that the sim sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// Starts a frame whose payload is appended by `write`; its length is filled in afterwards.
pub(crate) fn push_frame(out: &mut Vec<u8>, kind: Kind, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    // Most messages need the two-byte length, so its room is left free at once.
    out.extend_from_slice(&[FIN | kind as u8, 126, 0, 0]);
    write(out);
    let length = out.len() - start - 4;
    if length < 126 {
        out[start + 1] = length as u8;
        out.drain(start + 2..start + 4);
    } else if let Ok(short) = u16::try_from(length) {
        out[start + 2..start + 4].copy_from_slice(&short.to_be_bytes());
    } else {
        let long = (length as u64).to_be_bytes();
        out[start + 1] = 127;
        out.splice(start + 2..start + 4, long);
    }
}

/// A whole frame with the given payload.
pub(crate) fn frame(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 10);
    push_frame(&mut out, kind, |out| out.extend_from_slice(payload));
    out
}

/// A close frame with a code and a reason.
pub(crate) fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    frame(
        Kind::Close,
        &[&code.to_be_bytes(), reason.as_bytes()].concat(),
    )
}

/// What a client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FromClient {
    /// A whole text message (binary ones are taken as text, as the exchange does).
    Message(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Vec<u8>),
}

/// A client that does not speak WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadFrame;

/// Takes frames from the bytes that a client sends.
#[derive(Debug, Default)]
pub(crate) struct FrameReader {
    bytes: Vec<u8>,
    /// The parts so far of a message in several frames.
    message: Option<Vec<u8>>,
}

impl FrameReader {
    /// The buffer to append received bytes to.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// The next thing that the client said; `None` until more bytes have come.
    pub(crate) fn next(&mut self) -> Result<Option<FromClient>, BadFrame> {
        loop {
            let mut cursor = Cursor::new(&self.bytes);
            let Some((header, length)) = FrameHeader::parse(&mut cursor).map_err(|_| BadFrame)?
            else {
                return Ok(None);
            };
            let start = cursor.position() as usize;
            // Section 5.1: a client must mask, and no extension was agreed on.
            let reserved = header.rsv1 || header.rsv2 || header.rsv3;
            let (Some(mask), false) = (header.mask, reserved) else {
                return Err(BadFrame);
            };
            if length > MAX_MESSAGE_SIZE_BYTES {
                return Err(BadFrame);
            }
            let end = start + length as usize;
            if self.bytes.len() < end {
                return Ok(None);
            }
            let mut payload = self.bytes[start..end].to_vec();
            self.bytes.drain(..end);
            for (index, byte) in payload.iter_mut().enumerate() {
                *byte ^= mask[index % 4];
            }
            if let Some(said) = self.take(&header, payload)? {
                return Ok(Some(said));
            }
        }
    }

    fn take(
        &mut self,
        header: &FrameHeader,
        payload: Vec<u8>,
    ) -> Result<Option<FromClient>, BadFrame> {
        let whole_control = header.is_final && payload.len() <= 125;
        match header.opcode {
            OpCode::Control(Control::Ping) if whole_control => Ok(Some(FromClient::Ping(payload))),
            OpCode::Control(Control::Pong) if whole_control => Ok(Some(FromClient::Pong(payload))),
            OpCode::Control(Control::Close) if whole_control => {
                Ok(Some(FromClient::Close(payload)))
            }
            OpCode::Data(Data::Text | Data::Binary) if self.message.is_none() => {
                self.message = Some(payload);
                Ok(self.finish(header.is_final))
            }
            OpCode::Data(Data::Continue) => {
                let message = self.message.as_mut().ok_or(BadFrame)?;
                message.extend_from_slice(&payload);
                if message.len() as u64 > MAX_MESSAGE_SIZE_BYTES {
                    return Err(BadFrame);
                }
                Ok(self.finish(header.is_final))
            }
            _ => Err(BadFrame),
        }
    }

    fn finish(&mut self, is_final: bool) -> Option<FromClient> {
        if is_final {
            self.message.take().map(FromClient::Message)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client's frame: masked with a fixed key.
    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![first, 0x80 | payload.len() as u8, 1, 2, 3, 4];
        out.extend(
            payload
                .iter()
                .enumerate()
                .map(|(index, byte)| byte ^ (index % 4 + 1) as u8),
        );
        out
    }

    #[test]
    fn lengths_take_one_two_or_eight_bytes() {
        assert_eq!(frame(Kind::Text, b"ab"), [0x81, 2, b'a', b'b']);
        let middle = frame(Kind::Text, &[7; 300]);
        assert_eq!(middle[..4], [0x81, 126, 1, 44]);
        assert_eq!(middle.len(), 304);
        let long = frame(Kind::Binary, &vec![7; 70_000]);
        assert_eq!(long[..10], [0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
        assert_eq!(long.len(), 70_010);
    }

    #[test]
    fn client_frames_are_read_however_they_are_cut() {
        let mut bytes = masked(0x81, b"hello");
        bytes.extend(masked(0x89, b"p"));
        bytes.extend(masked(0x01, b"two "));
        bytes.extend(masked(0x8a, b""));
        bytes.extend(masked(0x80, b"parts"));
        let mut reader = FrameReader::default();
        let mut said = Vec::new();
        for byte in bytes {
            reader.buffer().push(byte);
            while let Some(next) = reader.next().unwrap() {
                said.push(next);
            }
        }
        assert_eq!(
            said,
            [
                FromClient::Message(b"hello".to_vec()),
                FromClient::Ping(b"p".to_vec()),
                FromClient::Pong(b"".to_vec()),
                FromClient::Message(b"two parts".to_vec()),
            ]
        );
    }

    #[test]
    fn a_client_that_does_not_mask_or_sends_too_much_is_refused() {
        for bytes in [
            vec![0x81, 1, b'x'],
            vec![0x81, 0xff, 0, 0, 0, 0, 0x10, 0, 0, 0, 1, 2, 3, 4],
            masked(0x80, b"a continuation of nothing"),
            masked(0xc1, b"a reserved bit"),
        ] {
            let mut reader = FrameReader::default();
            reader.buffer().extend(bytes);
            assert_eq!(reader.next(), Err(BadFrame));
        }
    }
}
