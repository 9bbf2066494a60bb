//! What a process that computes finds in its environment: the notebook kernel, and everything
//! else of `cargo course` that starts one (`run`, `test`, `doctor`).

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the choice of OpenBLAS's core depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Processor {
    /// The parts of AVX-512 that OpenBLAS's SkylakeX kernels use: F, DQ, BW, VL.
    pub avx512: bool,
}

impl Processor {
    pub fn of_this_machine() -> Processor {
        #[cfg(target_arch = "x86_64")]
        let avx512 = std::is_x86_feature_detected!("avx512f")
            && std::is_x86_feature_detected!("avx512dq")
            && std::is_x86_feature_detected!("avx512bw")
            && std::is_x86_feature_detected!("avx512vl");
        #[cfg(not(target_arch = "x86_64"))]
        let avx512 = false;
        Processor { avx512 }
    }
}

/// The variables for a computing process, of those that the user has not set already.
///
/// OpenBLAS reads them when it is loaded, so they must be there before the process starts.
pub fn compute_environment() -> Vec<(String, String)> {
    compute_variables(Processor::of_this_machine(), |name| std::env::var_os(name))
}

fn compute_variables(
    processor: Processor,
    current: impl Fn(&str) -> Option<OsString>,
) -> Vec<(String, String)> {
    let mut wanted = Vec::new();
    // Older OpenBLAS takes newer processors with AVX-512 for Haswell: half their speed.
    if processor.avx512 {
        wanted.push(("OPENBLAS_CORETYPE".to_owned(), "SKYLAKEX".to_owned()));
    }
    // The engine shares work over threads itself; two pools get in each other's way.
    wanted.push(("OPENBLAS_NUM_THREADS".to_owned(), "1".to_owned()));
    let mut variables: Vec<_> = wanted
        .into_iter()
        .filter(|(name, _)| current(name).is_none_or(|value| value.is_empty()))
        .collect();
    for (name, folder) in library_folders(&current) {
        let old = current(name).unwrap_or_default();
        let folders = std::env::split_paths(&old).collect::<Vec<_>>();
        if !folders.contains(&folder)
            && let Ok(joined) = std::env::join_paths(std::iter::once(folder).chain(folders))
        {
            variables.push((name.to_owned(), joined.to_string_lossy().into_owned()));
        }
    }
    variables
}

/// Where conda or Homebrew keeps OpenBLAS, for the linker and for the loader.
fn library_folders(
    current: &impl Fn(&str) -> Option<OsString>,
) -> impl Iterator<Item = (&'static str, PathBuf)> {
    let conda = current("CONDA_PREFIX")
        .map(|prefix| PathBuf::from(prefix).join("lib"))
        .filter(|lib| has_openblas(lib));
    let loader = if cfg!(target_os = "macos") {
        "DYLD_FALLBACK_LIBRARY_PATH"
    } else {
        "LD_LIBRARY_PATH"
    };
    let brew = cfg!(target_os = "macos")
        .then_some([
            "/opt/homebrew/opt/openblas/lib",
            "/usr/local/opt/openblas/lib",
        ])
        .into_iter()
        .flatten()
        .map(PathBuf::from)
        .find(|lib| has_openblas(lib));
    conda
        .into_iter()
        .flat_map(move |lib| [("LIBRARY_PATH", lib.clone()), (loader, lib)])
        .chain(brew.map(|lib| ("LIBRARY_PATH", lib)))
}

/// Makes a link, replacing what stands in its place.
pub fn link(source: &Path, target: &Path) -> anyhow::Result<()> {
    use anyhow::Context;
    if std::fs::read_link(target).is_ok_and(|old| old == source) {
        return Ok(());
    }
    if std::fs::remove_file(target).is_err() {
        let _ = std::fs::remove_dir(target);
    }
    #[cfg(unix)]
    let made = std::os::unix::fs::symlink(source, target);
    #[cfg(not(unix))]
    let made = std::fs::copy(source, target).map(drop);
    made.with_context(|| format!("cannot link {} to {}", target.display(), source.display()))
}

pub fn has_openblas(folder: &Path) -> bool {
    [
        "libopenblas.so",
        "libopenblas.dylib",
        "libopenblas.so.0",
        "libopenblas.a",
    ]
    .iter()
    .any(|name| folder.join(name).exists())
}

