//! Makes pictures small enough to stand in a table: `small WIDTH FOLDER PICTURE...` writes each as a
//! PNG of that width (or its own, where it is narrower) into the folder, in 32 levels of each colour.

use anyhow::{Context, Result, bail};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::imageops;
use std::path::Path;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [width, folder, pictures @ ..] = arguments.as_slice() else {
        bail!("expected: small WIDTH FOLDER PICTURE...");
    };
    let width: u32 = width.parse().context("the width is a number of pixels")?;
    for picture in pictures {
        let from = Path::new(picture);
        let whole = image::open(from)
            .with_context(|| format!("cannot read {picture}"))?
            .into_rgb8();
        let (wide, high) = whole.dimensions();
        let mut small = match wide > width {
            false => whole,
            true => {
                let high = (u64::from(high) * u64::from(width) / u64::from(wide)).max(1);
                imageops::resize(&whole, width, high as u32, imageops::FilterType::Lanczos3)
            }
        };
        // Five bits are enough for a small picture, and take half the room.
        for level in small.iter_mut() {
            *level = ((f32::from(*level) * 31.0 / 255.0).round() * 255.0 / 31.0).round() as u8;
        }
        let name = from.with_extension("png");
        let name = name.file_name().context("a picture has a name")?;
        let file = std::fs::File::create(Path::new(folder).join(name))?;
        small.write_with_encoder(PngEncoder::new_with_quality(
            file,
            CompressionType::Best,
            FilterType::Adaptive,
        ))?;
    }
    Ok(())
}
