//! Max pooling, with the switches that its backward pass (and a deconvnet) follows.

use super::pool::{Windows, windows};
use super::*;
use crate::parallel::{fresh, slice, slice_mut};
use crate::pool::fresh_switches;
use rayon::prelude::*;

/// The largest value in each window; on a tie the first, row by row. A NaN in the window wins, so
/// that it is not hidden. Padding never wins.
///
/// # Shapes
/// Input `[N, C, H, W]`, output `[N, C, OH, OW]` with
/// `OH = floor((H + 2 padding - window) / stride) + 1`, rounded up in ceil mode (then the last
/// window must still begin inside the image or its first padding, as in PyTorch).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool2d {
    windows: Windows,
}

impl MaxPool2d {
    /// Windows of `window x window` side by side, no padding.
    pub fn new(window: usize) -> MaxPool2d {
        MaxPool2d {
            windows: Windows::new(window),
        }
    }
}

windows!(MaxPool2d);

/// The largest number so far and its place.
#[derive(Clone, Copy)]
struct Best<F> {
    value: F,
    at: u32,
}

impl<F: Real> Best<F> {
    #[inline(always)]
    fn meet(&mut self, value: F, at: u32) {
        // Not `value > self.value`: a NaN is not at most anything, and stays once it has won.
        #[allow(clippy::neg_cmp_op_on_partial_ord, clippy::eq_op)]
        let wins = !(value <= self.value) & (self.value == self.value);
        self.value = if wins { value } else { self.value };
        self.at = if wins { at } else { self.at };
    }
}

/// The first row of outputs of whole windows of known size, without a check per number.
fn whole_windows<F: Real, const K: usize>(
    rows: [&[F]; K],
    stride: usize,
    places: [u32; K],
    y: &mut [F],
    switches: &mut [u32],
) {
    let mut windows = rows.map(|row| row.windows(K).step_by(stride));
    for (i, (y, switch)) in y.iter_mut().zip(switches).enumerate() {
        let column = (i * stride) as u32;
        let mut best = Best {
            value: F::nan(),
            at: u32::MAX,
        };
        for k in 0..K {
            let Some(window) = windows[k].next().and_then(|w| w.first_chunk::<K>()) else {
                return;
            };
            for (j, &value) in window.iter().enumerate() {
                let at = places[k] + column + j as u32;
                if k == 0 && j == 0 {
                    best = Best { value, at };
                } else {
                    best.meet(value, at);
                }
            }
        }
        *y = best.value;
        *switch = best.at;
    }
}

/// Pairs of columns of two rows: the compiler turns this one into vector code.
fn pairs<F: Real>(rows: [&[F]; 2], places: [u32; 2], y: &mut [F], switches: &mut [u32]) {
    let (above, _) = rows[0].as_chunks::<2>();
    let (below, _) = rows[1].as_chunks::<2>();
    let outputs = y.iter_mut().zip(switches);
    for ((i, (y, switch)), (a, b)) in (0u32..).zip(outputs).zip(above.iter().zip(below)) {
        let mut best = Best {
            value: a[0],
            at: places[0] + 2 * i,
        };
        best.meet(a[1], places[0] + 2 * i + 1);
        best.meet(b[0], places[1] + 2 * i);
        best.meet(b[1], places[1] + 2 * i + 1);
        *y = best.value;
        *switch = best.at;
    }
}

impl MaxPool2d {
    /// One plane.
    fn plane<F: Real>(
        &self,
        [h, w]: [usize; 2],
        [oh, ow]: [usize; 2],
        x: &[F],
        y: &mut [F],
        switches: &mut [u32],
    ) {
        let windows = self.windows;
        let whole = windows.whole(ow, w);
        let planes = y.chunks_mut(ow).zip(switches.chunks_mut(ow));
        for (oy, (y, switches)) in (0..oh).zip(planes) {
            let rows = windows.covered(oy, h);
            let fast = rows.len() == windows.size && matches!(windows.size, 2 | 3);
            let inside = if fast { whole.clone() } else { 0..0 };
            for ox in (0..inside.start).chain(inside.end..ow) {
                let columns = windows.covered(ox, w);
                let mut best = Best {
                    value: x[rows.start * w + columns.start],
                    at: (rows.start * w + columns.start) as u32,
                };
                for row in rows.clone() {
                    let values = &x[row * w..][..w][columns.clone()];
                    for (at, &value) in (row * w + columns.start..).zip(values) {
                        best.meet(value, at as u32);
                    }
                }
                y[ox] = best.value;
                switches[ox] = best.at;
            }
            if inside.is_empty() {
                continue;
            }
            let left = inside.start * windows.stride - windows.pad;
            let row = |k: usize| &x[(rows.start + k) * w..][left..w];
            let place = |k: usize| ((rows.start + k) * w + left) as u32;
            let (y, switches) = (&mut y[inside.clone()], &mut switches[inside]);
            match (windows.size, windows.stride) {
                (2, 2) => pairs([row(0), row(1)], [place(0), place(1)], y, switches),
                (2, stride) => {
                    let rows = [row(0), row(1)];
                    whole_windows(rows, stride, [place(0), place(1)], y, switches);
                }
                (_, stride) => {
                    let rows = [row(0), row(1), row(2)];
                    let places = [place(0), place(1), place(2)];
                    // A constant stride lets the compiler do without multiplications.
                    match stride {
                        2 => whole_windows(rows, 2, places, y, switches),
                        _ => whole_windows(rows, stride, places, y, switches),
                    }
                }
            }
        }
    }
}

impl<F: Real> Layer<F> for MaxPool2d {
    fn kind(&self) -> &'static str {
        "MaxPool2d"
    }

    fn settings(&self) -> String {
        self.windows.settings()
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        let [c, h, w] = image_shape("MaxPool2d", single("MaxPool2d", inputs)?)?;
        let [oh, ow] = self.windows.output(h, w)?;
        Ok(vec![c, oh, ow])
    }

    fn window(&self) -> Option<Window> {
        Some(self.windows.as_window())
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let x = *single("MaxPool2d", inputs)?;
        let [n, c, h, w] = batch_shape("MaxPool2d", x, None)?;
        let [oh, ow] = self.windows.output(h, w)?;
        let mut y = fresh(&[n, c, oh, ow]);
        let mut switches = fresh_switches(y.len());
        slice_mut(&mut y)
            .par_chunks_mut(oh * ow)
            .zip(switches.par_chunks_mut(oh * ow))
            .zip(slice(x).par_chunks(h * w))
            .for_each(|((y, switches), x)| self.plane([h, w], [oh, ow], x, y, switches));
        Ok((y, Saved::Switches(switches)))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        let Saved::Switches(switches) = seen.saved else {
            unreachable!("max pooling saves its switches")
        };
        let shape = &seen.input_shapes[0];
        let plane = shape[2] * shape[3];
        let pooled = gradient.shape()[2] * gradient.shape()[3];
        let mut dx = fresh(shape);
        slice_mut(&mut dx)
            .par_chunks_mut(plane)
            .zip(slice(gradient).par_chunks(pooled))
            .zip(switches.par_chunks(pooled))
            .for_each(|((dx, dy), switches)| {
                dx.fill(F::zero());
                for (&g, &i) in dy.iter().zip(switches) {
                    dx[i as usize] += g;
                }
            });
        Gradients::input(dx)
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}
