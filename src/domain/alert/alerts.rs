//! All rules and all subjects.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{
    metric::{Metric, Reading},
    notice::{Ended, Notice},
    rule::{Rule, RuleError, Severity},
    state::{Observation, Phase, State},
};

/// So many subjects of one rule have a state of their own. Those beyond share the subject
/// [`OTHERS`], so that memory is bounded and yet somebody is told.
pub const MAX_SUBJECTS_PER_RULE: usize = 1000;

/// The subject of those for whom there is no more room.
pub const OTHERS: &str = "(others)";

/// A subject's name is cut after so many characters.
const MAX_SUBJECT_CHARS: usize = 200;

/// How states are written to a file.
const SAVED_VERSION: u32 = 1;

/// All rules with the state of each for each subject.
///
/// Any clock in µs will do, best one that never jumps: a clock that is put forward ends every
/// wait under way. Whoever keeps states over restarts has to keep them by a clock that both
/// runs know: see [`Saved::shifted`].
#[derive(Debug, Clone)]
pub struct Alerts {
    rules: Vec<Judge>,
}

#[derive(Debug, Clone)]
struct Judge {
    rule: Rule,
    states: BTreeMap<Option<String>, State>,
}

/// A condition that holds, for a status page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Active {
    /// The rule.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// What is measured.
    pub metric: Metric,
    /// The symbol, task or channel; none for the whole collector.
    pub subject: Option<String>,
    /// How far it has come.
    pub phase: Phase,
    /// Since when it holds, in µs.
    pub since_us: i64,
    /// The newest figure.
    pub value: f64,
    /// Whether somebody was told.
    pub is_told: bool,
}

/// The states as they are kept over a restart, so that one neither repeats an alert nor
/// owes its recovery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    version: u32,
    states: Vec<SavedState>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SavedState {
    rule: String,
    subject: Option<String>,
    state: State,
}

impl Saved {
    /// Whether this version can go on with it.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.version == SAVED_VERSION
    }

    /// The same states on a clock that is ahead by `by_us`.
    #[must_use]
    pub fn shifted(mut self, by_us: i64) -> Self {
        for saved in &mut self.states {
            saved.state.shift(by_us);
        }
        self
    }
}

impl Alerts {
    /// Nothing holds yet.
    ///
    /// # Errors
    /// When a rule makes no sense, or two have one name.
    pub fn new(rules: Vec<Rule>) -> Result<Self, RuleError> {
        let mut names = HashSet::new();
        for rule in &rules {
            rule.validate()?;
            if !names.insert(&rule.name) {
                return Err(RuleError {
                    rule: rule.name.clone(),
                    field: "name",
                    reason: "another rule has this name already".to_owned(),
                });
            }
        }
        let rules = rules
            .into_iter()
            .map(|rule| Judge {
                rule,
                states: BTreeMap::new(),
            })
            .collect();
        Ok(Self { rules })
    }

    /// Takes in everything that was measured at `now_us`. A subject that was measured
    /// before and is not now counts as within its limit.
    ///
    /// Of several figures for one metric and subject the worst counts.
    pub fn evaluate(&mut self, readings: &[Reading], now_us: i64) -> Vec<Notice> {
        let mut notices = Vec::new();
        for judge in &mut self.rules {
            judge.evaluate(readings, now_us, &mut notices);
        }
        notices
    }

    /// What holds now, rule by rule.
    pub fn active(&self) -> Vec<Active> {
        let all = self.rules.iter().flat_map(|judge| {
            let holding = judge.states.iter();
            holding
                .filter(|(_, state)| state.phase != Phase::Inactive)
                .map(|(subject, state)| Active {
                    rule: judge.rule.name.clone(),
                    severity: judge.rule.severity,
                    metric: judge.rule.metric,
                    subject: subject.clone(),
                    phase: state.phase,
                    since_us: state.since_us,
                    value: state.value,
                    is_told: state.told.is_some(),
                })
        });
        all.collect()
    }

    /// How many states are held; at most 1001 for each rule.
    #[must_use]
    pub fn states(&self) -> usize {
        self.rules.iter().map(|judge| judge.states.len()).sum()
    }

