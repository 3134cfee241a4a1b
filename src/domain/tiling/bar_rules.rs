//! What every bar must satisfy by itself.

use crate::domain::{
    bar::{Bar, ClosedBy, Last, Opened},
    trade::LAST_TIME_US,
};

use super::{finding::Finding, ids::IdRange};

/// Appends what is wrong with `bar`, seen alone.
pub(super) fn check(bar: &Bar, findings: &mut Vec<Finding>) {
    let ids = ids_of(bar);
    check_counts(bar, ids, findings);
    check_prices(bar, ids, findings);
    check_closing(bar, ids, findings);
    check_figures(bar, ids, findings);
}

/// The ids of the bar's trades.
pub(super) fn ids_of(bar: &Bar) -> IdRange {
    IdRange {
        first_id: bar.first_agg_trade_id,
        last_id: bar.last_agg_trade_id,
    }
}

/// The ids of the bar's individual trades.
pub(super) fn fills_of(bar: &Bar) -> IdRange {
    IdRange {
        first_id: bar.first_trade_id,
        last_id: bar.last_trade_id,
    }
}

/// Whether the bar's times are such as trades have.
pub(super) fn has_valid_times(bar: &Bar) -> bool {
    [bar.open_time_us, bar.close_time_us]
        .into_iter()
        .all(|time_us| (1..=LAST_TIME_US).contains(&time_us))
}

fn check_counts(bar: &Bar, ids: IdRange, findings: &mut Vec<Finding>) {
    let agg_trade_count = bar.sums.agg_trade_count();
    if ids.last_id < ids.first_id {
        findings.push(Finding::IdsBackwards { bar: ids });
    } else if agg_trade_count != ids.count() {
        findings.push(Finding::TradeCount {
            bar: ids,
            agg_trade_count,
        });
    }
    // Every aggregate trade is made of at least one fill.
    let trade_count = bar.sums.trade_count();
    if trade_count < agg_trade_count {
        findings.push(Finding::TooFewFills {
            bar: ids,
            trade_count,
            agg_trade_count,
        });
    }
    // Each individual trade has an id of its own, and ids may be left out.
    let fills = fills_of(bar);
    if fills.last_id < fills.first_id {
        findings.push(Finding::FillsBackwards {
            bar: ids,
            first_trade_id: fills.first_id,
            last_trade_id: fills.last_id,
        });
    } else if trade_count > fills.count() {
        findings.push(Finding::TooManyFills {
            bar: ids,
            trade_count,
            fills,
        });
    }
}

fn check_prices(bar: &Bar, ids: IdRange, findings: &mut Vec<Finding>) {
    for (figure, price) in [("open", bar.open), ("close", bar.close)] {
        if price < bar.low || price > bar.high {
            findings.push(Finding::PriceOutside {
                bar: ids,
                figure,
                price,
                low: bar.low,
                high: bar.high,
            });
        }
    }
    let sums = &bar.sums;
    for (side, volume, turnover) in [
        ("buy", sums.buy_volume(), sums.buy_turnover()),
        ("sell", sums.sell_volume(), sums.sell_turnover()),
    ] {
        // A product that overflows bounds nothing: such a bar passes here.
        let least = volume.checked_mul(i128::from(bar.low.0));
        let most = volume.checked_mul(i128::from(bar.high.0));
        if least.is_some_and(|least| turnover < least) || most.is_some_and(|most| turnover > most) {
            findings.push(Finding::TurnoverOutside { bar: ids, side });
        }
    }
}

fn check_closing(bar: &Bar, ids: IdRange, findings: &mut Vec<Finding>) {
    let bounds = bar.threshold.bounds(bar.open);
    let breaches = bounds.breached_by(bar.close);
    if bar.closed_by == ClosedBy::Breach {
        if !breaches {
            findings.push(Finding::NoBreach {
                bar: ids,
                close: bar.close,
                bounds,
            });
        }
    } else if breaches && bar.sums.agg_trade_count() > 1 && bar.close_time_us != bar.open_time_us {
        // The opening trade is never tested, and a breach at the opening time is gated.
        findings.push(Finding::BreachPassedOver {
            bar: ids,
            close: bar.close,
        });
    }
}

/// The average price and the features follow from the other figures, bit for bit.
fn check_figures(bar: &Bar, ids: IdRange, findings: &mut Vec<Finding>) {
    if !has_valid_times(bar) {
        findings.push(Finding::TimesOutside { bar: ids });
        return;
    }
    let opened = Opened {
        first_agg_trade_id: bar.first_agg_trade_id,
        first_trade_id: bar.first_trade_id,
        open_time_us: bar.open_time_us,
        open: bar.open,
        high: bar.high,
        low: bar.low,
    };
    let last = Last {
        id: bar.last_agg_trade_id,
        last_trade_id: bar.last_trade_id,
        time_us: bar.close_time_us,
        price: bar.close,
    };
    let computed = Bar::close(bar.threshold, &opened, bar.sums, &last, bar.closed_by);
    if bar.vwap != computed.vwap {
        findings.push(Finding::Figure {
            bar: ids,
            figure: "vwap",
            stored: bar.vwap.to_string(),
            computed: computed.vwap.to_string(),
        });
        // The features contain the average: with a wrong one they say nothing more.
        return;
    }
    let columns = bar
        .features
        .columns()
        .into_iter()
        .zip(computed.features.columns());
    for ((figure, stored), (_, computed)) in columns {
        // Adding 0 makes −0 to 0: not every store keeps the sign of zero.
        if (stored + 0.0).to_bits() != (computed + 0.0).to_bits() {
            findings.push(Finding::Figure {
                bar: ids,
                figure,
                stored: format!("{stored:?}"),
                computed: format!("{computed:?}"),
            });
        }
    }
}
