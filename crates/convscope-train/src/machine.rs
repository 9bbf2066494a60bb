//! What kind of machine this is, without its name.

/// Cores, architecture and the instructions that decide which kernels compute, and so the bits.
pub(crate) fn kind() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let plural = if cores == 1 { "" } else { "s" };
    format!(
        "{cores} core{plural}, {}{}, {}",
        std::env::consts::ARCH,
        instructions(),
        std::env::consts::OS
    )
}

fn instructions() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx512f") {
            return " with AVX-512";
        }
        if std::is_x86_feature_detected!("avx2") {
            return " with AVX2";
        }
    }
    ""
}
