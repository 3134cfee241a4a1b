//! The sim's trades as those of the domain, which share no code.

use streamkit::{
    domain::{
        price::{Price, Quantity},
        trade::Trade,
    },
    exchange::sim::SimTrade,
};

pub fn domain_trade(trade: &SimTrade) -> Trade {
    Trade {
        id: trade.id,
        price: Price(trade.price_e8),
        quantity: Quantity(trade.quantity_e8),
        first_trade_id: trade.first_id,
        last_trade_id: trade.last_id,
        time_us: trade.time_us,
        buyer_is_maker: trade.buyer_maker,
    }
}
