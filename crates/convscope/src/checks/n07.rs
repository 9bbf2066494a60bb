//! The checks of notebook 07, Famous architectures: what is counted by hand. DepthConcat and the
//! front, and the blocks that the student builds, have rooms of their own.

use crate::check::{About, Case, Exercise, Score};

#[path = "n07_arrays.rs"]
mod arrays;
#[path = "n07_blocks.rs"]
mod blocks;
pub use arrays::{depth_concat, front};
pub use blocks::{inception, residual};

pub(crate) const ALL: &[&About] = &[
    &CONV1,
    &TOWERS,
    &ONE_BY_ONE,
    &FC1,
    &REDUCTION,
    &arrays::DEPTH_CONCAT,
    &blocks::INCEPTION,
    &BOTTLENECK,
    &blocks::RESIDUAL,
    &DENSE,
    &FIRE,
    &arrays::FRONT,
];

static CONV1: About = About::new(
    "07-conv1",
    "AlexNet's first layer",
    2.0,
    [
        "The size of the output is (N - F + 2P) / S + 1. A filter has a weight for each pixel of its \
         window in each of the three colours, and one bias.",
        "Every number of the output costs one multiply-add for each weight of its filter: 96 maps of \
         height x width outputs, 11 x 11 x 3 weights each. Biases are added, not multiplied.",
    ],
);

/// Checks `fn conv1() -> [usize; 3]`: height, parameters, multiply-adds of 96 filters of 11x11 at
/// stride 4 on 3 x 227 x 227.
pub fn conv1(student: impl Fn() -> [usize; 3] + Copy + Send + 'static) -> Score {
    const WEIGHTS: usize = 11 * 11 * 3;
    Exercise::new(&CONV1)
        .check(
            Case::new("height of its output", move || student()[0], 55)
                .mistake("The + 1 is missing: the first place counts too.", 54)
                .mistake(
                    "Without the stride it would be that; here the filter goes in steps of 4.",
                    217,
                ),
        )
        .check(
            Case::new("parameters", move || student()[1], 96 * (WEIGHTS + 1))
                .mistake(
                    "That is without the biases, one for each filter.",
                    96 * WEIGHTS,
                )
                .mistake(
                    "One bias for each filter, not one for the layer.",
                    96 * WEIGHTS + 1,
                )
                .mistake("A filter reads all three colours.", 96 * (11 * 11 + 1))
                .mistake("That is one filter. There are 96.", WEIGHTS + 1),
        )
        .check(
            Case::new(
                "multiply-adds",
                move || student()[2],
                55 * 55 * 96 * WEIGHTS,
            )
            .mistake(
                "That is one filter's work. There are 96.",
                55 * 55 * WEIGHTS,
            )
            .mistake(
                "A bias is added, not multiplied: it does not count here.",
                55 * 55 * 96 * (WEIGHTS + 1),
            )
            .mistake(
                "At stride 4 the filter stands at 55 x 55 places, not at each of the image's.",
                227 * 227 * 96 * WEIGHTS,
            )
            .mistake(
                "With 54 places down and across; see the first answer.",
                54 * 54 * 96 * WEIGHTS,
            )
            .mistake(
                "That counts multiplications and additions apart; one of each is one multiply-add.",
                2 * 55 * 55 * 96 * WEIGHTS,
            ),
        )
        .run()
}

static TOWERS: About = About::new(
    "07-towers",
    "Two towers",
    1.0,
    [
        "In a tower a filter reads only the maps of its own graphics card: half of the channels.",
        "conv2 has 256 filters of 5x5 that read 48 of 96 maps; conv4 384 of 3x3 that read 192 of \
         384; conv5 256 of 3x3 that read 192 of 384. Add a bias for each filter.",
    ],
);

/// Checks `fn towers() -> [usize; 3]`: parameters of conv2, conv4 and conv5 in two groups.
pub fn towers(student: impl Fn() -> [usize; 3] + Copy + Send + 'static) -> Score {
    let layers = [
        ("conv2", 256, 25, 96),
        ("conv4", 384, 9, 384),
        ("conv5", 256, 9, 384),
    ];
    (0..)
        .zip(layers)
        .fold(
            Exercise::new(&TOWERS),
            |exercise, (i, (name, filters, window, channels))| {
                let half = channels / 2;
                exercise.check(
                    Case::new(name, move || student()[i], filters * (half * window + 1))
                        .mistake(
                            "That is with one tower: each filter reads all channels.",
                            filters * (channels * window + 1),
                        )
                        .mistake(
                            "That is without the biases, one for each filter.",
                            filters * half * window,
                        )
                        .mistake(
                            "That is one tower's half. Both count.",
                            filters / 2 * (half * window + 1),
                        ),
                )
            },
        )
        .run()
}

static ONE_BY_ONE: About = About::new(
    "07-one-by-one",
    "A 1x1 convolution",
    1.0,
    [
        "A filter of 1x1 sees one pixel, but all its channels: one weight for each.",
        "30 filters of 64 weights each, and 30 biases. The size of the image plays no part.",
    ],
);

