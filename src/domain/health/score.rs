//! The score is that of the worst part, because a collector is as good as its worst
//! part. Each part has two bounds, from which on it is yellow and red, and falls in straight
//! lines: 1 at zero, ¾ at the yellow bound, ¼ at the red one, 0 at twice the red one.
//!
//! | part | yellow from | red from |
//! | --- | --- | --- |
//! | reconnects in the last hour | 10 | 50 |
//! | errors in the last hour | 50 | 200 |
//! | silence of a symbol that is not healthy (½ at best) | its patience | twice that |
//! | a task that does not run, a reason for which nothing is consumed: ½ each | | |
//! | a symbol that was given up: 0 | | |
//! | share of a symbol's own usual rate that is missing | 90 % | never |
//!
//! So whatever is a reason not to be healthy is a part, with ½ at best: what is not healthy is
//! never green.
//!
//! Above ¾ it is green, above ¼ yellow, else red. A quiet symbol (confirmed by the exchange)
//! has no age and misses nothing.

use super::{HealthSnapshot, Progress};

/// What a score looks like on a lamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// All is well.
    Green,
    /// Somebody might look.
    Yellow,
    /// Somebody should look.
    Red,
}

impl Level {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
        }
    }
}

/// The score with what holds it down.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// 0 (nothing works) to 1 (nothing is wrong).
    pub value: f64,
    /// What it looks like.
    pub level: Level,
    /// Each part that is not green, the worst first.
    pub reasons: Vec<String>,
}

const YELLOW_SCORE: f64 = 0.75;
const RED_SCORE: f64 = 0.25;
const RECONNECTS_PER_HOUR: (f64, f64) = (10.0, 50.0);
const ERRORS_PER_HOUR: (f64, f64) = (50.0, 200.0);
/// What is not healthy is at best yellow.
const UNHEALTHY_SCORE: f64 = 0.5;
/// Twice the patience is red.
const AGE_IN_PATIENCES: (f64, f64) = (1.0, 2.0);
/// A lull is no failure, so that this part never gets red.
const MISSING_RATE_RATIO: (f64, f64) = (0.9, f64::INFINITY);

/// The score of one part whose figure is `value`, with its yellow and red bounds.
fn part(value: f64, (yellow, red): (f64, f64)) -> f64 {
    let fall = YELLOW_SCORE - RED_SCORE;
    let score = if value <= yellow {
        1.0 - (1.0 - YELLOW_SCORE) * value / yellow
    } else if red.is_infinite() {
        YELLOW_SCORE
    } else if value <= red {
        YELLOW_SCORE - fall * (value - yellow) / (red - yellow)
    } else {
        RED_SCORE - RED_SCORE * (value - red) / red
    };
    score.clamp(0.0, 1.0)
}

fn level(score: f64) -> Level {
    if score > YELLOW_SCORE {
        Level::Green
    } else if score > RED_SCORE {
        Level::Yellow
    } else {
        Level::Red
    }
}

impl HealthSnapshot {
    /// The score; see the module's text for the formula.
    #[must_use]
    pub fn score(&self) -> Score {
        let mut parts: Vec<(f64, String)> = Vec::new();
        let (reconnects, errors) = (self.reconnects_1h, self.errors_1h);
        parts.push((
            part(reconnects as f64, RECONNECTS_PER_HOUR),
            format!("{reconnects} reconnects in the last hour"),
        ));
        parts.push((
            part(errors as f64, ERRORS_PER_HOUR),
            format!("{errors} errors in the last hour"),
        ));
        let own = self.own_complaints();
        parts.extend(own.map(|complaint| (UNHEALTHY_SCORE, complaint)));
        for symbol in &self.symbols {
            if symbol.progress == Progress::Stopped {
                parts.push((0.0, format!("{} was given up", symbol.symbol)));
                continue;
            }
            if let Some(complaint) = symbol.complaint() {
                let age = symbol.stale_ms() as f64 / (symbol.patience_ms.max(1)) as f64;
                let score = part(age, AGE_IN_PATIENCES).min(UNHEALTHY_SCORE);
                parts.push((score, complaint));
            }
            if let (Some(now), Some(usual)) = (symbol.per_minute, symbol.usual_per_minute)
                && usual > 0
                && !symbol.is_excused()
            {
                let missing = 1.0 - (now as f64 / usual as f64).min(1.0);
                parts.push((
                    part(missing, MISSING_RATE_RATIO),
                    format!(
                        "{} at {now} trades a minute, usually {usual}",
                        symbol.symbol
                    ),
                ));
            }
        }
        parts.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let value = parts.first().map_or(1.0, |(score, _)| *score);
        Score {
            value,
            level: level(value),
            reasons: parts
                .into_iter()
                .take_while(|(score, _)| level(*score) != Level::Green)
                .map(|(_, reason)| reason)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{healthy, with},
        *,
    };

    #[test]
    fn a_part_falls_from_one_through_its_bounds_to_zero() {
        for (value, score) in [
            (0.0, 1.0),
            (10.0, YELLOW_SCORE),
            (30.0, 0.5),
            (50.0, RED_SCORE),
            (100.0, 0.0),
            (1e9, 0.0),
        ] {
            assert!((part(value, (10.0, 50.0)) - score).abs() < 1e-12, "{value}");
        }
    }

    #[test]
    fn reconnects_and_errors_have_their_bounds() {
        for (reconnects, errors, level) in [
            (0, 0, Level::Green),
            (9, 49, Level::Green),
            (10, 0, Level::Yellow),
            (0, 50, Level::Yellow),
            (49, 199, Level::Yellow),
            (50, 0, Level::Red),
            (0, 200, Level::Red),
        ] {
            let snapshot = HealthSnapshot {
                reconnects_1h: reconnects,
                errors_1h: errors,
                ..with(healthy())
            };
            let score = snapshot.score();
            assert_eq!(
                score.level, level,
                "{reconnects} reconnects, {errors} errors"
            );
            assert_eq!(score.reasons.is_empty(), level == Level::Green);
        }
    }

    #[test]
    fn a_rate_far_below_the_usual_is_yellow_and_never_red() {
        let mut symbol = healthy();
        symbol.per_minute = Some(0);
        let score = with(symbol).score();
        assert_eq!(score.level, Level::Yellow);
        assert_eq!(score.reasons, ["BTCUSDT at 0 trades a minute, usually 600"]);
    }

    #[test]
    fn what_is_not_healthy_is_never_green() {
        let mut stopped = healthy();
        stopped.progress = Progress::Stopped;
        let mut starting = healthy();
        starting.progress = Progress::Starting;
        let task = HealthSnapshot {
            failed_tasks: vec!["delivery".into()],
            ..with(healthy())
        };
        let paused = HealthSnapshot {
            paused: Some("the spool is full".into()),
            ..with(healthy())
        };
        for (snapshot, value) in [
            (with(stopped), 0.0),
            (with(starting), 0.5),
            (task, 0.5),
            (paused, 0.5),
        ] {
            let (complaints, score) = (snapshot.complaints(), snapshot.score());
            assert_eq!(complaints.len(), 1, "{complaints:?}");
            assert!(score.value <= value, "{complaints:?}: {score:?}");
            assert_ne!(score.level, Level::Green, "{complaints:?}");
            assert_eq!(score.reasons, complaints);
        }
    }
}
