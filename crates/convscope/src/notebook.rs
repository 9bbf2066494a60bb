//! What is set up when a notebook's process loads this crate: how the curves of a training are
//! drawn, and how a panic is told to the relay.
//!
//! A kernel that lost its process loads this crate anew and runs none of the notebook's cells, so
//! nothing but the loading itself can be relied on.

use crate::plot::{Plot, svg_of_row};
use convscope_nn::{Curves, set_curve_painter};
use convscope_progress::relay;
use serde_json::json;
use std::backtrace::Backtrace;
use std::panic::{PanicHookInfo, set_hook};
use std::thread;

/// The cell's own source, as the compiler names it.
const CELL_FILE: &str = "src/lib.rs";

// SAFETY: it runs before `main` or in `dlopen`, and uses nothing of std that needs more than that:
// the environment, a lock, the current thread's id, and the panic hook.
#[ctor::ctor(unsafe)]
fn begin() {
    set_curve_painter(curves);
    if relay::is_there() {
        // evcxr loads libraries on the thread that runs the cells.
        let cells = thread::current().id();
        set_hook(Box::new(move |info| {
            report(info, thread::current().id() == cells);
        }));
    }
}

/// Tells of a panic on standard output, which arrives whole; standard error may be cut.
fn report(info: &PanicHookInfo<'_>, own: bool) {
    let payload = info.payload();
    let message = match payload.downcast_ref::<&str>() {
        Some(text) => (*text).to_owned(),
        None => payload
            .downcast_ref::<String>()
            .cloned()
            .unwrap_or_else(|| "a panic without a message".to_owned()),
    };
    let place = info.location();
    relay::send(&json!({ "panic": {
        "thread": thread::current().name().unwrap_or("<unnamed>"),
        "own": own,
        "message": message,
        "file": place.map_or("", |place| place.file()),
        "line": place.map_or(0, |place| place.line()),
        "cell_lines": cell_lines(&Backtrace::force_capture().to_string()),
    }}));
}

/// The lines of the cell on the way to a panic, the nearest first.
fn cell_lines(backtrace: &str) -> Vec<u64> {
    backtrace
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("at "))
        .filter_map(|place| {
            let mut parts = place.rsplitn(3, ':').skip(1);
            let (line, file) = (parts.next()?, parts.next()?);
            let own = file.strip_prefix("./").unwrap_or(file) == CELL_FILE;
            own.then(|| line.parse().ok()).flatten()
        })
        .collect()
}

/// Loss and accuracy so far, side by side, with room for the epochs to come.
fn curves(curves: &Curves) -> String {
    let plot = |title, label: &str, training: &[(f64, f64)], validation: &[(f64, f64)]| {
        let xs = |of: &[(f64, f64)]| of.iter().map(|p| p.0).collect::<Vec<_>>();
        let ys = |of: &[(f64, f64)]| of.iter().map(|p| p.1).collect::<Vec<_>>();
        let plot = Plot::new(title)
            .x_label("epochs")
            .y_label(label)
            .size(420, 300)
            .x_range(0.0, curves.epochs as f64)
            .line("training", xs(training), ys(training));
        match validation {
            [] => plot,
            // One point makes no line yet.
            [.., (x, y)] => plot
                .line("validation", xs(validation), ys(validation))
                .mark(*x, *y, ""),
        }
    };
    let loss = plot("Loss", "loss", &curves.loss, &curves.valid_loss);
    let accuracy = plot(
        "Accuracy",
        "share of right answers",
        &curves.accuracy,
        &curves.valid_accuracy,
    )
    .y_range(0.0, 1.0);
    svg_of_row(&[loss, accuracy])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_the_cell_are_found_in_a_backtrace() {
        let text = "   2: ctx::f\n             at ./src/lib.rs:133:9\n\
                    \x20  3: run_user_code_3::{{closure}}\n             at src/lib.rs:140:5\n\
                    \x20  4: x\n             at /r/library/src/lib.rs:9:9\n";
        assert_eq!(cell_lines(text), [133, 140]);
        assert_eq!(cell_lines(""), [0; 0]);
    }

    #[test]
    fn curves_of_a_training_that_has_just_begun_are_a_picture() {
        let begun = Curves {
            epochs: 3,
            loss: vec![(0.1, 2.3)],
            accuracy: vec![(0.1, 0.1)],
            ..Curves::default()
        };
        let later = Curves {
            valid_loss: vec![(1.0, 1.2)],
            valid_accuracy: vec![(1.0, 0.8)],
            ..begun.clone()
        };
        for state in [begun, later] {
            let svg = curves(&state);
            assert_eq!(svg.matches("<svg").count(), 3, "{svg}");
            assert_eq!(svg.matches("</svg>").count(), 3);
            assert!(svg.contains("Loss") && svg.contains("x=\"1680\""));
            assert!(svg.len() < 40_000, "{}", svg.len());
        }
    }
}
