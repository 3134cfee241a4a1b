//! Any trades, through the sim's zip and our reader: two programs that share nothing.

use std::io::Write as _;

use proptest::{prelude::*, test_runner::Config as Cases};
use streamkit::exchange::sim::{ArchiveFault, BooleanText, Config, SimTrade};
use tokio::runtime::Runtime;

use crate::{scene::*, tape::domain_trade};

/// 2025-01-01 in µs.
const DAY_US: i64 = 1_735_689_600_000_000;

/// What lies between a trade and the one before: ids left out, price, quantity, fills,
/// time within the day, side, best match.
type Step = (i64, i64, i64, i64, i64, bool, bool);

fn step() -> impl Strategy<Value = Step> {
    (
        prop_oneof![9 => Just(0), 1 => 1..1_000_i64],
        prop_oneof![1..i64::MAX, 1..10_000_i64],
        prop_oneof![0..i64::MAX, 0..10_000_i64],
        prop_oneof![9 => 0..5_i64, 1 => 0..1_000_000_i64],
        0..86_400_000_000_i64,
        any::<bool>(),
        any::<bool>(),
    )
}

fn trades(first_id: i64, steps: &[Step]) -> Vec<SimTrade> {
    let (mut id, mut fill) = (first_id, first_id);
    let trade = |&(gap, price_e8, quantity_e8, fills, time, buyer_maker, best_match): &Step| {
        id += 1 + gap;
        let first_fill = fill;
        fill += fills + 1;
        SimTrade {
            id,
            price_e8,
            quantity_e8,
            first_id: first_fill,
            last_id: first_fill + fills,
            time_us: DAY_US + time,
            buyer_maker,
            best_match,
        }
    };
    steps.iter().map(trade).collect()
}

proptest! {
    #![proptest_config(Cases { cases: 24, ..Cases::default() })]

    #[test]
    fn any_trades_are_the_same_behind_the_zip(
        first_id in prop_oneof![0..10_i64, 0..1_i64 << 60],
        steps in prop::collection::vec(step(), 1..400),
        header in any::<bool>(),
        seven_columns in any::<bool>(),
        booleans in prop_oneof![
            Just(BooleanText::Title),
            Just(BooleanText::Lower),
            Just(BooleanText::Digit)
        ],
    ) {
        let trades = trades(first_id, &steps);
        let mut tape = tempfile::NamedTempFile::new().expect("a file");
        for trade in &trades {
            trade.write_csv_row(&mut tape).expect("written");
        }
        tape.flush().expect("written");
        let config = Config {
            tape_file: Some(tape.path().to_owned()),
            history: Some(trades.len() as u64),
            symbols: vec!["BTCUSDT".to_owned()],
            ..Config::default()
        };
        let (found, holes) = Runtime::new().expect("a runtime").block_on(async {
            let scene = Scene::start(config).await;
            scene.fault(ArchiveFault::Dialect {
                header,
                seven_columns,
                milliseconds: false,
                booleans,
            });
            let (file, _) = fetched(&scene.archive(), DAY_1).await;
            read(file).expect("trades")
        });
        let expected: Vec<_> = trades.iter().map(domain_trade).collect();
        prop_assert_eq!(found, expected);
        let expected: Vec<_> = trades
            .windows(2)
            .map(|pair| (pair[0].id + 1, pair[1].id - 1))
            .filter(|(first, last)| first <= last)
            .collect();
        prop_assert_eq!(holes, expected);
    }
}
