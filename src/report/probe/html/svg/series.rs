//! Figures over time.

use crate::app::probe::timeline::Sample;

/// Rates are taken over so long, in s: bars come in lumps, and shorter than this a rate
/// would show nothing but them.
const WINDOW_S: f64 = 0.5;

/// A line, or several where something is not known in between.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Series {
    /// Its class.
    pub class: &'static str,
    /// Its name, when there is another one beside it.
    pub name: Option<&'static str>,
    /// The stretches in which it is known: seconds and figures.
    pub stretches: Vec<Vec<(f64, f64)>>,
}

impl Series {
    /// A figure of each sample; a gap where there is none.
    pub(super) fn of(samples: &[Sample], figure: impl Fn(&Sample) -> Option<u64>) -> Self {
        let points = samples.iter().map(|sample| {
            let figure = figure(sample)? as f64;
            Some((seconds(sample), figure))
        });
        Self::from_points(points)
    }

    /// How fast a counter grows, a second.
    pub(super) fn rate(samples: &[Sample], counter: impl Fn(&Sample) -> u64) -> Self {
        let points = samples.iter().enumerate().map(|(place, sample)| {
            let rate = rate(samples, place, &counter)?;
            Some((seconds(sample), rate))
        });
        Self::from_points(points)
    }

    fn from_points(points: impl Iterator<Item = Option<(f64, f64)>>) -> Self {
        let mut stretches: Vec<Vec<(f64, f64)>> = Vec::new();
        let mut is_open = false;
        for point in points {
            match (point, stretches.last_mut()) {
                (Some(point), Some(stretch)) if is_open => stretch.push(point),
                (Some(point), _) => stretches.push(vec![point]),
                (None, _) => {}
            }
            is_open = point.is_some();
        }
        Self {
            class: "plain",
            name: None,
            stretches,
        }
    }

    /// The same with a class, and a name to tell it from another one.
    pub(super) fn named(self, class: &'static str, name: &'static str) -> Self {
        let name = Some(name);
        Self {
            class,
            name,
            ..self
        }
    }

    /// The highest figure; none when nothing is known.
    pub(super) fn highest(&self) -> Option<f64> {
        self.highest_since(0.0)
    }

    /// The highest figure from then on, in s.
    pub(super) fn highest_since(&self, from_s: f64) -> Option<f64> {
        let points = self.stretches.iter().flatten();
        let figures = points.filter(|(at, _)| *at >= from_s);
        figures.map(|(_, figure)| *figure).reduce(f64::max)
    }
}

/// When the collector had come to where the exchange was for the first time, in s, and rates
/// no longer show how; 0 when it never has.
pub(super) fn settled(samples: &[Sample]) -> f64 {
    let has_come = |(place, sample): &(usize, &Sample)| {
        let behind = sample.trades_in.saturating_sub(sample.trades_stored);
        let rate = rate(samples, *place, |sample| sample.trades_in);
        rate.is_some_and(|rate| behind as f64 <= rate * WINDOW_S)
    };
    let first = samples.iter().enumerate().find(has_come);
    first.map_or(0.0, |(_, sample)| seconds(sample) + WINDOW_S / 2.0)
}

/// How fast a counter grows around a sample, a second; none when there is only one.
fn rate(samples: &[Sample], place: usize, counter: impl Fn(&Sample) -> u64) -> Option<f64> {
    let at = seconds(&samples[place]);
    let first_in = samples.partition_point(|it| seconds(it) < at - WINDOW_S / 2.0);
    let first_after = samples.partition_point(|it| seconds(it) <= at + WINDOW_S / 2.0);
    // With samples far from each other, their neighbours.
    let from = first_in.min(place.saturating_sub(1));
    let to = (first_after - 1).max(place + 1).min(samples.len() - 1);
    let (from, to) = (&samples[from], &samples[to]);
    let took = seconds(to) - seconds(from);
    // A counter that begins anew has not gone backwards.
    let grown = counter(to).saturating_sub(counter(from));
    (took > 0.0).then(|| grown as f64 / took)
}

fn seconds(sample: &Sample) -> f64 {
    sample.at_ms as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at_ms: u64, trades_in: u64, spool_rows: Option<u64>) -> Sample {
        Sample {
            at_ms,
            trades_in,
            trades_stored: 0,
            spool_rows,
            rss_bytes: None,
        }
    }

    #[test]
    fn a_steady_counter_has_one_rate_from_end_to_end() {
        for every_ms in [20, 100, 2000] {
            let at = |place: u64| place * every_ms;
            let samples: Vec<Sample> = (0..50)
                .map(|place| sample(at(place), at(place) * 3, None))
                .collect();
            let rate = Series::rate(&samples, |sample| sample.trades_in);
            assert_eq!(rate.stretches.len(), 1);
            assert_eq!(rate.stretches[0].len(), 50);
            for (_, rate) in &rate.stretches[0] {
                assert!((rate - 3000.0).abs() < 1e-6, "{rate}");
            }
        }
    }

    #[test]
    fn one_look_has_no_rate_and_a_counter_does_not_run_backwards() {
        let one = [sample(5, 7, None)];
        let rate = |samples: &[Sample]| Series::rate(samples, |sample| sample.trades_in);
        assert_eq!(rate(&one).highest(), None);
        assert_eq!(rate(&[]).highest(), None);
        let back = [sample(0, 9, None), sample(100, 2, None)];
        assert_eq!(rate(&back).highest(), Some(0.0));
        let twice_at_once = [sample(5, 7, None), sample(5, 9, None)];
        assert_eq!(rate(&twice_at_once).highest(), None);
    }

    #[test]
    fn what_is_fetched_at_the_start_does_not_count() {
        let at = |place: u64, behind: u64| Sample {
            trades_stored: 1000 + place * 40 - behind,
            ..sample(place * 100, 1000 + place * 40, None)
        };
        let behind = [1000, 900, 500, 100, 20, 20, 900, 20];
        let samples: Vec<Sample> = (0..).zip(behind).map(|(place, it)| at(place, it)).collect();
        assert!((settled(&samples) - 0.55).abs() < 1e-9);
        assert!(settled(&samples[..3]).abs() < 1e-9);
        assert!(settled(&[]).abs() < 1e-9);
    }

    #[test]
    fn what_is_not_known_is_a_gap() {
        let rows = [Some(1), Some(2), None, None, Some(9), None];
        let samples: Vec<Sample> = rows
            .iter()
            .zip(0..)
            .map(|(rows, place)| sample(place * 1000, 0, *rows))
            .collect();
        let spool = Series::of(&samples, |sample| sample.spool_rows);
        assert_eq!(
            spool.stretches,
            [vec![(0.0, 1.0), (1.0, 2.0)], vec![(4.0, 9.0)]]
        );
        assert_eq!(spool.highest(), Some(9.0));
    }
}
