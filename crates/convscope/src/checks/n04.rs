//! The checks of notebook 04, Optimizers. The engine's own optimizers, which agree with PyTorch's,
//! are the reference.

use crate::OwnRule;
use crate::check::{About, Case, Compare, Draw, Exercise, Score, Tolerance, attempt};
use convscope_nn::{
    Adagrad, Adam, Cosine, Momentum, Nesterov, Optimizer, RmsProp, Schedule, Sgd, Tensor, WarmUp,
};
use ndarray::arr1;

pub(crate) const ALL: &[&About] = &[
    &STABLE_RATE,
    &MOMENTUM,
    &ADAGRAD,
    &RMSPROP,
    &ADAM,
    &UNITS,
    &UNCORRECTED,
    &SUGGEST,
    &BATCHES,
    &WARM_COSINE,
];

/// What the notebook's formulas add under the fraction.
const EPSILON: f64 = 1e-8;

static STABLE_RATE: About = About::new(
    "04-stable-rate",
    "The largest rate",
    2.0,
    [
        "On a/2 w² the gradient is a w, so one step takes w to (1 - rate a) w. When does that \
         multiplier have a size of more than 1?",
        "At rate 2/a the multiplier is -1: any more and w grows. The steep direction, with a = 40, \
         sets the limit. For the second number put that rate into 1 - rate a with a = 1.",
    ],
);

/// Checks `fn largest_rate() -> [f64; 2]` for curvatures 40 and 1.
pub fn stable_rate(student: impl Fn() -> [f64; 2] + Copy + Send + 'static) -> Score {
    Exercise::new(&STABLE_RATE)
        .tolerance(1e-6, 0.0)
        .check(
            Case::new("largest learning rate", move || student()[0], 0.05)
                .mistake(
                    "That is 1/40: it lands on the floor in one step. Between 1/40 and the limit it \
                     overshoots, and still comes nearer.",
                    0.025,
                )
                .mistake("That is the limit of the flat direction. The steep one is stricter.", 2.0)
                .mistake("The gradient of a/2 w² is a w, without the half.", 0.1),
        )
        .check(
            Case::new("multiplier along the valley", move || student()[1], 0.95)
                .mistake("That is what is taken off; how much is left?", 0.05)
                .mistake(
                    "That is the multiplier of the steep direction. Along the valley a is 1.",
                    -1.0,
                )
                .mistake("That is the multiplier at a rate of 1/40.", 0.975),
        )
        .run()
}

/// A run of one weight: where it began, the gradients it was given and where each left it.
#[derive(Clone, Debug)]
struct Run {
    start: f64,
    gradients: Vec<f64>,
    weights: Vec<f64>,
}

impl Compare for Run {
    /// The first step that differs.
    fn difference(&self, expected: &Self, tolerance: Tolerance) -> Option<String> {
        let pairs = self.weights.iter().zip(&expected.weights);
        let differs = |(got, right): (&f64, &f64)| got.difference(right, tolerance);
        let (i, words) = pairs
            .enumerate()
            .find_map(|(i, pair)| differs(pair).map(|words| (i, words)))?;
        let before = match i {
            0 => self.start,
            i => expected.weights[i - 1],
        };
        let gradient = self.gradients[i];
        let mut text = format!(
            "step {} is the first that differs. From w = {before:.6} with gradient {gradient:.4}: \
             {words}",
            i + 1
        );
        if !self.weights[i].is_finite() {
            text.push_str(match gradient == 0.0 {
                true => ". A gradient of 0 over a root of 0 is not a number: where is epsilon?",
                false => ". Something was divided by 0, or a root taken of a negative number",
            });
        }
        Some(text)
    }
}

/// Gradients that a weight is given one after the other, with its start and the learning rate.
#[derive(Clone, Debug)]
struct Inputs {
    name: String,
    start: f64,
    rate: f64,
    gradients: Vec<f64>,
}

