//! Convolutions in burn, on its Flex backend for CPUs.

use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData};
use convscope_peers::{Convolution, numbers, serve};
use std::hint::black_box;

fn main() {
    serve("0.22.0", prepare);
}

fn prepare(c: Convolution) -> Box<dyn FnMut()> {
    let device = match c.backward {
        true => Device::flex().autodiff(),
        false => Device::flex(),
    };
    let options = ConvOptions::new([1, 1], [c.kernel / 2; 2], [1, 1], 1);
    let tensor = |shape: [usize; 4], seed| {
        let data = TensorData::new(numbers(shape.iter().product(), seed), shape);
        Tensor::<4>::from_data(data, &device)
    };
    let (x, w) = (tensor(c.input(), 1), tensor(c.weights(), 2));
    let b = TensorData::new(numbers(c.filters, 3), [c.filters]);
    let b = Tensor::<1>::from_data(b, &device);
    if !c.backward {
        return Box::new(move || {
            black_box(conv2d(x.clone(), w.clone(), Some(b.clone()), options.clone()));
        });
    }
    let (x, w, b) = (x.require_grad(), w.require_grad(), b.require_grad());
    Box::new(move || {
        let y = conv2d(x.clone(), w.clone(), Some(b.clone()), options.clone());
        // Its backward pass begins with ones.
        let gradients = y.backward();
        black_box((x.grad(&gradients), w.grad(&gradients), b.grad(&gradients)));
    })
}
