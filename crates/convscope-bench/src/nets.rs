//! The networks, with random weights: what they put out does not matter here.

use crate::builder::{Builder, Watch};
use convscope_nn::{
    Add, BatchNorm1d, BatchNorm2d, Concat, Conv2d, Dropout, Flatten, Gelu, GlobalAvgPool2d, Init,
    Linear, MaxPool2d, Network, Padding, Relu, Result,
};
use std::sync::Arc;

/// The seed of every network's weights.
const SEED: u64 = 1;

/// The network that these layers make, watched if wanted.
fn built(
    input: [usize; 3],
    watch: Option<&Arc<Watch>>,
    layers: impl FnOnce(Builder) -> Builder,
) -> Result<Network> {
    layers(Builder::new(Network::input(input), watch.cloned()))
        .done()
        .build(SEED)
}

/// A 3x3 convolution that keeps the image's size.
fn conv3(filters: usize) -> Conv2d {
    Conv2d::new(filters, 3).padding(Padding::Each(1))
}

/// The course's first CNN: 251,210 parameters.
pub fn cnn1(watch: Option<&Arc<Watch>>) -> Result<Network> {
    built([1, 28, 28], watch, |b| {
        b.add("conv1", conv3(32))
            .add("relu1", Relu)
            .add("flatten", Flatten)
            .add("fc", Linear::new(10))
    })
}

/// The course's second: 36,314 parameters, running statistics counted.
pub fn cnn2(watch: Option<&Arc<Watch>>) -> Result<Network> {
    let block = |filters: usize| {
        move |b: Builder| {
            b.add("conv1", conv3(filters))
                .add("bn1", BatchNorm2d::new())
                .add("relu1", Relu)
                .add("conv2", conv3(filters))
                .add("bn2", BatchNorm2d::new())
                .add("relu2", Relu)
                .add("pool", MaxPool2d::new(2))
                .add("drop", Dropout::new(0.3))
        }
    };
    built([1, 28, 28], watch, |b| {
        b.block("block1", block(8))
            .block("block2", block(16))
            .add("flatten", Flatten)
            .add("fc1", Linear::new(40))
            .add("bn", BatchNorm1d::new())
            .add("relu", Relu)
            .add("drop", Dropout::new(0.3))
            .add("fc2", Linear::new(10))
    })
}

/// LeCun's network of 1998 with ReLU and max pooling.
pub fn lenet(watch: Option<&Arc<Watch>>) -> Result<Network> {
    built([1, 28, 28], watch, |b| {
        b.add("conv1", Conv2d::new(6, 5).padding(Padding::Each(2)))
            .add("relu1", Relu)
            .add("pool1", MaxPool2d::new(2))
            .add("conv2", Conv2d::new(16, 5))
            .add("relu2", Relu)
            .add("pool2", MaxPool2d::new(2))
            .add("flatten", Flatten)
            .add("fc1", Linear::new(120))
            .add("relu3", Relu)
            .add("fc2", Linear::new(84))
            .add("relu4", Relu)
            .add("fc3", Linear::new(10))
    })
}

/// 64-64-P-128-128-P-256-256-P, each convolution followed by batch norm and ReLU.
pub fn vgg_small(watch: Option<&Arc<Watch>>) -> Result<Network> {
    built([3, 32, 32], watch, |mut b| {
        for (i, filters) in [64, 128, 256].into_iter().enumerate() {
            b = b.block(&format!("block{}", i + 1), |b| {
                b.add("conv1", conv3(filters).no_bias())
                    .add("bn1", BatchNorm2d::new())
                    .add("relu1", Relu)
                    .add("conv2", conv3(filters).no_bias())
                    .add("bn2", BatchNorm2d::new())
                    .add("relu2", Relu)
                    .add("pool", MaxPool2d::new(2))
            });
        }
        b.add("flatten", Flatten).add("fc", Linear::new(10))
    })
}

/// Jordan's airbench94 (2024, <https://arxiv.org/abs/2404.00498>) without its tricks of training:
/// a 2x2 convolution that there whitens patches, then three groups of two convolutions. Its factor
/// of 1/9 on the logits is in the last layer's weights.
pub fn airbench(watch: Option<&Arc<Watch>>) -> Result<Network> {
    built([3, 32, 32], watch, |mut b| {
        b = b.add("whiten", Conv2d::new(24, 2)).add("gelu", Gelu::new());
        for (i, filters) in [64, 256, 256].into_iter().enumerate() {
            b = b.block(&format!("group{}", i + 1), |b| {
                b.add("conv1", conv3(filters).no_bias())
                    .add("pool", MaxPool2d::new(2))
                    .add("bn1", BatchNorm2d::new())
                    .add("gelu1", Gelu::new())
                    .add("conv2", conv3(filters).no_bias())
                    .add("bn2", BatchNorm2d::new())
                    .add("gelu2", Gelu::new())
            });
        }
        b.add("pool", MaxPool2d::new(3))
            .add("flatten", Flatten)
            .add("fc", Linear::new(10).init(Init::Normal(0.01)))
    })
}

/// Simonyan and Zisserman's network D: convolutions a block and their filters.
const VGG16: [(usize, usize); 5] = [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)];

