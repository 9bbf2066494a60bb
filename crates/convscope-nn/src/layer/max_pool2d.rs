//! Max pooling, with the switches that its backward pass (and a deconvnet) follows.

use super::pool::{Windows, windows};
use super::*;
use crate::conv::with_all_instructions;
use crate::parallel::{fresh, recycle, slice, slice_mut};
use crate::pool::fresh_switches;
use rayon::prelude::*;
use std::array::from_fn;

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
            windows: Windows::new([window; 2]),
        }
    }

    /// Windows of another shape, `height x width`.
    pub fn rect(height: usize, width: usize) -> MaxPool2d {
        MaxPool2d {
            windows: Windows::new([height, width]),
        }
    }
}

windows!(MaxPool2d);

/// Whether a number takes the place of the largest so far. Not just `new > best`: a NaN is not at
/// most anything, and stays once it has won.
#[allow(clippy::neg_cmp_op_on_partial_ord, clippy::eq_op)]
#[inline(always)]
fn wins<F: Real>(new: F, best: F) -> bool {
    !(new <= best) & (best == best)
}

/// The largest number of each column of `K` rows and, with `SWITCHES`, where in the plane it
/// stands; `places` are those of the rows' beginnings.
#[inline(always)]
fn down<F: Real, const SWITCHES: bool, const K: usize>(
    rows: [&[F]; K],
    places: [u32; K],
    largest: &mut [F],
    at: &mut [u32],
) {
    // Slices of one length and selections without branches: this becomes vector code.
    let columns = largest.len();
    let rows = rows.map(|row| &row[..columns]);
    let at = &mut at[..if SWITCHES { columns } else { 0 }];
    for i in 0..columns {
        let (mut best, mut row) = (rows[0][i], places[0]);
        for k in 1..K {
            let take = wins(rows[k][i], best);
            best = if take { rows[k][i] } else { best };
            row = if take { places[k] } else { row };
        }
        largest[i] = best;
        if SWITCHES {
            at[i] = row + i as u32;
        }
    }
}

/// `L` outputs side by side from the largest of `N = (L - 1) S + K` columns: windows of `K` columns
/// at steps of `S`.
#[inline(always)]
fn across<
    F: Real,
    const SWITCHES: bool,
    const K: usize,
    const S: usize,
    const L: usize,
    const N: usize,
>(
    columns: &[F; N],
    places: &[u32],
    y: &mut [F; L],
    switches: &mut [u32],
) {
    let mut best: [F; L] = from_fn(|i| columns[i * S]);
    if !SWITCHES {
        for j in 1..K {
            best = from_fn(|i| match wins(columns[i * S + j], best[i]) {
                true => columns[i * S + j],
                false => best[i],
            });
        }
        *y = best;
        return;
    }
    let places = places.first_chunk::<N>().expect("a place for each column");
    let mut at: [u32; L] = from_fn(|i| places[i * S]);
    for j in 1..K {
        let new: [F; L] = from_fn(|i| columns[i * S + j]);
        let here: [u32; L] = from_fn(|i| places[i * S + j]);
        // Of equals (and of NaNs) the first counts, row by row: that may be the later column's.
        let take: [u32; L] = from_fn(|i| {
            let first = !wins(best[i], new[i]) & (here[i] < at[i]);
            u32::from(wins(new[i], best[i]) | first).wrapping_neg()
        });
        best = from_fn(|i| if take[i] != 0 { new[i] } else { best[i] });
        at = from_fn(|i| (at[i] & !take[i]) | (here[i] & take[i]));
    }
    *y = best;
    *switches.first_chunk_mut().expect("as many as outputs") = at;
}

/// A row of outputs, `L` at a time, from the largest of its columns; the last `L` begin where they
/// end with the row, though some of them are done already. False when there are fewer than `L`.
#[inline(always)]
fn along<
    F: Real,
    const SWITCHES: bool,
    const K: usize,
    const S: usize,
    const L: usize,
    const N: usize,
>(
    columns: &[F],
    places: &[u32],
    y: &mut [F],
    switches: &mut [u32],
) -> bool {
    let Some(last) = y.len().checked_sub(L) else {
        return false;
    };
    for start in (0..last).step_by(L).chain([last]) {
        let columns = columns[start * S..].first_chunk::<N>();
        let (from, to) = if SWITCHES { (start * S, start) } else { (0, 0) };
        across::<F, SWITCHES, K, S, L, N>(
            columns.expect("windows lie in the image"),
            &places[from..],
            y[start..].first_chunk_mut().expect("L are left"),
            &mut switches[to..],
        );
    }
    true
}

/// What one thread needs for a row: the largest number of each column, and its place.
struct Columns<F> {
    largest: Vec<F>,
    at: Vec<u32>,
}

impl<F: Real> Columns<F> {
    fn new(width: usize) -> Columns<F> {
        Columns {
            largest: vec![F::zero(); width],
            at: vec![0; width],
        }
    }
}

