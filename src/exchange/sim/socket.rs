//! A client's TCP connection, which can be made to end with a reset.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Decides from outside how a [`Socket`] ends once it is dropped.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResetSwitch(Arc<AtomicBool>);

impl ResetSwitch {
    /// The connection will end with RST in place of FIN.
    pub(crate) fn reset_at_end(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the connection will end with a reset.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A TCP stream that ends with RST if its switch says so.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    switch: ResetSwitch,
}

impl Socket {
    /// Wraps an accepted connection; small writes go out at once.
    pub(crate) fn new(stream: TcpStream) -> Self {
        // Nagle's algorithm would only add latency; a socket that refuses still works.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            switch: ResetSwitch::default(),
        }
    }

    /// The switch that decides how the connection ends.
    pub(crate) fn switch(&self) -> ResetSwitch {
        self.switch.clone()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.switch.is_set() {
            // A socket closed with zero linger sends RST. Where that fails, it sends FIN.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
