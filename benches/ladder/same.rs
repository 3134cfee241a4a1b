//! Checks that both sides make the same bars, to the last bit of every float.

use rangebar_core::RangeBar;
use streamkit::domain::bar::Bar;

/// Panics, naming the field, unless `ours` and `theirs` agree in all that both have.
pub fn assert_same(ours: &Bar, theirs: &RangeBar) {
    assert_same_figures(ours, theirs);
    let features = &ours.features;
    for (name, a, b) in [
        ("ofi", features.ofi, theirs.ofi),
        (
            "vwap_close_deviation",
            features.vwap_close_deviation,
            theirs.vwap_close_deviation,
        ),
        ("price_impact", features.price_impact, theirs.price_impact),
        (
            "kyle_lambda_proxy",
            features.kyle_lambda_proxy,
            theirs.kyle_lambda_proxy,
        ),
        (
            "trade_intensity",
            features.trade_intensity,
            theirs.trade_intensity,
        ),
        (
            "volume_per_trade",
            features.volume_per_trade,
            theirs.volume_per_trade,
        ),
        (
            "aggression_ratio",
            features.aggression_ratio,
            theirs.aggression_ratio,
        ),
        (
            "aggregation_density",
            features.aggregation_density,
            theirs.aggregation_density_f64,
        ),
        (
            "turnover_imbalance",
            features.turnover_imbalance,
            theirs.turnover_imbalance,
        ),
    ] {
        assert_eq!(a.to_bits(), b.to_bits(), "{name}: {a} and {b} in {ours:?}");
    }
    assert_eq!(ours.duration_us(), theirs.duration_us, "duration_us");
}

/// The same without the features, which a forming bar does not have on both sides.
pub fn assert_same_figures(ours: &Bar, theirs: &RangeBar) {
    let sums = &ours.sums;
    for (name, a, b) in [
        (
            "first_agg_trade_id",
            ours.first_agg_trade_id,
            theirs.first_agg_trade_id,
        ),
        (
            "last_agg_trade_id",
            ours.last_agg_trade_id,
            theirs.last_agg_trade_id,
        ),
        ("first_trade_id", ours.first_trade_id, theirs.first_trade_id),
        ("last_trade_id", ours.last_trade_id, theirs.last_trade_id),
        ("open_time", ours.open_time_us, theirs.open_time),
        ("close_time", ours.close_time_us, theirs.close_time),
        ("open", ours.open.0, theirs.open.0),
        ("high", ours.high.0, theirs.high.0),
        ("low", ours.low.0, theirs.low.0),
        ("close", ours.close.0, theirs.close.0),
        ("vwap", ours.vwap.0, theirs.vwap.0),
    ] {
        assert_eq!(a, b, "{name} of {ours:?}");
    }
    for (name, a, b) in [
        ("volume", sums.volume(), theirs.volume),
        ("buy_volume", sums.buy_volume(), theirs.buy_volume),
        ("sell_volume", sums.sell_volume(), theirs.sell_volume),
        ("turnover", sums.turnover(), theirs.turnover),
        ("buy_turnover", sums.buy_turnover(), theirs.buy_turnover),
        ("sell_turnover", sums.sell_turnover(), theirs.sell_turnover),
    ] {
        assert_eq!(a, b, "{name} of {ours:?}");
    }
    for (name, a, b) in [
        (
            "trade_count",
            sums.trade_count(),
            theirs.individual_trade_count,
        ),
        (
            "buy_trade_count",
            sums.buy_trade_count(),
            theirs.buy_trade_count,
        ),
        (
            "sell_trade_count",
            sums.sell_trade_count(),
            theirs.sell_trade_count,
        ),
        (
            "agg_trade_count",
            sums.agg_trade_count(),
            theirs.agg_record_count,
        ),
    ] {
        assert_eq!(a, u64::from(b), "{name} of {ours:?}");
    }
}