/// Takes out of a command's environment what `cargo run` put into this program's, so that what
/// it starts does not find another build's libraries, nor a cargo of its own finds other settings.
pub fn forget_cargo_run(command: &mut Command, root: &Path) {
    for (name, value) in std::env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        if is_from_cargo(text) {
            command.env_remove(&name);
        } else if matches!(text, "LD_LIBRARY_PATH" | "DYLD_FALLBACK_LIBRARY_PATH") {
            match without_build_folders(&value, root) {
                Some(kept) => command.env(&name, kept),
                None => command.env_remove(&name),
            };
        }
    }
}

fn is_from_cargo(name: &str) -> bool {
    matches!(
        name,
        "CARGO"
            | "CARGO_MANIFEST_DIR"
            | "CARGO_MANIFEST_PATH"
            | "CARGO_CRATE_NAME"
            | "CARGO_BIN_NAME"
            | "CARGO_PRIMARY_PACKAGE"
            | "CARGO_TARGET_DIR"
            | "CARGO_ENCODED_RUSTFLAGS"
            | "CARGO_BUILD_TARGET"
            | "RUSTFLAGS"
            | "RUSTC"
            | "RUST_RECURSION_COUNT"
    ) || name.starts_with("CARGO_PKG_")
        || name.starts_with("CARGO_PROFILE_")
}

fn without_build_folders(value: &OsStr, root: &Path) -> Option<OsString> {
    let target = root.join("target");
    let own = std::env::current_exe().ok();
    let own = own.as_deref().and_then(Path::parent);
    let kept: Vec<_> = std::env::split_paths(value)
        .filter(|folder| {
            !folder.as_os_str().is_empty()
                && !folder.starts_with(&target)
                && own.is_none_or(|own| !folder.starts_with(own))
                && !folder
                    .components()
                    .any(|part| part.as_os_str() == "rustlib")
        })
        .collect();
    if kept.is_empty() {
        return None;
    }
    std::env::join_paths(kept).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(avx512: bool, set: &[(&str, &str)]) -> Vec<(String, String)> {
        compute_variables(Processor { avx512 }, |name| {
            set.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| OsString::from(value))
        })
    }

    fn value<'a>(variables: &'a [(String, String)], name: &str) -> Option<&'a str> {
        variables
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    #[test]
    fn the_core_is_named_only_with_avx512_and_only_when_the_user_has_not() {
        let core = |avx512, set: &[_]| {
            value(&variables(avx512, set), "OPENBLAS_CORETYPE").map(str::to_owned)
        };
        assert_eq!(core(true, &[]).as_deref(), Some("SKYLAKEX"));
        assert_eq!(core(false, &[]), None);
        assert_eq!(core(true, &[("OPENBLAS_CORETYPE", "HASWELL")]), None);
    }

    #[test]
    fn blas_runs_on_one_thread_unless_the_user_says_otherwise() {
        let name = "OPENBLAS_NUM_THREADS";
        assert_eq!(value(&variables(false, &[]), name), Some("1"));
        assert_eq!(value(&variables(false, &[(name, "4")]), name), None);
    }

    #[test]
    fn an_active_conda_environment_lends_its_library_folder() {
        let prefix = tempfile::tempdir().unwrap();
        let lib = prefix.path().join("lib");
        std::fs::create_dir(&lib).unwrap();
        let set = [
            ("CONDA_PREFIX", prefix.path().to_str().unwrap()),
            ("LIBRARY_PATH", "/other"),
        ];
        assert_eq!(value(&variables(false, &set), "LIBRARY_PATH"), None);
        std::fs::write(lib.join("libopenblas.so"), "").unwrap();
        let found = variables(false, &set);
        let both = format!("{}:/other", lib.display());
        assert_eq!(value(&found, "LIBRARY_PATH"), Some(both.as_str()));
    }

    #[test]
    fn folders_of_other_builds_are_taken_off_the_library_path() {
        let root = Path::new("/course");
        let value = OsStr::new(
            "/course/target/debug/deps:/rust/lib/rustlib/x86_64-unknown-linux-gnu/lib:/usr/local/lib",
        );
        assert_eq!(
            without_build_folders(value, root).as_deref(),
            Some(OsStr::new("/usr/local/lib"))
        );
        assert_eq!(
            without_build_folders(OsStr::new("/course/target/debug"), root),
            None
        );
    }
}
