//! Occlusion against captum (`fixtures/make_attributions.py`): a window of 8 pixels, a stride of 4,
//! hidden behind zero.

#[path = "common/attribution_nets.rs"]
mod attribution_nets;

use attribution_nets::fixtures;
use convscope_vis::{Fill, Occlusion, Target, occlusion};
use ndarray::Axis;

/// The largest difference, relative to the largest value, that is let pass.
const TOLERANCE: f32 = 1e-4;

#[test]
fn occlusion_agrees_with_captum() {
    let options = Occlusion::new()
        .window([8, 8])
        .stride([4, 4])
        .fill(Fill::Zero);
    for fixture in fixtures() {
        let expected = fixture.expected("occlusion");
        for i in 0..2 {
            let (image, class) = fixture.image(i);
            let found = occlusion(&fixture.net, &image, &Target::Class(class), &options).unwrap();
            let theirs = expected.index_axis(Axis(0), i).insert_axis(Axis(0));
            assert_eq!(found.values.shape(), theirs.shape());
            let largest = theirs.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
            let pairs = found.values.iter().zip(&theirs);
            let gap = pairs.fold(0.0_f32, |m, (a, b)| m.max((a - b).abs())) / largest;
            println!("{}, image {i}, {}: {gap:.1e}", fixture.name, fixture.layer);
            assert!(gap < TOLERANCE, "{}: {gap:.1e}", fixture.name);
        }
    }
}
