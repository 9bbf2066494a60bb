//! Where pictures and raw arrays go.

use crate::output::{either, say};
use anyhow::{Context, Result, bail};
use convscope_nn::Tensor;
use convscope_vis::Provenance;
use convscope_vis::render::{Frames, save_gif, save_npy, save_png, save_text};
use image::RgbImage;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The picture and the numbers.
#[derive(clap::Args, Clone, Debug)]
pub struct Saving {
    /// The picture; its provenance is written beside it as FILE.json [default: named after the
    /// image and the method]
    #[arg(short, long, value_name = "FILE.png")]
    pub output: Option<PathBuf>,
    /// The raw numbers too, as a NumPy array of 32-bit floats
    #[arg(long, value_name = "FILE.npy")]
    pub raw: Option<PathBuf>,
}

impl Saving {
    /// Finds out before the work what would go wrong after it.
    pub fn check(&self, endings: &[&str]) -> Result<()> {
        if let Some(path) = &self.output {
            check(path, endings)?;
        }
        match &self.raw {
            Some(path) => check(path, &["npy"]),
            None => Ok(()),
        }
    }

    /// The picture's file.
    pub fn path(&self, default: impl FnOnce() -> String) -> PathBuf {
        match &self.output {
            Some(path) => path.clone(),
            None => PathBuf::from(format!("{}.png", file_name(&default()))),
        }
    }

    /// Writes the picture.
    pub fn picture(
        &self,
        picture: &RgbImage,
        provenance: &Provenance,
        default: impl FnOnce() -> String,
    ) -> Result<()> {
        png(picture, &self.path(default), provenance)
    }

    /// Writes the numbers where that was asked for.
    pub fn numbers(&self, numbers: &Tensor, provenance: &Provenance) -> Result<()> {
        match &self.raw {
            Some(path) => npy(numbers, path, provenance),
            None => Ok(()),
        }
    }
}

/// A name without what folders or shells mean something by.
pub fn file_name(words: &str) -> String {
    let plain = |c: char| match c.is_alphanumeric() || matches!(c, '.' | '-' | '_') {
        true => c,
        false => '_',
    };
    words.chars().map(plain).collect()
}

/// Whether a file can be written there, as far as can be known beforehand.
pub fn check(path: &Path, endings: &[&str]) -> Result<()> {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    if !endings.iter().any(|e| ending.to_string_lossy() == *e) {
        let expected: Vec<String> = endings.iter().map(|e| format!(".{e}")).collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        bail!(
            "{}: what is written there ends in {}",
            path.display(),
            either(&expected)
        );
    }
    if path.is_dir() {
        bail!("{} is a folder; expected a file's name", path.display());
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let what = std::fs::metadata(folder);
    let what = what.with_context(|| {
        format!(
            "cannot write {}: its folder {} is not there",
            path.display(),
            folder.display()
        )
    })?;
    if !what.is_dir() {
        bail!(
            "cannot write {}: {} is no folder",
            path.display(),
            folder.display()
        );
    }
    if what.permissions().readonly() {
        bail!(
            "cannot write {}: its folder {} is read-only",
            path.display(),
            folder.display()
        );
    }
    Ok(())
}

/// Writes a picture and says so.
pub fn png(picture: &RgbImage, path: &Path, provenance: &Provenance) -> Result<()> {
    save_png(picture, path, provenance)?;
    wrote(
        path,
        &format!("{} x {} pixels", picture.width(), picture.height()),
    );
    Ok(())
}

/// Writes an array and says so.
pub fn npy(numbers: &Tensor, path: &Path, provenance: &Provenance) -> Result<()> {
    save_npy(numbers, path, provenance)?;
    wrote(path, &format!("float32 {:?}", numbers.shape()));
    Ok(())
}

/// Writes an SVG or a page and says so.
pub fn text(text: &str, path: &Path, provenance: &Provenance) -> Result<()> {
    save_text(text, path, provenance)?;
    wrote(path, &format!("{} kB", text.len() / 1024));
    Ok(())
}

/// Writes frames as an animation or a page with a slider, by the file's ending.
pub fn frames(frames: &Frames, path: &Path, provenance: &Provenance) -> Result<()> {
    match path.extension().is_some_and(|e| e == "gif") {
        true => save_gif(frames, Duration::from_millis(120), path, provenance)?,
        false => save_text(&frames.page()?, path, provenance)?,
    }
    wrote(path, &format!("{} frames", frames.len()));
    Ok(())
}

fn wrote(path: &Path, what: &str) {
    say(&format!("wrote {}: {what}", path.display()));
}
