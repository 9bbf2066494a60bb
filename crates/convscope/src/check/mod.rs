//! Self-checks: an exercise's function against the reference, case by case.
//!
//! Every case runs on a thread of its own with a time limit, so that neither a panic nor an endless
//! loop harms the kernel. The result is a [`Score`], which fails closed: what did not pass, did not
//! pass. A notebook's checks stand in its module under [`checks`](crate::checks):
//!
//! ```ignore
//! static OUTPUT_SIZE: About = About::new("01-output-size", "Output size", 2.0, ["...", "..."]);
//!
//! /// Checks `fn output_size(input, filter, stride, padding) -> usize`.
//! pub fn output_size(
//!     student: impl Fn(usize, usize, usize, usize) -> usize + Copy + Send + 'static,
//! ) -> Score {
//!     Exercise::new(&OUTPUT_SIZE)
//!         .case("7 wide, filter 3", move || student(7, 3, 1, 0), 5)
//!         .check(Case::new("filter 1", move || student(7, 1, 1, 0), 7).mistake("The + 1 is missing.", 6))
//!         .seeded(5, 1, move |draw| {
//!             let n = draw.integer(8..=64);
//!             Case::new(format!("{n} wide, filter 3"), move || student(n, 3, 1, 0), n - 2)
//!         })
//!         .run()
//! }
//! ```

mod compare;
mod draw;
pub(crate) mod progress;
mod run;
mod score;
mod summary;

pub use compare::{Compare, Tolerance};
pub use draw::Draw;
pub use score::Score;
pub use summary::{Hint, MyScore, hint, my_score};

use run::Prepared;
pub(crate) use run::attempt;
use std::time::Duration;

/// What is fixed about an exercise: its grade id, points and hints.
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    /// The grade id of the exercise's cell, e.g. `"01-output-size"`; it begins with the notebook.
    pub id: &'static str,
    /// What it is about, in two or three words.
    pub title: &'static str,
    /// Points for passing every check.
    pub points: f64,
    /// Shown after the first failure, and after the second.
    pub hints: [&'static str; 2],
}

impl About {
    /// An exercise's description.
    pub const fn new(
        id: &'static str,
        title: &'static str,
        points: f64,
        hints: [&'static str; 2],
    ) -> About {
        About {
            id,
            title,
            points,
            hints,
        }
    }

    /// The notebook's number, `"01"`.
    pub fn notebook(&self) -> &'static str {
        self.id.split('-').next().unwrap_or(self.id)
    }
}

/// An exercise with its cases, ready to [`run`](Exercise::run).
#[derive(Debug)]
pub struct Exercise {
    about: &'static About,
    limit: Duration,
    tolerance: Tolerance,
    cases: Vec<Prepared>,
}

/// One case: what the student's code gives, and what it should give.
pub struct Case<T> {
    name: String,
    got: Box<dyn FnOnce() -> T + Send>,
    expected: T,
    mistakes: Vec<(String, T)>,
    tolerance: Option<Tolerance>,
}

impl<T: Compare> Case<T> {
    /// A case. The name says what goes in; `got` calls the student's code.
    pub fn new(
        name: impl Into<String>,
        got: impl FnOnce() -> T + Send + 'static,
        expected: T,
    ) -> Case<T> {
        Case {
            name: name.into(),
            got: Box::new(got),
            expected,
            mistakes: Vec::new(),
            tolerance: None,
        }
    }

    /// What a likely mistake would give. When the student's result is just that (and not right),
    /// `message` is shown: a sentence to the student, e.g. `"The filter is flipped."`.
    pub fn mistake(mut self, message: impl Into<String>, value: T) -> Case<T> {
        self.mistakes.push((message.into(), value));
        self
    }

    /// How far off is still right: `|got - expected| <= absolute + relative * |expected|`.
    pub fn tolerance(mut self, absolute: f64, relative: f64) -> Case<T> {
        self.tolerance = Some(Tolerance { absolute, relative });
        self
    }
}

impl<T> std::fmt::Debug for Case<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Exercise {
    /// An exercise without a case yet: 2 s a case, tolerance 1e-5 absolute and 1e-4 relative.
    pub fn new(about: &'static About) -> Exercise {
        Exercise {
            about,
            limit: Duration::from_secs(2),
            tolerance: Tolerance::default(),
            cases: Vec::new(),
        }
    }

    /// How long a case may take.
    pub fn time_limit(mut self, limit: Duration) -> Exercise {
        self.limit = limit;
        self
    }

