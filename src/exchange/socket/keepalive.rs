//! When to ping, when a pong is overdue, when a write is stuck: one timer for all.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{self, Instant, Sleep};

use super::SocketSettings;

/// The payload of a ping: a number that the pong has to repeat.
pub(super) type Payload = [u8; 8];

/// What a deadline that has passed asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Send a ping with this payload, and flush it.
    SendPing(Payload),
    /// The pong did not come within this time.
    NoPong(Duration),
    /// What was to be sent did not leave within this time.
    StuckWrite(Duration),
}

/// Pings, pongs and flushes of one connection.
#[derive(Debug)]
pub(super) struct Keepalive {
    ping_interval: Duration,
    pong_deadline: Duration,
    write_deadline: Duration,
    state: State,
    /// The number in the last ping.
    number: u64,
    /// Until when what is to be flushed has to have left.
    flush_until: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    PingDue { at: Instant },
    PongAwaited { sent: Instant, until: Instant },
}

impl Keepalive {
    pub(super) fn new(settings: &SocketSettings) -> Self {
        let at = Instant::now() + settings.ping_interval;
        Self {
            ping_interval: settings.ping_interval,
            pong_deadline: settings.pong_deadline,
            write_deadline: settings.write_deadline,
            state: State::PingDue { at },
            // A pong to somebody else's ping must not count.
            number: rand::random(),
            flush_until: None,
            timer: Box::pin(time::sleep_until(at)),
        }
    }

    /// A pong came. Only the answer to the last ping counts.
    pub(super) fn pong(&mut self, payload: &[u8]) {
        if let State::PongAwaited { sent, .. } = self.state
            && payload == self.number.to_be_bytes()
        {
            self.state = State::PingDue {
                at: sent + self.ping_interval,
            };
        }
    }

    /// Something was queued and has to leave.
    pub(super) fn flush_wanted(&mut self) {
        self.flush_until
            .get_or_insert_with(|| Instant::now() + self.write_deadline);
    }

    /// Whether something has to leave.
    pub(super) fn wants_flush(&self) -> bool {
        self.flush_until.is_some()
    }

    /// Everything has left.
    pub(super) fn flushed(&mut self) {
        self.flush_until = None;
    }

    /// Waits for the next deadline. `is_drained` says that nothing is left to read: the
    /// pong of a connection that nobody looked at for a while may lie behind much data.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, is_drained: bool) -> Poll<Verdict> {
        let due = match self.state {
            State::PingDue { at } => at,
            State::PongAwaited { until, .. } => until,
        };
        let due = self.flush_until.map_or(due, |until| due.min(until));
        if self.timer.deadline() != due {
            self.timer.as_mut().reset(due);
        }
        if self.timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        let now = Instant::now();
        if self.flush_until.is_some_and(|until| until <= now) {
            return Poll::Ready(Verdict::StuckWrite(self.write_deadline));
        }
        match self.state {
            State::PingDue { .. } => {
                self.number = self.number.wrapping_add(1);
                self.state = State::PongAwaited {
                    sent: now,
                    until: now + self.pong_deadline,
                };
                self.flush_wanted();
                Poll::Ready(Verdict::SendPing(self.number.to_be_bytes()))
            }
            // With data still to be read the caller comes back at once; but a peer that
            // floods us gets no more than twice the time.
            State::PongAwaited { until, .. } if !is_drained && now < until + self.pong_deadline => {
                Poll::Pending
            }
            State::PongAwaited { .. } => Poll::Ready(Verdict::NoPong(self.pong_deadline)),
        }
    }
}
