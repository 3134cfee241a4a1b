//! Whether a collector is healthy, as a small document.

use serde::{Deserialize, Serialize};

use super::{Moment, VERSION};
use crate::domain::health::{HealthSnapshot, Level};

/// Whether it is healthy, with reasons: the small document that `/health` serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HealthStatus {
    /// [`VERSION`].
    pub version: u32,
    /// Whether it is.
    pub healthy: bool,
    /// When that was judged, in µs since 1970 UTC; none when it never was.
    #[serde(default)]
    pub looked_at_us: Option<i64>,
    /// How long ago that was when this was asked for, in s.
    #[serde(default)]
    pub age_s: Option<f64>,
    /// Why not; of many the first ones, and how many more there are.
    pub complaints: Vec<String>,
    /// What else is not in order.
    pub remarks: Vec<String>,
    /// The score, 0 to 1.
    pub score: f64,
    /// `green`, `yellow` or `red`.
    pub level: String,
    /// What else holds the score down, the worst first; likewise.
    pub reasons: Vec<String>,
}

/// The small document names so many complaints, and only counts the others.
const MAX_NAMED: usize = 10;

impl HealthStatus {
    /// The verdict on `health`.
    #[must_use]
    pub fn of(moment: &Moment, health: &HealthSnapshot) -> Self {
        let complaints = health.complaints();
        let score = health.score();
        let mut reasons = score.reasons;
        reasons.retain(|reason| !complaints.contains(reason));
        let mut status = Self {
            version: VERSION,
            healthy: complaints.is_empty(),
            looked_at_us: Some(moment.wall_us),
            age_s: Some(0.0),
            complaints: few(complaints),
            remarks: few(health.remarks()),
            score: (score.value * 1e3).round() / 1e3,
            level: score.level.as_str().to_owned(),
            reasons: few(reasons),
        };
        if !moment.running {
            status.object("it is stopping");
        }
        status
    }

    /// What there is to say before anybody has looked.
    #[must_use]
    pub fn unknown(complaint: &str) -> Self {
        Self {
            version: VERSION,
            healthy: false,
            looked_at_us: None,
            age_s: None,
            complaints: vec![complaint.to_owned()],
            remarks: Vec::new(),
            score: 0.0,
            level: Level::Red.as_str().to_owned(),
            reasons: Vec::new(),
        }
    }

    /// It was judged so long ago. A judgement older than `patience_s` is none: whatever was
    /// well then may be dead now.
    pub fn judged_before(&mut self, age_s: f64, patience_s: f64) {
        self.age_s = Some(age_s);
        if age_s > patience_s {
            self.object(&format!("health was last judged {age_s:.0} s ago"));
        }
    }

    /// Whatever else is so, this makes it unhealthy.
    fn object(&mut self, complaint: &str) {
        self.healthy = false;
        self.complaints.insert(0, complaint.to_owned());
        self.score = 0.0;
        Level::Red.as_str().clone_into(&mut self.level);
    }
}

/// The first ones, and how many more there are.
fn few(mut texts: Vec<String>) -> Vec<String> {
    let more = texts.len().saturating_sub(MAX_NAMED);
    if more > 0 {
        texts.truncate(MAX_NAMED);
        texts.push(format!("and {more} more"));
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::health::{Progress, Pulse, SymbolHealth};

    fn moment(running: bool) -> Moment {
        Moment {
            collector: "nas".to_owned(),
            running,
            steady_us: 0,
            wall_us: 7,
        }
    }

    #[test]
    fn the_small_document_stays_small_however_many_symbols_are_down() {
        let symbols = (0..400).map(|number| SymbolHealth {
            symbol: format!("S{number}USDT").parse().expect("a symbol"),
            progress: Progress::Live,
            pulse: Pulse::Down,
            silence_ms: 0,
            unexplained_ms: 0,
            patience_ms: 12_000,
            behind_ms: 0,
            per_minute: None,
            usual_per_minute: None,
        });
        let health = HealthSnapshot {
            symbols: symbols.collect(),
            ..HealthSnapshot::default()
        };
        let status = HealthStatus::of(&moment(true), &health);
        assert!(!status.healthy);
        assert_eq!(status.complaints.len(), MAX_NAMED + 1);
        assert_eq!(status.complaints[MAX_NAMED], "and 390 more");
        assert!(status.reasons.is_empty(), "nothing stands there twice");
        let size_bytes = serde_json::to_string(&status).expect("JSON").len();
        assert!(size_bytes < 1000, "{size_bytes}");
    }

    #[test]
    fn a_judgement_that_is_old_is_none() {
        let mut status = HealthStatus::of(&moment(true), &HealthSnapshot::default());
        assert_eq!(status.looked_at_us, Some(7));
        status.judged_before(2.9, 3.0);
        assert!(status.healthy && status.complaints.is_empty());
        status.judged_before(12.6, 3.0);
        assert!(!status.healthy);
        assert_eq!(status.complaints, ["health was last judged 13 s ago"]);
        assert_eq!((status.age_s, status.score), (Some(12.6), 0.0));
    }

    #[test]
    fn what_stops_is_not_healthy() {
        let status = HealthStatus::of(&moment(false), &HealthSnapshot::default());
        assert!(!status.healthy);
        assert_eq!(status.complaints, ["it is stopping"]);
    }
}
