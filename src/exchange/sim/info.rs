//! `GET /api/v3/exchangeInfo`: as much of it as clients need to list the markets.

use serde_json::json;

use super::exchange::Exchange;
use super::trade::push_decimal;

/// Assets that prices are quoted in; a symbol's name ends with one of them.
const QUOTE_ASSETS: [&str; 9] = [
    "USDT", "USDC", "FDUSD", "TUSD", "BTC", "ETH", "BNB", "EUR", "TRY",
];

/// The answer's body.
pub(crate) fn exchange_info(exchange: &Exchange, server_time: i64) -> String {
    let symbols: Vec<serde_json::Value> = exchange
        .tape
        .symbols()
        .iter()
        .map(|tape| symbol_info(&tape.symbol, tape.steps_e8()))
        .collect();
    json!({
        "timezone": "UTC",
        "serverTime": server_time,
        "rateLimits": [{
            "rateLimitType": "REQUEST_WEIGHT",
            "interval": "MINUTE",
            "intervalNum": 1,
            "limit": exchange.config.weight_limit,
        }],
        "exchangeFilters": [],
        "symbols": symbols,
    })
    .to_string()
}

fn symbol_info(symbol: &str, (tick_e8, lot_e8): (i64, i64)) -> serde_json::Value {
    let (base, quote) = assets(symbol);
    let (tick, lot) = (decimal(tick_e8), decimal(lot_e8));
    json!({
        "symbol": symbol,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "MARKET"],
        "icebergAllowed": false,
        "ocoAllowed": false,
        "isSpotTradingAllowed": true,
        "isMarginTradingAllowed": false,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": tick,
                "maxPrice": "92233720368.00000000",
                "tickSize": tick,
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": lot,
                "maxQty": "92233720368.00000000",
                "stepSize": lot,
            },
        ],
        "permissions": ["SPOT"],
        "permissionSets": [["SPOT"]],
    })
}

/// Splits a symbol into its base and quote asset.
fn assets(symbol: &str) -> (&str, &str) {
    for quote in QUOTE_ASSETS {
        if let Some(base) = symbol.strip_suffix(quote)
            && !base.is_empty()
        {
            return (base, quote);
        }
    }
    // Nothing says where the base ends; half is as good as any other place.
    symbol.split_at(symbol.len() / 2)
}

fn decimal(value_e8: i64) -> String {
    let mut out = Vec::new();
    push_decimal(&mut out, value_e8);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_split_at_their_quote_asset() {
        assert_eq!(assets("BTCUSDT"), ("BTC", "USDT"));
        assert_eq!(assets("ETHBTC"), ("ETH", "BTC"));
        assert_eq!(assets("USDT"), ("US", "DT"));
    }

    #[test]
    fn filters_are_written_with_eight_decimals() {
        let info = symbol_info("BTCUSDT", (1_000_000, 1_000));
        assert_eq!(info["filters"][0]["tickSize"], "0.01000000");
        assert_eq!(info["filters"][1]["stepSize"], "0.00001000");
    }
}
