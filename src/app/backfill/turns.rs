//! Fair turns of all symbols that a process works on, however many runs they belong to.
//!
//! Whoever takes a seat waits for its turn, uses about as many trades as it is allowed, and
//! waits again. A few turns run at once, because a turn waits for the network more than it
//! computes. A seat or a turn that is dropped, by a stop or a panic, leaves the others theirs.
//! Whoever only waits, for an exchange that does not answer, [lends](lend) its turn to others.

use std::{
    collections::{BTreeMap, VecDeque},
    num::NonZeroU64,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use crate::domain::rotation::{Rotation, Turn};

/// Where turns are taken. Cheap to clone; clones are one.
#[derive(Clone)]
pub struct Turns(Arc<Mutex<State>>);

struct State {
    rotation: Rotation<u64>,
    /// So many more turns may run; fewer than none while somebody who had lent his ends.
    free: isize,
    next_seat: u64,
    /// Those who wait, in the rotation as well.
    waiting: BTreeMap<u64, oneshot::Sender<MyTurn>>,
    /// Those who have lent their turn and want it back. They come first: it is theirs.
    returning: VecDeque<oneshot::Sender<()>>,
}

tokio::task_local! {
    /// Where the task that runs has its turn.
    static SEATED: Turns;
}

/// Runs `during`, which computes nothing, while others use the turn of this task, if it has one;
/// then waits for it to come back.
pub async fn lend<T>(during: impl Future<Output = T>) -> T {
    let Ok(turns) = SEATED.try_with(Clone::clone) else {
        return during.await;
    };
    let lent = Lent::new(turns);
    let value = during.await;
    lent.back().await;
    value
}

/// A turn that somebody else may use. Dropped before it is back, by a stop, it is nobody's: the
/// turn itself is about to be dropped, too.
struct Lent {
    turns: Turns,
    returning: Option<oneshot::Receiver<()>>,
    is_back: bool,
}

impl Lent {
    fn new(turns: Turns) -> Self {
        turns.lock().free += 1;
        turns.hand_out();
        Self {
            turns,
            returning: None,
            is_back: false,
        }
    }

    async fn back(mut self) {
        let returning = {
            let mut state = self.turns.lock();
            if state.free > 0 {
                state.free -= 1;
                self.is_back = true;
                return;
            }
            let (sender, receiver) = oneshot::channel();
            state.returning.push_back(sender);
            self.returning.insert(receiver)
        };
        // Whoever hands out holds the sender until it has sent.
        self.is_back = returning.await.is_ok();
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let was_given = |returning: &mut oneshot::Receiver<()>| returning.try_recv().is_ok();
        if self.is_back || self.returning.as_mut().is_some_and(was_given) {
            return;
        }
        self.turns.lock().free -= 1;
    }
}

/// A seat that waits for its turn.
#[must_use = "whoever does not wait has no turn"]
pub struct Waiting(oneshot::Receiver<MyTurn>);

/// A turn. Dropped, it is the seat's last one.
#[must_use = "a turn that is not ended is the last one"]
pub struct MyTurn {
    turns: Turns,
    /// None when it is ended.
    turn: Option<Turn<u64>>,
}

impl Turns {
    /// Turns of about `slice_trades`, of which `parallel`, at least one, run at once.
    #[must_use]
    pub fn new(slice_trades: NonZeroU64, parallel: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            rotation: Rotation::new(slice_trades),
            free: isize::try_from(parallel.max(1)).unwrap_or(isize::MAX),
            next_seat: 0,
            waiting: BTreeMap::new(),
            returning: VecDeque::new(),
        })))
    }

    /// Takes a seat, behind all who wait.
    pub fn join(&self) -> Waiting {
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = self.lock();
            let seat = state.next_seat;
            state.next_seat += 1;
            state.rotation.join(seat);
            state.waiting.insert(seat, sender);
        }
        self.hand_out();
        Waiting(receiver)
    }

    /// Runs work that may lend its turns.
    pub async fn seated<T>(&self, work: impl Future<Output = T>) -> T {
        SEATED.scope(self.clone(), work).await
    }

    /// Gives turns to those who are next, as many as may run.
    fn hand_out(&self) {
        let mut state = self.lock();
        while state.free > 0
            && let Some(returning) = state.returning.pop_front()
        {
            // Who does not listen any more has been stopped.
            if returning.send(()).is_ok() {
                state.free -= 1;
            }
        }
        while state.free > 0
            && let Some(turn) = state.rotation.turn()
        {
            let Some(sender) = state.waiting.remove(&turn.key) else {
                continue;
            };
            let turn = MyTurn {
                turns: self.clone(),
                turn: Some(turn),
            };
            match sender.send(turn) {
                Ok(()) => state.free -= 1,
                // It has left. Here it must not be ended: that takes the lock, too.
                Err(mut unwanted) => unwanted.turn = None,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here is left half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Waits for the turn. None comes only when nobody could hand one out any more.
    pub async fn turn(self) -> Option<MyTurn> {
        self.0.await.ok()
    }
}

impl MyTurn {
    /// How many trades may be used.
    #[must_use]
    pub fn allowance_trades(&self) -> u64 {
        self.turn.as_ref().map_or(0, |turn| turn.allowance.get())
    }

    /// Ends the turn after `used_trades`, and waits for the next one.
    pub fn end(mut self, used_trades: u64) -> Waiting {
        let (sender, receiver) = oneshot::channel();
        if let Some(turn) = self.turn.take() {
            let mut state = self.turns.lock();
            state.waiting.insert(turn.key, sender);
            state.rotation.end(turn, used_trades);
            state.free += 1;
        }
        self.turns.hand_out();
        Waiting(receiver)
    }
}

impl Drop for MyTurn {
    fn drop(&mut self) {
        if self.turn.take().is_some() {
            self.turns.lock().free += 1;
            self.turns.hand_out();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(parallel: usize) -> Turns {
        Turns::new(NonZeroU64::new(100).expect("a slice"), parallel)
    }

    /// The turn of whoever has one now.
    fn now(waiting: &mut Waiting) -> Option<MyTurn> {
        waiting.0.try_recv().ok()
    }

    #[test]
    fn turns_go_round_and_no_more_run_at_once_than_may() {
        let turns = turns(2);
        let mut seats = [turns.join(), turns.join(), turns.join()];
        let mut running: Vec<_> = seats.iter_mut().map(now).collect();
        assert!(running[0].is_some() && running[1].is_some() && running[2].is_none());
        let first = running[0].take().expect("a turn");
        assert_eq!(first.allowance_trades(), 100);
        seats[0] = first.end(150);
        assert!(now(&mut seats[0]).is_none());
        let third = now(&mut seats[2]).expect("a turn");
        // Whoever used too much gets less the next time.
        seats[1] = running[1].take().expect("a turn").end(100);
        assert_eq!(
            now(&mut seats[0]).map(|turn| turn.allowance_trades()),
            Some(50)
        );
        // That turn was dropped: it was its last one, and the next one has its place.
        assert!(now(&mut seats[1]).is_some());
        drop(third);
    }

    #[test]
    fn whoever_leaves_while_it_waits_or_has_a_turn_keeps_nobody_from_theirs() {
        let turns = turns(1);
        let mut first = turns.join();
        let (second, mut third) = (turns.join(), turns.join());
        drop(second);
        let turn = now(&mut first).expect("a turn");
        assert!(now(&mut third).is_none());
        drop(turn);
        // A turn that was handed out and not looked at any more is over, too.
        let mut fourth = turns.join();
        assert!(now(&mut fourth).is_none());
        drop(third);
        assert!(now(&mut fourth).is_some());
    }

    /// Work that waits for something that the test decides about, with a turn that it lends.
    fn waits(turns: &Turns) -> (oneshot::Sender<()>, tokio::task::JoinHandle<MyTurn>) {
        let (go_on, waited_for) = oneshot::channel::<()>();
        let (waiting, seated) = (turns.join(), turns.clone());
        let work = async move {
            let turn = waiting.turn().await.expect("a turn");
            let _ = seated.seated(lend(waited_for)).await;
            turn
        };
        (go_on, tokio::spawn(work))
    }

    #[tokio::test]
    async fn whoever_waits_lends_its_turn_and_has_it_back_before_anybody_new() {
        let turns = turns(1);
        let (go_on, lending) = waits(&turns);
        let borrowed = turns.join().turn().await.expect("the turn that is lent");
        let mut third = turns.join();
        go_on.send(()).expect("it waits");
        tokio::task::yield_now().await;
        assert!(now(&mut third).is_none() && !lending.is_finished());
        drop(borrowed);
        let back = lending.await.expect("it has its turn back");
        assert!(now(&mut third).is_none(), "one turn at a time");
        drop(back);
        assert!(third.turn().await.is_some());
    }

    #[tokio::test]
    async fn a_turn_that_was_lent_by_somebody_who_is_stopped_is_there_once() {
        for is_returning in [false, true] {
            let turns = turns(1);
            let (go_on, lending) = waits(&turns);
            let borrowed = turns.join().turn().await.expect("the turn that is lent");
            if is_returning {
                go_on.send(()).expect("it waits");
                tokio::task::yield_now().await;
            }
            lending.abort();
            assert!(lending.await.is_err());
            let (mut one, mut other) = (turns.join(), turns.join());
            assert!(now(&mut one).is_none(), "it is still borrowed");
            drop(borrowed);
            let held = now(&mut one);
            assert!(held.is_some() && now(&mut other).is_none());
        }
    }
}
