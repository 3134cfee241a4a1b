//! One panel of a picture.

use super::{
    Layout,
    axis::{self, Axis},
    series::Series,
};

/// How wide the sample of a line is beside its name, and the space around it.
const SWATCH: f64 = 16.0;
const GAP: f64 = 6.0;

/// Lines above one axis.
#[derive(Debug)]
pub(super) struct Panel<'a> {
    pub title: &'static str,
    pub series: &'a [Series],
    /// Until then, in s, the collector has only come to where it begins.
    pub settled_s: f64,
    pub top: f64,
    pub bottom: f64,
    /// How far above its place the title stands.
    pub raised: f64,
}

impl Panel<'_> {
    /// The panel, with `band` shaded.
    pub(super) fn draw(&self, time: &Axis, band: Option<(f64, f64)>, layout: &Layout) -> String {
        let settled = self.highest(|series| series.highest_since(self.settled_s));
        let highest = settled.or_else(|| self.highest(Series::highest));
        let axis = Axis::count(highest.unwrap_or(0.0), self.bottom, self.top);
        let mut drawn = vec![self.shade(time, band)];
        drawn.push(grid(&axis, time, layout));
        drawn.push(self.lines(&axis, time, layout));
        let (x, y, title) = (layout.left, self.title_y(), self.title);
        let beyond = self.beyond(&axis);
        drawn.push(format!(
            "<text class=\"title\" x=\"{x}\" y=\"{y:.1}\">{title}{beyond}</text>\n"
        ));
        drawn.push(self.names(time, layout));
        if highest.is_none() {
            let (x, y) = (
                layout.left + GAP,
                f64::midpoint(self.top, self.bottom) + GAP,
            );
            drawn.push(format!(
                "<text class=\"tick\" x=\"{x}\" y=\"{y:.1}\">not known</text>\n"
            ));
        }
        drawn.concat()
    }

    fn title_y(&self) -> f64 {
        self.top - self.raised - GAP
    }

    fn highest(&self, of: impl Fn(&Series) -> Option<f64>) -> Option<f64> {
        self.series.iter().filter_map(of).reduce(f64::max)
    }

    /// How high the lines were at the start, when that is beyond the axis: what comes before
    /// anything happens would make everything else small.
    fn beyond(&self, axis: &Axis) -> String {
        let highest = self.highest(Series::highest).unwrap_or(0.0);
        if highest <= axis.end() {
            return String::new();
        }
        let figure = axis::figure(highest);
        format!("<tspan class=\"beyond\" dx=\"{GAP}\">start ↑ {figure}</tspan>")
    }

    /// The lines in a frame of their own, which cuts off what is beyond the axis.
    fn lines(&self, axis: &Axis, time: &Axis, layout: &Layout) -> String {
        let lines = self.series.iter().map(|series| line(series, time, axis));
        let lines: String = lines.collect();
        // Half the width of a line has room beyond the ends.
        let (x, y) = (layout.left - 1.0, self.top - 1.0);
        let (width, height) = (time.to() - x + 1.0, self.bottom - y + 1.0);
        format!(
            "<svg x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" viewBox=\"{x} {y} {width} {height}\">{lines}</svg>\n"
        )
    }

    fn shade(&self, time: &Axis, band: Option<(f64, f64)>) -> String {
        let Some((from, to)) = band else {
            return String::new();
        };
        let (x, width) = (time.at(from), time.at(to) - time.at(from));
        let (y, height) = (self.top, self.bottom - self.top);
        format!(
            "<rect class=\"band\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>\n"
        )
    }

    /// The names of the lines with a sample of each, from the right.
    fn names(&self, time: &Axis, layout: &Layout) -> String {
        let mut drawn = Vec::new();
        let mut right = time.to();
        let y = self.title_y();
        for series in self.series.iter().rev() {
            let Some(name) = series.name else { continue };
            let class = series.class;
            let left = right - layout.width_of(name);
            let (from, middle) = (left - GAP - SWATCH, y - layout.font * 0.35);
            drawn.push(format!(
                "<path class=\"line {class}\" d=\"M{from:.1} {middle:.1}h{SWATCH}\"/><text class=\"name\" x=\"{left:.1}\" y=\"{y:.1}\">{name}</text>\n"
            ));
            right = from - GAP * 2.0;
        }
        drawn.concat()
    }
}

/// Lines across, with their figures.
fn grid(axis: &Axis, time: &Axis, layout: &Layout) -> String {
    let (left, right) = (layout.left, time.to());
    let mut drawn = Vec::new();
    for figure in axis.steps_apart(layout.line()) {
        let y = axis.at(figure);
        let class = if figure > 0.0 { "grid" } else { "axis" };
        drawn.push(format!(
            "<path class=\"{class}\" d=\"M{left} {y:.1}H{right}\"/>"
        ));
        let (x, y) = (left - GAP, y + layout.font * 0.35);
        let figure = axis::figure(figure);
        drawn.push(format!(
            "<text class=\"tick\" x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{figure}</text>\n"
        ));
    }
    drawn.concat()
}

/// A line with the area below it. A single point becomes a dot, by the round ends of lines.
fn line(series: &Series, time: &Axis, axis: &Axis) -> String {
    let mut strokes = Vec::new();
    let mut areas = Vec::new();
    for stretch in &series.stretches {
        let Some((&(first, _), &(last, _))) = stretch.first().zip(stretch.last()) else {
            continue;
        };
        let points: Vec<String> = stretch
            .iter()
            .map(|&(at, figure)| format!("{:.1} {:.1}", time.at(at), axis.at(figure)))
            .collect();
        let points = points.join("L");
        let (left, right, bottom) = (time.at(first), time.at(last), axis.at(0.0));
        areas.push(format!(
            "M{left:.1} {bottom:.1}L{points}L{right:.1} {bottom:.1}Z"
        ));
        let dot = if stretch.len() == 1 { "h0" } else { "" };
        strokes.push(format!("M{points}{dot}"));
    }
    if strokes.is_empty() {
        return String::new();
    }
    let (class, areas, strokes) = (series.class, areas.concat(), strokes.concat());
    format!(
        "<path class=\"area {class}\" d=\"{areas}\"/><path class=\"line {class}\" d=\"{strokes}\"/>\n"
    )
}
