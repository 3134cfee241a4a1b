//! What is said on standard error, by a thread of its own.
//!
//! Who logs never waits for who reads: a pipe that nobody empties, or a terminal that is
//! paused, stalls the writing thread and nothing else. Lines wait in a queue with a bound;
//! what does not fit is dropped and counted, and the count is logged once as soon as lines
//! flow again. A frame, such as a live table, is one slot in which the newest wins; it
//! stays below the lines.

use std::{
    collections::VecDeque,
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use super::frame::Frame;

/// How many bytes wait to be written, at most.
const QUEUE_SIZE_BYTES: usize = 256 * 1024;
/// How long a message for a person may take to be written.
const TELL_PATIENCE: Duration = Duration::from_secs(1);

/// The way to standard error. Cheap to clone; clones share one queue.
#[derive(Clone)]
pub struct Messages(Arc<Handle>);

/// The end of the last handle is the end of the thread.
struct Handle(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// There is something to write.
    filled: Condvar,
    /// Something was written.
    written: Condvar,
    /// Where it is written to; only the thread does.
    err: Mutex<Box<dyn Write + Send>>,
}

#[derive(Default)]
struct State {
    lines: VecDeque<Vec<u8>>,
    size_bytes: usize,
    /// Lines that were queued, and lines that were written or lost, since the start.
    queued: u64,
    done: u64,
    /// Lines that found no room, and of which nobody was told yet.
    dropped: u64,
    /// What is to be drawn, if that has changed: lines, or nothing any more.
    frame: Option<Vec<String>>,
    is_drawing: bool,
    has_thread: bool,
    is_closed: bool,
    /// Somebody has waited in vain since the last write.
    is_stuck: bool,
}

impl Messages {
    /// Writes to `err`.
    #[must_use]
    pub fn to(err: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Handle(Arc::new(Shared {
            state: Mutex::default(),
            filled: Condvar::new(),
            written: Condvar::new(),
            err: Mutex::new(Box::new(err)),
        }))))
    }

    /// Queues `text`, whole lines, without ever waiting. Without room it is dropped and
    /// counted.
    pub fn log(&self, text: &[u8]) {
        let shared = &self.0.0;
        let mut state = lock(&shared.state);
        if state.has_room(text.len()) {
            self.push(&mut state, text);
        } else {
            state.dropped += 1;
        }
    }

    /// Tells a person something: waits until `text` is written, but not for ever.
    pub fn tell(&self, text: &[u8]) {
        // Nobody waits twice for a reader that does not read.
        let patience = if lock(&self.0.0.state).is_stuck {
            Duration::ZERO
        } else {
            TELL_PATIENCE
        };
        let mut state = self.wait(patience, |state| state.has_room(text.len()));
        if !state.has_room(text.len()) {
            state.dropped += 1;
            return;
        }
        self.push(&mut state, text);
        let number = state.queued;
        drop(state);
        drop(self.wait(patience, |state| state.done >= number));
    }

    /// Shows `lines` below everything else, in place of what was shown there before.
    pub fn draw(&self, lines: Vec<String>) {
        let mut state = lock(&self.0.0.state);
        state.frame = Some(lines);
        self.start(&mut state);
    }

    /// Takes away what was drawn.
    pub fn erase(&self) {
        self.draw(Vec::new());
    }

    /// Waits until everything is written, at most for `patience`. Returns whether it is.
    pub fn drain(&self, patience: Duration) -> bool {
        self.wait(patience, State::is_idle).is_idle()
    }

    fn push(&self, state: &mut State, text: &[u8]) {
        state.size_bytes += text.len();
        state.queued += 1;
        state.lines.push_back(text.to_vec());
        self.start(state);
    }

    /// Wakes the thread up, and makes it first if need be.
    fn start(&self, state: &mut State) {
        let shared = &self.0.0;
        if !state.has_thread {
            let work = Arc::clone(shared);
            let thread = thread::Builder::new().name("messages".to_owned());
            // Without a thread the lines wait, and the next one tries again.
            state.has_thread = thread.spawn(move || work.write_all()).is_ok();
        }
        shared.filled.notify_one();
    }

    /// Waits until `condition` holds, at most for `patience`.
    fn wait(
        &self,
        patience: Duration,
        condition: impl Fn(&State) -> bool,
    ) -> MutexGuard<'_, State> {
        let shared = &self.0.0;
        let state = lock(&shared.state);
        let (mut state, _) = shared
            .written
            .wait_timeout_while(state, patience, |state| !condition(state))
            .unwrap_or_else(PoisonError::into_inner);
        state.is_stuck = !condition(&state);
        state
    }
}

impl State {
    /// One text always has room, however long it is.
    fn has_room(&self, size_bytes: usize) -> bool {
        self.lines.is_empty() || self.size_bytes + size_bytes <= QUEUE_SIZE_BYTES
    }

    fn has_work(&self) -> bool {
        !self.lines.is_empty() || self.frame.is_some()
    }

    fn is_idle(&self) -> bool {
        !self.has_work() && !self.is_drawing && self.done == self.queued
    }
}

