use convscope_nn::conv::*;
use std::time::Instant;
fn main() {
    let shapes = [
        (1, 64, 224, 3, 64),
        (1, 128, 112, 3, 128),
        (1, 256, 56, 3, 256),
        (1, 512, 28, 3, 512),
        (1, 512, 14, 3, 512),
        (32, 3, 32, 5, 32),
        (32, 32, 32, 3, 32),
        (32, 64, 16, 3, 64),
        (128, 64, 32, 3, 64),
        (128, 1, 28, 3, 8),
        (128, 8, 28, 3, 8),
        (1, 3, 224, 3, 64),
        (1, 96, 54, 1, 16),
        (1, 64, 27, 3, 256),
    ];
    let only: Option<usize> = std::env::args().nth(1).and_then(|a| a.parse().ok());
    for (i, (n, c, hw, k, f)) in shapes.into_iter().enumerate() {
        if only.is_some_and(|o| o != i) {
            continue;
        }
        let g = Geometry::new(n, c, [hw; 2], f, [k; 2], [1; 2], [k / 2; 4]).unwrap();
        let r = |n: usize| {
            (0..n)
                .map(|i| ((i * 2654435761) % 1000) as f32 / 1000.0 - 0.5)
                .collect::<Vec<f32>>()
        };
        let (x, w, b, dy) = (
            r(n * g.input_len()),
            r(f * g.patch()),
            r(f),
            r(n * g.output_len()),
        );
        let (mut y, mut dx, mut dw, mut db) = (dy.clone(), x.clone(), w.clone(), b.clone());
        let p = Precision::Fast;
        let time = |f: &mut (dyn FnMut() + Send)| {
            let mut t: Vec<f64> = (0..if only.is_some() { 200 } else { 31 })
                .map(|_| {
                    let s = Instant::now();
                    f();
                    s.elapsed().as_secs_f64() * 1e3
                })
                .collect();
            t.sort_by(f64::total_cmp);
            t[t.len() / 2]
        };
        let pool = rayon::ThreadPoolBuilder::new().build().unwrap();
        let (tf, ti, tw) = pool.install(|| {
            (
                time(&mut || forward(&g, p, &x, &w, &b, &mut y)),
                time(&mut || backward_input(&g, p, &dy, &w, &mut dx)),
                time(&mut || backward_weight(&g, p, &x, &dy, &mut dw, &mut db)),
            )
        });
        let gf = |t: f64| g.multiply_adds() as f64 * 2.0 / t / 1e6;
        println!(
            "{n:4} {c:4} {hw:4} {k} {f:4}  fwd {tf:7.3} ({:5.0})  bwd_in {ti:7.3} ({:5.0})  bwd_w {tw:7.3} ({:5.0})  all {:7.3}",
            gf(tf),
            gf(ti),
            gf(tw),
            tf + ti + tw
        );
    }
}
