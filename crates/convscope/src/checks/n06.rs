//! The checks of notebook 06, Receptive fields and small filters.

use crate::check::{About, Case, Exercise, Score};
use convscope_nn::{Network, NnError, Result, Summary, Tensor};

pub(crate) const ALL: &[&About] = &[
    &STACKS,
    &RECURSION,
    &LAYERS_NEEDED,
    &SEEN,
    &PATHS,
    &DEVIATION,
    &COST,
    &THREE_SMALL,
    &ONE_BY_ONE,
    &BOTTLENECK,
    &DESIGN,
];

static STACKS: About = About::new(
    "06-stacks",
    "Stacks of 3x3",
    1.0,
    [
        "A unit of the second layer sees three units of the first in a row, each of which sees three \
         pixels. Draw the row of pixels: how many do they cover together?",
        "Neighbours overlap. The first sees pixels 0, 1, 2, the next 1, 2, 3, the last 2, 3, 4. Each \
         further layer adds one pixel at either end.",
    ],
);

/// Checks two answers: the fields of two and of three layers of 3x3.
pub fn stacks(student: impl Fn() -> [usize; 2] + Copy + Send + 'static) -> Score {
    Exercise::new(&STACKS)
        .check(
            Case::new("two layers", move || student()[0], 5)
                .mistake(
                    "Fields of neighbours overlap: they do not add up to 3 + 3.",
                    6,
                )
                .mistake(
                    "Fields of neighbours overlap: they do not multiply to 3 times 3.",
                    9,
                )
                .mistake(
                    "That is how far it sees to both sides. Count the pixel in the middle too.",
                    4,
                ),
        )
        .check(
            Case::new("three layers", move || student()[1], 7)
                .mistake(
                    "Fields of neighbours overlap: they do not add up to 3 + 3 + 3.",
                    9,
                )
                .mistake("Fields of neighbours overlap: they do not multiply.", 27)
                .mistake(
                    "That is how far it sees to both sides. Count the pixel in the middle too.",
                    6,
                ),
        )
        .run()
}

static RECURSION: About = About::new(
    "06-recursion",
    "The recursion",
    3.0,
    [
        "Carry two numbers from layer to layer: r, the size of the field, and j, the jump. For each \
         layer first let r grow by (k - 1) times j, then multiply j by s, then push r.",
        "Begin with r = 1 and j = 1. A layer's own stride does not widen its own field: it moves the \
         fields of its neighbours apart, so it counts from the next layer on.",
    ],
);

/// Layers of the networks that the checks try: kernel, stride and padding.
const CHAIN: [[usize; 3]; 6] = [
    [5, 1, 0],
    [2, 2, 0],
    [5, 1, 0],
    [2, 2, 0],
    [3, 1, 0],
    [3, 1, 0],
];
const ALEXNET: [[usize; 3]; 8] = [
    [11, 4, 0],
    [3, 2, 0],
    [5, 1, 2],
    [3, 2, 0],
    [3, 1, 1],
    [3, 1, 1],
    [3, 1, 1],
    [3, 2, 0],
];

/// Kernel and stride of VGG-16's layers down to its last pooling.
fn vgg16() -> Vec<[usize; 2]> {
    let block = |convolutions: usize| {
        let mut layers = vec![[3, 1]; convolutions];
        layers.push([2, 2]);
        layers
    };
    [2, 2, 3, 3, 3].into_iter().flat_map(block).collect()
}

fn fields(layers: &[[usize; 2]], grow: impl Fn(usize, usize, usize, usize) -> usize) -> Vec<usize> {
    let (mut r, mut j) = (1, 1);
    let mut found = Vec::new();
    for &[k, s] in layers {
        r = grow(r, j, k, s);
        j *= s;
        found.push(r);
    }
    found
}