/// Checks `fn one_by_one() -> [usize; 2]`: weights and biases from 28x28x64 to 28x28x30.
pub fn one_by_one(student: impl Fn() -> [usize; 2] + Copy + Send + 'static) -> Score {
    Exercise::new(&ONE_BY_ONE)
        .check(
            Case::new("weights", move || student()[0], 1920)
                .mistake(
                    "A filter of 1x1 reads all 64 channels of its pixel, not one.",
                    30,
                )
                .mistake("That is one filter. There are 30.", 64)
                .mistake(
                    "Weights are shared by all places: 28 x 28 plays no part.",
                    1920 * 28 * 28,
                )
                .mistake("Biases have a place of their own in the answer.", 1950),
        )
        .check(
            Case::new("biases", move || student()[1], 30)
                .mistake("One bias for each filter, not for each input channel.", 64)
                .mistake("One bias for each filter, not one for the layer.", 1),
        )
        .run()
}

static FC1: About = About::new(
    "07-fc1",
    "VGG's first dense layer",
    2.0,
    [
        "Five poolings halve 224 five times. What is the size of the last maps, and how many are they?",
        "It reads 512 x 7 x 7 numbers with 4096 units, each with a bias. The share is that count over \
         all 138,357,544.",
    ],
);

/// Checks `fn fc1() -> [f64; 2]`: parameters of VGG D's first dense layer, and its share of all.
pub fn fc1(student: impl Fn() -> [f64; 2] + Copy + Send + 'static) -> Score {
    const WEIGHTS: f64 = 512.0 * 7.0 * 7.0 * 4096.0;
    const ALL: f64 = 138_357_544.0;
    let share = (WEIGHTS + 4096.0) / ALL;
    Exercise::new(&FC1)
        .check(
            Case::new("parameters", move || student()[0], WEIGHTS + 4096.0)
                .tolerance(0.5, 0.0)
                .mistake("That is without the biases, one for each unit.", WEIGHTS)
                .mistake(
                    "One bias for each unit, not one for the layer.",
                    WEIGHTS + 1.0,
                )
                .mistake(
                    "There are five poolings: 224, 112, 56, 28, 14, 7.",
                    512.0 * 14.0 * 14.0 * 4096.0 + 4096.0,
                )
                .mistake(
                    "It reads every number of all 512 maps.",
                    512.0 * 4096.0 + 4096.0,
                ),
        )
        .property("share of all", move || {
            let got = student()[1];
            let near = |v: f64| (v - share).abs() < 0.001;
            let why = match got {
                v if near(v) => return Ok(()),
                v if near(v / 100.0) => ". That is in per cent; a share lies between 0 and 1",
                v if near(1.0 - v) => ". That is the share of all other layers",
                _ => "",
            };
            Err(format!("expected {share:.3}, got {got}{why}"))
        })
        .run()
}

static REDUCTION: About = About::new(
    "07-reduction",
    "What a reduction saves",
    2.0,
    [
        "Multiply-adds are outputs times weights of a filter. With padding the size stays 28 x 28.",
        "Directly: 28 x 28 x 32 outputs of 5 x 5 x 192 weights. With the reduction there are two \
         layers: 28 x 28 x 16 outputs of 192 weights, and then 28 x 28 x 32 of 5 x 5 x 16.",
    ],
);

/// Checks `fn reduction() -> [usize; 2]`: multiply-adds of 32 filters of 5x5 on 192 x 28 x 28,
/// directly and behind 16 filters of 1x1.
pub fn reduction(student: impl Fn() -> [usize; 2] + Copy + Send + 'static) -> Score {
    const PLACES: usize = 28 * 28;
    const DIRECT: usize = PLACES * 32 * 25 * 192;
    const REDUCE: usize = PLACES * 16 * 192;
    const LARGE: usize = PLACES * 32 * 25 * 16;
    Exercise::new(&REDUCTION)
        .check(
            Case::new("directly", move || student()[0], DIRECT)
                .mistake("That is one place of 28 x 28.", DIRECT / PLACES)
                .mistake(
                    "With padding the output stays 28 x 28, not 24 x 24.",
                    24 * 24 * 32 * 25 * 192,
                )
                .mistake("That is one filter of 32.", DIRECT / 32),
        )
        .check(
            Case::new("through 16 maps", move || student()[1], REDUCE + LARGE)
                .mistake("That is the 5x5 alone; the 1x1 before it costs too.", LARGE)
                .mistake(
                    "That is the 1x1 alone; the 5x5 behind it costs too.",
                    REDUCE,
                )
                .mistake("That is one place of 28 x 28.", (REDUCE + LARGE) / PLACES)
                .mistake(
                    "Behind the reduction the 5x5 reads 16 channels, not 192.",
                    REDUCE + DIRECT,
                ),
        )
        .run()
}

static BOTTLENECK: About = About::new(
    "07-bottleneck",
    "A bottleneck",
    1.0,
    [
        "A layer has filters x channels read x window weights. Add up the layers of each block.",
        "Two of 256 x 256 x 9; against 64 x 256 x 1, 64 x 64 x 9 and 256 x 64 x 1.",
    ],
);

