//! What the faults do to single messages: change, hold back, leave out, repeat.

use super::fault::{FaultKind, GarbleHow};
use super::json::Shape;
use super::trade::SimTrade;

/// How many messages may be held back for `reorder`, per symbol.
const MAX_HELD: usize = 10_000;

/// What a fault makes of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) trade: SimTrade,
    pub(crate) shape: Shape,
    pub(crate) garble: Option<GarbleHow>,
}

/// A message that waits until others have overtaken it.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) item: Item,
    overtakers_left: u64,
}

/// Does to a message what the fault says.
pub(super) fn apply(kind: &FaultKind, mut item: Item, out: &mut Vec<Item>, held: &mut Vec<Held>) {
    match kind {
        FaultKind::Skip { .. } => return,
        FaultKind::Reorder { by, .. } if held.len() < MAX_HELD => {
            held.push(Held {
                item,
                overtakers_left: *by,
            });
            return;
        }
        FaultKind::Duplicate { .. } => out.push(item),
        FaultKind::Garble { how, .. } => item.garble = Some(*how),
        FaultKind::ExtraField { .. } => item.shape = Shape::ExtraField,
        FaultKind::SchemaDrift { .. } => item.shape = Shape::Drifted,
        FaultKind::FarId { ahead, .. } => item.trade.id = item.trade.id.saturating_add(*ahead),
        _ => {}
    }
    out.push(item);
}

/// Sends the held messages that enough others have overtaken.
pub(super) fn release(held: &mut Vec<Held>, overtakers: u64, out: &mut Vec<Item>) {
    if overtakers == 0 {
        return;
    }
    held.retain_mut(|held| {
        held.overtakers_left = held.overtakers_left.saturating_sub(overtakers);
        if held.overtakers_left == 0 {
            out.push(held.item);
        }
        held.overtakers_left > 0
    });
}
