//! Inception v3 (Szegedy et al. 2016).

use super::{Entry, Network, Options, Result};
use crate::catalogue::{Accuracy, IMAGENET};
use crate::options::Plan;
use convscope_nn::{
    AvgPool2d, BatchNorm2d, Concat, Conv2d, Dropout, Flatten, GlobalAvgPool2d, MaxPool2d,
    NetworkBuilder, Relu,
};

pub(crate) const ENTRIES: [Entry; 1] = [Entry {
    name: "inception_v3",
    title: "Inception v3",
    source: "Szegedy et al. 2016, \"Rethinking the Inception architecture\", table 1",
    input: [3, 299, 299],
    smallest: 75,
    year: 2016,
    accuracy: Accuracy::torchvision(77.294, 93.45),
    parameters: 23_834_568,
    multiply_adds: 5_713_216_096,
    in_torchvision: true,
    builder: inception_v3,
    ..IMAGENET
}];

/// A convolution, batch norm and ReLU behind the node `after`, as a block of this name.
fn unit(b: NetworkBuilder, after: &str, name: &str, conv: Conv2d) -> NetworkBuilder {
    b.block_after(after, name, |b| {
        b.add("conv", conv.no_bias())
            .add("bn", BatchNorm2d::new().eps(0.001))
            .add("relu", Relu)
    })
}

/// Units one after the other, `name_1`, `name_2` ..., from the module's input on.
fn row<const N: usize>(b: NetworkBuilder, name: &str, convs: [Conv2d; N]) -> NetworkBuilder {
    let mut after = "input".to_owned();
    (1..).zip(convs).fold(b, |b, (i, conv)| {
        let name = format!("{name}_{i}");
        let b = unit(b, &after, &name, conv);
        after = name;
        b
    })
}

/// The way through a mean of the neighbourhood.
fn pooled(b: NetworkBuilder, conv: Conv2d) -> NetworkBuilder {
    let pool = AvgPool2d::new(3).stride(1).padding(1);
    let b = b.add_after(&["input"], "avg_pool", pool);
    unit(b, "avg_pool", "branch_pool", conv)
}

/// Figure 5: two 3x3 filters for a 5x5.
fn a(o: Plan, pool: usize) -> impl FnOnce(NetworkBuilder) -> NetworkBuilder {
    move |b| {
        let b = unit(b, "input", "branch1x1", o.conv(64, 1));
        let b = row(b, "branch5x5", [o.conv(48, 1), o.padded(64, 5)]);
        let dbl = [o.conv(64, 1), o.padded(96, 3), o.padded(96, 3)];
        let b = pooled(row(b, "branch3x3dbl", dbl), o.conv(pool, 1));
        let ends = ["branch1x1", "branch5x5_2", "branch3x3dbl_3", "branch_pool"];
        b.add_after(&ends, "concat", Concat)
    }
}

/// Figure 10: a pooling beside strided filters, so that nothing is squeezed before it is reduced.
fn b(o: Plan) -> impl FnOnce(NetworkBuilder) -> NetworkBuilder {
    move |b| {
        let b = unit(b, "input", "branch3x3", o.conv(384, 3).stride(2));
        let dbl = [o.conv(64, 1), o.padded(96, 3), o.conv(96, 3).stride(2)];
        let b = row(b, "branch3x3dbl", dbl);
        let b = b.add_after(&["input"], "max_pool", MaxPool2d::new(3).stride(2));
        b.add_after(
            &["branch3x3", "branch3x3dbl_3", "max_pool"],
            "concat",
            Concat,
        )
    }
}

/// Figure 6: 1x7 and 7x1 filters for 7x7 ones.
fn c(o: Plan, w: usize) -> impl FnOnce(NetworkBuilder) -> NetworkBuilder {
    move |b| {
        let across = |filters| o.padded_rect(filters, 1, 7);
        let down = |filters| o.padded_rect(filters, 7, 1);
        let b = unit(b, "input", "branch1x1", o.conv(192, 1));
        let b = row(b, "branch7x7", [o.conv(w, 1), across(w), down(192)]);
        let dbl = [o.conv(w, 1), down(w), across(w), down(w), across(192)];
        let b = pooled(row(b, "branch7x7dbl", dbl), o.conv(192, 1));
        let ends = ["branch1x1", "branch7x7_3", "branch7x7dbl_5", "branch_pool"];
        b.add_after(&ends, "concat", Concat)
    }
}

