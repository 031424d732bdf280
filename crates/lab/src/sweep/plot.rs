//! The trade-off as a picture: a point for each configuration.
//!
//! Colours stand for what they are of, as in the report's charts: the page's style says what they look like. Forms differ,
//! too: discs fulfil the constraints, rings do not, the front is a line, today's configuration a square, the recommended one
//! a triangle.

use std::collections::BTreeSet;
use std::error::Error;
use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;
use plotters::style::RGBColor;

use super::judge::value;
use super::outcome::{ConfigurationResult, Figures, SweepReport, Verdict};
use crate::report::{figure_name, shown_figure};

const INK: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(2, 2, 2);
const POINTS: RGBColor = RGBColor(3, 3, 3);
const FRONT: RGBColor = RGBColor(4, 4, 4);

const SIZE: (u32, u32) = (1_600, 900);
const FONT: u32 = 31;
/// The most points besides those of the front, so that the page stays small.
const MOST_POINTS: usize = 2_000;
/// From which ratio on an axis counts by factors.
const LOGARITHMIC: f64 = 20.0;

/// An axis from the least to the most, evenly or by factors.
#[derive(Clone, Debug, PartialEq)]
struct Axis {
    from: f64,
    to: f64,
    logarithmic: bool,
    ticks: Vec<f64>,
}

impl Axis {
    /// Makes an axis for some values, with a little room at both ends.
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let values = values.filter(|value| value.is_finite());
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.fold(0.0, f64::max);
        let logarithmic = least > 0.0 && most / least >= LOGARITHMIC;
        let (from, to) = match (logarithmic, most > 0.0) {
            (true, _) => (least / 1.2, most * 1.2),
            (false, true) => (0.0, most * 1.08),
            (false, false) => (0.0, 1.0),
        };
        let ticks = if logarithmic {
            factors(from, to)
        } else {
            steps(to)
        };
        Self {
            from,
            to,
            logarithmic,
            ticks,
        }
    }

    fn share(&self, value: f64) -> f64 {
        if self.logarithmic {
            (value / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        }
    }
}

/// Round figures from 0 on, at most seven.
fn steps(to: f64) -> Vec<f64> {
    let unit = 10_f64.powf((to / 6.0).log10().floor());
    let candidates = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * unit);
    let found = candidates.into_iter().find(|step| to / step <= 6.0);
    let step = found.unwrap_or(10.0 * unit);
    let ticks = (0..=6_u8).map(|count| f64::from(count) * step);
    ticks.filter(|tick| *tick <= to).collect()
}

