//! The gradient methods on the zoo's families of networks.

use convscope_nn::Tensor;
use convscope_vis::{GradCam, Reduce, Target, grad_cam, grad_cam_layer, saliency};
use convscope_zoo::{self as zoo, Options};
use ndarray::IxDyn;

#[test]
fn saliency_and_grad_cam_run_on_every_family_at_its_smallest() {
    for name in [
        "lenet5",
        "nin_cifar10",
        "vgg_cifar10",
        "googlenet",
        "resnet20",
        "densenet121",
        "squeezenet1_1",
        "cnn2",
        "convnetjs_cifar10",
        "airbench",
    ] {
        let entry = zoo::get(name).unwrap();
        let options = Options::new().classes(5).size(entry.smallest);
        let net = entry.build(options).unwrap();
        let shape = [&[1], net.input_shape()].concat();
        let mut i = 0.0_f32;
        let image = Tensor::from_shape_simple_fn(IxDyn(&shape), || {
            i += 1.0;
            (0.7 * i).sin()
        });
        let map = saliency(&net, &image, &Target::Top).unwrap();
        assert_eq!(map.values.shape(), image.shape(), "{name}");
        let pixels = map.per_pixel(Reduce::MaxAbs);
        assert!(pixels.iter().all(|v| v.is_finite()), "{name}");
        assert!(pixels.iter().any(|v| *v > 0.0), "{name}");
        assert!(map.flags[0].is_empty(), "{name}");
        let cam = grad_cam(&net, &image, &Target::Top, &GradCam::new().relu(false)).unwrap();
        assert_eq!(cam.values.shape()[1], 1, "{name}");
        assert_eq!(cam.values.shape()[2..], image.shape()[2..], "{name}");
        assert!(cam.values.iter().any(|v| *v != 0.0), "{name}");
    }
}

#[test]
fn grad_cam_looks_at_the_last_feature_maps_before_pooling_and_flattening() {
    for (name, size, layer) in [
        ("lenet5", 32, "c3_tanh"),
        ("alexnet", 224, "features.11"),
        ("nin_cifar10", 32, "mlpconv3.relu3"),
        ("vgg_cifar10", 32, "block4.relu2"),
        ("googlenet", 96, "inception5b.concat"),
        // At 75 pixels there is one place behind Mixed_6e; the two of one branch do not count.
        ("inception_v3", 75, "Mixed_6e.concat"),
        ("resnet18", 64, "layer4.1.relu"),
        ("resnet20", 32, "layer3.2.relu"),
        // An image of one place is one from the first layer on.
        ("resnet20", 1, "layer3.2.relu"),
        ("densenet121", 64, "relu"),
        ("squeezenet1_1", 64, "classifier.2"),
        ("airbench", 32, "group3.gelu2"),
    ] {
        let net = zoo::get(name).unwrap();
        let net = net.build(Options::new().blank().size(size)).unwrap();
        assert_eq!(grad_cam_layer(&net).unwrap(), layer, "{name} at {size}");
    }
    let dense = zoo::fc(Options::new()).unwrap();
    let error = grad_cam_layer(&dense).unwrap_err().to_string();
    assert!(
        error.contains("Grad-CAM needs a layer of feature maps"),
        "{error}"
    );
}