/// Checks `fn receptive_fields(layers: Vec<[usize; 2]>) -> Vec<usize>`.
pub fn recursion(student: impl Fn(Vec<[usize; 2]>) -> Vec<usize> + Copy + Send + 'static) -> Score {
    let case = move |name: &str, layers: Vec<[usize; 2]>| {
        let right = fields(&layers, |r, j, k, _| r + (k - 1) * j);
        let flat = fields(&layers, |r, _, k, _| r + k - 1);
        let early = fields(&layers, |r, j, k, s| r + (k - 1) * j * s);
        let whole = fields(&layers, |r, j, k, _| r + k * j);
        let shifted: Vec<usize> = std::iter::once(1).chain(right.iter().copied()).collect();
        let end = right.last().map(|last| vec![*last]).unwrap_or_default();
        let mut jump = 1;
        let last_stride = layers.iter().map(|&[k, s]| {
            let grown = (k - 1) * jump;
            jump = s;
            grown
        });
        let mut r = 1;
        let last_stride: Vec<usize> = last_stride
            .map(|grown| {
                r += grown;
                r
            })
            .collect();
        Case::new(name, move || student(layers.clone()), right)
            .mistake(
                "The strides play no part in this. After a stride of 2, a step of one unit is a step \
                 of two pixels: multiply k - 1 by the jump.",
                flat,
            )
            .mistake(
                "A layer's own stride already counts in its own field. Let r grow first, and then \
                 multiply the jump.",
                early,
            )
            .mistake(
                "A window of k units is k - 1 steps wide, since the first unit is there already.",
                whole,
            )
            .mistake(
                "The jump must multiply up: after strides of 2 and 2 it is 4, not 2.",
                last_stride,
            )
            .mistake("Push the field after each layer; the single pixel at the beginning is no layer.", shifted)
            .mistake("Give the field after every layer, not the last one alone.", end)
    };
    let pair = |layers: &[[usize; 3]]| layers.iter().map(|l| [l[0], l[1]]).collect::<Vec<_>>();
    Exercise::new(&RECURSION)
        .check(case("one layer of 7x7", vec![[7, 1]]))
        .check(case("three layers of 3x3", vec![[3, 1]; 3]))
        .check(case(
            "the lecture's chain: 5, 6, 14, 16, 24, 32",
            pair(&CHAIN),
        ))
        .check(case("AlexNet down to its last pooling", pair(&ALEXNET)))
        .check(case(
            "VGG-16 down to its last pooling, which sees 212",
            vgg16(),
        ))
        .seeded(2, 601, move |draw| {
            let n = draw.integer(3..=7);
            let layers: Vec<[usize; 2]> = (0..n)
                .map(|_| [draw.integer(1..=7), draw.integer(1..=3)])
                .collect();
            case(&format!("drawn layers {layers:?}"), layers)
        })
        .run()
}

static LAYERS_NEEDED: About = About::new(
    "06-layers-needed",
    "Layers needed",
    1.0,
    [
        "n layers of 3x3 see 1 + 2 n pixels. From which n on is that 224 or more?",
        "(224 - 1) / 2 is no whole number, and a layer fewer sees one pixel too few: round up.",
    ],
);

/// Checks the number of 3x3 layers that see 224 pixels.
pub fn layers_needed(student: impl Fn() -> usize + Copy + Send + 'static) -> Score {
    Exercise::new(&LAYERS_NEEDED)
        .check(
            Case::new("your answer", student, 112)
                .mistake("111 layers see 223 pixels: one is missing.", 111)
                .mistake(
                    "That many layers are enough, but half as many are too: each adds two pixels.",
                    224,
                )
                .mistake("Each layer adds two pixels, not three.", 75)
                .mistake(
                    "The first pixel is there before the first layer: 1 + 2 n.",
                    113,
                ),
        )
        .property("it is enough, and one layer fewer is not", move || {
            let n = student();
            match (1 + 2 * n >= 224, n > 0 && 1 + 2 * (n - 1) < 224) {
                (true, true) => Ok(()),
                (false, _) => Err(format!("{n} layers see {} pixels", 1 + 2 * n)),
                _ => Err(format!("{} layers would do as well", n - 1)),
            }
        })
        .run()
}

