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
    title: &'static str,
    series: &'a [Series],
    top: f64,
    bottom: f64,
}

impl<'a> Panel<'a> {
    /// A panel between `top` and so much below it; its title stands above.
    pub(super) const fn new(
        title: &'static str,
        series: &'a [Series],
        top: f64,
        height: f64,
    ) -> Self {
        Self {
            title,
            series,
            top,
            bottom: top + height,
        }
    }

    pub(super) const fn top(&self) -> f64 {
        self.top
    }

    pub(super) const fn bottom(&self) -> f64 {
        self.bottom
    }

    /// The panel, with `band` shaded.
    pub(super) fn draw(&self, time: &Axis, band: Option<(f64, f64)>, layout: &Layout) -> String {
        let highest = self.series.iter().filter_map(Series::highest);
        let highest = highest.reduce(f64::max);
        let axis = Axis::count(highest.unwrap_or(0.0), self.bottom, self.top);
        let mut drawn = self.shade(time, band);
        drawn += &self.grid(&axis, time, layout);
        for series in self.series {
            drawn += &line(series, time, &axis);
        }
        let (x, y) = (layout.left, self.top - GAP);
        let title = self.title;
        drawn += &format!("<text class=\"title\" x=\"{x}\" y=\"{y:.1}\">{title}</text>\n");
        drawn += &self.names(time, layout);
        if highest.is_none() {
            let (x, y) = (layout.left + GAP, (self.top + self.bottom) / 2.0 + GAP);
            drawn += &format!("<text class=\"tick\" x=\"{x}\" y=\"{y:.1}\">not known</text>\n");
        }
        drawn
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

    fn grid(&self, axis: &Axis, time: &Axis, layout: &Layout) -> String {
        let (left, right) = (layout.left, time.to());
        let mut drawn = String::new();
        for figure in axis.steps() {
            let y = axis.at(figure);
            let class = if figure > 0.0 { "grid" } else { "axis" };
            drawn += &format!("<path class=\"{class}\" d=\"M{left} {y:.1}H{right}\"/>");
            let (x, y) = (left - GAP, y + layout.font * 0.35);
            let figure = axis::figure(figure);
            drawn += &format!(
                "<text class=\"tick\" x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{figure}</text>\n"
            );
        }
        drawn
    }

    /// The names of the lines with a sample of each, from the right.
    fn names(&self, time: &Axis, layout: &Layout) -> String {
        let mut drawn = String::new();
        let mut right = time.to();
        let y = self.top - GAP;
        for series in self.series.iter().rev() {
            let Some(name) = series.name else { continue };
            let class = series.class;
            let left = right - layout.width_of(name);
            let (from, middle) = (left - GAP - SWATCH, y - layout.font * 0.35);
            drawn += &format!(
                "<path class=\"line {class}\" d=\"M{from:.1} {middle:.1}h{SWATCH}\"/><text class=\"name\" x=\"{left:.1}\" y=\"{y:.1}\">{name}</text>\n"
            );
            right = from - GAP * 2.0;
        }
        drawn
    }
}

/// A line with the area below it. A single point becomes a dot, by the round ends of lines.
fn line(series: &Series, time: &Axis, axis: &Axis) -> String {
    let mut strokes = String::new();
    let mut areas = String::new();
    for stretch in &series.stretches {
        let Some((&(first, _), &(last, _))) = stretch.first().zip(stretch.last()) else {
            continue;
        };
        let points: Vec<String> = stretch
            .iter()
            .map(|&(at, figure)| format!("{:.1} {:.1}", time.at(at), axis.at(figure)))
            .collect();
        let points = points.join("L");
        strokes += &format!("M{points}");
        let (left, right, bottom) = (time.at(first), time.at(last), axis.at(0.0));
        areas += &format!("M{left:.1} {bottom:.1}L{points}L{right:.1} {bottom:.1}Z");
        if stretch.len() == 1 {
            strokes += "h0";
        }
    }
    if strokes.is_empty() {
        return String::new();
    }
    let class = series.class;
    format!(
        "<path class=\"area {class}\" d=\"{areas}\"/><path class=\"line {class}\" d=\"{strokes}\"/>\n"
    )
}
