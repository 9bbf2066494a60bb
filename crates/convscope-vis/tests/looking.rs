//! What looking must find: patches, statistics, neighbours and maps, against plain searches.

use convscope_nn::{
    Concat, Conv2d, Flatten, GlobalAvgPool2d, Linear, MaxPool2d, Network, Relu, Tensor, eigh,
};
use convscope_vis::{
    Budget, FilterScale, Flag, Metric, NeighbourSettings, Patch, Pooling, Result, TopPatches, Tsne,
    Watch, activation_statistics, activations, features, filters, nearest, neighbours, pca,
    top_patches, top_patches_watched, trustworthiness, tsne, tsne_watched,
};
use ndarray::{Array2, Array3, Axis, s};
use std::cmp::Ordering;

/// Numbers without a pattern, from -1 to 1.
fn noise(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

fn images(n: usize, c: usize, side: usize, seed: u64) -> Tensor {
    Tensor::from_shape_simple_fn(vec![n, c, side, side], noise(seed))
}

fn net(channels: usize) -> Network {
    Network::input([channels, 12, 12])
        .add("conv1", Conv2d::new(4, 3).same())
        .add("relu1", Relu)
        .add("pool1", MaxPool2d::new(2))
        .add("left", Conv2d::new(3, 3).same())
        .add_after(&["pool1"], "right", Conv2d::new(2, 1))
        .add_after(&["left", "right"], "both", Concat)
        .add("gap", GlobalAvgPool2d)
        .add("flatten", Flatten)
        .add("fc", Linear::new(3))
        .build(7)
        .unwrap()
}

/// Every unit of every image, sorted.
fn brute(
    net: &Network,
    all: &Tensor,
    layer: &str,
    channel: usize,
    per_image: usize,
) -> Vec<Patch0> {
    let trace = net.trace(all).unwrap();
    let maps = trace.activation(layer).unwrap();
    let mut found = Vec::new();
    for i in 0..all.shape()[0] {
        let mut of: Vec<Patch0> = match maps.ndim() {
            2 => vec![(maps[[i, channel]], i, [0, 0])],
            _ => {
                let places = ndarray::indices((maps.shape()[2], maps.shape()[3])).into_iter();
                places
                    .map(|(y, x)| (maps[[i, channel, y, x]], i, [y, x]))
                    .collect()
            }
        };
        of.sort_by(order);
        found.extend(of.into_iter().take(per_image));
    }
    found.sort_by(order);
    found
}

type Patch0 = (f32, usize, [usize; 2]);

fn order(a: &Patch0, b: &Patch0) -> Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2))
}

#[test]
fn the_top_patches_are_those_of_a_plain_search() {
    for channels in [1, 3, 5] {
        let net = net(channels);
        let all = images(23, channels, 12, 3);
        let batches = || {
            all.axis_chunks_iter(Axis(0), 5)
                .map(|b| b.to_owned())
                .collect::<Vec<_>>()
        };
        let layers = ["relu1", "left", "both", "right", "fc"];
        for (k, per_image) in [(1, 1), (4, 1), (6, 3), (40, 1)] {
            let settings = TopPatches::new().k(k).per_image(per_image);
            let found = top_patches(&net, &layers, batches(), &settings).unwrap();
            for layer in &found {
                for of in &layer.channels {
                    let expected = brute(&net, &all, &layer.layer, of.channel, per_image);
                    let expected: Vec<_> = expected.into_iter().take(k).collect();
                    let got: Vec<_> = of
                        .patches
                        .iter()
                        .map(|p| (p.value, p.image, p.position))
                        .collect();
                    assert_eq!(got, expected, "{} {}", layer.layer, of.channel);
                    of.patches
                        .iter()
                        .for_each(|p| check_crop(&net, &layer.layer, &all, p));
                }
            }
        }
    }
}

