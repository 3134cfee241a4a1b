//! Files of expected bars.

use std::{fmt::Write as _, fs, path::Path};

use streamkit::domain::{
    anchor::Anchor, bar::Bar, price::Decimal, reference::Reference, threshold::Threshold,
    trade::Trade,
};

/// The columns. Those from `duration_us` on are 0 for the bar that is still forming.
pub const HEADER: &str = "idx,complete,open_time,close_time,open,high,low,close,volume,turnover_raw,\
buy_volume,sell_volume,buy_turnover_raw,sell_turnover_raw,individual_trade_count,\
agg_record_count,buy_trade_count,sell_trade_count,first_trade_id,last_trade_id,\
first_agg_trade_id,last_agg_trade_id,vwap,duration_us,ofi,vwap_close_deviation,price_impact,\
kyle_lambda_proxy,trade_intensity,volume_per_trade,aggression_ratio,aggregation_density,\
turnover_imbalance";

/// Columns from this one on hold floating-point numbers.
const FIRST_FLOAT: usize = 24;

/// A file of bars.
pub struct Expected {
    /// The file's name.
    pub name: String,
    /// The name of the tape that it belongs to.
    pub tape: String,
    /// The threshold.
    pub threshold: Threshold,
    /// Whether the gate is on.
    pub gate: bool,
    /// A line for each bar.
    pub lines: Vec<String>,
}

impl Expected {
    pub fn read(path: &Path) -> Self {
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let (tape, kind) = name.split_once(".bars-").expect("bars of a tape");
        let kind = kind.strip_suffix(".csv").expect("a csv file");
        let dbps = kind.strip_suffix("-nogate").unwrap_or(kind);
        let text = fs::read_to_string(path).expect("a readable file");
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(HEADER), "{name}");
        Self {
            tape: tape.to_owned(),
            threshold: dbps.parse().expect("a threshold"),
            gate: dbps == kind,
            lines: lines.map(str::to_owned).collect(),
            name,
        }
    }
}

/// A bar as a line.
pub fn line(index: usize, bar: &Bar, is_complete: bool) -> String {
    let sums = &bar.sums;
    let quantity = |units| Decimal { units, digits: 8 };
    let mut line = format!(
        "{index},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
        u8::from(is_complete),
        bar.open_time_us,
        bar.close_time_us,
        bar.open,
        bar.high,
        bar.low,
        bar.close,
        quantity(sums.volume()),
        sums.turnover(),
        quantity(sums.buy_volume()),
        quantity(sums.sell_volume()),
        sums.buy_turnover(),
        sums.sell_turnover(),
        sums.trade_count(),
        sums.agg_trade_count(),
        sums.buy_trade_count(),
        sums.sell_trade_count(),
        bar.first_trade_id,
        bar.last_trade_id,
        bar.first_agg_trade_id,
        bar.last_agg_trade_id,
        bar.vwap,
    );
    let features = &bar.features;
    let floats = [
        features.ofi,
        features.vwap_close_deviation,
        features.price_impact,
        features.kyle_lambda_proxy,
        features.trade_intensity,
        features.volume_per_trade,
        features.aggression_ratio,
        features.aggregation_density,
        features.turnover_imbalance,
    ];
    let (duration_us, floats) = if is_complete {
        (bar.duration_us(), floats)
    } else {
        (0, [0.0; 9])
    };
    write!(line, ",{duration_us}").expect("written");
    for float in floats {
        write!(line, ",{float:?}").expect("written");
    }
    line
}

/// The bars of one threshold as lines of a file: the closed ones and that which is still
/// forming.
pub fn lines(threshold: Threshold, closed: &[Bar], forming: &[Bar]) -> Vec<String> {
    let of_threshold = |bars: &[Bar]| -> Vec<Bar> {
        bars.iter()
            .filter(|bar| bar.threshold == threshold)
            .cloned()
            .collect()
    };
    let closed = of_threshold(closed);
    let mut lines: Vec<_> = (0..)
        .zip(&closed)
        .map(|(index, bar)| line(index, bar, true))
        .collect();
    for bar in of_threshold(forming) {
        lines.push(line(closed.len(), &bar, false));
    }
    lines
}

/// The bars that the plain reference builder makes of a tape, as lines of a file.
pub fn reference_lines(trades: &[Trade], threshold: Threshold, gate: bool) -> Vec<String> {
    let mut reference = Reference::new(threshold, Anchor::None, gate);
    let closed: Vec<Bar> = trades
        .iter()
        .flat_map(|trade| reference.push(trade))
        .collect();
    let forming: Vec<Bar> = reference.forming().into_iter().collect();
    lines(threshold, &closed, &forming)
}

/// Whether two lines say the same: text for text, floating-point numbers bit for bit.
pub fn is_same(one: &str, other: &str) -> bool {
    let (one, other): (Vec<_>, Vec<_>) = (one.split(',').collect(), other.split(',').collect());
    one.len() == other.len()
        && one
            .iter()
            .zip(&other)
            .enumerate()
            .all(|(column, (one, other))| {
                let bits = |text: &str| text.parse::<f64>().ok().map(f64::to_bits);
                one == other
                    || (column >= FIRST_FLOAT && bits(one).is_some() && bits(one) == bits(other))
            })
}

#[test]
fn a_number_that_differs_in_one_bit_is_not_the_same() {
    let line = vec!["0"; FIRST_FLOAT].join(",");
    let with = |float: f64| format!("{line},{float:?}");
    assert!(is_same(&with(0.1), &with(0.1)));
    assert!(is_same(&format!("{line},0.10"), &with(0.1)));
    assert!(!is_same(
        &with(0.1),
        &with(f64::from_bits(0.1_f64.to_bits() + 1))
    ));
    assert!(!is_same(&with(0.0), &with(-0.0)));
    assert!(!is_same(&format!("1,{line}"), &format!("1.0,{line}")));
}
