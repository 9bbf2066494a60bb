//! What both peers share: the workloads' names, the numbers, the clock, the conversation.

use std::io::{BufRead, Write};
use std::time::Instant;

/// `conv-NxCxSIZE-K-F-PASSES`; stride 1, padding `k / 2`.
#[derive(Clone, Copy, Debug)]
pub struct Convolution {
    pub batch: usize,
    pub channels: usize,
    pub size: usize,
    pub kernel: usize,
    pub filters: usize,
    /// Whether the gradients are wanted, of input, weights and bias.
    pub backward: bool,
}

impl Convolution {
    fn parse(name: &str) -> Option<Convolution> {
        let mut parts = name.strip_prefix("conv-")?.split('-');
        let mut sizes = parts.next()?.split('x').map(|n| n.parse().ok());
        let (batch, channels, size) = (sizes.next()??, sizes.next()??, sizes.next()??);
        let (kernel, filters) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let backward = match parts.next()? {
            "forward" => false,
            "both" => true,
            _ => return None,
        };
        Some(Convolution {
            batch,
            channels,
            size,
            kernel,
            filters,
            backward,
        })
    }

    pub fn input(&self) -> [usize; 4] {
        [self.batch, self.channels, self.size, self.size]
    }

    pub fn weights(&self) -> [usize; 4] {
        [self.filters, self.channels, self.kernel, self.kernel]
    }
}

/// Numbers between -0.5 and 0.5 in no order (SplitMix64).
pub fn numbers(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..len).map(|_| next()).collect()
}

/// Answers each line `NAME SECONDS LEAST ...` with the milliseconds of each run but the first.
/// `prepare` makes the function that is timed.
pub fn serve(version: &str, mut prepare: impl FnMut(Convolution) -> Box<dyn FnMut()>) {
    println!("{{\"version\": \"{version}\"}}");
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let asked = || {
            let [name, seconds, least, ..] = words[..] else {
                return None;
            };
            let seconds: f64 = seconds.parse().ok()?;
            let least: usize = least.parse().ok()?;
            Some((Convolution::parse(name)?, seconds, least))
        };
        match asked() {
            None => println!("{{\"error\": \"not a convolution\"}}"),
            Some((convolution, seconds, least)) => {
                let mut run = prepare(convolution);
                let times = measure(seconds, least, &mut run);
                println!("{{\"milliseconds\": {times:?}}}");
            }
        }
        let _ = std::io::stdout().flush();
    }
}

fn measure(seconds: f64, least: usize, run: &mut dyn FnMut()) -> Vec<f64> {
    const MOST: usize = 200;
    run();
    let (start, mut times) = (Instant::now(), Vec::new());
    while times.len() < MOST && (times.len() < least || start.elapsed().as_secs_f64() < seconds) {
        let begun = Instant::now();
        run();
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times
}
