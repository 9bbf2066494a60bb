//! `cargo course setup --clean`: takes away what set-up made.

use super::stamp;
use crate::kernel::copies;
use crate::paths::Paths;
use anyhow::{Context, Result, bail};
use convscope_progress::size;
use std::path::Path;
use std::process::ExitCode;

pub fn main(paths: &Paths) -> Result<ExitCode> {
    if !paths.made().exists() {
        eprintln!("There is nothing to remove.");
        return Ok(ExitCode::SUCCESS);
    }
    let freed = clean(paths)?;
    eprintln!("Removed {}: {} freed.", paths.made().display(), size(freed));
    Ok(ExitCode::SUCCESS)
}

fn clean(paths: &Paths) -> Result<u64> {
    let running = copies::running(&paths.kernel_runs());
    if running > 0 {
        bail!(
            "{running} notebook kernel(s) run from {}; shut them down first \
             (in JupyterLab: Kernel, Shut Down All Kernels)",
            paths.made().display()
        );
    }
    let _lock = stamp::lock(paths)?;
    let freed = size_of(&paths.made());
    std::fs::remove_dir_all(paths.made())
        .with_context(|| format!("cannot remove {}", paths.made().display()))?;
    Ok(freed)
}

/// What removing a folder gives back.
pub fn size_of(path: &Path) -> u64 {
    let Ok(meta) = path.symlink_metadata() else {
        return 0;
    };
    if !meta.is_dir() {
        return meta.len();
    }
    let Ok(entries) = std::fs::read_dir(path) else {
        return 0;
    };
    entries.flatten().map(|entry| size_of(&entry.path())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::copies::KernelCopy;

    #[test]
    fn cleaning_waits_for_running_kernels_and_then_removes_everything() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths {
            root: folder.path().to_owned(),
        };
        std::fs::create_dir_all(paths.template()).unwrap();
        std::fs::write(paths.template().join("a"), [0; 1000]).unwrap();
        let kernel = KernelCopy::make(&paths.template(), &paths.kernel_runs()).unwrap();
        let error = clean(&paths).unwrap_err().to_string();
        assert!(error.contains("1 notebook kernel"), "{error}");
        assert!(paths.template().exists());
        drop(kernel);
        assert!(clean(&paths).unwrap() >= 1000);
        assert!(!paths.made().exists());
        assert!(folder.path().exists());
    }
}