impl Inputs {
    /// The weight after every step of `step`, which gets rate, weight, gradient and number.
    fn run(&self, mut step: impl FnMut(f64, f64, f64, i32) -> f64) -> Run {
        let mut w = self.start;
        let mut weights = Vec::new();
        for (i, g) in self.gradients.iter().enumerate() {
            w = step(self.rate, w, *g, i as i32 + 1);
            weights.push(w);
        }
        Run {
            start: self.start,
            gradients: self.gradients.clone(),
            weights,
        }
    }

    fn run_engine(&self, rule: &dyn Optimizer<f64>) -> Run {
        let mut at: Tensor<f64> = arr1(&[self.start]).into_dyn();
        let mut state = rule.start(&at);
        self.run(|rate, _, g, _| {
            rule.step(rate, &mut at, &arr1(&[g]).into_dyn(), &mut state);
            at[0]
        })
    }
}

/// What every rule is tried on.
fn inputs() -> Vec<Inputs> {
    let with = |name: &str, start: f64, rate: f64, gradients: &[f64]| Inputs {
        name: name.to_owned(),
        start,
        rate,
        gradients: gradients.to_vec(),
    };
    let mut all = vec![
        with("a gradient that stays 2", 1.0, 0.1, &[2.0; 6]),
        with(
            "one that turns round",
            0.5,
            0.1,
            &[1.0, 1.0, -3.0, -1.0, 0.5, 4.0],
        ),
        with("one that begins at 0", -1.0, 0.01, &[0.0, 0.0, 0.25, -0.5]),
    ];
    for case in 0..2 {
        let mut draw = Draw::new(401, case);
        let gradients: Vec<f64> = (0..8).map(|_| draw.number(-3.0..=3.0)).collect();
        all.push(with(
            "eight drawn gradients",
            draw.number(-1.0..=1.0),
            0.05,
            &gradients,
        ));
    }
    all
}

/// A mistaken rule and what to say of it.
struct Mistake {
    says: &'static str,
    run: Box<dyn Fn(&Inputs) -> Run>,
}

fn mistake(says: &'static str, run: impl Fn(&Inputs) -> Run + 'static) -> Mistake {
    Mistake {
        says,
        run: Box::new(run),
    }
}

fn judge(
    about: &'static About,
    reference: &dyn Optimizer<f64>,
    student: impl Fn(&Inputs) -> Run + Copy + Send + 'static,
    mistakes: &[Mistake],
) -> Score {
    let mut exercise = Exercise::new(about).tolerance(1e-9, 1e-6);
    for given in inputs() {
        let right = given.run_engine(reference);
        let wrong: Vec<(&str, Run)> = mistakes.iter().map(|m| (m.says, (m.run)(&given))).collect();
        let mut case = Case::new(given.name.clone(), move || student(&given), right);
        for (says, run) in wrong {
            case = case.mistake(says, run);
        }
        exercise = exercise.check(case);
    }
    exercise.run()
}

/// Whether the student's rule walks as the reference does.
fn is_right(
    reference: &dyn Optimizer<f64>,
    student: impl Fn(&Inputs) -> Run + Copy + Send + 'static,
) -> bool {
    let tolerance = Tolerance {
        absolute: 1e-9,
        relative: 1e-6,
    };
    inputs().into_iter().all(|given| {
        let right = given.run_engine(reference);
        attempt(move || student(&given))
            .is_some_and(|run| run.difference(&right, tolerance).is_none())
    })
}

fn not_ready(name: &str) {
    println!("Your {name} is not ready yet, so this is the course's own.");
}

/// Rules that remember one number: their functions take rate, weight, gradient and that number, and
/// return the new weight and the new number.
type One = (f64, f64);

fn run_one(given: &Inputs, step: impl Fn(f64, f64, f64, f64) -> One) -> Run {
    let mut memory = 0.0;
    given.run(|rate, w, g, _| {
        let (w, new) = step(rate, w, g, memory);
        memory = new;
        w
    })
}

