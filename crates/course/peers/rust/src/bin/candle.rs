//! Convolutions in candle, on its CPU backend.

use candle_core::{Device, Tensor, Var};
use convscope_peers::{Convolution, numbers, serve};
use std::hint::black_box;

fn main() {
    serve("0.11.1", |c| prepare(c).expect("shapes that fit"));
}

fn prepare(c: Convolution) -> candle_core::Result<Box<dyn FnMut()>> {
    let tensor = |shape: &[usize], seed| {
        Tensor::from_vec(numbers(shape.iter().product(), seed), shape, &Device::Cpu)
    };
    let x = tensor(&c.input(), 1)?;
    let w = tensor(&c.weights(), 2)?;
    let b = tensor(&[1, c.filters, 1, 1], 3)?;
    let convolve = move |x: &Tensor, w: &Tensor, b: &Tensor| {
        let y = x.conv2d(w, c.kernel / 2, 1, 1, 1)?;
        y.broadcast_add(b)
    };
    if !c.backward {
        return Ok(Box::new(move || {
            black_box(convolve(&x, &w, &b).expect("shapes that fit"));
        }));
    }
    let [x, w, b] = [x, w, b].map(|t| Var::from_tensor(&t));
    let (x, w, b) = (x?, w?, b?);
    Ok(Box::new(move || {
        let y = convolve(&x, &w, &b).expect("shapes that fit");
        // Its backward pass begins with ones.
        let gradients = y.backward().expect("a graph");
        black_box((gradients.get(&x), gradients.get(&w), gradients.get(&b)));
    }))
}