/// Pixel by pixel: the image inside, grey beyond it.
fn check_crop(net: &Network, layer: &str, all: &Tensor, patch: &Patch) {
    let field = net.receptive_field_of(layer, patch.position).unwrap();
    assert_eq!(field, patch.field);
    let side = all.shape()[2] as isize;
    for ((c, y, x), &got) in patch.pixels.indexed_iter() {
        let (y, x) = (field.top + y as isize, field.left + x as isize);
        let inside = (0..side).contains(&y) && (0..side).contains(&x);
        let expected = match inside {
            true => all[[patch.image, c, y as usize, x as usize]],
            false => 0.0,
        };
        assert_eq!(got, expected);
    }
}

#[test]
fn only_units_that_see_enough_of_the_image_count_where_that_is_asked() {
    let net = net(3);
    let all = images(9, 3, 12, 3);
    let whole = TopPatches::new().inside(1.0);
    let found = top_patches(&net, &["left"], [all.clone()], &whole).unwrap();
    for of in &found[0].channels {
        let mut expected = brute(&net, &all, "left", of.channel, 36);
        let size = net.receptive_field("left").unwrap().size[0] as isize;
        expected.retain(|&(_, _, at)| {
            let field = net.receptive_field_of("left", at).unwrap();
            let seen = field.clipped(12, 12);
            seen == field && seen.bottom - seen.top == size
        });
        let mut met = std::collections::HashSet::new();
        expected.retain(|&(_, image, _)| met.insert(image));
        let got: Vec<_> = of
            .patches
            .iter()
            .map(|p| (p.value, p.image, p.position))
            .collect();
        assert_eq!(got, expected);
        assert!(
            of.patches
                .iter()
                .all(|p| p.pixels.dim() == (3, size as usize, size as usize))
        );
    }
    let error = |settings: &TopPatches, layer: &str| {
        top_patches(&net, &[layer], [all.clone()], settings)
            .unwrap_err()
            .to_string()
    };
    assert!(error(&TopPatches::new().inside(1.5), "left").contains("from 0 to 1"));
    let deep = Network::input([1, 6, 6])
        .add("conv", Conv2d::new(1, 7).same())
        .build(1)
        .unwrap();
    let none = top_patches(&deep, &["conv"], [images(1, 1, 6, 1)], &whole).unwrap_err();
    assert!(none.to_string().contains("ask for less"), "{none}");
}

#[test]
fn a_patch_cut_out_excites_its_unit_as_much_again() {
    // Without padding a unit sees nothing but its patch.
    let net = Network::input([3, 12, 12])
        .add("conv1", Conv2d::new(4, 3))
        .add("relu1", Relu)
        .add("conv2", Conv2d::new(3, 3).stride(2))
        .build(2)
        .unwrap();
    let found = top_patches(&net, &["conv2"], [images(9, 3, 12, 4)], &TopPatches::new()).unwrap();
    let small = net.for_input([3, 5, 5]).unwrap();
    for of in &found[0].channels {
        for patch in &of.patches {
            let alone = patch.pixels.clone().insert_axis(Axis(0)).into_dyn();
            let again = small.forward(&alone).unwrap()[[0, of.channel, 0, 0]];
            assert!((again - patch.value).abs() < 1e-5);
        }
    }
}

#[test]
fn statistics_of_activations_are_those_of_all_numbers_together() {
    let mut net = net(1);
    // Channel 2 of the first layer dies.
    let mut bias = net.parameter("conv1.bias").unwrap().clone();
    bias[2] = -1000.0;
    net.set_parameter("conv1.bias", bias).unwrap();
    let all = images(20, 1, 12, 5);
    let stream = all.axis_chunks_iter(Axis(0), 7).map(|b| b.to_owned());
    let told = activation_statistics(&net, &["relu1", "fc"], stream).unwrap();
    for (of, layer) in told.iter().zip(["relu1", "fc"]) {
        let values = activations(&net, &all, layer).unwrap().values;
        let count = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
        let variance = values
            .iter()
            .map(|&v| (f64::from(v) - mean).powi(2))
            .sum::<f64>()
            / count;
        assert!((of.mean - mean).abs() < 1e-9 * (1.0 + mean.abs()));
        assert!((of.std - variance.sqrt()).abs() < 1e-6);
        let zeros = values.iter().filter(|&&v| v == 0.0).count() as f64 / count;
        assert_eq!(of.zeros, zeros);
        let dead = values.fold_axis(Axis(0), true, |&dead, &v| dead && v <= 0.0);
        let share = dead.iter().filter(|&&d| d).count() as f64 / dead.len() as f64;
        assert_eq!(
            (of.dead_units, of.images, of.units),
            (share, 20, dead.len())
        );
    }
    assert_eq!(told[0].dead_channels, 0.25);
    assert!(told[0].dead_units >= 0.25);
}