/// Figure 10 again, on the smaller grid.
fn d(o: Plan) -> impl FnOnce(NetworkBuilder) -> NetworkBuilder {
    move |b| {
        let b = row(b, "branch3x3", [o.conv(192, 1), o.conv(320, 3).stride(2)]);
        let far = [
            o.conv(192, 1),
            o.padded_rect(192, 1, 7),
            o.padded_rect(192, 7, 1),
            o.conv(192, 3).stride(2),
        ];
        let b = row(b, "branch7x7x3", far);
        let b = b.add_after(&["input"], "max_pool", MaxPool2d::new(3).stride(2));
        b.add_after(
            &["branch3x3_2", "branch7x7x3_4", "max_pool"],
            "concat",
            Concat,
        )
    }
}

/// Figure 7: filters side by side, 1x3 and 3x1, for many features on the coarsest grid.
fn e(o: Plan) -> impl FnOnce(NetworkBuilder) -> NetworkBuilder {
    move |b| {
        let (across, down) = (o.padded_rect(384, 1, 3), o.padded_rect(384, 3, 1));
        let fork = |b, after, [first, second]: [&str; 2]| {
            let b = unit(b, after, first, across.clone());
            unit(b, after, second, down.clone())
        };
        let b = unit(b, "input", "branch1x1", o.conv(320, 1));
        let b = unit(b, "input", "branch3x3_1", o.conv(384, 1));
        let b = fork(b, "branch3x3_1", ["branch3x3_2a", "branch3x3_2b"]);
        let b = row(b, "branch3x3dbl", [o.conv(448, 1), o.padded(384, 3)]);
        let b = fork(b, "branch3x3dbl_2", ["branch3x3dbl_3a", "branch3x3dbl_3b"]);
        let ends = [
            "branch1x1",
            "branch3x3_2a",
            "branch3x3_2b",
            "branch3x3dbl_3a",
            "branch3x3dbl_3b",
            "branch_pool",
        ];
        pooled(b, o.conv(192, 1)).add_after(&ends, "concat", Concat)
    }
}

/// Inception v3, table 1, under torchvision's parameter paths, without the auxiliary head (training
/// alone used it).
///
/// torchvision's own weights were trained with pixels from -1 to 1.
///
/// # Shapes
/// An image of 3 x 299 x 299, or another size, to 1000 logits.
///
/// # Errors
/// When the image is smaller than 75 x 75.
pub fn inception_v3(options: Options) -> Result<Network> {
    let o = options.or([3, 299, 299], 1000);
    let pool = || MaxPool2d::new(3).stride(2);
    let net = o.image(); // 3 x 299 x 299
    let net = unit(net, "input", "Conv2d_1a_3x3", o.conv(32, 3).stride(2)); // 32 x 149 x 149
    let net = unit(net, "Conv2d_1a_3x3", "Conv2d_2a_3x3", o.conv(32, 3)); // 32 x 147 x 147
    let net = unit(net, "Conv2d_2a_3x3", "Conv2d_2b_3x3", o.padded(64, 3)) // 64 x 147 x 147
        .add("maxpool1", pool()); // 64 x 73 x 73
    let net = unit(net, "maxpool1", "Conv2d_3b_1x1", o.conv(80, 1)); // 80 x 73 x 73
    let net = unit(net, "Conv2d_3b_1x1", "Conv2d_4a_3x3", o.conv(192, 3)) // 192 x 71 x 71
        .add("maxpool2", pool()) // 192 x 35 x 35
        .block("Mixed_5b", a(o, 32)) // 256 x 35 x 35
        .block("Mixed_5c", a(o, 64)) // 288 x 35 x 35
        .block("Mixed_5d", a(o, 64)) // 288 x 35 x 35
        .block("Mixed_6a", b(o)) // 768 x 17 x 17
        .block("Mixed_6b", c(o, 128))
        .block("Mixed_6c", c(o, 160))
        .block("Mixed_6d", c(o, 160))
        .block("Mixed_6e", c(o, 192)) // 768 x 17 x 17
        .block("Mixed_7a", d(o)) // 1280 x 8 x 8
        .block("Mixed_7b", e(o)) // 2048 x 8 x 8
        .block("Mixed_7c", e(o)) // 2048 x 8 x 8
        .add("avgpool", GlobalAvgPool2d) // 2048 x 1 x 1
        .add("dropout", Dropout::new(0.5))
        .add("flatten", Flatten)
        .add("fc", o.fc(o.classes));
    o.build(net)
}