fn one(says: &'static str, step: fn(f64, f64, f64, f64) -> One) -> Mistake {
    mistake(says, move |given| run_one(given, step))
}

fn own_rule(
    name: &str,
    rate: f64,
    step: impl Fn(f64, f64, f64, f64) -> One + Send + Sync + 'static,
) -> OwnRule {
    OwnRule::new(name, rate, 1, move |rate, w, g, memory, _| {
        let (w, new) = step(rate, w, g, memory[0]);
        memory[0] = new;
        w
    })
}

static MOMENTUM: About = About::new(
    "04-momentum",
    "Momentum",
    2.0,
    [
        "Two lines, in this order: the new velocity from the old one and the gradient, then the new \
         weight from the *new* velocity.",
        "let v = 0.9 * v + g; makes the new velocity, and the weight moves against it by rate * v. \
         Return both: (w - rate * v, v).",
    ],
);

/// Checks `fn my_momentum(rate, w, g, v) -> (f64, f64)`.
pub fn momentum(
    student: impl Fn(f64, f64, f64, f64) -> (f64, f64) + Copy + Send + 'static,
) -> Score {
    let mistakes = [
        one(
            "The weight moves against the velocity: minus, not plus.",
            |r, w, g, v| {
                let v = 0.9 * v + g;
                (w + r * v, v)
            },
        ),
        mistake(
            "That is plain descent. The weight must move by the velocity, and the new velocity must be \
             returned, since the next step begins with it.",
            |given| given.run_engine(&Sgd::new(1.0)),
        ),
        mistake(
            "That is Nesterov's rule, which looks one step ahead. Here the weight moves by rate * v.",
            |given| given.run_engine(&Nesterov::new(1.0)),
        ),
        one(
            "The weight moved by the old velocity. Make the new one first.",
            |r, w, g, v| (w - r * v, 0.9 * v + g),
        ),
        one(
            "That is a mean of gradients, with 0.1 before g. In this rule the whole gradient joins.",
            |r, w, g, v| {
                let v = 0.9 * v + 0.1 * g;
                (w - r * v, v)
            },
        ),
        one("The old velocity is multiplied by 0.9.", |r, w, g, v| {
            (w - r * (v + g), v + g)
        }),
        one(
            "0.9 belongs to the old velocity, not to the gradient.",
            |r, w, g, v| {
                let v = v + 0.9 * g;
                (w - r * v, v)
            },
        ),
    ];
    let rule = Momentum::new(1.0);
    judge(
        &MOMENTUM,
        &rule,
        move |given| run_one(given, student),
        &mistakes,
    )
}

/// The student's momentum as an optimizer, or the course's own while it is not right.
pub fn your_momentum(
    student: impl Fn(f64, f64, f64, f64) -> (f64, f64) + Copy + Send + Sync + 'static,
    rate: f64,
) -> OwnRule {
    if is_right(&Momentum::new(1.0), move |given| run_one(given, student)) {
        return own_rule("your momentum", rate, student);
    }
    not_ready("momentum");
    own_rule("momentum", rate, |rate, w, g, v| {
        let v = 0.9 * v + g;
        (w - rate * v, v)
    })
}

static ADAGRAD: About = About::new(
    "04-adagrad",
    "Adagrad",
    2.0,
    [
        "First the sum: the squared gradient joins it. Then the step: rate times gradient over the \
         root of the new sum plus 1e-8.",
        "let s = s + g * g; and then w - rate * g / (s.sqrt() + 1e-8). Return the new weight and \
         the new sum.",
    ],
);