#[test]
fn filters_are_the_weights_and_grey_is_zero() {
    let net = net(3);
    let first = filters(&net, "conv1").unwrap();
    assert!(first.reads_image);
    let shared = first.tiles(FilterScale::Shared);
    assert_eq!(
        (shared.pictures.shape(), shared.columns),
        (&[4, 3, 3, 3][..], 0)
    );
    let each = first.tiles(FilterScale::PerFilter);
    for (i, picture) in each.pictures.outer_iter().enumerate() {
        let extreme = picture.iter().fold(0.0_f32, |a, v| a.max((v - 0.5).abs()));
        assert!(
            (extreme - 0.5).abs() < 1e-6,
            "every filter uses the whole range"
        );
        for (p, w) in picture.iter().zip(&first.filter(i).unwrap()) {
            assert!(((p - 0.5) * 2.0 * each.white[i] - w).abs() < 1e-6);
        }
    }
    let most = shared.white.iter().copied().fold(0.0, f32::max);
    assert!(shared.white.iter().all(|&w| w == most));
    let deep = filters(&net, "left").unwrap().tiles(FilterScale::Shared);
    assert_eq!(
        (deep.pictures.shape(), deep.columns),
        (&[12, 1, 3, 3][..], 4)
    );
    let mut zero = net.clone();
    zero.set_parameter("conv1.weight", Tensor::zeros(vec![4, 3, 3, 3]))
        .unwrap();
    for scale in [FilterScale::Shared, FilterScale::PerFilter] {
        let tiles = filters(&zero, "conv1").unwrap().tiles(scale);
        assert!(tiles.pictures.iter().all(|&v| v == 0.5));
    }
    // Templates of a softmax regression.
    let regression = Network::input([1, 6, 5])
        .add("flatten", Flatten)
        .add("fc", Linear::new(2))
        .build(1)
        .unwrap();
    let templates = filters(&regression, "fc").unwrap();
    let weight = regression.parameter("fc.weight").unwrap();
    assert_eq!(templates.weights[[1, 0, 2, 3]], weight[[1, 13]]);
}

#[test]
fn neighbours_are_those_of_a_plain_search_in_both_spaces() {
    let net = net(3);
    let all = images(15, 3, 12, 8);
    for metric in [Metric::Euclidean, Metric::Cosine] {
        for pooling in [Pooling::ChannelMean, Pooling::Flatten] {
            let settings = NeighbourSettings::new().metric(metric).pooling(pooling);
            let found = neighbours(&net, &all, "both", &[3, 7], 4, settings).unwrap();
            let flat = all.to_shape((15, 432)).unwrap().mapv(f64::from);
            let seen = features(&net, &all, "both", pooling).unwrap();
            assert_eq!(
                seen.ncols(),
                if pooling == Pooling::Flatten { 180 } else { 5 }
            );
            for (space, got) in [(&flat, &found.pixels), (&seen, &found.features)] {
                for (q, &query) in [3, 7].iter().enumerate() {
                    let mut all: Vec<(f64, usize)> = (0..15)
                        .filter(|&i| i != query)
                        .map(|i| (apart(space, query, i, metric), i))
                        .collect();
                    all.sort_by(|a, b| a.0.total_cmp(&b.0));
                    let expected: Vec<usize> = all.iter().take(4).map(|a| a.1).collect();
                    assert_eq!(got.indices[q], expected);
                    assert!((got.distances[q][2] - all[2].0).abs() < 1e-9);
                }
            }
        }
    }
}

