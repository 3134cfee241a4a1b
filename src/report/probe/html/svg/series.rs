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
        let last = samples.len().saturating_sub(1);
        let points = (0..samples.len()).map(|place| {
            let at = seconds(&samples[place]);
            let first_in = samples.partition_point(|it| seconds(it) < at - WINDOW_S / 2.0);
            let first_after = samples.partition_point(|it| seconds(it) <= at + WINDOW_S / 2.0);
            // With samples far from each other, their neighbours.
            let from = first_in.min(place.saturating_sub(1));
            let to = first_after.saturating_sub(1).max((place + 1).min(last));
            let (from, to) = (&samples[from], &samples[to]);
            let took = seconds(to) - seconds(from);
            if took <= 0.0 {
                return None;
            }
            // A counter that begins anew has not gone backwards.
            let grown = counter(to).saturating_sub(counter(from));
            Some((at, grown as f64 / took))
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
        let figures = self.stretches.iter().flatten().map(|(_, figure)| *figure);
        figures.reduce(f64::max)
    }
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
