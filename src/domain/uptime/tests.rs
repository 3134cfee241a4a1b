use proptest::prelude::*;

use super::*;

const WINDOW: Window = Window {
    since_us: 100,
    until_us: 1100,
};

fn row(time_us: i64, code: &str) -> EventRow {
    let text = match code {
        STARTED => started("A, B"),
        STOPPED => stopped("A, B"),
        LOST => lost("A, B", time_us, time_us + 5),
        _ => "a sentence".to_owned(),
    };
    let is_of_symbol = SYMBOL_CODES.contains(&code);
    EventRow {
        time_us,
        collector: "nas".to_owned(),
        symbol: if is_of_symbol { "A" } else { "" }.to_owned(),
        code: code.to_owned(),
        text,
    }
}

fn of_a(rows: &[EventRow]) -> Option<Uptime> {
    let mut found = uptimes(rows, WINDOW).into_iter();
    found.find(|uptime| uptime.symbol == "A")
}

/// When it was observed, and its interruptions.
type Told = (i64, Vec<(i64, i64, Ending)>);

/// Rows as `(time, code)`; what they say of A: when it was observed, and its interruptions.
fn told(rows: &[(i64, &str)]) -> Option<Told> {
    let rows: Vec<_> = rows.iter().map(|(time, code)| row(*time, code)).collect();
    let uptime = of_a(&rows)?;
    let interruptions = uptime.interruptions.iter();
    let told = interruptions.map(|one| (one.from_us, one.until_us, one.ending));
    Some((uptime.observed.since_us, told.collect()))
}

#[test]
fn each_history_has_its_interruptions() {
    use Ending::{ByItself, ByStart, Lasts, Planned};
    type Case = (
        &'static str,
        &'static [(i64, &'static str)],
        i64,
        &'static [(i64, i64, Ending)],
    );
    let cases: &[Case] = &[
        ("a first start", &[(150, STARTED), (160, UP)], 160, &[]),
        (
            "up since before the window",
            &[(10, STARTED), (20, UP)],
            100,
            &[],
        ),
        (
            "it mended itself",
            &[(20, UP), (200, DOWN), (230, UP)],
            100,
            &[(200, 230, ByItself)],
        ),
        (
            "killed, and started again",
            &[(20, UP), (300, LOST), (400, STARTED), (420, UP)],
            100,
            &[(300, 420, ByStart)],
        ),
        (
            "down, then given up, then started",
            &[
                (20, UP),
                (300, DOWN),
                (310, LOST),
                (400, STARTED),
                (420, UP),
            ],
            100,
            &[(300, 420, ByStart)],
        ),
        (
            "stopped, and started again",
            &[(20, UP), (300, STOPPED), (400, STARTED), (420, UP)],
            100,
            &[(300, 420, Planned)],
        ),
        (
            "stopped, started, and lost before it was up",
            &[
                (20, UP),
                (300, STOPPED),
                (400, STARTED),
                (405, LOST),
                (410, STARTED),
                (420, UP),
            ],
            100,
            &[(300, 420, ByStart)],
        ),
        (
            "a start without an end: its journal was deleted",
            &[(20, UP), (400, STARTED), (420, UP)],
            100,
            &[(400, 420, ByStart)],
        ),
        (
            "it is still down",
            &[(20, UP), (300, DOWN)],
            100,
            &[(300, 1100, Lasts)],
        ),
        (
            "it never came up",
            &[(300, STARTED)],
            300,
            &[(300, 1100, Lasts)],
        ),
        (
            "it began before the window",
            &[(20, UP), (50, DOWN), (150, UP)],
            100,
            &[(50, 150, ByItself)],
        ),
        (
            "it ended before the window",
            &[(20, UP), (50, DOWN), (100, UP)],
            100,
            &[],
        ),
        (
            "two downs in a row, and an up twice",
            &[(20, UP), (200, DOWN), (210, DOWN), (230, UP), (240, UP)],
            100,
            &[(200, 230, ByItself)],
        ),
        (
            "nothing is known before a down",
            &[(200, DOWN), (230, UP)],
            200,
            &[(200, 230, ByItself)],
        ),
        (
            "an up is the first that is known",
            &[(230, UP), (300, DOWN), (310, UP)],
            230,
            &[(300, 310, ByItself)],
        ),
        (
            "what is dated behind the window has not happened yet",
            &[(20, UP), (300, DOWN), (1200, UP)],
            100,
            &[(300, 1100, Lasts)],
        ),
    ];
    for (what, rows, since_us, interruptions) in cases {
        assert_eq!(
            told(rows),
            Some((*since_us, interruptions.to_vec())),
            "{what}"
        );
    }
    assert_eq!(
        told(&[(200, "gap.found")]),
        None,
        "other events say nothing"
    );
    assert_eq!(
        told(&[(200, STARTED), (300, STOPPED)]),
        None,
        "never observed"
    );
}