fn apart(space: &Array2<f64>, i: usize, j: usize, metric: Metric) -> f64 {
    let (mut dot, mut a, mut b, mut squares) = (0.0, 0.0, 0.0, 0.0);
    for k in 0..space.ncols() {
        let (x, y) = (space[[i, k]], space[[j, k]]);
        dot += x * y;
        a += x * x;
        b += y * y;
        squares += (x - y) * (x - y);
    }
    match metric {
        Metric::Euclidean => squares.sqrt(),
        Metric::Cosine => 1.0 - dot / (a.sqrt() * b.sqrt()),
    }
}

#[test]
fn principal_components_are_the_covariances_eigenvectors() {
    // Spreads that fall slowly and fast, tall and wide, and one of low rank.
    for (n, d, fall, rank) in [
        (60, 8, 0.6, 8),
        (40, 20, 0.9, 20),
        (12, 50, 0.8, 50),
        (30, 6, 0.7, 2),
    ] {
        let mut draw = noise(9);
        let raw = Array2::from_shape_simple_fn((n, d), || f64::from(draw()));
        let mix = Array2::from_shape_simple_fn((d, d), || f64::from(draw()));
        let scales = Array2::from_diag(&ndarray::Array1::from_shape_fn(d, |i| {
            if i < rank {
                f64::powi(fall, i as i32)
            } else {
                0.0
            }
        }));
        let points = raw.dot(&scales).dot(&mix) + 3.0;
        let k = 4.min(rank);
        let found = pca(&points, k).unwrap();
        let centred = &points - &points.mean_axis(Axis(0)).unwrap();
        let covariance = centred.t().dot(&centred) / (n as f64 - 1.0);
        let (values, vectors) = eigh(&((&covariance + &covariance.t()) / 2.0)).unwrap();
        let whole: f64 = values.iter().sum();
        for i in 0..k {
            let at = d - 1 - i;
            let close = (found.explained_variance[i] / values[at] - 1.0).abs();
            assert!(close < 1e-6, "{n}x{d}, {i}: {close}");
            assert!((found.explained_ratio[i] - values[at] / whole).abs() < 1e-6);
            let along = found.components.row(i).dot(&vectors.column(at)).abs();
            assert!(along > 1.0 - 1e-6, "{n}x{d}, {i}: {along}");
            let column = found.points.column(i);
            let direct = centred.dot(&vectors.column(at));
            let off = (0..n)
                .map(|p| (column[p].abs() - direct[p].abs()).abs())
                .fold(0.0, f64::max);
            assert!(off < 1e-3 * values[at].sqrt(), "{n}x{d}, {i}: {off}");
        }
        assert_eq!(pca(&points, k).unwrap().points, found.points, "equal bits");
    }
}

#[test]
fn components_beyond_the_rank_are_zero_and_constant_points_are_flagged() {
    let line = Array2::from_shape_fn((10, 5), |(i, j)| (i * (j + 1)) as f64);
    let found = pca(&line, 3).unwrap();
    assert!(found.explained_ratio[0] > 1.0 - 1e-9);
    assert!(found.explained_variance[1..].iter().all(|v| v.abs() < 1e-6));
    assert!(found.points.iter().all(|v| v.is_finite()));
    let same = Array2::from_elem((10, 5), 0.1);
    let found = pca(&same, 2).unwrap();
    assert_eq!(found.flags, [Flag::Constant]);
    assert!(found.points.iter().all(|&v| v.abs() < 1e-12) && found.explained_ratio == [0.0, 0.0]);
    let map = tsne(&same, &Tsne::new()).unwrap();
    assert_eq!(map.flags, [Flag::Constant]);
    assert!(map.points.iter().all(|&v| v == 0.0));
}

