//! Plays the tape to the streams: every few milliseconds, what has become past.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::sleep;

use super::clock::Clock;
use super::exchange::Exchange;
use super::tape::Tape;

/// The most trades that are published at once.
const CHUNK: u64 = 500;
/// How long a tape that is played as fast as it is taken waits before it looks again.
const DRIVEN_PAUSE: Duration = Duration::from_millis(5);

/// The place up to which each symbol has been given to the streams.
#[derive(Debug)]
pub(crate) struct Played(Vec<AtomicU64>);

impl Played {
    /// The streams begin with what becomes past from now on.
    pub(crate) fn new(clock: &Clock, tape: &Tape) -> Self {
        let places = tape.symbols().iter().enumerate();
        let start = |(index, tape)| AtomicU64::new(clock.stream_position(index, tape));
        Self(places.map(start).collect())
    }

    /// The place after the newest trade of a symbol that the streams have been given.
    pub(crate) fn place(&self, index: usize) -> u64 {
        self.0[index].load(Ordering::Acquire)
    }

    fn set(&self, index: usize, place: u64) {
        self.0[index].store(place, Ordering::Release);
    }
}

/// Plays until the sim stops.
pub(crate) async fn play(exchange: &Exchange) {
    let playing = async {
        loop {
            if exchange.clock.is_driven() {
                if !drive(exchange).await {
                    tokio::select! {
                        () = exchange.hub.room.notified() => {}
                        () = sleep(DRIVEN_PAUSE) => {}
                    }
                }
            } else {
                follow(exchange).await;
                sleep(exchange.clock.tick()).await;
            }
        }
    };
    tokio::select! {
        () = exchange.stop.cancelled() => {}
        () = playing => {}
    }
}

/// Publishes what has become past since the last time.
async fn follow(exchange: &Exchange) {
    for index in 0..exchange.tape.symbols().len() {
        let due = exchange
            .clock
            .stream_position(index, &exchange.tape.symbols()[index]);
        while exchange.played.place(index) < due {
            publish(exchange, index, due);
            // On a runtime of one thread the connections must get their turn.
            yield_now().await;
        }
    }
}

/// Publishes one chunk of each symbol whose subscribers have room; false if none has.
async fn drive(exchange: &Exchange) -> bool {
    let mut moved = false;
    for (index, tape) in exchange.tape.symbols().iter().enumerate() {
        if exchange.hub.has_room(index) {
            // Past before it is streamed: REST must never be behind the streams.
            let due = exchange.clock.advance(index, tape, CHUNK);
            moved |= exchange.played.place(index) < due;
            publish(exchange, index, due);
            yield_now().await;
        }
    }
    moved
}

/// Publishes one chunk of a symbol, not beyond `due`.
fn publish(exchange: &Exchange, index: usize, due: u64) {
    let place = exchange.played.place(index);
    if !exchange.hub.is_taken(index) {
        exchange.played.set(index, due);
        return;
    }
    let count = due.saturating_sub(place).min(CHUNK);
    let mut trades = Vec::with_capacity(count as usize);
    exchange.tape.symbols()[index].read(place, count, &mut trades);
    exchange.hub.publish(index, &trades, &exchange.board);
    exchange.played.set(index, place + count);
}