impl MaxPool2d {
    /// One plane; without `SWITCHES` theirs are not written.
    #[inline(always)]
    fn plane<F: Real, const SWITCHES: bool>(
        &self,
        [h, w]: [usize; 2],
        [oh, ow]: [usize; 2],
        x: &[F],
        y: &mut [F],
        switches: &mut [u32],
        buffer: &mut Columns<F>,
    ) {
        let windows = self.windows;
        let whole = windows.whole(1, ow, w);
        for (oy, y) in (0..oh).zip(y.chunks_mut(ow)) {
            let switches = match SWITCHES {
                true => &mut switches[oy * ow..][..ow],
                false => &mut [],
            };
            let rows = windows.covered(0, oy, h);
            let mut done = 0..0;
            if rows.len() == windows.size[0] && !whole.is_empty() {
                let left = whole.start * windows.stride[1] - windows.pad[2];
                let row = |k: usize| &x[(rows.start + k) * w..][left..w];
                let place = |k: usize| ((rows.start + k) * w + left) as u32;
                let y = &mut y[whole.clone()];
                let switches = match SWITCHES {
                    true => &mut switches[whole.clone()],
                    false => &mut [],
                };
                // As many columns as the row's windows cover.
                let reach = (whole.len() - 1) * windows.stride[1] + windows.size[1];
                let (largest, at) = (&mut buffer.largest[..reach], &mut buffer.at[..]);
                let fast = match (windows.size, windows.stride[1]) {
                    ([2, 2], 2) => {
                        down::<F, SWITCHES, 2>([0, 1].map(row), [0, 1].map(place), largest, at);
                        along::<F, SWITCHES, 2, 2, 8, 16>(largest, at, y, switches)
                            || along::<F, SWITCHES, 2, 2, 4, 8>(largest, at, y, switches)
                            || along::<F, SWITCHES, 2, 2, 1, 2>(largest, at, y, switches)
                    }
                    ([3, 3], stride @ (1 | 2)) => {
                        let (rows, places) = ([0, 1, 2].map(row), [0, 1, 2].map(place));
                        down::<F, SWITCHES, 3>(rows, places, largest, at);
                        match stride {
                            2 => {
                                along::<F, SWITCHES, 3, 2, 8, 17>(largest, at, y, switches)
                                    || along::<F, SWITCHES, 3, 2, 4, 9>(largest, at, y, switches)
                                    || along::<F, SWITCHES, 3, 2, 1, 3>(largest, at, y, switches)
                            }
                            _ => {
                                along::<F, SWITCHES, 3, 1, 8, 10>(largest, at, y, switches)
                                    || along::<F, SWITCHES, 3, 1, 4, 6>(largest, at, y, switches)
                                    || along::<F, SWITCHES, 3, 1, 1, 3>(largest, at, y, switches)
                            }
                        }
                    }
                    _ => false,
                };
                if fast {
                    done = whole.clone();
                }
            }
            for ox in (0..done.start).chain(done.end..ow) {
                let columns = windows.covered(1, ox, w);
                let mut at = rows.start * w + columns.start;
                let mut best = x[at];
                for row in rows.clone() {
                    let values = &x[row * w..][..w][columns.clone()];
                    for (here, &new) in (row * w + columns.start..).zip(values) {
                        if wins(new, best) {
                            (best, at) = (new, here);
                        }
                    }
                }
                y[ox] = best;
                if SWITCHES {
                    switches[ox] = at as u32;
                }
            }
        }
    }

    fn run<F: Real, const SWITCHES: bool>(&self, x: &Tensor<F>) -> Result<(Tensor<F>, Vec<u32>)> {
        let [n, c, h, w] = batch_shape("MaxPool2d", x, None)?;
        let [oh, ow] = self.windows.output(h, w)?;
        let mut y = fresh(&[n, c, oh, ow]);
        let mut switches = match SWITCHES {
            true => fresh_switches(y.len()),
            false => Vec::new(),
        };
        let planes = slice_mut(&mut y)
            .par_chunks_mut(oh * ow)
            .zip(slice(x).par_chunks(h * w));
        if SWITCHES {
            let switches = switches.par_chunks_mut(oh * ow);
            planes.zip(switches).for_each_init(
                || Columns::new(w),
                |buffer, ((y, x), switches)| {
                    with_all_instructions(|| {
                        self.plane::<F, true>([h, w], [oh, ow], x, y, switches, buffer);
                    });
                },
            );
        } else {
            planes.for_each_init(
                || Columns::new(w),
                |buffer, (y, x)| {
                    with_all_instructions(|| {
                        self.plane::<F, false>([h, w], [oh, ow], x, y, &mut [], buffer);
                    });
                },
            );
        }
        Ok((y, switches))
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

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        vec![Operation::MaxPool(self.windows)]
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let (y, switches) = self.run::<F, true>(single("MaxPool2d", inputs)?)?;
        Ok((y, Saved::Switches(switches)))
    }

    fn output(&self, input: Cow<'_, Tensor<F>>, _pass: &Pass) -> Result<Tensor<F>> {
        let (y, _) = self.run::<F, false>(&input)?;
        if let Cow::Owned(input) = input {
            recycle(input);
        }
        Ok(y)
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
