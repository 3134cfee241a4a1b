use super::*;

const SECOND: i64 = 1_000_000;
const LIMITS: Limits = Limits {
    silence_min_us: 10 * SECOND,
    silence_max_us: 60 * SECOND,
    habit_factor: 5,
    grace_us: 2 * SECOND,
};

#[test]
fn a_newer_id_at_the_exchange_that_does_not_come_means_dead() {
    let mut liveness = Liveness::new(LIMITS, 0);
    assert_eq!(liveness.check(10 * SECOND - 1, false), None);
    assert_eq!(liveness.check(10 * SECOND, false), Some(Action::Ask));
    assert_eq!(liveness.check(11 * SECOND, false), None, "it asks once");
    liveness.answered(100, 105, 11 * SECOND);
    assert_eq!(liveness.check(13 * SECOND - 1, false), None);
    let evidence = Evidence {
        last_id: 100,
        exchange_id: Some(105),
        silence_us: 13 * SECOND,
    };
    assert_eq!(
        liveness.check(13 * SECOND, false),
        Some(Action::Reconnect(evidence))
    );
}

#[test]
fn a_trade_within_the_grace_period_is_life() {
    let mut liveness = Liveness::new(LIMITS, 0);
    liveness.check(10 * SECOND, false);
    liveness.answered(100, 105, 10 * SECOND);
    liveness.received(11 * SECOND);
    assert_eq!(liveness.check(20 * SECOND, false), None);
    assert_eq!(liveness.state(), State::Live);
}

#[test]
fn a_quiet_market_is_asked_about_ever_less_often_and_never_reconnected() {
    let mut liveness = Liveness::new(LIMITS, 0);
    let mut asked_at = Vec::new();
    for second in 0..24 * 3600 {
        let now_us = second * SECOND;
        match liveness.check(now_us, false) {
            Some(Action::Ask) => {
                asked_at.push(second);
                liveness.answered(100, 100, now_us);
            }
            Some(Action::Reconnect(evidence)) => panic!("reconnected on {evidence:?}"),
            None => {}
        }
    }
    assert_eq!(asked_at[..6], [10, 20, 40, 80, 140, 200]);
    assert!(asked_at.len() >= 24 * 3600 / 60, "it never stops asking");
}

#[test]
fn a_slow_symbol_gets_the_patience_of_its_habit() {
    let mut liveness = Liveness::new(LIMITS, 0);
    for trade in 1..200 {
        liveness.received(trade * 6 * SECOND);
    }
    let last_us = 199 * 6 * SECOND;
    assert!(liveness.silence_limit_us() >= 30 * SECOND);
    assert_eq!(liveness.check(last_us + 29 * SECOND, false), None);
    assert_eq!(
        liveness.check(last_us + 60 * SECOND, false),
        Some(Action::Ask),
        "but at most 60 s"
    );
}

#[test]
fn an_exchange_that_cannot_be_asked_is_asked_again_and_then_reconnected_to() {
    let mut liveness = Liveness::new(LIMITS, 0);
    assert_eq!(liveness.check(10 * SECOND, false), Some(Action::Ask));
    liveness.unreachable(100, 15 * SECOND);
    assert_eq!(liveness.check(16 * SECOND, false), None);
    assert_eq!(liveness.check(17 * SECOND, false), Some(Action::Ask));
    liveness.unreachable(100, 19 * SECOND);
    let evidence = Evidence {
        last_id: 100,
        exchange_id: None,
        silence_us: 21 * SECOND,
    };
    assert_eq!(
        liveness.check(21 * SECOND, false),
        Some(Action::Reconnect(evidence))
    );
    liveness.reconnected(21 * SECOND);
    assert_eq!(
        liveness.check(30 * SECOND, false),
        None,
        "a new connection gets its own time"
    );
}

#[test]
fn no_remedy_ends_a_silence_only_a_trade_does() {
    let mut liveness = Liveness::new(LIMITS, 0);
    liveness.received(SECOND);
    let mut reconnects = 0;
    for second in 1..=600 {
        let now_us = second * SECOND;
        match liveness.check(now_us, false) {
            Some(Action::Ask) => liveness.answered(100, 100 + second, now_us),
            Some(Action::Reconnect(evidence)) => {
                assert_eq!(evidence.silence_us, now_us - SECOND);
                reconnects += 1;
                liveness.reconnected(now_us);
            }
            None => {}
        }
        assert_eq!(liveness.silence_us(now_us), now_us - SECOND);
        assert_eq!(liveness.signs().unexplained_us(now_us), now_us - SECOND);
    }
    assert!(reconnects > 40, "each connection is judged anew");
    // A session that begins anew goes on with it.
    let mut next = Liveness::new(LIMITS, 600 * SECOND);
    next.remember(liveness.signs());
    assert_eq!(next.silence_us(601 * SECOND), 600 * SECOND);
    next.received(602 * SECOND);
    assert_eq!(next.silence_us(602 * SECOND), 0);
}