/// Powers of ten, with their doubles and fives where there are few.
fn factors(from: f64, to: f64) -> Vec<f64> {
    let decades = (to / from).log10();
    let within: &[f64] = if decades > 3.0 {
        &[1.0]
    } else {
        &[1.0, 2.0, 5.0]
    };
    let first = from.log10().floor() as i32;
    let last = to.log10().ceil() as i32;
    let all =
        (first..=last).flat_map(|power| within.iter().map(move |one| one * 10_f64.powi(power)));
    all.filter(|tick| (from..=to).contains(tick)).collect()
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        from + (self.share(*value) * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            Vec::new()
        } else {
            self.ticks.clone()
        }
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

/// The points of a picture.
struct Points {
    fitting: Vec<(f64, f64)>,
    ruled_out: Vec<(f64, f64)>,
    front: Vec<(f64, f64)>,
    today: Option<(f64, f64)>,
    recommended: Option<(f64, f64)>,
}

impl Points {
    fn of(report: &SweepReport) -> Self {
        let [across, up] = report.trade_off.metrics;
        let point = |figures: &Figures| (value(figures, across), value(figures, up));
        let figures = |index: usize| report.configurations.get(index)?.result.figures();
        let (mut fitting, mut ruled_out) = (Vec::new(), Vec::new());
        // Many points lie on each other: of each place one is enough.
        let mut places = BTreeSet::new();
        let apart = report.ranking.len().div_ceil(MOST_POINTS).max(1);
        for &index in report.ranking.iter().step_by(apart) {
            let Some(one) = report.configurations.get(index) else {
                continue;
            };
            let (list, fits) = match &one.result {
                ConfigurationResult::Fits { .. } => (&mut fitting, true),
                _ => (&mut ruled_out, false),
            };
            let new = one.result.figures().map(point);
            let new = new.filter(|(x, y)| places.insert((fits, x.to_bits(), y.to_bits())));
            list.extend(new);
        }
        let front = report.trade_off.front.iter();
        Self {
            fitting,
            ruled_out,
            front: front
                .filter_map(|&index| figures(index))
                .map(point)
                .collect(),
            today: figures(0).map(point),
            recommended: match &report.verdict {
                Verdict::Change(change) => Some(point(&change.after)),
                _ => None,
            },
        }
    }

    fn all(&self) -> impl Iterator<Item = &(f64, f64)> + Clone {
        let single = self.today.iter().chain(&self.recommended);
        let many = self.fitting.iter().chain(&self.ruled_out);
        many.chain(&self.front).chain(single)
    }
}

/// Draws the trade-off; `None` if nothing was simulated.
pub(super) fn svg(report: &SweepReport) -> Option<String> {
    let points = Points::of(report);
    points.today?;
    let mut svg = String::new();
    // Drawing into a string does not fail.
    draw(&mut svg, report, &points).ok()?;
    let (_, inside) = svg.split_once('>')?;
    Some(format!(
        "<svg viewBox=\"0 0 {} {}\" aria-hidden=\"true\">{inside}",
        SIZE.0, SIZE.1
    ))
}

fn draw(svg: &mut String, report: &SweepReport, points: &Points) -> Result<(), Box<dyn Error>> {
    let [across, up] = report.trade_off.metrics;
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .margin_top(20)
        .margin_right(60)
        .x_label_area_size(100)
        .y_label_area_size(170)
        .build_cartesian_2d(
            Axis::of(points.all().map(|point| point.0)),
            Axis::of(points.all().map(|point| point.1)),
        )?;
    chart
        .configure_mesh()
        .bold_line_style(GRID.stroke_width(2))
        .light_line_style(TRANSPARENT)
        .axis_style(INK.stroke_width(2))
        .label_style(("sans-serif", FONT).into_font().color(&INK))
        .x_desc(figure_name(across))
        .y_desc(figure_name(up))
        .x_label_formatter(&|tick| shown_figure(across, *tick))
        .y_label_formatter(&|tick| shown_figure(up, *tick))
        .draw()?;
    let ring = |point: &(f64, f64)| Circle::new(*point, 8, POINTS.stroke_width(2));
    chart.draw_series(points.ruled_out.iter().map(ring))?;
    let disc = |point: &(f64, f64)| Circle::new(*point, 8, POINTS.filled());
    chart.draw_series(points.fitting.iter().map(disc))?;
    chart.draw_series(LineSeries::new(
        points.front.iter().copied(),
        FRONT.stroke_width(4),
    ))?;
    let mark = |at: (f64, f64), form: Vec<(i32, i32)>| {
        EmptyElement::at(at) + Polygon::new(form, FRONT.filled())
    };
    let square = vec![(-14, -14), (14, -14), (14, 14), (-14, 14)];
    chart.draw_series(points.today.map(|at| mark(at, square)))?;
    let triangle = vec![(0, -22), (20, 14), (-20, 14)];
    chart.draw_series(points.recommended.map(|at| mark(at, triangle)))?;
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_count_by_factors_where_values_lie_far_apart() {
        let even = Axis::of([2.0, 10.0].into_iter());
        assert!(!even.logarithmic);
        assert_eq!(even.ticks, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        let far = Axis::of([1.0, 1_000.0].into_iter());
        assert!(far.logarithmic);
        assert!(far.share(1.0) > 0.0 && far.share(1_000.0) < 1.0);
        assert!(
            far.ticks.contains(&1.0) && far.ticks.contains(&1_000.0),
            "{far:?}"
        );
        // Of nothing and zero there are no factors.
        for values in [vec![], vec![0.0], vec![0.0, 1e6], vec![f64::NAN]] {
            let axis = Axis::of(values.into_iter());
            assert!(!axis.logarithmic && axis.to > axis.from, "{axis:?}");
        }
    }
}
