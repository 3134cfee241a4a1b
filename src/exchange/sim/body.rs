//! Bodies of answers: whole, or such as never come to their end.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use thiserror::Error;
use tokio::time::{Sleep, sleep};

/// How long a connection that is going to be cut has to hand over what was sent.
const CUT_PAUSE: Duration = Duration::from_millis(50);

/// The body ends before its length, by a fault.
#[derive(Debug, Error)]
#[error("the connection is cut in the middle of a body")]
pub(crate) struct Cut;

/// What comes behind the bytes that are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Nothing: that was all.
    Whole,
    /// The connection ends.
    Cut,
    /// The connection stays, and nothing comes any more.
    Stall,
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) struct ReplyBody {
    bytes: Bytes,
    /// How many bytes are announced and not yet sent.
    due_bytes: u64,
    ending: Ending,
    pause: Option<Pin<Box<Sleep>>>,
}

impl ReplyBody {
    /// Announces all of `bytes`, sends the first `sent_bytes` of them, and ends like that.
    pub(crate) fn broken(bytes: &Bytes, sent_bytes: u64, ending: Ending) -> Self {
        let sent = usize::try_from(sent_bytes).unwrap_or(usize::MAX);
        Self {
            due_bytes: bytes.len() as u64,
            bytes: bytes.slice(..sent.min(bytes.len())),
            ending,
            pause: None,
        }
    }
}

impl From<Bytes> for ReplyBody {
    fn from(bytes: Bytes) -> Self {
        let all = bytes.len() as u64;
        Self::broken(&bytes, all, Ending::Whole)
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if !self.bytes.is_empty() {
            let bytes = std::mem::take(&mut self.bytes);
            self.due_bytes -= bytes.len() as u64;
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match self.ending {
            _ if self.due_bytes == 0 => Poll::Ready(None),
            Ending::Whole => Poll::Ready(None),
            // The client gives up, or the sim stops; nothing else ends this.
            Ending::Stall => Poll::Pending,
            Ending::Cut => {
                let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(CUT_PAUSE)));
                pause.as_mut().poll(context).map(|()| Some(Err(Cut)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.due_bytes == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.due_bytes)
    }
}
