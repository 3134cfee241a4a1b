//! A connection on which something has to move.

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::wire::{KEPT_BYTES, Wire};

/// How much is read at once. Responses to inserts are small; for the others one more copy
/// is cheap next to decompression.
const READ_BYTES: usize = 16 * 1024;

pub(super) fn timed_out(what: &str, limit: Duration) -> io::Error {
    let text = format!("{what} within {}", humantime::format_duration(limit));
    io::Error::new(io::ErrorKind::TimedOut, text)
}

/// A connection with a deadline for anything to move.
pub(super) struct Watched<S> {
    inner: S,
    id: u64,
    wire: Wire,
    cut: CancellationToken,
    is_cut: Pin<Box<WaitForCancellationFutureOwned>>,
    deadline: Pin<Box<Sleep>>,
    /// Whether the deadline counts: the last call had to wait.
    is_waiting: bool,
    scratch: Box<[u8]>,
}

impl<S> fmt::Debug for Watched<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl<S> Watched<S> {
    pub(super) fn new(inner: S, wire: Wire) -> Self {
        let cut = CancellationToken::new();
        Self {
            inner,
            id: wire.next_id(),
            is_cut: Box::pin(cut.clone().cancelled_owned()),
            cut,
            deadline: Box::pin(tokio::time::sleep(wire.stall_timeout())),
            is_waiting: false,
            scratch: vec![0; READ_BYTES].into_boxed_slice(),
            wire,
        }
    }

    /// Fails once the connection has been cut.
    fn poll_cut(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.is_cut.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the request was given up",
            )),
            Poll::Pending => Ok(()),
        }
    }

    /// Something moved: the deadline starts anew when it is next needed. A wait that
    /// still goes on in the other direction keeps its timer, set to the new deadline.
    fn moved(&mut self) {
        if self.is_waiting {
            self.push_deadline();
        }
    }

    fn push_deadline(&mut self) {
        let at = Instant::now() + self.wire.stall_timeout();
        self.deadline.as_mut().reset(at);
    }

    /// Nothing moves: fails when that has lasted too long.
    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if !self.is_waiting {
            self.is_waiting = true;
            self.push_deadline();
        }
        ready!(self.deadline.as_mut().poll(cx));
        let limit = self.wire.stall_timeout();
        Poll::Ready(timed_out("nothing moved on the connection", limit))
    }

    fn note_written(&mut self, bytes: usize) {
        self.moved();
        let mut exchange = self.wire.exchange();
        exchange.written_bytes += bytes as u64;
        if exchange.connection.as_ref().map(|(id, _)| *id) != Some(self.id) {
            exchange.connection = Some((self.id, self.cut.clone()));
            exchange.response.clear();
        }
    }

    fn note_read(&self, bytes: &[u8]) {
        let mut exchange = self.wire.exchange();
        if exchange.connection.as_ref().map(|(id, _)| *id) == Some(self.id) {
            let room = KEPT_BYTES.saturating_sub(exchange.response.len());
            let kept = &bytes[..bytes.len().min(room)];
            exchange.response.extend_from_slice(kept);
        }
    }
}

impl<S: Read + Unpin> Read for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.poll_cut(cx)?;
        let length = cursor.remaining().min(this.scratch.len());
        let mut buffer = ReadBuf::new(&mut this.scratch[..length]);
        match Pin::new(&mut this.inner).poll_read(cx, buffer.unfilled()) {
            Poll::Ready(Ok(())) => {
                cursor.put_slice(buffer.filled());
                let length = buffer.filled().len();
                this.note_read(&this.scratch[..length]);
                this.is_waiting = false;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => this.poll_stalled(cx).map(Err),
        }
    }
}

impl<S: Write + Unpin> Watched<S> {
    fn after_write(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                self.note_written(bytes);
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.poll_stalled(cx).map(Err),
        }
    }
}

impl<S: Write + Unpin> Write for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_cut(cx)?;
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.after_write(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_cut(cx)?;
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.after_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_cut(cx)?;
        match Pin::new(&mut self.inner).poll_flush(cx) {
            Poll::Ready(flushed) => Poll::Ready(flushed),
            Poll::Pending => self.poll_stalled(cx).map(Err),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.inner).poll_shutdown(cx) {
            Poll::Ready(shut) => Poll::Ready(shut),
            Poll::Pending => self.poll_stalled(cx).map(Err),
        }
    }
}

impl<S: Connection> Connection for Watched<S> {
    fn connected(&self) -> Connected {
        self.inner.connected()
    }
}