static SEEN: About = About::new(
    "06-seen",
    "Where a unit looks",
    2.0,
    [
        "Begin with the unit itself: from = unit, to = unit + 1. Then walk through the layers from \
         the last to the first (.iter().rev()) and ask what each needs of its input.",
        "A window that begins at unit i begins at i * s - p of its input, and is k long. So \
         from = from * s - p, and the last unit, to - 1, reaches to (to - 1) * s - p + k.",
    ],
);

fn look(layers: &[[i64; 3]], unit: i64, pads: bool) -> [i64; 2] {
    let (mut from, mut to) = (unit, unit + 1);
    for &[k, s, p] in layers.iter().rev() {
        let p = if pads { p } else { 0 };
        (from, to) = (from * s - p, (to - 1) * s - p + k);
    }
    [from, to]
}

/// Checks `fn seen(layers: Vec<[i64; 3]>, unit: i64) -> [i64; 2]`.
pub fn seen(student: impl Fn(Vec<[i64; 3]>, i64) -> [i64; 2] + Copy + Send + 'static) -> Score {
    let case = move |name: &str, layers: Vec<[i64; 3]>, unit: i64| {
        let right = look(&layers, unit, true);
        let bare = look(&layers, unit, false);
        let backwards: Vec<[i64; 3]> = layers.iter().rev().copied().collect();
        let turned = look(&backwards, unit, true);
        let [from, to] = right;
        Case::new(name, move || student(layers.clone(), unit), right)
            .mistake(
                "That is where it would look without padding: a window begins p pixels earlier.",
                bare,
            )
            .mistake(
                "Walk from the last layer to the first: the unit is one of the last layer's.",
                turned,
            )
            .mistake(
                "The second number is the first pixel that is not seen any more, one further.",
                [from, to - 1],
            )
    };
    let signed = |layers: &[[usize; 3]]| {
        let layer = |l: &[usize; 3]| l.map(|v| v as i64);
        layers.iter().map(layer).collect::<Vec<_>>()
    };
    let alexnet = signed(&ALEXNET[..7]);
    Exercise::new(&SEEN)
        .check(case("one 3x3 with padding 1, unit 0", vec![[3, 1, 1]], 0))
        .check(case("one 5x5 at stride 2, unit 3", vec![[5, 2, 0]], 3))
        .check(case(
            "AlexNet's conv5, unit 6: [32, 195)",
            alexnet.clone(),
            6,
        ))
        .check(case("AlexNet's conv5, unit 0, in the padding", alexnet, 0))
        .seeded(2, 602, move |draw| {
            let n = draw.integer(2..=5);
            let layers: Vec<[i64; 3]> = (0..n)
                .map(|_| {
                    [
                        draw.integer(2..=7),
                        draw.integer(1..=3),
                        draw.integer(0..=3),
                    ]
                })
                .map(|l: [usize; 3]| l.map(|v| v as i64))
                .collect();
            let unit = draw.integer(0..=9) as i64;
            case(
                &format!("drawn layers {layers:?}, unit {unit}"),
                layers,
                unit,
            )
        })
        .run()
}

static PATHS: About = About::new(
    "06-paths",
    "Ways from a pixel to a unit",
    2.0,
    [
        "Begin with [1]: no layer, one way. A layer makes of a list the sum of three copies of it, \
         shifted by 0, 1 and 2 places, so the list gets two places longer.",
        "In a loop over layers make a new list of zeros, vec![0.0; old.len() + 2], and add old[i] to \
         its places i, i + 1 and i + 2.",
    ],
);

fn folded(layers: usize, width: usize) -> Vec<f64> {
    let mut list = vec![1.0];
    for _ in 0..layers {
        let mut next = vec![0.0; list.len() + width - 1];
        for (i, v) in list.iter().enumerate() {
            for place in &mut next[i..i + width] {
                *place += v;
            }
        }
        list = next;
    }
    list
}