#[test]
fn figures_are_of_the_window_and_recovery_is_of_what_failed() {
    let rows: Vec<_> = [
        (20, UP),
        (50, DOWN),
        (150, UP),
        (200, DOWN),
        (210, UP),
        (300, STOPPED),
        (800, STARTED),
        (820, UP),
        (1000, DOWN),
    ]
    .map(|(time, code)| row(time, code))
    .into();
    let figures = Figures::of(&[of_a(&rows).expect("told")]);
    assert_eq!((figures.down_us, figures.up_us), (50 + 10 + 520 + 100, 320));
    assert_eq!(figures.ratio(), Some(0.32));
    assert_eq!(figures.interruptions(), 4);
    assert_eq!(
        (
            figures.by_itself,
            figures.by_start,
            figures.planned,
            figures.lasting
        ),
        (2, 0, 1, 1)
    );
    assert_eq!(figures.recover_median_us, Some(55));
    assert_eq!(figures.recover_worst_us, Some(100));
    assert_eq!(figures.longest_us, Some(520));
    assert_eq!(Figures::of(&[]).ratio(), None);
}

#[test]
fn what_a_collector_says_concerns_the_symbols_that_it_names() {
    let mut rows: Vec<_> = [(20, UP), (300, STOPPED), (350, STARTED)]
        .map(|(time, code)| row(time, code))
        .into();
    for row in &mut rows[1..] {
        row.text = row.text.replace("A, B", "AB");
    }
    assert_eq!(of_a(&rows).expect("told").interruptions, []);
    // Another collector has nothing to do with it, and one that names nobody means all.
    rows[1].text = "stops".to_owned();
    assert_eq!(of_a(&rows).expect("told").interruptions.len(), 1);
    rows[1].collector = "other".to_owned();
    assert_eq!(of_a(&rows).expect("told").interruptions, []);
}

fn histories() -> impl Strategy<Value = Vec<EventRow>> {
    let code = prop::sample::select(vec![STARTED, STOPPED, LOST, DOWN, UP, "stream.dead"]);
    let one = (0i64..1300, code).prop_map(|(time, code)| row(time, code));
    prop::collection::vec(one, 0..40)
}

proptest! {
    #[test]
    fn uptime_and_downtime_are_the_observed_time_and_interruptions_are_apart(
        rows in histories()
    ) {
        for uptime in uptimes(&rows, WINDOW) {
            let observed = uptime.observed;
            prop_assert!(observed.since_us >= WINDOW.since_us);
            prop_assert_eq!(observed.until_us, WINDOW.until_us);
            let figures = Figures::of(std::slice::from_ref(&uptime));
            prop_assert!(figures.up_us >= 0 && figures.down_us >= 0);
            prop_assert_eq!(
                figures.up_us + figures.down_us,
                observed.until_us - observed.since_us
            );
            prop_assert_eq!(figures.interruptions(), uptime.interruptions.len() as u64);
            for pair in uptime.interruptions.windows(2) {
                prop_assert!(pair[0].until_us <= pair[1].from_us);
                prop_assert!(pair[0].ending != Ending::Lasts);
            }
        }
    }

    #[test]
    fn the_order_of_rows_does_not_matter(
        rows in histories().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
    ) {
        prop_assert_eq!(uptimes(&rows.0, WINDOW), uptimes(&rows.1, WINDOW));
    }
}