    /// The states, to be kept over a restart.
    #[must_use]
    pub fn save(&self) -> Saved {
        let states = self.rules.iter().flat_map(|judge| {
            judge.states.iter().map(|(subject, state)| SavedState {
                rule: judge.rule.name.clone(),
                subject: subject.clone(),
                state: state.clone(),
            })
        });
        Saved {
            version: SAVED_VERSION,
            states: states.collect(),
        }
    }

    /// Goes on with `saved`. Returns the recoveries of those alerts whose rule is no longer
    /// there: nobody else would send them. States of an unknown version are left alone.
    pub fn restore(&mut self, saved: Saved, now_us: i64) -> Vec<Notice> {
        let mut notices = Vec::new();
        if !saved.is_known() {
            return notices;
        }
        for SavedState {
            rule,
            subject,
            mut state,
        } in saved.states
        {
            let judge = self.rules.iter_mut().find(|judge| judge.rule.name == rule);
            match judge {
                Some(judge) if judge.states.len() <= MAX_SUBJECTS_PER_RULE => {
                    judge.states.insert(subject, state);
                }
                _ => notices.extend(state.resolve(Ended::RuleRemoved, now_us)),
            }
        }
        notices
    }
}

impl Judge {
    fn evaluate(&mut self, readings: &[Reading], now_us: i64, notices: &mut Vec<Notice>) {
        let seen = self.worst_by_subject(readings);
        let rule = &self.rule;
        // Those who are gone make room first.
        self.states.retain(|subject, state| {
            if !seen.contains_key(subject) && subject.as_deref() != Some(OTHERS) {
                notices.extend(state.step(rule, subject.as_deref(), None, now_us));
            }
            !state.is_idle(rule, now_us)
        });
        let mut others: Option<(usize, &str, &Observation<'_>)> = None;
        for (subject, observation) in &seen {
            let is_beyond = rule.comparison.is_beyond(observation.value, rule.limit);
            if let Some(state) = self.states.get_mut(subject) {
                notices.extend(state.step(rule, subject.as_deref(), Some(observation), now_us));
            } else if is_beyond && self.states.len() < MAX_SUBJECTS_PER_RULE {
                let state = self
                    .states
                    .entry(subject.clone())
                    .or_insert_with(State::new);
                notices.extend(state.step(rule, subject.as_deref(), Some(observation), now_us));
            } else if is_beyond {
                let name = subject.as_deref().unwrap_or_default();
                others = Some(match others {
                    Some((count, worst_name, worst))
                        if !rule.comparison.is_worse(observation.value, worst.value) =>
                    {
                        (count + 1, worst_name, worst)
                    }
                    other => (other.map_or(0, |(count, ..)| count) + 1, name, observation),
                });
            }
        }
        let key = Some(OTHERS.to_owned());
        let folded = others.map(|(count, name, worst)| {
            let detail = format!("{count} more, the worst is {name}: {}", worst.detail);
            (worst.value, detail)
        });
        // Whoever really has this name was judged above.
        if folded.is_some() || (self.states.contains_key(&key) && !seen.contains_key(&key)) {
            let observation = folded.as_ref().map(|(value, detail)| Observation {
                value: *value,
                detail,
            });
            let state = self.states.entry(key).or_insert_with(State::new);
            notices.extend(state.step(rule, Some(OTHERS), observation.as_ref(), now_us));
        }
        self.states.retain(|_, state| !state.is_idle(rule, now_us));
    }

    fn worst_by_subject<'a>(
        &self,
        readings: &'a [Reading],
    ) -> BTreeMap<Option<String>, Observation<'a>> {
        let mut seen: BTreeMap<Option<String>, Observation<'a>> = BTreeMap::new();
        for reading in readings {
            if reading.metric != self.rule.metric {
                continue;
            }
            let subject = reading
                .subject
                .as_ref()
                .map(|name| name.chars().take(MAX_SUBJECT_CHARS).collect::<String>());
            let observation = Observation {
                value: reading.value,
                detail: &reading.detail,
            };
            let comparison = self.rule.comparison;
            seen.entry(subject)
                .and_modify(|worst| {
                    if worst.value.is_nan() || comparison.is_worse(observation.value, worst.value) {
                        *worst = observation.clone();
                    }
                })
                .or_insert(observation);
        }
        seen
    }
}