/// Checks `fn paths(layers: usize) -> Vec<f64>`.
pub fn paths(student: impl Fn(usize) -> Vec<f64> + Copy + Send + 'static) -> Score {
    let case = move |layers: usize| {
        let right = folded(layers, 3);
        let n = right.len();
        let name = format!("{layers} layers");
        Case::new(name, move || student(layers), right.clone())
            .mistake(
                "That is Pascal's triangle, of filters two pixels wide. These are three wide.",
                folded(layers, 2),
            )
            .mistake(
                "Count the ways; do not divide by their number.",
                right.iter().map(|v| v / 3f64.powi(layers as i32)).collect(),
            )
            .mistake(
                "Not every pixel has the same number of ways: from the middle there are more.",
                vec![1.0; n],
            )
            .mistake("That is one layer too many.", folded(layers + 1, 3))
            .mistake(
                "That is one layer too few: after no layer there is one way, after one layer there \
                 are three.",
                folded(layers.saturating_sub(1), 3),
            )
    };
    Exercise::new(&PATHS)
        .check(case(1))
        .check(case(2))
        .check(case(3))
        .check(case(10))
        .property("four layers: 3 to the power of 4 ways in all", move || {
            let sum: f64 = student(4).iter().sum();
            match (sum - 81.0).abs() < 1e-6 {
                true => Ok(()),
                false => Err(format!("expected 81 ways in all, got {sum}")),
            }
        })
        .run()
}

static DEVIATION: About = About::new(
    "06-deviation",
    "How wide the bell is",
    1.0,
    [
        "The three pixels lie at -1, 0 and 1, with a third of the weight each: the mean of their \
         squares is the variance of one layer. Variances of layers add up.",
        "(1 + 0 + 1) / 3, times 24 layers, is the variance; the standard deviation is its root.",
    ],
);

/// Checks two answers: the variance of one layer, and the standard deviation after 24.
pub fn deviation(student: impl Fn() -> [f64; 2] + Copy + Send + 'static) -> Score {
    Exercise::new(&DEVIATION)
        .tolerance(0.005, 0.0)
        .check(
            Case::new("the variance of one layer", move || student()[0], 2.0 / 3.0)
                .mistake("Divide by the three pixels, not by two.", 1.0)
                .mistake(
                    "That is its root, the standard deviation.",
                    (2f64 / 3.0).sqrt(),
                ),
        )
        .check(
            Case::new("the standard deviation after 24", move || student()[1], 4.0)
                .mistake("That is the variance. Take its root.", 16.0)
                .mistake(
                    "Variances add up, standard deviations do not: add first, then take the root.",
                    24.0 * (2f64 / 3.0).sqrt(),
                ),
        )
        .run()
}

static COST: About = About::new(
    "06-cost",
    "What a layer costs",
    2.0,
    [
        "A filter has one weight for each pixel of its window in each channel that it reads. How \
         many filters are there? Biases are left out here.",
        "Every weight is used once at every place of the output: multiply-adds are the weights times \
         the number of places, size times size.",
    ],
);

/// Checks `fn cost(kernel: [usize; 2], channels: usize, filters: usize, size: usize) -> [usize; 2]`.
pub fn cost(
    student: impl Fn([usize; 2], usize, usize, usize) -> [usize; 2] + Copy + Send + 'static,
) -> Score {
    let case =
        move |name: String, kernel: [usize; 2], c: usize, f: usize, size: usize| {
            let window = kernel[0] * kernel[1];
            let weights = window * c * f;
            let places = size * size;
            let right = [weights, weights * places];
            Case::new(name, move || student(kernel, c, f, size), right)
            .mistake("Leave the biases out.", [weights + f, (weights + f) * places])
            .mistake("Leave the biases out.", [weights + f, weights * places])
            .mistake(
                "A filter reads every channel: multiply by `channels` too.",
                [window * f, window * f * places],
            )
            .mistake(
                "That is one filter: multiply by `filters` too.",
                [window * c, window * c * places],
            )
            .mistake("The output has size times size places, not size.", [weights, weights * size])
            .mistake(
                "Weights are shared by all places: the size counts for the multiply-adds alone.",
                [weights * places, weights * places],
            )
            .mistake("The window is height times width, not height plus width.", {
                let sum = (kernel[0] + kernel[1]) * c * f;
                [sum, sum * places]
            })
        };
    Exercise::new(&COST)
        .check(case("7x7, 1 channel to 1, 10x10".into(), [7, 7], 1, 1, 10))
        .check(case(
            "1x3, 64 channels to 64, 56x56".into(),
            [1, 3],
            64,
            64,
            56,
        ))
        .check(case(
            "1x1, 256 channels to 64, 28x28".into(),
            [1, 1],
            256,
            64,
            28,
        ))
        .seeded(3, 603, move |draw| {
            let kernel = [draw.integer(1..=7), draw.integer(2..=7)];
            let (c, f) = (draw.integer(2..=32), draw.integer(33..=64));
            let size = draw.integer(7..=32);
            let [h, w] = kernel;
            case(
                format!("{h}x{w}, {c} channels to {f}, {size}x{size}"),
                kernel,
                c,
                f,
                size,
            )
        })
        .run()
}