/// Checks `fn my_adagrad(rate, w, g, s) -> (f64, f64)`.
pub fn adagrad(
    student: impl Fn(f64, f64, f64, f64) -> (f64, f64) + Copy + Send + 'static,
) -> Score {
    let mistakes = [
        one("The root is missing.", |r, w, g, s| {
            let s = s + g * g;
            (w - r * g / (s + EPSILON), s)
        }),
        one(
            "The sum has forgotten the steps before: return the new s, and add to the old one.",
            |r, w, g, _| (w - r * g / (g.abs() + EPSILON), 0.0),
        ),
        one(
            "The gradient's own square must join the sum before the division.",
            |r, w, g, s| (w - r * g / (s.sqrt() + EPSILON), s + g * g),
        ),
        one(
            "The gradient is squared before it joins the sum.",
            |r, w, g, s| {
                let s = s + g.abs();
                (w - r * g / (s.sqrt() + EPSILON), s)
            },
        ),
        one(
            "The weight moves against its gradient: minus.",
            |r, w, g, s| {
                let s = s + g * g;
                (w + r * g / (s.sqrt() + EPSILON), s)
            },
        ),
        mistake(
            "That is a running mean, which is RMSprop's idea. Adagrad sums all squares.",
            |given| given.run_engine(&RmsProp::new(1.0)),
        ),
    ];
    let rule = course_adagrad();
    judge(
        &ADAGRAD,
        &rule,
        move |given| run_one(given, student),
        &mistakes,
    )
}

fn course_adagrad() -> Adagrad {
    Adagrad {
        epsilon: EPSILON,
        ..Adagrad::new(1.0)
    }
}

/// The student's Adagrad as an optimizer, or the course's own while it is not right.
pub fn your_adagrad(
    student: impl Fn(f64, f64, f64, f64) -> (f64, f64) + Copy + Send + Sync + 'static,
    rate: f64,
) -> OwnRule {
    if is_right(&course_adagrad(), move |given| run_one(given, student)) {
        return own_rule("your Adagrad", rate, student);
    }
    not_ready("Adagrad");
    own_rule("Adagrad", rate, |rate, w, g, s| {
        let s = s + g * g;
        (w - rate * g / (s.sqrt() + EPSILON), s)
    })
}

static RMSPROP: About = About::new(
    "04-rmsprop",
    "RMSprop",
    2.0,
    [
        "It is Adagrad with one line changed: the sum becomes a running mean, nine tenths of the old \
         value and a tenth of the new square.",
        "let s = 0.9 * s + 0.1 * g * g; and then w - rate * g / (s.sqrt() + 1e-8). Return the new \
         weight and the new mean.",
    ],
);

/// Checks `fn my_rmsprop(rate, w, g, s) -> (f64, f64)`.
pub fn rmsprop(
    student: impl Fn(f64, f64, f64, f64) -> (f64, f64) + Copy + Send + 'static,
) -> Score {
    let mistakes = [
        one(
            "The root is missing: the mean of squares has the unit of a square.",
            |r, w, g, s| {
                let s = 0.9 * s + 0.1 * g * g;
                (w - r * g / (s + EPSILON), s)
            },
        ),
        one(
            "Nine tenths of the old mean and one of the new square, not the other way round.",
            |r, w, g, s| {
                let s = 0.1 * s + 0.9 * g * g;
                (w - r * g / (s.sqrt() + EPSILON), s)
            },
        ),
        one(
            "A mean needs 0.1 before the new square, or it is a sum that fades.",
            |r, w, g, s| {
                let s = 0.9 * s + g * g;
                (w - r * g / (s.sqrt() + EPSILON), s)
            },
        ),
        one(
            "The gradient is squared before it joins the mean.",
            |r, w, g, s| {
                let s = 0.9 * s + 0.1 * g.abs();
                (w - r * g / (s.sqrt() + EPSILON), s)
            },
        ),
        one(
            "The square of this gradient joins the mean before the division.",
            |r, w, g, s| (w - r * g / (s.sqrt() + EPSILON), 0.9 * s + 0.1 * g * g),
        ),
        one(
            "The weight moves against its gradient: minus.",
            |r, w, g, s| {
                let s = 0.9 * s + 0.1 * g * g;
                (w + r * g / (s.sqrt() + EPSILON), s)
            },
        ),
        one(
            "The mean has forgotten the steps before: return the new s.",
            |r, w, g, s| (w - r * g / ((0.1 * g * g).sqrt() + EPSILON), s),
        ),
        mistake(
            "That is Adagrad, which sums. Here s is a running mean.",
            |given| given.run_engine(&course_adagrad()),
        ),
    ];
    let rule = RmsProp::new(1.0);
    judge(
        &RMSPROP,
        &rule,
        move |given| run_one(given, student),
        &mistakes,
    )
}

