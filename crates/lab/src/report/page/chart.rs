//! One chart: curves over time as SVG.
//!
//! Colours stand for what they are of (ink, grid, first and second curve), and the page's style says what they look like
//! in the light, in the dark and on paper. The second curve is dashed and has dots, so that colour is never all there is.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;
use plotters::style::RGBColor;

use super::ticks;
use crate::report::units::{compact, duration};

/// Text, axes.
const INK: RGBColor = RGBColor(1, 1, 1);
/// Lines of the grid.
const GRID: RGBColor = RGBColor(2, 2, 2);
/// The curves, in their order.
const CURVES: [RGBColor; 2] = [RGBColor(3, 3, 3), RGBColor(4, 4, 4)];

/// Twice as many points as it is shown in, as coordinates are whole.
const SIZE: (u32, u32) = (880, 440);
const FONT: u32 = 31;
const STROKE: u32 = 4;
/// The second curve has a dot at every so many points.
const DOTS: usize = 12;

/// An axis from 0, with figures where we say: plotters' own know nothing of minutes and hours.
struct Axis {
    most: f64,
    ticks: Vec<f64>,
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        from + (value / self.most * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            Vec::new()
        } else {
            self.ticks.clone()
        }
    }

    fn range(&self) -> Range<f64> {
        0.0..self.most
    }
}

/// A chart's curves, one or two, with a value for each step.
pub(super) struct Chart {
    /// How long a step is, in milliseconds.
    pub(super) step_ms: u64,
    /// The curves, drawn one over the other.
    pub(super) curves: Vec<Vec<f64>>,
    /// What values are.
    pub(super) unit: Unit,
}

/// What the values of a chart are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// So many at a time: whole numbers.
    Count,
    /// So many per second.
    Rate,
    /// Durations in milliseconds.
    Time,
}

impl Chart {
    /// Draws the chart; `None` if there is nothing to draw.
    pub(super) fn svg(&self) -> Option<String> {
        let steps = self.curves.iter().map(Vec::len).max().unwrap_or(0);
        if steps == 0 || self.step_ms == 0 {
            return None;
        }
        let mut svg = String::new();
        // Drawing into a string does not fail.
        self.draw(&mut svg, steps).ok()?;
        // Size and font are the page's affair, the namespace is that of a file of its own, and full is how colours are.
        let (_, inside) = svg.split_once('>')?;
        Some(format!(
            "<svg viewBox=\"0 0 {} {}\" aria-hidden=\"true\">{inside}",
            SIZE.0, SIZE.1
        ))
    }

    fn draw(&self, svg: &mut String, steps: usize) -> Result<(), Box<dyn std::error::Error>> {
        let all_ms = steps as f64 * self.step_ms as f64;
        let most = self.curves.iter().flatten().copied().fold(0.0, f64::max);
        let ups = match self.unit {
            Unit::Count => ticks::of_whole_numbers(most),
            Unit::Rate => ticks::of_numbers(most),
            Unit::Time => ticks::of_times(most),
        };
        let along: Vec<f64> = ticks::of_times(all_ms)
            .into_iter()
            .filter(|&tick| tick <= all_ms)
            .collect();
        let top = ups.last().copied().unwrap_or(1.0);

        let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&root)
            .margin_top(20)
            .margin_right(40)
            .x_label_area_size(48)
            .y_label_area_size(116)
            .build_cartesian_2d(
                Axis {
                    most: all_ms,
                    ticks: along,
                },
                Axis {
                    most: top,
                    ticks: ups,
                },
            )?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID.stroke_width(2))
            .light_line_style(TRANSPARENT)
            .axis_style(INK.stroke_width(2))
            .label_style(("sans-serif", FONT).into_font().color(&INK))
            .x_label_formatter(&|ms| duration(*ms))
            .y_label_formatter(&|value| {
                if self.unit == Unit::Time {
                    duration(*value)
                } else {
                    compact(*value)
                }
            })
            .draw()?;
        for (curve, colour) in self.curves.iter().zip(CURVES) {
            let points = curve
                .iter()
                .enumerate()
                .map(|(at, &value)| ((at as f64 + 0.5) * self.step_ms as f64, value));
            if self.curves.len() == 1 {
                chart.draw_series(AreaSeries::new(points.clone(), 0.0, colour.mix(0.15)))?;
            }
            chart.draw_series(LineSeries::new(points.clone(), colour.stroke_width(STROKE)))?;
            if colour == CURVES[1] {
                let apart = steps.div_ceil(DOTS);
                chart.draw_series(
                    points
                        .skip(apart / 2)
                        .step_by(apart)
                        .map(|point| Circle::new(point, 7, colour.filled())),
                )?;
            }
        }
        root.present()?;
        Ok(())
    }
}