static THREE_SMALL: About = About::new(
    "06-three-small",
    "Three for one",
    2.0,
    [
        "Network::input([channels, size, size]), then three times .add(\"name\", Conv2d::new(channels, 3)) \
         with .same() and .no_bias(), and an .add(\"name\", Relu) between two of them; then .build(0).",
        "Every node needs a name of its own: \"conv1\", \"relu1\", \"conv2\", \"relu2\", \"conv3\". \
         There is no ReLU behind the last one, as there is none behind the 7x7.",
    ],
);

fn built(net: Result<Network>) -> std::result::Result<(Network, Summary), String> {
    let net = net.map_err(|e| format!("it could not be built: {e}"))?;
    let summary = net.summary();
    Ok((net, summary))
}

fn kinds(summary: &Summary) -> Vec<&'static str> {
    summary.rows.iter().map(|r| r.kind).collect()
}

fn same_shape(net: &Network, shape: [usize; 3]) -> std::result::Result<(), String> {
    match (net.input_shape() == shape, net.output_shape() == shape) {
        (true, true) => Ok(()),
        (false, _) => Err(format!(
            "expected images of {shape:?}, got {:?}",
            net.input_shape()
        )),
        _ => Err(format!(
            "expected an output of {shape:?}, got {:?}. .same() keeps height and width",
            net.output_shape()
        )),
    }
}

fn last_field(summary: &Summary) -> Option<[usize; 2]> {
    summary.rows.last()?.receptive_field.map(|f| f.size)
}

/// Checks `fn three_small(channels: usize, size: usize) -> Result<Network, NnError>`.
pub fn three_small(
    student: impl Fn(usize, usize) -> Result<Network, NnError> + Copy + Send + 'static,
) -> Score {
    Exercise::new(&THREE_SMALL)
        .property("as many channels and pixels come out as go in", move || {
            let (net, _) = built(student(6, 20))?;
            same_shape(&net, [6, 20, 20])
        })
        .property(
            "three convolutions with a ReLU between two of them",
            move || {
                let (_, summary) = built(student(6, 20))?;
                let kinds = kinds(&summary);
                match kinds[..] {
                    ["Conv2d", "Relu", "Conv2d", "Relu", "Conv2d"] => Ok(()),
                    ["Conv2d", "Conv2d", "Conv2d"] => Err("without a ReLU between them, three \
                    convolutions are one: add the ReLUs"
                        .into()),
                    ["Conv2d", "Relu", "Conv2d", "Relu", "Conv2d", "Relu"] => {
                        Err("take the last ReLU away: the 7x7 that it replaces has none".into())
                    }
                    _ => Err(format!(
                        "expected Conv2d, Relu, Conv2d, Relu, Conv2d, got {kinds:?}"
                    )),
                }
            },
        )
        .property("it sees 7x7 pixels", move || {
            let (_, summary) = built(student(6, 20))?;
            match last_field(&summary) {
                Some([7, 7]) => Ok(()),
                Some([h, w]) => Err(format!("it sees {h}x{w}")),
                None => Err("it does not read images".into()),
            }
        })
        .property("27 C C weights, and no biases", move || {
            for c in [4, 6] {
                let (net, _) = built(student(c, 12))?;
                let (n, right) = (net.parameter_count(), 27 * c * c);
                if n == right + 3 * c {
                    return Err(format!(
                        "{n} for {c} channels: leave the biases out with .no_bias()"
                    ));
                }
                if n != right {
                    return Err(format!("expected {right} for {c} channels, got {n}"));
                }
            }
            Ok(())
        })
        .run()
}