/// Checks `fn bottleneck() -> [usize; 2]`: weights of two 3x3 layers of 256 channels, and of a
/// bottleneck of 64.
pub fn bottleneck(student: impl Fn() -> [usize; 2] + Copy + Send + 'static) -> Score {
    const WIDE: usize = 256 * 256 * 9;
    const NARROW: [usize; 3] = [64 * 256, 64 * 64 * 9, 256 * 64];
    Exercise::new(&BOTTLENECK)
        .check(
            Case::new("two 3x3 of 256", move || student()[0], 2 * WIDE)
                .mistake("That is one of the two layers.", WIDE)
                .mistake(
                    "There are no biases: batch norm has one of its own.",
                    2 * (WIDE + 256),
                ),
        )
        .check(
            Case::new("1x1, 3x3, 1x1", move || student()[1], NARROW.iter().sum())
                .mistake(
                    "The last 1x1 is missing, which makes 256 channels again.",
                    NARROW[0] + NARROW[1],
                )
                .mistake(
                    "The first 1x1 is missing, which makes 64 channels.",
                    NARROW[1] + NARROW[2],
                )
                .mistake(
                    "The 3x3 reads and gives 64 channels, not 256.",
                    NARROW[0] + WIDE + NARROW[2],
                )
                .mistake(
                    "There are no biases: batch norm has one of its own.",
                    NARROW.iter().sum::<usize>() + 64 + 64 + 256,
                ),
        )
        .run()
}

static DENSE: About = About::new(
    "07-dense",
    "Channels in a DenseNet",
    2.0,
    [
        "Every layer of a block adds 32 channels to all that there are. A transition halves them.",
        "The first block begins with 64 and has 6 layers: 64 + 6 x 32. Half of that enters the second \
         block, of 12 layers. No transition follows the fourth.",
    ],
);

/// Checks `fn dense_channels() -> [usize; 4]`: the channels behind each dense block.
pub fn dense_channels(student: impl Fn() -> [usize; 4] + Copy + Send + 'static) -> Score {
    let expected = [256, 512, 1024, 1024];
    let never_halved = [256, 640, 1408, 1920];
    let added = [192, 384, 768, 512];
    (0..4)
        .fold(Exercise::new(&DENSE), |exercise, i| {
            let mut case = Case::new(
                format!("behind block {}", i + 1),
                move || student()[i],
                expected[i],
            )
            .mistake(
                "That is what the block adds. What came in is kept beside it.",
                added[i],
            )
            .mistake(
                "That is behind the transition. The question is for the block before it.",
                expected[i] / 2,
            );
            if i > 0 {
                case = case.mistake(
                    "The transitions between the blocks halve the channels.",
                    never_halved[i],
                );
            }
            exercise.check(case)
        })
        .run()
}

static FIRE: About = About::new(
    "07-fire",
    "A fire module",
    2.0,
    [
        "Three convolutions: squeeze (1x1, reads all channels), and two beside each other that read \
         what was squeezed. Each has a bias for every filter.",
        "squeeze x (channels + 1), then 4 x squeeze filters of 1x1 with squeeze + 1 numbers each, and \
         4 x squeeze of 3x3 with 9 x squeeze + 1 each.",
    ],
);

/// Checks `fn fire_parameters(channels: usize, squeeze: usize) -> usize`.
pub fn fire(student: impl Fn(usize, usize) -> usize + Copy + Send + 'static) -> Score {
    let case = move |name: String, channels: usize, squeeze: usize| {
        let expand = 4 * squeeze;
        let biases = squeeze + 2 * expand;
        let right = squeeze * channels + expand * squeeze * 10 + biases;
        Case::new(name, move || student(channels, squeeze), right)
            .mistake("That is without the biases, one for each filter.", right - biases)
            .mistake(
                "The 3x3 reads what was squeezed, not the 1x1 beside it.",
                squeeze * (channels + 1) + expand * (squeeze + 1) + expand * (9 * expand + 1),
            )
            .mistake(
                "Both expanding layers read what was squeezed, not the module's input.",
                squeeze * (channels + 1) + expand * (10 * channels + 2),
            )
            .mistake(
                "Each of the two expanding layers has 4 x squeeze filters.",
                squeeze * (channels + 1) + squeeze * (10 * squeeze + 2),
            )
            .mistake(
                "4 x squeeze is the number of filters of each expanding layer, not of both together.",
                squeeze * (channels + 1) + 2 * squeeze * (10 * squeeze + 2),
            )
    };
    Exercise::new(&FIRE)
        .check(case("fire2: 96 channels, squeeze 16".into(), 96, 16))
        .check(case("fire9: 512 channels, squeeze 64".into(), 512, 64))
        .seeded(2, 711, move |draw| {
            let (channels, squeeze) = (draw.integer(20..=300), draw.integer(3..=50));
            case(
                format!("{channels} channels, squeeze {squeeze}"),
                channels,
                squeeze,
            )
        })
        .run()
}

#[cfg(test)]
#[path = "n07_tests.rs"]
mod tests;
