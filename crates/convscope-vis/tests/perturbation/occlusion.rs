//! Occlusion against plain loops, and what it does with bad input.

use crate::common::{image, net, scoring};
use convscope_nn::{Network, Tensor};
use convscope_vis::*;
use ndarray::{Array2, Axis, Slice};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One window after the other, one image at a time, pixel by pixel.
fn brute_force(net: &Network, x: &Tensor, class: usize, options: &Occlusion) -> Vec<f32> {
    let [_, c, h, w] = *x.shape() else { panic!() };
    let colour: Vec<f32> = (0..c)
        .map(|k| {
            let pixels: Vec<f32> = x.index_axis(Axis(1), k).iter().copied().collect();
            let low = pixels.iter().copied().fold(f32::INFINITY, f32::min);
            let high = pixels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            match &options.fill {
                Fill::Grey => (low + high) / 2.0,
                Fill::Mean => pixels.iter().sum::<f32>() / pixels.len() as f32,
                Fill::Zero => 0.0,
                Fill::Colour(numbers) => numbers[k.min(numbers.len() - 1)],
                other => panic!("{other:?}"),
            }
        })
        .collect();
    let (wh, ww) = (options.window.unwrap()[0], options.window.unwrap()[1]);
    let (sh, sw) = (options.stride.unwrap()[0], options.stride.unwrap()[1]);
    let whole = options.scoring != Scoring::Average;
    let before = net.forward(x).unwrap()[[0, class]];
    let mut sum = Array2::<f32>::zeros((h, w));
    let mut times = Array2::<f32>::zeros((h, w));
    let mut each = Vec::new();
    let mut top = 0;
    // A last window that would begin before the previous one's end covers the rest.
    while top + wh <= h || (!whole && top < h && top + wh - sh < h) {
        let mut left = 0;
        while left + ww <= w || (!whole && left < w && left + ww - sw < w) {
            let mut hidden = x.clone();
            for y in top..(top + wh).min(h) {
                for z in left..(left + ww).min(w) {
                    (0..c).for_each(|k| hidden[[0, k, y, z]] = colour[k]);
                }
            }
            let after = net.forward(&hidden).unwrap()[[0, class]];
            each.push(after);
            for y in top..(top + wh).min(h) {
                for z in left..(left + ww).min(w) {
                    sum[[y, z]] += before - after;
                    times[[y, z]] += 1.0;
                }
            }
            left += sw;
        }
        top += sh;
    }
    match options.scoring {
        Scoring::Average => (sum / times.mapv(|t| t.max(1.0))).into_iter().collect(),
        Scoring::Sum => sum.into_iter().collect(),
        Scoring::PerPosition => each,
    }
}