/// The student's RMSprop as an optimizer, or the course's own while it is not right.
pub fn your_rmsprop(
    student: impl Fn(f64, f64, f64, f64) -> (f64, f64) + Copy + Send + Sync + 'static,
    rate: f64,
) -> OwnRule {
    if is_right(&RmsProp::new(1.0), move |given| run_one(given, student)) {
        return own_rule("your RMSprop", rate, student);
    }
    not_ready("RMSprop");
    own_rule("RMSprop", rate, |rate, w, g, s| {
        let s = 0.9 * s + 0.1 * g * g;
        (w - rate * g / (s.sqrt() + EPSILON), s)
    })
}

static ADAM: About = About::new(
    "04-adam",
    "Adam",
    3.0,
    [
        "Five lines: the two running means m and v, the two corrected ones, and the step. Return the \
         new weight with the means as they are *before* the correction.",
        "The corrected means are m / (1.0 - 0.9_f64.powi(t)) and v / (1.0 - 0.999_f64.powi(t)). The \
         step is rate times the first over (the root of the second plus 1e-8). Return (w, m, v).",
    ],
);

type Two = (f64, f64, f64);

fn run_two(given: &Inputs, step: impl Fn(f64, f64, f64, f64, f64, i32) -> Two) -> Run {
    let mut memory = (0.0, 0.0);
    given.run(|rate, w, g, t| {
        let (w, m, v) = step(rate, w, g, memory.0, memory.1, t);
        memory = (m, v);
        w
    })
}

fn two(says: &'static str, step: fn(f64, f64, f64, f64, f64, i32) -> Two) -> Mistake {
    mistake(says, move |given| run_two(given, step))
}

/// The two running means after this gradient.
fn means(g: f64, m: f64, v: f64) -> [f64; 2] {
    [0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g]
}

/// What the means are divided by.
fn corrections(t: i32) -> [f64; 2] {
    [1.0 - 0.9f64.powi(t), 1.0 - 0.999f64.powi(t)]
}

fn course_adam(rate: f64, w: f64, g: f64, m: f64, v: f64, t: i32) -> Two {
    let ([m, v], [cm, cv]) = (means(g, m, v), corrections(t));
    (w - rate * (m / cm) / ((v / cv).sqrt() + EPSILON), m, v)
}