    /// The tolerance of the cases added from here on that have none of their own.
    pub fn tolerance(mut self, absolute: f64, relative: f64) -> Exercise {
        self.tolerance = Tolerance { absolute, relative };
        self
    }

    /// Adds a case.
    pub fn case<T: Compare>(
        self,
        name: impl Into<String>,
        got: impl FnOnce() -> T + Send + 'static,
        expected: T,
    ) -> Exercise {
        self.check(Case::new(name, got, expected))
    }

    /// Adds a case that was built with likely mistakes or a tolerance of its own.
    pub fn check<T: Compare>(mut self, case: Case<T>) -> Exercise {
        let tolerance = case.tolerance.unwrap_or(self.tolerance);
        let Case {
            name,
            got,
            expected,
            mistakes,
            ..
        } = case;
        self.cases.push(Prepared::new(name, move || {
            let got = got();
            let Some(difference) = got.difference(&expected, tolerance) else {
                return Ok(());
            };
            let known = mistakes
                .iter()
                .find(|(_, value)| got.difference(value, tolerance).is_none());
            let mistake = known.map(|(message, _)| message.clone());
            Err((difference, mistake))
        }));
        self
    }

    /// Adds `count` cases drawn from `seed`: the same ones every time.
    pub fn seeded<T: Compare>(
        mut self,
        count: usize,
        seed: u64,
        case: impl Fn(&mut Draw) -> Case<T>,
    ) -> Exercise {
        for i in 0..count {
            self = self.check(case(&mut Draw::new(seed, i as u64)));
        }
        self
    }

    /// Adds a check of a property; the error says what does not hold, to the student.
    pub fn property(
        mut self,
        name: impl Into<String>,
        holds: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) -> Exercise {
        let holds = move || holds().map_err(|words| (words, None));
        self.cases.push(Prepared::new(name.into(), holds));
        self
    }

