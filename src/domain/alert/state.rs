//! One rule and one subject: is it wrong, for how long, and who was told?

use serde::{Deserialize, Serialize};

use super::{
    super::micros::micros,
    notice::{Ended, Notice, NoticeKind},
    rule::Rule,
};

/// How far a condition has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It does not hold.
    Inactive,
    /// It holds, but not for long enough.
    Pending,
    /// It holds, or did until a moment ago.
    Firing,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Observation<'a> {
    pub value: f64,
    pub detail: &'a str,
}

/// The state of one rule for one subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub phase: Phase,
    /// Since when the condition holds; of no meaning when it does not.
    pub since_us: i64,
    /// Since when a firing condition does not hold any more.
    clear_since_us: Option<i64>,
    /// The newest notice of an alert that is not resolved.
    pub told: Option<Notice>,
    /// When the newest notice of a firing was sent.
    last_notice_us: Option<i64>,
    /// How often the condition came back since then.
    flaps: u32,
    /// How many firings nobody was told of since then.
    suppressed: u32,
    /// The newest figure.
    pub value: f64,
    detail: String,
}

/// A cause that is longer is cut: notices are read on telephones.
const MAX_DETAIL_CHARS: usize = 1000;

impl State {
    pub fn new() -> Self {
        Self {
            phase: Phase::Inactive,
            since_us: 0,
            clear_since_us: None,
            told: None,
            last_notice_us: None,
            flaps: 0,
            suppressed: 0,
            value: 0.0,
            detail: String::new(),
        }
    }

    /// Takes in what was measured at `now_us`; none when nothing was. Returns the notice
    /// that is due.
    pub fn step(
        &mut self,
        rule: &Rule,
        subject: Option<&str>,
        seen: Option<&Observation<'_>>,
        now_us: i64,
    ) -> Option<Notice> {
        self.not_after(now_us);
        if let Some(seen) = seen {
            if seen.value.is_nan() {
                // It says nothing: everything stays as it is.
                return None;
            }
            self.value = seen.value.clamp(-1e15, 1e15);
            self.detail = seen.detail.chars().take(MAX_DETAIL_CHARS).collect();
        }
        match seen {
            Some(seen) if rule.comparison.is_beyond(seen.value, rule.limit) => {
                self.beyond(rule, subject, now_us)
            }
            Some(_) => self.within(rule, Ended::Cleared, now_us),
            None => self.within(rule, Ended::Gone, now_us),
        }
    }

    /// Moves everything to a clock that is ahead by `by_us`.
    pub fn shift(&mut self, by_us: i64) {
        let shift = |at: i64| at.saturating_add(by_us);
        self.since_us = self.since_us.saturating_add(by_us);
        self.clear_since_us = self.clear_since_us.map(shift);
        self.last_notice_us = self.last_notice_us.map(shift);
        self.told = self.told.take().map(|told| told.shifted(by_us));
    }

    /// Whether nothing has to be remembered.
    pub fn is_idle(&self, rule: &Rule, now_us: i64) -> bool {
        self.phase == Phase::Inactive && self.told.is_none() && self.is_cool(rule, now_us)
    }

    /// A clock that went back begins the waits under way anew, instead of drawing them
    /// out by as much as it went back.
    fn not_after(&mut self, now_us: i64) {
        self.since_us = self.since_us.min(now_us);
        self.clear_since_us = self.clear_since_us.map(|at| at.min(now_us));
        self.last_notice_us = self.last_notice_us.map(|at| at.min(now_us));
    }

    fn is_cool(&self, rule: &Rule, now_us: i64) -> bool {
        self.last_notice_us
            .is_none_or(|last| now_us.saturating_sub(last) >= micros(rule.cooldown))
    }

    fn beyond(&mut self, rule: &Rule, subject: Option<&str>, now_us: i64) -> Option<Notice> {
        if self.phase == Phase::Inactive {
            self.phase = Phase::Pending;
            self.since_us = now_us;
            if self.last_notice_us.is_some() {
                self.flaps = self.flaps.saturating_add(1);
            }
        }
        if self.clear_since_us.take().is_some() {
            self.flaps = self.flaps.saturating_add(1);
        }
        if self.phase == Phase::Pending {
            if now_us.saturating_sub(self.since_us) < micros(rule.hold) {
                return None;
            }
            self.phase = Phase::Firing;
            if !self.is_cool(rule, now_us) {
                self.suppressed = self.suppressed.saturating_add(1);
            }
        }
        if !self.is_cool(rule, now_us) {
            return None;
        }
        let reminder = self
            .told
            .as_ref()
            .map_or(0, |told| told.reminder.saturating_add(1));
        let notice = Notice {
            kind: NoticeKind::Firing,
            rule: rule.name.clone(),
            severity: rule.severity,
            metric: rule.metric,
            subject: subject.map(str::to_owned),
            value: self.value,
            comparison: rule.comparison,
            limit: rule.limit,
            text: rule.text.clone(),
            detail: self.detail.clone(),
            hint: rule.hint.clone(),
            since_us: self.since_us,
            at_us: now_us,
            reminder,
            flaps: std::mem::take(&mut self.flaps),
            suppressed: std::mem::take(&mut self.suppressed),
            ended: None,
        };
        self.last_notice_us = Some(now_us);
        self.told = Some(notice.clone());
        Some(notice)
    }

    fn within(&mut self, rule: &Rule, ended: Ended, now_us: i64) -> Option<Notice> {
        if self.phase == Phase::Firing {
            let clear_since_us = *self.clear_since_us.get_or_insert(now_us);
            if now_us.saturating_sub(clear_since_us) < micros(rule.keep_firing) {
                return None;
            }
        }
        self.phase = Phase::Inactive;
        self.clear_since_us = None;
        self.resolve(ended, now_us)
    }

    /// The recovery of what was told, once.
    pub fn resolve(&mut self, ended: Ended, now_us: i64) -> Option<Notice> {
        let told = self.told.take()?;
        Some(Notice {
            kind: NoticeKind::Resolved,
            value: self.value,
            detail: self.detail.clone(),
            at_us: now_us,
            since_us: told.since_us.min(now_us),
            flaps: self.flaps,
            suppressed: self.suppressed,
            ended: Some(ended),
            ..told
        })
    }
}