/// Checks `fn my_adam(rate, w, g, m, v, t: i32) -> (f64, f64, f64)`.
pub fn adam(
    student: impl Fn(f64, f64, f64, f64, f64, i32) -> (f64, f64, f64) + Copy + Send + 'static,
) -> Score {
    let mistakes = [
        two("Both corrections are missing.", |r, w, g, m, v, _| {
            let [m, v] = means(g, m, v);
            (w - r * m / (v.sqrt() + EPSILON), m, v)
        }),
        two("The root is missing.", |r, w, g, m, v, t| {
            let ([m, v], [cm, cv]) = (means(g, m, v), corrections(t));
            (w - r * (m / cm) / (v / cv + EPSILON), m, v)
        }),
        two("The correction of v is missing.", |r, w, g, m, v, t| {
            let ([m, v], [cm, _]) = (means(g, m, v), corrections(t));
            (w - r * (m / cm) / (v.sqrt() + EPSILON), m, v)
        }),
        two("The correction of m is missing.", |r, w, g, m, v, t| {
            let ([m, v], [_, cv]) = (means(g, m, v), corrections(t));
            (w - r * m / ((v / cv).sqrt() + EPSILON), m, v)
        }),
        two(
            "Return m and v as they are before the correction: else it is applied again and again.",
            |r, w, g, m, v, t| {
                let ([m, v], [cm, cv]) = (means(g, m, v), corrections(t));
                let (m, v) = (m / cm, v / cv);
                (w - r * m / (v.sqrt() + EPSILON), m, v)
            },
        ),
        two("0.9 belongs to m and 0.999 to v.", |r, w, g, m, v, t| {
            let (m, v) = (0.999 * m + 0.001 * g, 0.9 * v + 0.1 * g * g);
            let [cv, cm] = corrections(t);
            (w - r * (m / cm) / ((v / cv).sqrt() + EPSILON), m, v)
        }),
        two("The step goes along m, not along g.", |r, w, g, m, v, t| {
            let ([m, v], [_, cv]) = (means(g, m, v), corrections(t));
            (w - r * g / ((v / cv).sqrt() + EPSILON), m, v)
        }),
        two(
            "The weight moves against the mean: minus.",
            |r, w, g, m, v, t| {
                let ([m, v], [cm, cv]) = (means(g, m, v), corrections(t));
                (w + r * (m / cm) / ((v / cv).sqrt() + EPSILON), m, v)
            },
        ),
        two("The new m and v must be returned.", |r, w, g, m, v, t| {
            (course_adam(r, w, g, m, v, t).0, m, v)
        }),
    ];
    let rule = Adam::new(1.0);
    judge(
        &ADAM,
        &rule,
        move |given| run_two(given, student),
        &mistakes,
    )
}

/// The student's Adam as an optimizer, or the course's own while it is not right.
pub fn your_adam(
    student: impl Fn(f64, f64, f64, f64, f64, i32) -> (f64, f64, f64) + Copy + Send + Sync + 'static,
    rate: f64,
) -> OwnRule {
    fn rule(
        name: &str,
        rate: f64,
        step: impl Fn(f64, f64, f64, f64, f64, i32) -> Two + Send + Sync + 'static,
    ) -> OwnRule {
        OwnRule::new(name, rate, 2, move |rate, w, g, memory, t| {
            let t = i32::try_from(t).unwrap_or(i32::MAX);
            let (w, m, v) = step(rate, w, g, memory[0], memory[1], t);
            memory[0] = m;
            memory[1] = v;
            w
        })
    }
    if is_right(&Adam::new(1.0), move |given| run_two(given, student)) {
        return rule("your Adam", rate, student);
    }
    not_ready("Adam");
    rule("Adam", rate, course_adam)
}

static UNITS: About = About::new(
    "04-units",
    "A loss in per cent",
    2.0,
    [
        "Put 100 g in the place of g in each formula, in the mean of squares too, and see how often \
         the factor 100 is left.",
        "The mean of squares grows by 100², its root by 100. So the factors are 100, then 100/100, \
         then 100/100².",
    ],
);

/// Checks `fn steps_grow_by() -> [f64; 3]`: SGD, RMSprop, RMSprop without its root.
pub fn units(student: impl Fn() -> [f64; 3] + Copy + Send + 'static) -> Score {
    Exercise::new(&UNITS)
        .tolerance(1e-9, 1e-6)
        .check(Case::new("descent", move || student()[0], 100.0).mistake(
            "The step is rate times gradient, and the gradient grew.",
            1.0,
        ))
        .check(
            Case::new("RMSprop", move || student()[1], 1.0)
                .mistake("That is without the root.", 0.01)
                .mistake(
                    "The gradient above the line grows, and so does what is below it.",
                    100.0,
                ),
        )
        .check(
            Case::new("without the root", move || student()[2], 0.01)
                .mistake("The mean of squares grows by 100 times 100.", 1.0)
                .mistake("The gradient above the line grows too.", 1e-4)
                .mistake(
                    "Smaller, not larger: what grew most stands below the line.",
                    100.0,
                ),
        )
        .run()
}