/// Three clouds in ten dimensions, and which each point is of.
fn blobs(n: usize) -> (Array2<f64>, Vec<usize>) {
    let mut draw = noise(4);
    let centres = Array2::from_shape_simple_fn((3, 10), || 6.0 * f64::from(draw()));
    let of: Vec<usize> = (0..n).map(|i| i % 3).collect();
    let points = Array2::from_shape_fn((n, 10), |(i, j)| centres[[of[i], j]] + f64::from(draw()));
    (points, of)
}

#[test]
fn tsne_keeps_neighbours_better_than_a_random_map_and_parts_blobs() {
    let (points, of) = blobs(90);
    let settings = Tsne::new().perplexity(15.0).iterations(400).seed(1);
    let mut draw = noise(6);
    let random = Array2::from_shape_simple_fn((90, 2), || f64::from(draw()));
    let chance = trustworthiness(&points, &random, 5).unwrap();
    let map = tsne(&points, &settings).unwrap();
    println!("{} against {chance}", map.trustworthiness);
    assert!(map.trustworthiness > 0.85 && map.trustworthiness > chance + 0.25);
    assert_eq!(
        map.trustworthiness,
        trustworthiness(&points, &map.points, 5).unwrap()
    );
    let itself = Vec::from_iter(0..90);
    let near = nearest(
        &map.points,
        &map.points,
        5,
        Metric::Euclidean,
        Some(&itself),
    )
    .unwrap();
    let pairs = near
        .indices
        .iter()
        .enumerate()
        .flat_map(|(i, n)| n.iter().map(move |&j| (i, j)));
    assert!(pairs.filter(|&(i, j)| of[i] != of[j]).count() < 5);
    let watch = |most| {
        Watch::quiet().budget(Budget {
            max_evals: Some(most),
            time: None,
        })
    };
    let cut = tsne_watched(&points, &settings, &mut watch(40)).unwrap();
    assert_eq!(cut.flags, [Flag::Unfinished { done: 0.1 }]);
    assert!(cut.points.iter().all(|v| v.is_finite()));
}

#[test]
fn equal_seeds_give_equal_maps_even_where_points_coincide() {
    let (mut points, _) = blobs(60);
    // A lattice of ties, and points that are the same.
    points.mapv_inplace(|v| v.round());
    let first = points.row(0).to_owned();
    (1..6).for_each(|i| points.row_mut(i).assign(&first));
    let settings = Tsne::new().perplexity(8.0).iterations(150).seed(5);
    let map = tsne(&points, &settings).unwrap().points;
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        assert_eq!(
            pool.install(|| tsne(&points, &settings)).unwrap().points,
            map
        );
    }
    assert_ne!(tsne(&points, &settings.seed(6)).unwrap().points, map);
}

#[test]
fn a_map_that_changes_nothing_is_trusted_wholly() {
    let (points, _) = blobs(30);
    assert_eq!(trustworthiness(&points, &points, 5).unwrap(), 1.0);
    assert_eq!(trustworthiness(&points, &(&points * 3.0), 5).unwrap(), 1.0);
}

#[test]
fn a_budget_ends_the_search_for_patches_with_a_flag() {
    let net = net(1);
    let watch = |most| {
        Watch::quiet().budget(Budget {
            max_evals: Some(most),
            time: None,
        })
    };
    let batches = || (0..4).map(|i| images(5, 1, 12, i));
    let settings = TopPatches::new();
    let some = top_patches_watched(&net, &["left"], batches(), &settings, &mut watch(10)).unwrap();
    assert!(matches!(some[0].flags[..], [Flag::Unfinished { .. }]));
    assert_eq!(some[0].channels[0].patches.len(), 9);
    assert!(some[0].channels[0].patches.iter().all(|p| p.image < 10));
    let none = top_patches_watched(&net, &["left"], batches(), &settings, &mut watch(0)).unwrap();
    assert!(none[0].channels.iter().all(|c| c.patches.is_empty()) && !none[0].flags.is_empty());
}