static ONE_BY_ONE: About = About::new(
    "06-one-by-one",
    "One by one",
    1.0,
    [
        "A 1x1 filter has one weight for each channel that it reads, and a bias.",
        "30 filters of 64 weights and a bias each. The 28 x 28 places share them.",
    ],
);

/// Checks the number of parameters of a 1x1 convolution from 64 channels to 30.
pub fn one_by_one(student: impl Fn() -> usize + Copy + Send + 'static) -> Score {
    Exercise::new(&ONE_BY_ONE)
        .check(
            Case::new("your answer", student, 1950)
                .mistake("That is without the 30 biases.", 1920)
                .mistake("Each of the 30 filters has a bias of its own.", 1921)
                .mistake(
                    "The places share the weights: 28 x 28 plays no part.",
                    1950 * 784,
                )
                .mistake(
                    "The places share the weights: 28 x 28 plays no part.",
                    1920 * 784,
                )
                .mistake("A filter reads all 64 channels, not one.", 60),
        )
        .property("it divides by the number of filters", move || {
            let n = student();
            match n > 0 && n.is_multiple_of(30) {
                true => Ok(()),
                false => Err(format!(
                    "all 30 filters are alike, and {n} is no multiple of 30"
                )),
            }
        })
        .run()
}

static BOTTLENECK: About = About::new(
    "06-bottleneck",
    "A bottleneck",
    2.0,
    [
        "Three convolutions: 1x1 to channels / 2, 3x3 with .same() that keeps channels / 2, 1x1 back \
         to channels. A ReLU stands between two of them, and none has a bias.",
        "Names: \"reduce\", \"relu1\", \"conv\", \"relu2\", \"expand\". Conv2d::new(channels / 2, 1) \
         is the first; a 1x1 needs no padding.",
    ],
);

/// Checks `fn bottleneck(channels: usize, size: usize) -> Result<Network, NnError>`.
pub fn bottleneck(
    student: impl Fn(usize, usize) -> Result<Network, NnError> + Copy + Send + 'static,
) -> Score {
    Exercise::new(&BOTTLENECK)
        .property("as many channels and pixels come out as go in", move || {
            let (net, _) = built(student(8, 12))?;
            same_shape(&net, [8, 12, 12])
        })
        .property(
            "it sees 3x3 pixels, through windows of 1, 3 and 1",
            move || {
                let (_, summary) = built(student(8, 12))?;
                let rows = summary.rows.iter().filter(|r| r.kind == "Conv2d");
                let windows: Vec<usize> =
                    rows.filter_map(|r| r.window).map(|w| w.size[0]).collect();
                match (&windows[..], last_field(&summary)) {
                    ([1, 3, 1], Some([3, 3])) => Ok(()),
                    (_, field) => Err(format!("it has windows of {windows:?} and sees {field:?}")),
                }
            },
        )
        .property(
            "half the channels inside, and a ReLU between two convolutions",
            move || {
                let (_, summary) = built(student(8, 12))?;
                let rows = summary.rows.iter().filter(|r| r.kind == "Conv2d");
                let channels: Vec<usize> = rows.map(|r| r.output[0]).collect();
                if channels != [4, 4, 8] {
                    return Err(format!(
                        "of 8 channels expected 4, 4 and 8 filters, got {channels:?}"
                    ));
                }
                match kinds(&summary)[..] {
                    ["Conv2d", "Relu", "Conv2d", "Relu", "Conv2d"] => Ok(()),
                    ref other => Err(format!(
                        "expected Conv2d, Relu, Conv2d, Relu, Conv2d, got {other:?}"
                    )),
                }
            },
        )
        .property("3.25 C C weights, and no biases", move || {
            for c in [8, 12] {
                let (net, _) = built(student(c, 12))?;
                let (n, right) = (net.parameter_count(), 13 * c * c / 4);
                if n == right + 2 * c {
                    return Err(format!(
                        "{n} for {c} channels: leave the biases out with .no_bias()"
                    ));
                }
                if n != right {
                    return Err(format!("expected {right} for {c} channels, got {n}"));
                }
            }
            Ok(())
        })
        .run()
}