/// VGG-16 up to convolution `last` of block 5, or the whole of it.
fn vgg16_until(size: usize, last: Option<usize>, watch: Option<&Arc<Watch>>) -> Result<Network> {
    built([3, size, size], watch, |mut b| {
        for (i, (convolutions, filters)) in VGG16.into_iter().enumerate() {
            for j in 1..=convolutions {
                b = b.add(&format!("block{}_conv{j}", i + 1), conv3(filters));
                if i == 4 && last == Some(j) {
                    return b;
                }
                b = b.add(&format!("block{}_relu{j}", i + 1), Relu);
            }
            b = b.add(&format!("block{}_pool", i + 1), MaxPool2d::new(2));
        }
        b.add("flatten", Flatten)
            .add("fc1", Linear::new(4096))
            .add("relu1", Relu)
            .add("drop1", Dropout::new(0.5))
            .add("fc2", Linear::new(4096))
            .add("relu2", Relu)
            .add("drop2", Dropout::new(0.5))
            .add("fc3", Linear::new(1000))
    })
}

pub fn vgg16(watch: Option<&Arc<Watch>>) -> Result<Network> {
    vgg16_until(224, None, watch)
}

/// The part of VGG-16 that block5_conv2 sees, for images of 128x128.
pub fn vgg16_head(watch: Option<&Arc<Watch>>) -> Result<Network> {
    vgg16_until(128, Some(2), watch)
}

/// ResNet-50 (He et al. 2016) with the stride in the 3x3 convolution, as torchvision has it.
pub fn resnet50(watch: Option<&Arc<Watch>>) -> Result<Network> {
    let bottleneck = |width: usize, stride: usize, project: bool| {
        move |mut b: Builder| {
            b = b
                .add("conv1", Conv2d::new(width, 1).no_bias())
                .add("bn1", BatchNorm2d::new())
                .add("relu1", Relu)
                .add("conv2", conv3(width).stride(stride).no_bias())
                .add("bn2", BatchNorm2d::new())
                .add("relu2", Relu)
                .add("conv3", Conv2d::new(4 * width, 1).no_bias())
                .add("bn3", BatchNorm2d::new());
            let shortcut = if project {
                b = b
                    .add_after(
                        &["input"],
                        "project",
                        Conv2d::new(4 * width, 1).stride(stride).no_bias(),
                    )
                    .add("project_bn", BatchNorm2d::new());
                "project_bn"
            } else {
                "input"
            };
            b.add_after(&["bn3", shortcut], "sum", Add)
                .add("relu3", Relu)
        }
    };
    built([3, 224, 224], watch, |mut b| {
        b = b
            .add(
                "conv1",
                Conv2d::new(64, 7)
                    .stride(2)
                    .padding(Padding::Each(3))
                    .no_bias(),
            )
            .add("bn1", BatchNorm2d::new())
            .add("relu1", Relu)
            .add("pool1", MaxPool2d::new(3).stride(2).padding(1));
        for (stage, (blocks, width)) in [(3, 64), (4, 128), (6, 256), (3, 512)]
            .into_iter()
            .enumerate()
        {
            for i in 0..blocks {
                let stride = if stage > 0 && i == 0 { 2 } else { 1 };
                let name = format!("stage{}_{}", stage + 1, i + 1);
                b = b.block(&name, bottleneck(width, stride, i == 0));
            }
        }
        b.add("avgpool", GlobalAvgPool2d)
            .add("flatten", Flatten)
            .add("fc", Linear::new(1000))
    })
}

/// SqueezeNet 1.0 (Iandola et al. 2016), as torchvision has it.
pub fn squeezenet(watch: Option<&Arc<Watch>>) -> Result<Network> {
    let fire = |squeeze: usize, expand: usize| {
        move |b: Builder| {
            b.add("squeeze", Conv2d::new(squeeze, 1))
                .add("squeeze_relu", Relu)
                .add("expand1", Conv2d::new(expand, 1))
                .add("expand1_relu", Relu)
                .add_after(&["squeeze_relu"], "expand3", conv3(expand))
                .add("expand3_relu", Relu)
                .add_after(&["expand1_relu", "expand3_relu"], "concat", Concat)
        }
    };
    let pool = || MaxPool2d::new(3).stride(2).ceil_mode();
    built([3, 224, 224], watch, |b| {
        b.add("conv1", Conv2d::new(96, 7).stride(2))
            .add("relu1", Relu)
            .add("pool1", pool())
            .block("fire2", fire(16, 64))
            .block("fire3", fire(16, 64))
            .block("fire4", fire(32, 128))
            .add("pool4", pool())
            .block("fire5", fire(32, 128))
            .block("fire6", fire(48, 192))
            .block("fire7", fire(48, 192))
            .block("fire8", fire(64, 256))
            .add("pool8", pool())
            .block("fire9", fire(64, 256))
            .add("drop9", Dropout::new(0.5))
            .add("conv10", Conv2d::new(1000, 1))
            .add("relu10", Relu)
            .add("avgpool", GlobalAvgPool2d)
            .add("flatten", Flatten)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_networks_have_as_many_parameters_as_the_published_ones() {
        for (net, parameters) in [
            (cnn1(None), 251_210),
            (cnn2(None), 36_138),
            (lenet(None), 61_706),
            (squeezenet(None), 1_248_424),
            (resnet50(None), 25_557_032),
        ] {
            assert_eq!(net.unwrap().parameter_count(), parameters);
        }
    }
}
