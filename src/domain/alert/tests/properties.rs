//! What holds for every course of events.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const SUBJECTS: usize = 3;

/// A look: how long after the last one, and what was measured of each subject.
#[derive(Debug, Clone)]
struct Look {
    after_s: i64,
    values: [Option<f64>; SUBJECTS],
}

fn looks() -> impl Strategy<Value = Vec<Look>> {
    let value = prop_oneof![
        4 => Just(Some(20.0)),
        4 => Just(Some(5.0)),
        1 => Just(None),
        1 => Just(Some(f64::NAN)),
        1 => Just(Some(f64::INFINITY)),
    ];
    let look = (1_i64..40, proptest::array::uniform3(value))
        .prop_map(|(after_s, values)| Look { after_s, values });
    proptest::collection::vec(look, 1..150)
}

fn readings(values: &[Option<f64>; SUBJECTS]) -> Vec<Reading> {
    let each = values.iter().enumerate();
    each.filter_map(|(number, value)| Some(errors((*value)?).of(number.to_string())))
        .collect()
}

/// What the receiver of the notices knows of one subject.
#[derive(Debug, Default)]
struct Told {
    /// The reminders since the first notice of the alert that is open, if one is.
    open: Option<u32>,
    last_firing_us: Option<i64>,
}

impl Told {
    fn hear(&mut self, notice: &Notice, rule: &Rule) {
        match notice.kind {
            NoticeKind::Firing => {
                if let Some(last_us) = self.last_firing_us {
                    let apart_us = notice.at_us - last_us;
                    assert!(apart_us >= rule.cooldown.as_micros() as i64, "{notice:?}");
                }
                assert!(notice.value > rule.limit, "{notice:?}");
                assert!(notice.age_us() >= rule.hold.as_micros() as i64);
                let expected = self.open.map_or(0, |reminders| reminders + 1);
                assert_eq!(notice.reminder, expected);
                assert_eq!(notice.ended, None);
                self.open = Some(notice.reminder);
                self.last_firing_us = Some(notice.at_us);
            }
            NoticeKind::Resolved => {
                let open = self.open.take();
                assert_eq!(open, Some(notice.reminder), "one for each that was told");
                assert!(notice.ended.is_some());
            }
        }
    }
}

proptest! {
    #[test]
    fn notices_keep_their_distance_and_every_alert_recovers_once(
        hold_s in 0_u64..120,
        cooldown_s in 1_u64..600,
        keep_firing_s in 0_u64..200,
        looks in looks(),
    ) {
        let rule = rule(hold_s, cooldown_s, keep_firing_s);
        let mut alerts = alerts(rule.clone());
        let mut told: BTreeMap<Option<String>, Told> = BTreeMap::new();
        let mut now_us = 0;
        for look in &looks {
            now_us += look.after_s * SECOND_US;
            let mut heard = Vec::new();
            for notice in alerts.evaluate(&readings(&look.values), now_us) {
                prop_assert!(!heard.contains(&notice.subject), "one at a time");
                heard.push(notice.subject.clone());
                told.entry(notice.subject.clone()).or_default().hear(&notice, &rule);
            }
            prop_assert!(alerts.states() <= SUBJECTS);
        }
        // Then everything is well, for long enough.
        for after_s in [1, 201, 900] {
            now_us += after_s * SECOND_US;
            for notice in alerts.evaluate(&readings(&[Some(0.0); SUBJECTS]), now_us) {
                prop_assert_eq!(notice.kind, NoticeKind::Resolved);
                told.entry(notice.subject.clone()).or_default().hear(&notice, &rule);
            }
        }
        prop_assert!(told.values().all(|told| told.open.is_none()), "{:?}", told);
        prop_assert_eq!(alerts.states(), 0);
    }

    #[test]
    fn whoever_is_wrong_for_longer_than_hold_and_cooldown_is_told_of(
        hold_s in 0_u64..120,
        cooldown_s in 1_u64..600,
        keep_firing_s in 0_u64..200,
        before in looks(),
    ) {
        let rule = rule(hold_s, cooldown_s, keep_firing_s);
        let mut alerts = alerts(rule);
        let mut now_us = 0;
        for look in &before {
            now_us += look.after_s * SECOND_US;
            alerts.evaluate(&readings(&look.values), now_us);
        }
        let mut firing = [0; SUBJECTS];
        let patience_s = (hold_s + cooldown_s) as i64;
        for _ in 0..=patience_s {
            now_us += SECOND_US;
            for notice in alerts.evaluate(&readings(&[Some(11.0); SUBJECTS]), now_us) {
                let number: usize = notice.subject.as_deref().unwrap_or("").parse().expect("a number");
                firing[number] += usize::from(notice.kind == NoticeKind::Firing);
            }
        }
        prop_assert!(firing.iter().all(|&count| count >= 1), "{:?}", firing);
        prop_assert!(alerts.active().iter().all(|active| active.is_told));
    }

    #[test]
    fn without_keep_firing_only_what_held_all_the_while_is_told_of(
        hold_s in 0_i64..120,
        looks in looks(),
    ) {
        let mut alerts = alerts(rule(hold_s as u64, 1, 0));
        let mut now_us = 0;
        // By subject: since when every look that said something found it wrong.
        let mut wrong_since_us = [None; SUBJECTS];
        for look in &looks {
            now_us += look.after_s * SECOND_US;
            let notices = alerts.evaluate(&readings(&look.values), now_us);
            for (number, value) in look.values.iter().enumerate() {
                match value {
                    Some(value) if value.is_nan() => {}
                    Some(value) if *value > 10.0 => {
                        wrong_since_us[number].get_or_insert(now_us);
                    }
                    _ => wrong_since_us[number] = None,
                }
                let is_due = wrong_since_us[number].is_some_and(|since_us| {
                    !value.is_none_or(f64::is_nan) && now_us - since_us >= hold_s * SECOND_US
                });
                let name = number.to_string();
                let is_told = notices.iter().any(|notice| {
                    notice.kind == NoticeKind::Firing && notice.subject.as_deref() == Some(&name)
                });
                // Looks are at least a second apart, and so long is the cooldown.
                prop_assert_eq!(is_told, is_due, "{} at {}", number, now_us);
            }
        }
    }

    #[test]
    fn a_restart_at_any_moment_makes_no_difference(
        cooldown_s in 1_u64..600,
        keep_firing_s in 0_u64..200,
        looks in looks(),
        restart_at in 0_usize..150,
    ) {
        let make = || alerts(rule(10, cooldown_s, keep_firing_s));
        let (mut steady, mut restarted) = (make(), make());
        let mut now_us = 0;
        for (number, look) in looks.iter().enumerate() {
            now_us += look.after_s * SECOND_US;
            if number == restart_at {
                let saved = serde_json::to_string(&restarted.save()).expect("JSON");
                restarted = make();
                let saved = serde_json::from_str(&saved).expect("states");
                prop_assert_eq!(restarted.restore(saved, now_us), []);
            }
            let readings = readings(&look.values);
            let notices = steady.evaluate(&readings, now_us);
            prop_assert_eq!(notices, restarted.evaluate(&readings, now_us));
        }
    }
}