#[test]
fn occlusion_is_what_plain_loops_give() {
    let windows = [[1, 1], [3, 3], [4, 2], [9, 9], [2, 7]];
    let strides = [[1, 1], [2, 3], [4, 4]];
    let fills = [
        Fill::Grey,
        Fill::Mean,
        Fill::Zero,
        Fill::Colour(vec![0.5, -1.0]),
    ];
    let scorings = [Scoring::Average, Scoring::Sum, Scoring::PerPosition];
    let net = net(2, 9);
    let x = image([1, 2, 9, 9], 3.0);
    let mut tried = 0;
    for (i, window) in windows.into_iter().enumerate() {
        for (j, stride) in strides.into_iter().enumerate() {
            for (k, scoring) in scorings.into_iter().enumerate() {
                let fill = fills[(i + j + k) % fills.len()].clone();
                let options = Occlusion::new()
                    .window(window)
                    .stride(stride)
                    .fill(fill)
                    .scoring(scoring)
                    .batch(1 + (i + j) * 3);
                let got = occlusion(&net, &x, &Target::Class(2), &options).unwrap();
                let want = brute_force(&net, &x, 2, &options);
                assert_eq!(got.values.len(), want.len(), "{options:?}");
                for (g, w) in got.values.iter().zip(&want) {
                    assert!((g - w).abs() < 1e-4, "{options:?}: {g}, not {w}");
                }
                assert_eq!(got.flags, [vec![]]);
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 45);
}

#[test]
fn images_of_a_batch_are_explained_one_by_one_and_each_for_its_own_best_class() {
    let net = net(1, 8);
    let x = image([3, 1, 8, 8], 1.0);
    let options = Occlusion::new().window([2, 2]);
    let all = occlusion(&net, &x, &Target::Top, &options).unwrap();
    assert_eq!(all.values.shape(), [3, 1, 8, 8]);
    let best = net.predict(&x).unwrap();
    for (i, &class) in best.iter().enumerate() {
        let one = x.slice_axis(Axis(0), Slice::from(i..i + 1)).to_owned();
        let alone = occlusion(&net, &one, &Target::Top, &options).unwrap();
        assert_eq!(alone.classes, [Some(class)]);
        assert_eq!(all.classes[i], Some(class));
        let (a, b) = (
            all.values.index_axis(Axis(0), i),
            alone.values.index_axis(Axis(0), 0),
        );
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}

#[test]
fn any_number_of_channels_and_the_smallest_images_will_do() {
    for (channels, side) in [(1, 8), (3, 8), (5, 16)] {
        let net = net(channels, side);
        let x = image([1, channels, side, side], 2.0);
        let map = occlusion(&net, &x, &Target::TopProbability, &Occlusion::new()).unwrap();
        assert!(map.values.iter().all(|v| v.is_finite()));
        assert!((0.0..=1.0).contains(&map.target_values[0]));
    }
}

#[test]
fn a_score_that_never_moves_gives_zeros_and_a_flag() {
    let same = scoring(|_| 4.0);
    let x = image([1, 3, 8, 8], 1.0);
    let class = Target::Class(0);
    let maps = [
        occlusion(&same, &x, &class, &Occlusion::new()).unwrap(),
        feature_ablation(&same, &x, &class, &Array2::zeros((8, 8)), &Ablation::new()).unwrap(),
    ];
    for map in maps {
        assert!(map.values.iter().all(|&v| v == 0.0));
        assert_eq!(map.flags, [vec![Flag::ConstantScore]]);
    }
}

#[test]
fn a_budget_is_kept_to_the_image_and_nothing_tried_is_an_empty_flagged_map() {
    let x = image([2, 1, 8, 8], 1.0);
    for most in [0, 1, 7, 26, 40] {
        let seen = AtomicUsize::new(0);
        let counting = from_fn(|images: &Tensor| {
            seen.fetch_add(images.shape()[0], Ordering::Relaxed);
            let sums = images.outer_iter().map(|one| one.sum()).collect();
            Ok(Tensor::from_shape_vec(vec![images.shape()[0], 1], sums).unwrap())
        });
        let budget = Budget {
            max_evals: Some(most),
            time: None,
        };
        let options = Occlusion::new().window([4, 4]).stride([1, 1]).batch(4);
        let mut watch = Watch::quiet().budget(budget);
        let map = occlusion_watched(&counting, &x, &Target::Top, &options, &mut watch).unwrap();
        assert_eq!(seen.load(Ordering::Relaxed), most);
        assert_eq!(watch.passes().done, most);
        // 25 positions and the image itself for each of the two.
        for (i, flags) in map.flags.iter().enumerate() {
            let done = most.saturating_sub(26 * i).min(26);
            let expected = match done {
                26 => vec![],
                _ => vec![Flag::Unfinished {
                    done: done as f64 / 26.0,
                }],
            };
            assert_eq!(flags, &expected, "a budget of {most}");
        }
        if most == 0 {
            assert!(map.values.iter().all(|&v| v == 0.0));
            assert_eq!(map.classes, [None, None]);
        }
    }
}

#[test]
fn no_more_images_than_a_batch_are_in_memory_however_many_positions_there_are() {
    for stride in [4, 1] {
        let most = Mutex::new(0);
        let watching = from_fn(|images: &Tensor| {
            let n = images.shape()[0];
            let mut most = most.lock().unwrap();
            *most = n.max(*most);
            Ok(Tensor::zeros(vec![n, 2]))
        });
        let x = image([1, 1, 40, 40], 1.0);
        let options = Occlusion::new()
            .window([4, 4])
            .stride([stride; 2])
            .batch(10);
        occlusion(&watching, &x, &Target::Class(1), &options).unwrap();
        assert_eq!(*most.lock().unwrap(), 10);
    }
}

#[test]
fn mistakes_are_answered_with_both_numbers() {
    let net = net(3, 8);
    let x = image([1, 3, 8, 8], 1.0);
    let colour = Occlusion::new().fill(Fill::Colour(vec![0.1, 0.2]));
    let cases = [
        (
            Occlusion::new().window([9, 2]),
            Target::Top,
            vec!["9x2", "8x8"],
        ),
        (Occlusion::new().window([0, 2]), Target::Top, vec!["0x2"]),
        (
            Occlusion::new().stride([0, 1]),
            Target::Top,
            vec!["stride of 0x1"],
        ),
        (Occlusion::new().batch(0), Target::Top, vec!["batch of 0"]),
        (colour, Target::Top, vec!["3 channels", "got 2"]),
        (
            Occlusion::new(),
            Target::Class(4),
            vec!["class 4", "4 apart"],
        ),
    ];
    for (options, target, words) in cases {
        let error = occlusion(&net, &x, &target, &options)
            .unwrap_err()
            .to_string();
        assert!(words.iter().all(|w| error.contains(w)), "{error}");
    }
    let groups = Array2::zeros((8, 7));
    let error = feature_ablation(&net, &x, &Target::Top, &groups, &Ablation::new()).unwrap_err();
    assert!(error.to_string().contains("[8, 7]"), "{error}");
}

#[test]
fn the_three_maps_of_the_paper_are_what_the_network_says_at_each_position() {
    let net = net(1, 8);
    let x = image([2, 1, 8, 8], 5.0);
    let options = Occlusion::new()
        .window([3, 3])
        .stride([2, 2])
        .fill(Fill::Zero);
    let maps = occlusion_maps(&net, "relu1", &x, &Target::Top, &options).unwrap();
    assert_eq!(maps.response.dim(), (2, 3, 3));
    let sums = |x: &Tensor| {
        let all = net.trace(x).unwrap().activation("relu1").unwrap().clone();
        let sums: Vec<f32> = all
            .index_axis(Axis(0), 0)
            .outer_iter()
            .map(|c| c.sum())
            .collect();
        sums
    };
    for i in 0..2 {
        let one = x.slice_axis(Axis(0), Slice::from(i..i + 1)).to_owned();
        let class = net.predict(&one).unwrap()[0];
        let before = sums(&one);
        let top = before.iter().copied().fold(f32::MIN, f32::max);
        assert_eq!(before[maps.channels[i]], top);
        for (y, z) in (0..3).flat_map(|y| (0..3).map(move |z| (y, z))) {
            let mut hidden = one.clone();
            for (v, u) in (0..3).flat_map(|v| (0..3).map(move |u| (v, u))) {
                hidden[[0, 0, 2 * y + v, 2 * z + u]] = 0.0;
            }
            let chances = net.probabilities(&hidden).unwrap();
            assert!((maps.probability[[i, y, z]] - chances[[0, class]]).abs() < 1e-5);
            assert_eq!(
                maps.most_probable[[i, y, z]],
                net.predict(&hidden).unwrap()[0]
            );
            let response = sums(&hidden)[maps.channels[i]];
            assert!((maps.response[[i, y, z]] - response).abs() < 1e-3);
        }
    }
    let error = |layer| {
        let found = occlusion_maps(&net, layer, &x, &Target::Top, &options);
        found.unwrap_err().to_string()
    };
    assert!(error("relu").contains("\"relu1\""), "{}", error("relu"));
    assert!(error("fc").contains("feature maps"), "{}", error("fc"));
}

#[test]
fn results_can_go_anywhere() {
    fn anywhere<T: Send + Sync + Clone + std::fmt::Debug + 'static>() {}
    anywhere::<Occlusion>();
    anywhere::<Ablation>();
    anywhere::<OcclusionMaps>();
    anywhere::<Segmentation>();
    anywhere::<Superpixels>();
    anywhere::<Lime>();
    anywhere::<LimeExplanation>();
    anywhere::<Curves>();
    anywhere::<DeletionInsertion>();
    anywhere::<AverageDrop>();
    anywhere::<SensitivityMax>();
    anywhere::<RandomisationCheck>();
}