static DESIGN: About = About::new(
    "06-design",
    "See far for little",
    3.0,
    [
        "Two convolutions with stride 2 bring 64x64 to 16x16 and the jump to 4; from there on a 3x3 \
         adds 8 pixels. How many multiply-adds does one take with 32 channels? And with 16?",
        "At 16x16 a bottleneck (32 to 16, 3x3, 16 to 32) costs about a third of a plain 3x3. Seven of \
         them are enough. Or let a filter skip: .dilation(2) adds 16 pixels, .dilation(4) adds 32, at \
         no further cost.",
    ],
);

/// The most multiply-adds, and the least field, of the last exercise.
const BUDGET: u64 = 10_000_000;
const REACH: usize = 61;

/// Checks `fn my_design() -> Result<Network, NnError>`.
pub fn design(student: impl Fn() -> Result<Network, NnError> + Copy + Send + 'static) -> Score {
    Exercise::new(&DESIGN)
        .property("images of [3, 64, 64] in, [32, 16, 16] out", move || {
            let (net, _) = built(student())?;
            match (net.input_shape(), net.output_shape()) {
                ([3, 64, 64], [32, 16, 16]) => Ok(()),
                (from, to) => Err(format!("yours makes {to:?} of {from:?}")),
            }
        })
        .property("every unit sees 61x61 pixels or more", move || {
            let (_, summary) = built(student())?;
            match last_field(&summary) {
                Some([h, w]) if h.min(w) >= REACH => Ok(()),
                Some([h, w]) => Err(format!("yours see {h}x{w}")),
                None => Err("it does not read images".into()),
            }
        })
        .property("at most 10 million multiply-adds", move || {
            let (_, summary) = built(student())?;
            let cost = summary.multiply_adds();
            match cost <= BUDGET {
                true => Ok(()),
                false => Err(format!("yours takes {}", convscope_progress::grouped(cost))),
            }
        })
        .property(
            "at least four ReLUs, and poolings of 3x3 at most",
            move || {
                let (_, summary) = built(student())?;
                let kinds = kinds(&summary);
                let relus = kinds.iter().filter(|k| **k == "Relu").count();
                let pools = summary.rows.iter().filter(|r| r.kind.contains("Pool"));
                let largest = pools
                    .filter_map(|r| r.window)
                    .map(|w| w.size[0].max(w.size[1]));
                match (relus, largest.max().unwrap_or(0)) {
                    (0..4, _) => Err(format!("yours has {relus} ReLUs: stack more than that")),
                    (_, 4..) => Err("a pooling over that much throws away where things are".into()),
                    _ => Ok(()),
                }
            },
        )
        .property(
            "the unit in the middle answers to what it sees",
            move || {
                let (net, _) = built(student())?;
                let x = Tensor::zeros(vec![1, 3, 64, 64]);
                net.forward(&x).map_err(|e| e.to_string())?;
                let last = net.nodes().pop().unwrap_or_default();
                let field = net
                    .effective_field(&last, 4, 1)
                    .map_err(|e| e.to_string())?;
                match field.map.sum() > 0.0 {
                    true => Ok(()),
                    false => Err("no pixel matters to it: are all weights zero?".into()),
                }
            },
        )
        .run()
}

#[cfg(test)]
#[path = "n06_tests.rs"]
mod tests;
