//! The faults in force, and what each of them has still to strike.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::clock::later;
use super::fault::{Fault, FaultKind, MalformedHow};
use super::json::Shape;
use super::mangle::{Held, Item, apply, release};
use super::trade::SimTrade;

/// A fault in force.
#[derive(Debug)]
struct Active {
    fault: Fault,
    symbol: Option<usize>,
    left: Option<u64>,
    until: Option<Instant>,
    seen: u64,
}

#[derive(Debug, Default)]
struct State {
    active: Vec<Active>,
    /// Messages held back for `reorder`, per symbol.
    held: Vec<Vec<Held>>,
}

/// All faults in force.
#[derive(Debug, Default)]
pub(crate) struct Board {
    state: Mutex<State>,
    /// Whether any fault is in force, so that a sound sim pays one load.
    any: AtomicBool,
    struck: AtomicU64,
}

impl Board {
    /// Puts a fault in force; `symbol` is the index of the fault's symbol.
    pub(crate) fn add(&self, fault: Fault, symbol: Option<usize>) {
        let mut state = self.state();
        let until = fault.for_ms.map(|ms| later(Duration::from_millis(ms)));
        state.active.push(Active {
            left: fault.times,
            until,
            symbol,
            fault,
            seen: 0,
        });
        self.any.store(true, Ordering::Release);
    }

    /// Ends all faults; messages held back are sent with the next ones.
    pub(crate) fn clear(&self) {
        self.state().active.clear();
    }

    /// The faults in force, with the strikes that are left.
    pub(crate) fn list(&self) -> Vec<Fault> {
        let mut state = self.state();
        prune(&mut state.active);
        let left = |active: &Active| Fault {
            times: active.left,
            ..active.fault.clone()
        };
        state.active.iter().map(left).collect()
    }

    /// How often a fault has struck so far.
    pub(crate) fn struck(&self) -> u64 {
        self.struck.load(Ordering::Relaxed)
    }

    /// Counts strikes that were dealt to open connections.
    pub(crate) fn count_strikes(&self, strikes: u64) {
        self.struck.fetch_add(strikes, Ordering::Relaxed);
    }

    /// Whether the streams must take the careful path: some fault is in force, or
    /// messages are held back.
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Lets the first fault strike for which `pick` finds something, for the symbol asked
    /// about (`None`: only faults for all symbols).
    pub(crate) fn strike<T>(
        &self,
        symbol: Option<usize>,
        mut pick: impl FnMut(&FaultKind) -> Option<T>,
    ) -> Option<T> {
        if !self.any() {
            return None;
        }
        let mut state = self.state();
        prune(&mut state.active);
        let struck = state.active.iter_mut().find_map(|active| {
            if active.symbol.is_some() && active.symbol != symbol {
                return None;
            }
            let picked = pick(&active.fault.kind)?;
            active.left = active.left.map(|left| left.saturating_sub(1));
            Some(picked)
        });
        if struck.is_some() {
            self.struck.fetch_add(1, Ordering::Relaxed);
        }
        struck
    }

    /// Faults that strike a connection opened just now, with their symbols.
    pub(crate) fn strike_new_connection(&self) -> Vec<(FaultKind, Option<usize>)> {
        if !self.any() {
            return Vec::new();
        }
        let mut state = self.state();
        prune(&mut state.active);
        let mut struck = Vec::new();
        for active in &mut state.active {
            if active.fault.kind.strikes_open().is_some() {
                active.left = active.left.map(|left| left.saturating_sub(1));
                struck.push((active.fault.kind.clone(), active.symbol));
            }
        }
        self.count_strikes(struck.len() as u64);
        struck
    }

    /// How a trade looks, on the stream and in the history: `None` if it does not exist.
    pub(crate) fn look(&self, symbol: usize, trades: &[SimTrade]) -> Vec<(SimTrade, Shape)> {
        if !self.any() {
            return trades.iter().map(|trade| (*trade, Shape::Proper)).collect();
        }
        let mut state = self.state();
        prune(&mut state.active);
        let looks =
            |trade: &SimTrade| look_of(&state.active, symbol, trade).map(|shape| (*trade, shape));
        trades.iter().filter_map(looks).collect()
    }

