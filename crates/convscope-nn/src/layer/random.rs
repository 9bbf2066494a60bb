//! Random numbers by counting: the number at a place depends on the seed and the place alone, so
//! that threads may draw them in any order.

/// The output function of SplitMix64 (Steele, Lea and Flood 2014) at step `counter`: 64 bits that
/// pass for independent of those of any other seed and counter.
#[inline(always)]
pub(crate) fn mix(seed: u64, counter: u64) -> u64 {
    let mut z = seed.wrapping_add(counter.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
