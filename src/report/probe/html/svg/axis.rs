//! Where figures stand, with round steps.

use crate::report::table::grouped;

use super::Layout;

/// A scale from nought to something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    /// The highest figure that it shows.
    end: f64,
    step: f64,
    /// Where nought and the end are drawn.
    from: f64,
    to: f64,
}

impl Axis {
    /// The seconds of a run from left to right: no further than it took.
    pub(super) fn time(end_s: f64, layout: &Layout) -> Self {
        let end = if end_s > 0.0 { end_s } else { 1.0 };
        Self {
            end,
            step: step(end / layout.steps),
            from: layout.left,
            to: layout.width - layout.right,
        }
    }

    /// Counts upwards from `bottom`, to a whole number of steps.
    pub(super) fn count(highest: f64, bottom: f64, top: f64) -> Self {
        let step = step(highest / 3.0).max(1.0);
        Self {
            end: ((highest / step).ceil() * step).max(step),
            step,
            from: bottom,
            to: top,
        }
    }

    /// Where a figure is drawn.
    pub(super) fn at(&self, figure: f64) -> f64 {
        let share = figure / self.end;
        self.from + share * (self.to - self.from)
    }

    /// The highest figure that it shows.
    pub(super) const fn end(&self) -> f64 {
        self.end
    }

    /// Where that is drawn.
    pub(super) const fn to(&self) -> f64 {
        self.to
    }

    /// The figures that are named.
    pub(super) fn steps(&self) -> impl Iterator<Item = f64> {
        let count = (self.end / self.step + 1e-9).floor() as u32;
        let step = self.step;
        (0..=count).map(move |place| f64::from(place) * step)
    }

    /// The same, without those whose names would stand closer than that.
    pub(super) fn steps_apart(&self, least: f64) -> impl Iterator<Item = f64> {
        let apart = (self.at(self.step) - self.from).abs();
        let every = (least / apart).ceil().max(1.0) as usize;
        self.steps().step_by(every)
    }

    /// The axis of time, below everything.
    pub(super) fn draw(&self, bottom: f64, layout: &Layout) -> String {
        let digits = if self.step < 0.1 {
            2
        } else {
            usize::from(self.step < 1.0)
        };
        let y = bottom + layout.line();
        let mut drawn = Vec::new();
        for figure in self.steps() {
            let x = self.at(figure);
            let tick = bottom + 4.0;
            drawn.push(format!(
                "<path class=\"axis\" d=\"M{x:.1} {bottom:.1}V{tick:.1}\"/>"
            ));
            drawn.push(format!(
                "<text class=\"tick\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{figure:.digits$}</text>\n"
            ));
        }
        let (x, y) = (self.to, y + layout.line());
        drawn.push(format!(
            "<text class=\"tick\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"end\">seconds of the run</text>\n"
        ));
        drawn.concat()
    }
}

/// The least of 1, 2, 5, 10, 20 … that is no less.
fn step(least: f64) -> f64 {
    if least <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    // Figures that are round already must not become the next step by a last digit.
    let found = steps.into_iter().find(|step| step * 1.000_001 >= least);
    found.unwrap_or(least)
}

/// A figure of a panel.
pub(super) fn figure(figure: f64) -> String {
    grouped(figure.round() as i128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        let cases = [
            (0.0, 1.0),
            (0.3, 0.5),
            (1.0, 1.0),
            (1.1, 2.0),
            (3.0, 5.0),
            (7.0, 10.0),
            (200.0, 200.0),
        ];
        for (least, expected) in cases {
            assert!((step(least) - expected).abs() < 1e-9, "{least}");
        }
    }

    #[test]
    fn counts_end_with_a_step_and_are_whole() {
        for highest in [0.0, 1.0, 3.0, 7.0, 412.0, 4999.0] {
            let axis = Axis::count(highest, 100.0, 0.0);
            let steps: Vec<f64> = axis.steps().collect();
            let last = steps.last().copied().unwrap_or_default();
            assert!(last >= highest && axis.at(last).abs() < 1e-6, "{highest}");
            assert!((2..=5).contains(&steps.len()), "{highest}: {steps:?}");
            assert!(steps.iter().all(|step| step.fract() == 0.0), "{steps:?}");
        }
    }
}
