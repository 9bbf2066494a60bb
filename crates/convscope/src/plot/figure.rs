//! The way to plotters itself.

use crate::picture::svg_address;
use crate::show::{Show, Shown, img, note, paragraph};
use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, IntoDrawingArea, SVGBackend, WHITE};
use std::error::Error;

/// What [`figure()`] drew.
#[derive(Clone, Debug)]
pub struct Figure {
    svg: String,
    size: (u32, u32),
    title: String,
    caption: String,
    problem: Option<String>,
}

/// Draws with plotters on a white ground of `size` pixels. Unlike plotters' own
/// `evcxr_figure`, the result is still seen in a notebook that is not trusted.
///
/// ```ignore
/// use plotters::prelude::*;
/// figure((640, 400), |area| {
///     let mut chart = ChartBuilder::on(&area)
///         .margin(10).x_label_area_size(40).y_label_area_size(50)
///         .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
///     chart.configure_mesh().x_desc("x").y_desc("x squared").draw()?;
///     chart.draw_series(LineSeries::new((0..=50).map(|i| i as f64 / 50.0).map(|x| (x, x * x)), &BLUE))?;
///     Ok(())
/// }).title("A parabola").caption("It is flat at 0.")
/// ```
pub fn figure(
    size: (u32, u32),
    draw: impl FnOnce(DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), Box<dyn Error>>,
) -> Figure {
    let size = (size.0.clamp(16, 4000), size.1.clamp(16, 4000));
    let mut svg = String::new();
    let problem = {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let drawn = area
            .fill(&WHITE)
            .map_err(Into::into)
            .and_then(|()| draw(area));
        drawn.err().map(|e| e.to_string())
    };
    Figure {
        svg,
        size,
        title: String::new(),
        caption: String::new(),
        problem,
    }
}

impl Figure {
    /// What the figure shows, for those who do not see it.
    pub fn title(mut self, title: impl Into<String>) -> Figure {
        self.title = title.into();
        self
    }

    /// A sentence below it: what to notice.
    pub fn caption(mut self, caption: impl Into<String>) -> Figure {
        self.caption = caption.into();
        self
    }

    /// The SVG source, e.g. to write to a file.
    pub fn svg(&self) -> &str {
        &self.svg
    }
}

impl Show for Figure {
    fn shown(&self) -> Shown {
        let alt = match self.title.as_str() {
            "" => "Figure",
            title => title,
        };
        let mut html = img(&svg_address(&self.svg), alt, self.size.0 as usize);
        let mut text = alt.to_owned();
        if let Some(problem) = &self.problem {
            let problem = format!("The figure could not be drawn to its end: {problem}");
            html.push_str(&note(&problem));
            text.push_str(&format!("\n{problem}"));
        }
        if !self.caption.is_empty() {
            html.push_str(&paragraph(&self.caption));
            text.push_str(&format!("\n{}", self.caption));
        }
        Shown::html(format!("<div>{html}</div>"), text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::prelude::{BLUE, Circle};

    #[test]
    fn a_figure_is_white_and_holds_what_was_drawn() {
        let f = figure((200, 100), |area| {
            area.draw(&Circle::new((50, 50), 20, BLUE))?;
            Ok(())
        })
        .title("A circle");
        assert!(f.svg().contains("<circle") && f.svg().contains("#FFFFFF"));
        assert!(f.shown().html.unwrap().contains("alt=\"A circle\""));
    }

    #[test]
    fn a_failing_drawing_is_said() {
        let f = figure((200, 100), |_| Err("no data".into()));
        assert!(f.shown().text.contains("no data"));
    }
}
