//! Our trades as `rangebar-core` wants them.

use rangebar_core::{AggTrade, FixedPoint};
use streamkit::domain::trade::Trade;

/// The same trade; whether it was the best match is known to neither side.
pub fn as_theirs(trade: &Trade) -> AggTrade {
    AggTrade {
        agg_trade_id: trade.id,
        price: FixedPoint(trade.price.0),
        volume: FixedPoint(trade.quantity.0),
        first_trade_id: trade.first_trade_id,
        last_trade_id: trade.last_trade_id,
        timestamp: trade.time_us,
        is_buyer_maker: trade.buyer_is_maker,
        is_best_match: None,
    }
}