    /// The faults that a file of the archive is published with, for this symbol. They strike
    /// when the zip is asked for.
    pub(crate) fn published_faults(&self, symbol: usize, strikes: bool) -> Vec<FaultKind> {
        if !self.any() {
            return Vec::new();
        }
        let mut state = self.state();
        prune(&mut state.active);
        let mut found = Vec::new();
        for active in &mut state.active {
            let is_published = match &active.fault.kind {
                FaultKind::Archive(fault) => fault.is_published(),
                // Seen by `look`, and no strike there either.
                FaultKind::DropIds { .. } | FaultKind::Malformed { .. } => true,
                _ => false,
            };
            if is_published && active.symbol.is_none_or(|only| only == symbol) {
                found.push(active.fault.kind.clone());
                if strikes && matches!(active.fault.kind, FaultKind::Archive(_)) {
                    active.left = active.left.map(|left| left.saturating_sub(1));
                    self.count_strikes(1);
                }
            }
        }
        found
    }

    /// What the streams send in place of these trades of a symbol, in order.
    pub(crate) fn mangle(&self, symbol: usize, trades: &[SimTrade]) -> Vec<Item> {
        let mut state = self.state();
        let state = &mut *state;
        prune(&mut state.active);
        if state.held.len() <= symbol {
            state.held.resize_with(symbol + 1, Vec::new);
        }
        let mut out = Vec::with_capacity(trades.len());
        let mut strikes = 0;
        for trade in trades {
            let Some(shape) = look_of(&state.active, symbol, trade) else {
                continue;
            };
            let item = Item {
                trade: *trade,
                shape,
                garble: None,
            };
            let before = out.len();
            match strike_message(&mut state.active, symbol, trade) {
                None => out.push(item),
                Some(kind) => {
                    strikes += 1;
                    apply(&kind, item, &mut out, &mut state.held[symbol]);
                }
            }
            release(
                &mut state.held[symbol],
                (out.len() - before) as u64,
                &mut out,
            );
        }
        self.count_strikes(strikes);
        if state.active.is_empty() {
            // Nothing is in force any more: what is held goes out, and the fast path is back.
            out.extend(state.held[symbol].drain(..).map(|held| held.item));
            let nothing_held = state.held.iter().all(Vec::is_empty);
            self.any.store(!nothing_held, Ordering::Release);
        }
        out
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the faults that are over.
fn prune(active: &mut Vec<Active>) {
    let now = Instant::now();
    active.retain(|active| active.left != Some(0) && active.until.is_none_or(|until| now < until));
}

/// The shape of an existing trade; `None` if a fault says that it does not exist.
fn look_of(active: &[Active], symbol: usize, trade: &SimTrade) -> Option<Shape> {
    let mut shape = Shape::Proper;
    for active in active {
        if active.symbol.is_some_and(|only| only != symbol) {
            continue;
        }
        match &active.fault.kind {
            FaultKind::DropIds { ids } if ids.contains(&trade.id) => return None,
            FaultKind::Malformed { ids, how } if ids.contains(&trade.id) => {
                shape = match how {
                    MalformedHow::LastBelowFirst => Shape::LastBelowFirst,
                    MalformedHow::BadPrice => Shape::BadPrice,
                };
            }
            _ => {}
        }
    }
    Some(shape)
}

/// The fault that strikes a message, if one does. Each fault counts the messages it sees.
fn strike_message(active: &mut [Active], symbol: usize, trade: &SimTrade) -> Option<FaultKind> {
    let mut struck = None;
    for active in active {
        if active.symbol.is_some_and(|only| only != symbol) || active.left == Some(0) {
            continue;
        }
        let strikes = match &active.fault.kind {
            FaultKind::Skip { ids, .. } if !ids.is_empty() => ids.contains(&trade.id),
            FaultKind::Duplicate { every }
            | FaultKind::Skip { every, .. }
            | FaultKind::Reorder { every, .. }
            | FaultKind::Garble { every, .. }
            | FaultKind::ExtraField { every }
            | FaultKind::SchemaDrift { every }
            | FaultKind::FarId { every, .. } => {
                active.seen += 1;
                active.seen.is_multiple_of(*every)
            }
            _ => false,
        };
        if strikes && struck.is_none() {
            active.left = active.left.map(|left| left - 1);
            struck = Some(active.fault.kind.clone());
        }
    }
    struck
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trades(ids: std::ops::Range<i64>) -> Vec<SimTrade> {
        let trade = |id| SimTrade {
            id,
            price_e8: 1,
            quantity_e8: 1,
            first_id: id,
            last_id: id,
            time_us: id,
            buyer_maker: false,
            best_match: true,
        };
        ids.map(trade).collect()
    }

    fn ids(items: &[Item]) -> Vec<i64> {
        items.iter().map(|item| item.trade.id).collect()
    }

    fn mangled(kind: FaultKind) -> Vec<i64> {
        let board = Board::default();
        board.add(Fault::new(kind), None);
        ids(&board.mangle(0, &trades(1..9)))
    }

    #[test]
    fn each_fault_changes_the_order_as_it_says() {
        assert_eq!(
            mangled(FaultKind::Duplicate { every: 4 }),
            [1, 2, 3, 4, 4, 5, 6, 7, 8, 8]
        );
        let skip = |every, ids| FaultKind::Skip { every, ids };
        assert_eq!(mangled(skip(4, vec![])), [1, 2, 3, 5, 6, 7]);
        assert_eq!(mangled(skip(1, vec![2, 7])), [1, 3, 4, 5, 6, 8]);
        let reorder = |every, by| FaultKind::Reorder { every, by };
        assert_eq!(mangled(reorder(3, 1)), [1, 2, 4, 3, 5, 7, 6, 8]);
        assert_eq!(mangled(reorder(5, 3)), [1, 2, 3, 4, 6, 7, 8, 5]);
        let far = FaultKind::FarId {
            every: 8,
            ahead: 100,
        };
        assert_eq!(mangled(far), [1, 2, 3, 4, 5, 6, 7, 108]);
        assert_eq!(
            mangled(FaultKind::DropIds { ids: vec![1, 8] }),
            [2, 3, 4, 5, 6, 7]
        );
    }

    #[test]
    fn a_fault_ends_after_its_strikes_and_the_fast_path_is_back() {
        let board = Board::default();
        let skip = FaultKind::Skip {
            every: 2,
            ids: vec![],
        };
        board.add(Fault::new(skip).times(2), None);
        assert_eq!(ids(&board.mangle(0, &trades(1..9))), [1, 3, 5, 6, 7, 8]);
        assert_eq!(ids(&board.mangle(0, &trades(9..11))), [9, 10]);
        assert!(!board.any());
        assert_eq!(board.struck(), 2);
    }

    #[test]
    fn a_fault_of_one_symbol_leaves_the_others_alone() {
        let board = Board::default();
        let drop = FaultKind::DropIds { ids: vec![2] };
        board.add(Fault::new(drop), Some(1));
        assert_eq!(board.look(0, &trades(1..4)).len(), 3);
        assert_eq!(board.look(1, &trades(1..4)).len(), 2);
    }

    #[test]
    fn held_messages_are_sent_when_the_faults_are_cleared() {
        let board = Board::default();
        board.add(
            Fault::new(FaultKind::Reorder { every: 1, by: 9 }).times(1),
            None,
        );
        assert_eq!(ids(&board.mangle(0, &trades(1..3))), [2]);
        board.clear();
        assert_eq!(ids(&board.mangle(0, &trades(3..4))), [3, 1]);
        assert!(!board.any());
    }

    #[tokio::test(start_paused = true)]
    async fn a_fault_ends_after_its_time() {
        let board = Board::default();
        let hang = Fault::new(FaultKind::RestHang {}).lasting(Duration::from_secs(1));
        board.add(hang, None);
        let strike = || {
            board.strike(None, |kind| {
                matches!(kind, FaultKind::RestHang {}).then_some(())
            })
        };
        assert!(strike().is_some());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(strike().is_none());
        assert!(board.list().is_empty());
    }
}