static UNCORRECTED: About = About::new(
    "04-uncorrected",
    "Without the correction",
    2.0,
    [
        "With a gradient that stays g the running means after t steps are m = (1 - 0.9^t) g and \
         v = (1 - 0.999^t) g². What is m over the root of v? And with both corrections?",
        "With the corrections m / sqrt(v) is g / |g|, of size 1. So the answer is \
         (1 - 0.9^t) / sqrt(1 - 0.999^t): 0.9_f64.powi(t) is the power.",
    ],
);

/// Checks `fn too_large(t: i32) -> f64`.
pub fn uncorrected(student: impl Fn(i32) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |t: i32| {
        let [cm, cv] = corrections(t);
        Case::new(format!("step {t}"), move || student(t), cm / cv.sqrt())
            .tolerance(1e-6, 1e-6)
            .mistake("v stands under a root.", cm / cv)
            .mistake(
                "The other way round: the uncorrected step over the corrected one.",
                cv.sqrt() / cm,
            )
            .mistake(
                "The mean m begins at 0 too, and is too small at first.",
                1.0 / cv.sqrt(),
            )
            .mistake("v begins at 0 too.", cm)
    };
    Exercise::new(&UNCORRECTED)
        .check(case(1))
        .check(case(2))
        .check(case(10))
        .check(case(100))
        .check(case(5000))
        .run()
}

static SUGGEST: About = About::new(
    "04-suggest",
    "Suggest a rate",
    2.0,
    [
        "Walk through the losses, keep the place of the smallest one so far, and look up the rate at \
         that place.",
        "Begin with best = 0; in a loop over i set best = i where smoothed[i] < smoothed[best]; \
         return rates[best] / 10.0.",
    ],
);

/// Checks `fn suggest(rates: Vec<f64>, smoothed: Vec<f64>) -> f64`.
pub fn suggest(student: impl Fn(Vec<f64>, Vec<f64>) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: &str, rates: Vec<f64>, losses: Vec<f64>| {
        let mut order: Vec<usize> = (0..losses.len()).collect();
        order.sort_by(|a, b| losses[*a].total_cmp(&losses[*b]));
        let (best, worst) = (order[0], order[order.len() - 1]);
        let (right, last) = (rates[best] / 10.0, rates[rates.len() - 1]);
        let low = losses[best];
        let (r, l) = (rates.clone(), losses.clone());
        Case::new(name, move || student(r.clone(), l.clone()), right)
            .tolerance(0.0, 1e-6)
            .mistake(
                "That is the rate at the smallest loss, where it is about to blow up. Take a tenth.",
                10.0 * right,
            )
            .mistake("That is where the loss is largest.", rates[worst] / 10.0)
            .mistake("That is the loss, not the rate.", low)
            .mistake("That is the loss, not the rate.", low / 10.0)
            .mistake("That is the last rate, not the one with the smallest loss.", last / 10.0)
            .mistake("That is a place in the list; which rate stands there?", best as f64)
    };
    Exercise::new(&SUGGEST)
        .check(case(
            "five rates",
            vec![1e-4, 1e-3, 1e-2, 1e-1, 1.0],
            vec![2.3, 2.2, 1.1, 0.7, 5.0],
        ))
        .check(case(
            "the first is the best",
            vec![0.01, 0.1, 1.0],
            vec![2.0, 2.5, 9.0],
        ))
        .seeded(3, 402, move |draw| {
            let n = draw.integer(8..=30);
            let rates = (0..n).map(|i| 1e-5 * 1.5f64.powi(i as i32)).collect();
            let dip = draw.integer(2..=n - 3) as f64;
            let losses = (0..n)
                .map(|i| 1.0 + 0.01 * (i as f64 - dip - 0.2).powi(2))
                .collect();
            case(&format!("{n} rates"), rates, losses)
        })
        .run()
}

static BATCHES: About = About::new(
    "04-batches",
    "Noise and steps",
    2.0,
    [
        "The standard error of a mean falls with the root of how many are averaged. For the second \
         number: how many batches of 64 does it take to see every image once?",
        "Half the noise needs a root twice as large, so four times the images. 2400 / 64 = 37.5, and \
         the half batch at the end is a step too.",
    ],
);