#[test]
fn a_quiet_spell_explains_itself_until_it_ends() {
    let mut liveness = Liveness::new(LIMITS, 0);
    liveness.check(10 * SECOND, false);
    liveness.answered(100, 100, 10 * SECOND);
    assert_eq!(liveness.check(70 * SECOND, false), Some(Action::Ask));
    liveness.answered(100, 101, 70 * SECOND);
    assert!(matches!(liveness.state(), State::Overdue { .. }));
    assert_eq!(liveness.signs().unexplained_us(71 * SECOND), SECOND);
    assert_eq!(liveness.silence_us(71 * SECOND), 71 * SECOND);
}

#[test]
fn a_connection_that_others_live_on_is_kept_while_the_exchange_cannot_be_asked() {
    let mut liveness = Liveness::new(LIMITS, 0);
    let mut asked = 0;
    for second in 0..3600 {
        let now_us = second * SECOND;
        match liveness.check(now_us, true) {
            Some(Action::Ask) => {
                asked += 1;
                liveness.unreachable(100, now_us);
            }
            Some(Action::Reconnect(evidence)) => panic!("reconnected on {evidence:?}"),
            None => {}
        }
    }
    assert!(asked > 1000, "it goes on asking");
    assert!(matches!(
        liveness.check(3600 * SECOND, false),
        Some(Action::Reconnect(Evidence {
            exchange_id: None,
            ..
        }))
    ));
}

#[test]
fn an_exchange_that_wants_to_be_asked_later_makes_nothing_suspect() {
    let mut liveness = Liveness::new(LIMITS, 0);
    let mut asked_at = Vec::new();
    for second in 0..600 {
        let now_us = second * SECOND;
        match liveness.check(now_us, false) {
            Some(Action::Ask) => {
                asked_at.push(second);
                liveness.refused(100 * SECOND, now_us);
            }
            Some(Action::Reconnect(evidence)) => panic!("reconnected on {evidence:?}"),
            None => {}
        }
    }
    assert_eq!(asked_at, [10, 110, 210, 310, 410, 510]);
}

#[test]
fn a_quiet_market_survives_a_moment_without_answers() {
    let mut liveness = Liveness::new(LIMITS, 0);
    for second in 0..3600 {
        let now_us = second * SECOND;
        match liveness.check(now_us, false) {
            Some(Action::Ask) if second % 1000 >= 985 => liveness.unreachable(100, now_us),
            Some(Action::Ask) => liveness.answered(100, 100, now_us),
            Some(Action::Reconnect(evidence)) => panic!("reconnected on {evidence:?}"),
            None => {}
        }
    }
}

/// A day of bursts and lulls in steps of 20 ms. The history always shows a trade up to
/// 300 ms before the stream brings it. Returns how often the exchange was asked.
fn irregular_day(seed: u64) -> usize {
    const STEP: i64 = 20_000;
    let mut state = seed;
    // SplitMix64 (Steele et al. 2014), below a bound.
    let mut random = |bound: i64| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.unsigned_abs()) as i64
    };
    let mut liveness = Liveness::new(LIMITS, 0);
    // Trades that happened and have not come yet, with their time of arrival.
    let mut coming = std::collections::VecDeque::new();
    let (mut happened, mut arrived) = (0_i64, 0_i64);
    let (mut next_us, mut asked, mut answer_at) = (0, 0, None);
    for now_us in (0..24 * 3600 * SECOND).step_by(STEP as usize) {
        while next_us <= now_us {
            happened += 1;
            coming.push_back(now_us + random(300_000));
            next_us = now_us
                + match random(1000) {
                    0 => 1200 * SECOND,
                    1..20 => 1 + random(60 * SECOND),
                    20..200 => 1 + random(2 * SECOND),
                    _ => 1 + random(SECOND / 20),
                };
        }
        while coming.front().is_some_and(|&at| at <= now_us) {
            coming.pop_front();
            arrived += 1;
            liveness.received(now_us);
        }
        if answer_at.is_some_and(|at| at <= now_us) {
            answer_at = None;
            liveness.answered(arrived, happened, now_us);
        }
        match liveness.check(now_us, false) {
            Some(Action::Ask) => {
                asked += 1;
                answer_at = Some(now_us + random(200_000));
            }
            Some(Action::Reconnect(evidence)) => panic!("seed {seed}: {evidence:?}"),
            None => {}
        }
    }
    asked
}

#[test]
fn a_day_of_bursts_and_lulls_with_history_ahead_of_the_stream_is_never_a_dead_stream() {
    for seed in 1..=4 {
        assert!(
            irregular_day(seed) > 100,
            "the lulls are long enough to ask"
        );
    }
}