#[test]
fn wrong_input_is_told() {
    let net = net(3);
    let all = images(6, 3, 12, 1);
    let told = |result: Result<()>, part: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(part), "{part} in {error}");
    };
    let patches = |layer: &str, settings: TopPatches| {
        top_patches(&net, &[layer], [all.clone()], &settings).map(drop)
    };
    told(
        patches("cnov1", TopPatches::new()),
        "did you mean \"conv1\"",
    );
    told(patches("conv1", TopPatches::new().k(0)), "at least one");
    told(
        patches("conv1", TopPatches::new().channels([4])),
        "channels 0 to 3, got 4",
    );
    told(
        top_patches(&net, &[], [all.clone()], &TopPatches::new()).map(drop),
        "at least one layer",
    );
    let nothing: [Tensor; 0] = [];
    told(
        top_patches(&net, &["conv1"], nothing, &TopPatches::new()).map(drop),
        "at least one image",
    );
    let small = images(2, 3, 8, 1);
    told(
        top_patches(&net, &["conv1"], [small.clone()], &TopPatches::new()).map(drop),
        "12",
    );
    told(activations(&net, &small, "conv1").map(drop), "12");
    told(activations(&net, &all, "gpa").map(drop), "\"gap\"");
    told(filters(&net, "relu1").map(drop), "\"relu1\" is a Relu");
    told(filters(&net, "fc").map(drop), "\"fc\" is a Linear");
    let of = |queries: &[usize], k| {
        neighbours(&net, &all, "gap", queries, k, NeighbourSettings::new()).map(drop)
    };
    told(of(&[0], 0), "from 1 to 5, got 0");
    told(of(&[0], 6), "from 1 to 5, got 6");
    told(of(&[6], 1), "images 0 to 5, got 6");
    let (points, _) = blobs(12);
    told(pca(&points, 0).map(drop), "from 1 to 10");
    told(pca(&points, 11).map(drop), "got 11");
    told(
        tsne(&points, &Tsne::new().dimensions(4)).map(drop),
        "1 to 3",
    );
    told(
        tsne(&points, &Tsne::new().perplexity(f64::NAN)).map(drop),
        "NaN",
    );
    let few = points.slice(s![..3, ..]).to_owned();
    told(tsne(&few, &Tsne::new()).map(drop), "at least 4 points");
    told(
        trustworthiness(&points, &points, 6).map(drop),
        "less than half of 12",
    );
    told(trustworthiness(&points, &points, 0).map(drop), "got 0");
    let mut holed = points.clone();
    holed[[1, 1]] = f64::NAN;
    told(pca(&holed, 2).map(drop), "NaN");
}

#[test]
fn filters_of_one_and_of_many_channels_are_grey_tiles() {
    for channels in [1, 5] {
        let tiles = filters(&net(channels), "conv1")
            .unwrap()
            .tiles(FilterScale::Shared);
        assert_eq!(tiles.pictures.dim(), (4 * channels, 1, 3, 3));
        assert_eq!(tiles.columns, if channels == 1 { 0 } else { 5 });
        let _: Array3<f32> = tiles.pictures.index_axis(Axis(0), 0).to_owned();
    }
}

#[test]
fn what_a_notebook_may_hold_can_be_kept_and_sent() {
    use convscope_vis as v;
    fn kept<T: Clone + std::fmt::Debug + Send + Sync + 'static>() {}
    kept::<(
        v::Filters,
        v::Tiles,
        v::Activations,
        v::LayerStatistics,
        v::LayerPatches,
    )>();
    kept::<(
        v::Neighbours,
        v::Pca,
        v::Embedding,
        v::Tuning,
        v::GaborFit,
        v::Grating,
    )>();
    kept::<(
        v::TopPatches,
        v::Tsne,
        v::GratingTuning,
        v::NeighbourSettings,
    )>();
}