/// Checks `fn batches() -> [f64; 2]`: the factor on the batch for half the noise, and the steps of
/// an epoch of 2400 images in batches of 64.
pub fn batches(student: impl Fn() -> [f64; 2] + Copy + Send + 'static) -> Score {
    Exercise::new(&BATCHES)
        .tolerance(1e-6, 0.0)
        .check(
            Case::new("how many times as many images", move || student()[0], 4.0)
                .mistake(
                    "Twice the images shrink the noise by the root of 2 only.",
                    2.0,
                )
                .mistake("That is what twice the images give.", 2f64.sqrt())
                .mistake("More images, not fewer.", 0.25),
        )
        .check(
            Case::new("steps of an epoch", move || student()[1], 38.0)
                .mistake("The last batch is smaller, and a step of its own.", 37.0)
                .mistake(
                    "Half a step cannot be taken: the last batch is smaller.",
                    37.5,
                ),
        )
        .run()
}

static WARM_COSINE: About = About::new(
    "04-warm-cosine",
    "Warm-up and cosine",
    2.0,
    [
        "Two cases: before `warmup` the factor is time over warmup. After it, ask how much of the rest \
         is over: (time - warmup) / (length - warmup), a number from 0 to 1.",
        "The cosine of pi times that number goes from 1 to -1; add 1 and halve it: \
         0.5 * (1.0 + (PI * part).cos()) with std::f64::consts::PI.",
    ],
);

/// Checks `fn warm_cosine(time: f64, length: f64, warmup: f64) -> f64`.
pub fn warm_cosine(student: impl Fn(f64, f64, f64) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |time: f64, length: f64, warmup: f64| {
        let rule = WarmUp::new(warmup, Cosine::new(length - warmup)).starting_at(0.0);
        let right = rule.factor(time, &rule.start());
        let half = |part: f64| 0.5 * (1.0 + (std::f64::consts::PI * part).cos());
        let name = format!("time {time} of {length}, warm-up {warmup}");
        let case =
            Case::new(name, move || student(time, length, warmup), right).tolerance(1e-9, 1e-6);
        if time < warmup {
            return case
                .mistake(
                    "During the warm-up there is no cosine yet.",
                    half(time / length),
                )
                .mistake(
                    "The line reaches 1 at the end of the warm-up, not of the training.",
                    time / length,
                )
                .mistake("The line rises.", 1.0 - time / warmup);
        }
        let part = (time - warmup) / (length - warmup);
        case.mistake(
            "The cosine begins where the warm-up ends: take warmup off the time.",
            half(time / length),
        )
        .mistake(
            "Take warmup off the time as well as off the length.",
            half(time / (length - warmup)),
        )
        .mistake(
            "What is left of the training is length - warmup.",
            half((time - warmup) / length),
        )
        .mistake(
            "Half a turn of the cosine is PI, not 2 PI.",
            half(2.0 * part),
        )
        .mistake(
            "Add 1 to the cosine and halve it.",
            (std::f64::consts::PI * part).cos(),
        )
        .mistake("The cosine falls.", 1.0 - half(part))
        .mistake("That is a straight line down.", 1.0 - part)
    };
    Exercise::new(&WARM_COSINE)
        .check(case(0.0, 10.0, 2.0))
        .check(case(1.0, 10.0, 2.0))
        .check(case(2.0, 10.0, 2.0))
        .check(case(4.0, 10.0, 2.0))
        .check(case(6.0, 10.0, 2.0))
        .check(case(10.0, 10.0, 2.0))
        .seeded(2, 403, move |draw| {
            let length = draw.integer(8..=40) as f64;
            let warmup = draw.integer(1..=3) as f64;
            case(draw.integer(4..=7) as f64 + 0.25, length, warmup)
        })
        .run()
}

#[cfg(test)]
#[path = "n04_tests.rs"]
mod tests;