impl Shared {
    /// Writes until every handle is gone and the queue is empty.
    fn write_all(&self) {
        let mut err = lock(&self.err);
        let mut frame = Frame::default();
        loop {
            let mut state = self
                .filled
                .wait_while(lock(&self.state), |state| {
                    !state.has_work() && !state.is_closed
                })
                .unwrap_or_else(PoisonError::into_inner);
            if !state.has_work() {
                return;
            }
            let lines = mem::take(&mut state.lines);
            state.size_bytes = 0;
            let drawn = state.frame.take();
            state.is_drawing = drawn.is_some();
            drop(state);

            let count = lines.len() as u64;
            let lost = write(&mut **err, &lines, &mut frame, drawn);

            let mut state = lock(&self.state);
            state.done += count;
            state.is_drawing = false;
            state.is_stuck = false;
            let dropped = mem::take(&mut state.dropped) + lost;
            drop(state);
            self.written.notify_all();
            if dropped > 0 {
                // It takes the same way, and there is room now.
                tracing::warn!(
                    code = "log.lost",
                    "{dropped} lines of this log are lost: its reader did not keep up"
                );
            }
        }
    }
}

/// Writes lines and frame; returns how many lines were lost.
fn write(
    err: &mut dyn Write,
    lines: &VecDeque<Vec<u8>>,
    frame: &mut Frame,
    drawn: Option<Vec<String>>,
) -> u64 {
    let mut lost = 0;
    if frame.is_empty() && drawn.is_none() {
        // Each line is a write of its own, into which no other process breaks.
        for line in lines {
            lost += u64::from(was_lost(&err.write_all(line)));
        }
    } else {
        let bytes = frame.compose(lines, drawn);
        if was_lost(&err.write_all(&bytes)) {
            lost += lines.len() as u64;
        }
    }
    // Standard error is not buffered; what a test gives may be.
    let _ = err.flush();
    lost
}

/// A reader that is gone for good misses nothing.
fn was_lost(written: &io::Result<()>) -> bool {
    written
        .as_ref()
        .is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

impl Drop for Handle {
    fn drop(&mut self) {
        lock(&self.0.state).is_closed = true;
        self.0.filled.notify_one();
    }
}

/// A panic elsewhere leaves the queue as it was.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Messages for people: each write is told.
impl Write for Messages {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tell(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lines of a log: none is waited for.
#[derive(Clone)]
pub struct LogLines(pub(super) Messages);

impl Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.log(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;
    use crate::report::printer::tests::Shared as Bytes;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A reader that reads only when the test lets it.
    struct Paused {
        writes: SyncSender<()>,
        permits: Receiver<()>,
        bytes: Bytes,
    }

    impl Write for Paused {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.writes.send(()).expect("the test listens");
            self.permits.recv().expect("the test goes on");
            self.bytes.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn paused() -> (Messages, Receiver<()>, SyncSender<()>, Bytes) {
        let (writes, has_begun) = sync_channel(10_000);
        let (permit, permits) = sync_channel(10_000);
        let bytes = Bytes::default();
        let messages = Messages::to(Paused {
            writes,
            permits,
            bytes: bytes.clone(),
        });
        (messages, has_begun, permit, bytes)
    }

    #[test]
    fn who_logs_does_not_wait_for_who_reads_and_what_is_lost_is_counted() {
        let (messages, has_begun, permit, bytes) = paused();
        messages.log(b"first\n");
        has_begun.recv_timeout(PATIENCE).expect("a write begins");
        // The writer is stuck now. What comes is kept up to the bound, and then dropped.
        let line = [vec![b'x'; 1023], b"\n".to_vec()].concat();
        let kept = QUEUE_SIZE_BYTES / line.len();
        for _ in 0..kept + 3 {
            messages.log(&line);
        }
        assert!(!messages.drain(Duration::from_millis(1)));
        assert_eq!(lock(&messages.0.0.state).dropped, 3);
        for _ in 0..=kept {
            permit.send(()).expect("a reader");
        }
        assert!(messages.drain(PATIENCE));
        let text = bytes.text();
        assert!(text.starts_with("first\nxxx"), "in order");
        assert_eq!(text.lines().count(), 1 + kept, "all but the dropped ones");
        assert_eq!(lock(&messages.0.0.state).dropped, 0, "reported");
    }

    #[test]
    fn who_tells_waits_only_so_long_and_only_once() {
        let (messages, has_begun, permit, bytes) = paused();
        // It would take far longer than the test may, did each of them wait.
        for _ in 0..200 {
            messages.tell(b"told\n");
        }
        has_begun.recv_timeout(PATIENCE).expect("a write begins");
        for _ in 0..200 {
            permit.send(()).expect("a reader");
        }
        assert!(messages.drain(PATIENCE));
        assert_eq!(bytes.text(), "told\n".repeat(200));
    }

    #[test]
    fn the_newest_frame_wins_and_stays_below_the_lines() {
        let (messages, has_begun, permit, bytes) = paused();
        messages.log(b"first\n");
        has_begun.recv_timeout(PATIENCE).expect("a write begins");
        for number in 0..100 {
            messages.draw(vec![format!("frame {number}")]);
        }
        messages.log(b"second\n");
        for _ in 0..2 {
            permit.send(()).expect("a reader");
        }
        assert!(messages.drain(PATIENCE));
        let text = bytes.text();
        assert!(text.starts_with("first\n"), "{text:?}");
        assert!(!text.contains("frame 98"), "{text:?}");
        let (second, frame) = (text.find("second"), text.find("frame 99"));
        assert!(second.is_some() && second < frame, "{text:?}");
    }

    #[test]
    fn the_thread_ends_with_the_last_handle() {
        let bytes = Bytes::default();
        let messages = Messages::to(bytes.clone());
        messages.clone().log(b"said\n");
        let shared = Arc::downgrade(&messages.0.0);
        drop(messages);
        // The thread holds the last reference.
        while shared.strong_count() > 0 {
            thread::yield_now();
        }
        assert_eq!(bytes.text(), "said\n");
    }
}
