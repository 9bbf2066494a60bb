//! Bars of ratios, from the file that `cargo course bench --save` writes.

use plotters::prelude::*;
use serde_json::Value;
use std::error::Error;
use std::path::Path;

/// Okabe and Ito's blue, orange and green, which colour-blind readers can tell apart.
const COLOURS: [RGBColor; 3] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
];
const INK: RGBColor = RGBColor(40, 40, 40);
const MESH: RGBColor = RGBColor(225, 225, 225);

/// A bar: what was measured, which colour, how many times as fast as PyTorch we are.
#[derive(Debug, PartialEq)]
struct Bar {
    /// As it stands beside the bar.
    name: String,
    colour: usize,
    ratio: f64,
}

/// Draws `bench-convolutions.svg` and `bench-steps.svg` into a folder.
pub fn plot(file: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    let results: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let caption = format!(
        "{}, {} cores, {}",
        results["machine"]["processor"].as_str().unwrap_or("?"),
        results["machine"]["cores"],
        results["date"].as_str().unwrap_or("?")
    );
    let (convolutions, steps): (Vec<Bar>, Vec<Bar>) =
        bars(&results).into_iter().partition(|b| b.colour < 2);
    for (name, title, bars, bar) in [
        ("bench-convolutions", "Convolutions", convolutions, 2.0),
        ("bench-steps", "Whole steps", steps, 1.5),
    ] {
        if !bars.is_empty() {
            let title = format!("{title}: times as fast as PyTorch at its best");
            let svg = draw(&title, &caption, &bars, bar)?;
            std::fs::write(folder.join(format!("{name}.svg")), svg)?;
        }
    }
    Ok(())
}

/// In the order of the file; the two passes of a convolution beside each other.
fn bars(results: &Value) -> Vec<Bar> {
    let mut bars: Vec<(String, Bar)> = Vec::new();
    for measured in results["workloads"].as_array().into_iter().flatten() {
        let median = |runner: &str| -> Option<f64> {
            let times = measured["times"][runner].as_array()?;
            let times: Vec<f64> = times.iter().filter_map(Value::as_f64).collect();
            (!times.is_empty()).then(|| crate::clock::median(&times))
        };
        let best = [
            median("pytorch_warm_nchw"),
            median("pytorch_warm_channels_last"),
        ];
        let best = best.into_iter().flatten().min_by(f64::total_cmp);
        let (Some(name), Some(ours), Some(best)) =
            (measured["workload"].as_str(), median("convscope"), best)
        else {
            continue;
        };
        let colour = match measured["table"].as_str() {
            Some("convolutions, forward") => 0,
            Some("convolutions, forward and backward") => 1,
            _ => 2,
        };
        let shape = name.trim_end_matches("-forward").trim_end_matches("-both");
        let key = if colour < 2 { shape } else { name };
        let shape = shape.trim_start_matches("conv-");
        let bar = Bar {
            name: match colour {
                0 => format!("{shape}, forward"),
                1 => "forward and backward".to_owned(),
                _ => name.to_owned(),
            },
            colour,
            ratio: best / ours,
        };
        let after = bars.iter().rposition(|(k, _)| k == key);
        bars.insert(after.map_or(bars.len(), |i| i + 1), (key.to_owned(), bar));
    }
    bars.into_iter().map(|(_, bar)| bar).collect()
}

fn draw(title: &str, caption: &str, bars: &[Bar], demanded: f64) -> Result<String, Box<dyn Error>> {
    let mut svg = String::new();
    {
        let height = 110 + 20 * bars.len() as u32;
        let area = SVGBackend::with_string(&mut svg, (760, height)).into_drawing_area();
        area.fill(&WHITE)?;
        let most = bars.iter().map(|b| b.ratio).fold(demanded, f64::max) * 1.25;
        let least = bars.iter().map(|b| b.ratio).fold(0.5, f64::min);
        let mut chart = ChartBuilder::on(&area)
            .caption(title, ("sans-serif", 18).into_font().color(&INK))
            .margin(10)
            .x_label_area_size(45)
            .y_label_area_size(185)
            .build_cartesian_2d(
                (least..most).log_scale(),
                (0..bars.len() as i32 - 1).into_segmented(),
            )?;
        let name = |at: &SegmentValue<i32>| match at {
            SegmentValue::CenterOf(i) => {
                // From the top down.
                let bar = bars.len().checked_sub(1 + *i as usize).map(|i| &bars[i]);
                bar.map_or(String::new(), |bar| bar.name.clone())
            }
            _ => String::new(),
        };
        chart
            .configure_mesh()
            .disable_y_mesh()
            .bold_line_style(MESH)
            .light_line_style(WHITE)
            .x_label_formatter(&|x| format!("{x}"))
            .y_label_formatter(&name)
            .y_labels(bars.len())
            .x_desc(format!(
                "logarithmic; the lines: equal speed, and the mean asked for ({caption})"
            ))
            .label_style(("sans-serif", 12).into_font().color(&INK))
            .draw()?;
        for (i, bar) in bars.iter().enumerate() {
            let row = (bars.len() - 1 - i) as i32;
            let colour = COLOURS[bar.colour].filled();
            let mut rectangle = Rectangle::new(
                [
                    (least, SegmentValue::Exact(row)),
                    (bar.ratio, SegmentValue::Exact(row + 1)),
                ],
                colour,
            );
            rectangle.set_margin(3, 3, 0, 0);
            chart.draw_series([rectangle])?;
            chart.draw_series([Text::new(
                format!("{:.2}", bar.ratio),
                (bar.ratio * 1.01, SegmentValue::CenterOf(row)),
                ("sans-serif", 11).into_font().color(&INK),
            )])?;
        }
        // Equal speed, and what is demanded in the geometric mean.
        let top = bars.len() as i32;
        for at in [1.0, demanded] {
            let line = [(at, SegmentValue::Exact(0)), (at, SegmentValue::Exact(top))];
            chart.draw_series(LineSeries::new(line, INK.stroke_width(1)))?;
        }
        area.present()?;
    }
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn results() -> Value {
        let of = |workload: &str, table: &str, ours: f64| {
            json!({"workload": workload, "table": table, "times": {
                "convscope": [ours], "pytorch_warm_nchw": [8.0],
                "pytorch_warm_channels_last": [6.0]}})
        };
        json!({"date": "2026-01-02", "machine": {"processor": "A chip", "cores": 2}, "workloads": [
            of("conv-a-forward", "convolutions, forward", 3.0),
            of("conv-b-forward", "convolutions, forward", 6.0),
            of("conv-a-both", "convolutions, forward and backward", 2.0),
            of("cnn1-train", "whole steps", 4.0),
            {"workload": "alone", "table": "whole steps", "times": {"convscope": [1.0]}},
        ]})
    }

    #[test]
    fn both_passes_of_a_convolution_stand_beside_each_other() {
        let found = bars(&results());
        let found: Vec<_> = found
            .iter()
            .map(|b| (b.name.as_str(), b.colour, b.ratio))
            .collect();
        assert_eq!(
            found,
            [
                ("a, forward", 0, 2.0),
                ("forward and backward", 1, 3.0),
                ("b, forward", 0, 1.0),
                ("cnn1-train", 2, 1.5)
            ]
        );
    }

    #[test]
    fn a_picture_names_bars_ratios_machine_and_date() {
        let svg = draw(
            "Title",
            "A chip, 2 cores, 2026-01-02",
            &bars(&results()),
            2.0,
        )
        .unwrap();
        for part in ["Title", "A chip", "2026-01-02", "cnn1-train", "3.00"] {
            assert!(svg.contains(part), "{part}");
        }
    }
}