    /// Runs all cases, records the score for `cargo course progress`, and returns it.
    pub fn run(self) -> Score {
        let outcomes = run::all(self.cases, self.limit);
        score::settle(self.about, outcomes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::Show;
    use ndarray::{Array2, array};
    use std::time::Instant;

    static ABOUT: About = About::new(
        "98-framework",
        "Framework",
        2.0,
        ["First <hint>.", "Second."],
    );

    fn text(score: &Score) -> String {
        score.shown().text
    }

    fn html(score: &Score) -> String {
        score.shown().html.unwrap()
    }

    fn doubled(student: impl Fn(usize) -> usize + Copy + Send + 'static) -> Score {
        progress::in_test_folder(|| {
            Exercise::new(&ABOUT)
                .time_limit(Duration::from_millis(200))
                .case("one", move || student(1), 2)
                .check(Case::new("three", move || student(3), 6).mistake("That is the square.", 9))
                .seeded(2, 7, move |draw| {
                    let n = draw.integer(10..=20);
                    Case::new(format!("{n}"), move || student(n), 2 * n)
                })
                .run()
        })
    }

    #[test]
    fn a_right_answer_gets_all_points() {
        let score = doubled(|x| 2 * x);
        assert_eq!(text(&score), "2");
        assert_eq!((score.passed(), score.checks()), (4, 4));
        let html = html(&score);
        for part in [
            "class=\"convscope-score\"",
            "data-exercise=\"98-framework\"",
            "data-points=\"2\"",
            "data-max=\"2\"",
            "data-checks=\"4\"",
            "data-hints=\"2\"",
            "✓&nbsp;passed",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
        assert!(!html.contains("hint&gt;"), "no hint where none is needed");
    }

    #[test]
    fn a_wrong_answer_gets_its_share_a_difference_and_a_named_mistake() {
        let score = doubled(|x| if x == 3 { x * x } else { 2 * x });
        assert_eq!(text(&score), "1.5");
        let html = html(&score);
        assert!(
            html.contains("expected 6, got 9. That is the square."),
            "{html}"
        );
        assert!(html.contains("✗&nbsp;failed") && html.contains("First &lt;hint&gt;."));
        assert!(!html.contains("Second."), "the second hint comes later");
    }

    #[test]
    fn a_mistake_is_named_once() {
        progress::in_test_folder(|| {
            let case =
                |n: usize| Case::new(format!("{n}"), move || n, n + 1).mistake("Add one.", n);
            let score = Exercise::new(&ABOUT).check(case(1)).check(case(2)).run();
            assert_eq!(html(&score).matches("Add one.").count(), 1);
            assert!(html(&score).contains("expected 3, got 2"));
        });
    }

    #[test]
    fn a_panic_is_reported_and_harms_nothing() {
        let score = doubled(|x| if x == 1 { 2 } else { [0usize; 2][x] });
        assert_eq!(text(&score), "0.5");
        assert!(
            html(&score).contains("index out of bounds"),
            "{}",
            html(&score)
        );
    }

    #[test]
    fn a_todo_is_not_written_yet_and_counts_as_no_attempt() {
        progress::in_test_folder(|| {
            let run = || {
                Exercise::new(&ABOUT)
                    .case("a", || -> usize { todo!("write the output size") }, 2)
                    .case("b", || 3usize, 3)
                    .run()
            };
            for _ in 0..3 {
                let score = run();
                assert_eq!(text(&score), "0");
                let html = html(&score);
                assert!(
                    html.contains("not written yet: write the output size"),
                    "{html}"
                );
                assert!(html.contains("data-checks=\"2\"") && !html.contains("First"));
            }
            assert!(progress::read("98").unwrap().exercises.is_empty());
        });
    }

    #[test]
    fn an_endless_loop_is_left_behind() {
        let begin = Instant::now();
        let score = doubled(|x| {
            if x == 3 {
                std::thread::park(); // nobody wakes it
            }
            2 * x
        });
        assert!(begin.elapsed() < Duration::from_secs(2));
        assert_eq!(text(&score), "0.5", "what comes after it is not tried");
        let html = html(&score);
        assert!(
            html.contains("not done after 0.2 s") && html.contains("not tried"),
            "{html}"
        );
        assert!(html.contains("Restart the kernel"), "{html}");
    }

    #[test]
    fn nan_never_passes() {
        progress::in_test_folder(|| {
            let score = Exercise::new(&ABOUT)
                .case("nan against a number", || f32::NAN, 1.0)
                .case("nan against nan", || f64::NAN, f64::NAN)
                .case(
                    "in an array",
                    || array![1.0, f32::NAN],
                    array![1.0, f32::NAN],
                )
                .run();
            assert_eq!(text(&score), "0");
            assert!(
                html(&score).contains("at [1]: expected NaN, got NaN"),
                "{}",
                html(&score)
            );
        });
    }

    #[test]
    fn an_exercise_without_a_case_fails_closed() {
        progress::in_test_folder(|| assert_eq!(text(&Exercise::new(&ABOUT).run()), "0"));
    }

    #[test]
    fn hints_come_one_after_the_other() {
        progress::in_test_folder(|| {
            let wrong = || Exercise::new(&ABOUT).case("a", || 1, 2).run();
            let first = html(&wrong());
            assert!(first.contains("First &lt;hint&gt;.") && !first.contains("Second."));
            let second = html(&wrong());
            assert!(second.contains("First &lt;hint&gt;.") && second.contains("Second."));
        });
    }

    #[test]
    fn a_check_of_a_property_and_of_an_answer() {
        progress::in_test_folder(|| {
            let answer = 2.5004f64;
            let score = Exercise::new(&ABOUT)
                .tolerance(0.01, 0.0)
                .case("your answer", move || answer, 2.5)
                .property("sums to one", || Err("the sum is 2".into()))
                .run();
            assert_eq!(text(&score), "1");
            assert!(html(&score).contains("the sum is 2"));
        });
    }

    #[test]
    fn shapes_are_compared_before_values() {
        progress::in_test_folder(|| {
            let score = Exercise::new(&ABOUT)
                .case(
                    "shape",
                    || Array2::<f32>::zeros((2, 3)),
                    Array2::zeros((3, 2)),
                )
                .case(
                    "values",
                    || array![[1.0f32, 2.0], [3.0, 5.0]],
                    array![[1.0, 2.0], [3.0, 4.0]],
                )
                .run();
            let html = html(&score);
            assert!(
                html.contains("expected an array of shape [3, 2], got [2, 3]"),
                "{html}"
            );
            assert!(html.contains("at [1, 1]: expected 4.0, got 5.0"), "{html}");
        });
    }

    #[test]
    fn points_stay_below_the_maximum_unless_all_passed() {
        static MANY: About = About::new("98-many", "Many", 0.5, ["", ""]);
        progress::in_test_folder(|| {
            let mut e = Exercise::new(&MANY);
            for i in 0..300 {
                e = e.case(format!("{i}"), move || i, if i == 7 { 0 } else { i });
            }
            assert_eq!(text(&e.run()), "0.49");
        });
    }
}
