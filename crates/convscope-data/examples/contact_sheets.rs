//! Draws the contact sheets of the synthetic sets: `cargo run -p convscope-data --example contact_sheets`.

use convscope_data::{Confounder, InkDigits, Result, Shapes, ShapesConfig, synthetic};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{Rgb, RgbImage};
use ndarray::Array3;
use std::path::Path;
use std::time::Instant;

const GAP: usize = 2;

/// A grid of pictures, each enlarged by a whole factor.
struct Sheet {
    canvas: RgbImage,
    cell: usize,
    zoom: usize,
}

impl Sheet {
    fn new(columns: usize, rows: usize, side: usize, zoom: usize) -> Self {
        let cell = side * zoom + GAP;
        let pixels = |n: usize| (n * cell + GAP) as u32;
        Self {
            canvas: RgbImage::from_pixel(pixels(columns), pixels(rows), Rgb([44, 46, 52])),
            cell,
            zoom,
        }
    }

    fn put(&mut self, column: usize, row: usize, image: &Array3<f32>) {
        let (channels, height, width) = image.dim();
        for y in 0..height * self.zoom {
            for x in 0..width * self.zoom {
                let at =
                    |c: usize| image[[c.min(channels - 1), y / self.zoom, x / self.zoom]] as u8;
                let (px, py) = (GAP + column * self.cell + x, GAP + row * self.cell + y);
                self.canvas
                    .put_pixel(px as u32, py as u32, Rgb([at(0), at(1), at(2)]));
            }
        }
    }
}

fn inkdigits(docs: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let set = InkDigits::generate(2000, 1);
    let mut sheet = Sheet::new(16, 10, 28, 2);
    for digit in 0..10 {
        for (column, &i) in set.indices_of(digit).iter().take(16).enumerate() {
            sheet.put(column, digit, &set.image(i)?);
        }
    }
    save(&sheet.canvas, &docs.join("inkdigits.png"))
}

/// Images of every class, one row a class.
fn shapes(docs: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let config = ShapesConfig {
        size: 64,
        confounder: None,
    };
    let set = Shapes::generate(400, &config, 1)?;
    let mut sheet = Sheet::new(9, 8, 64, 1);
    for class in 0..8 {
        for (column, &i) in set.dataset.indices_of(class).iter().take(9).enumerate() {
            sheet.put(column, class, &set.dataset.image(i)?);
        }
    }
    save(&sheet.canvas, &docs.join("shapes64.png"))
}

/// The same at half the size, with the truth: all but the object darkened, and its box.
fn truth(docs: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let set = Shapes::generate(400, &ShapesConfig::default(), 1)?;
    let mut sheet = Sheet::new(12, 8, 32, 2);
    for class in 0..8 {
        for (column, &i) in set.dataset.indices_of(class).iter().take(12).enumerate() {
            sheet.put(column, class, &outlined(&set, i, set.dataset.image(i)?));
        }
    }
    save(&sheet.canvas, &docs.join("shapes32-truth.png"))
}

fn confounder(docs: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let class = 3;
    let snow = Confounder {
        class,
        probability: 0.9,
        elsewhere: 0.05,
    };
    let set = Shapes::generate(
        400,
        &ShapesConfig {
            size: 64,
            confounder: Some(snow),
        },
        1,
    )?;
    let mut sheet = Sheet::new(12, 4, 64, 1);
    for (row, shown) in [class, 0, 4, 6].into_iter().enumerate() {
        for (column, &i) in set.dataset.indices_of(shown).iter().take(12).enumerate() {
            sheet.put(column, row, &set.dataset.image(i)?);
        }
    }
    save(&sheet.canvas, &docs.join("shapes-confounder.png"))
}

/// Everything off the object darkened, and its box drawn.
fn outlined(set: &Shapes, i: usize, mut image: Array3<f32>) -> Array3<f32> {
    let corner = |k: usize| set.boxes[[i, k]] as usize;
    let (x0, y0, x1, y1) = (corner(0), corner(1), corner(2), corner(3));
    for ((c, y, x), value) in image.indexed_iter_mut() {
        if set.masks[[i, y, x]] == 0 {
            *value *= 0.35;
        }
        let (inside_x, inside_y) = ((x0..x1).contains(&x), (y0..y1).contains(&y));
        if (inside_x && (y == y0 || y == y1 - 1)) || (inside_y && (x == x0 || x == x1 - 1)) {
            *value = [255.0, 220.0, 0.0][c];
        }
    }
    image
}

/// The photograph that the course ships.
fn still_life(photos: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let scene = synthetic::scene(256, 7).mapv(|v| (v * 255.0).round());
    let (_, height, width) = scene.dim();
    let mut picture = RgbImage::new(width as u32, height as u32);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        *pixel = Rgb([0, 1, 2].map(|c| scene[[c, y as usize, x as usize]] as u8));
    }
    save(&picture, &photos.join("still_life.png"))
}

fn save(picture: &RgbImage, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let file = std::io::BufWriter::new(std::fs::File::create(path)?);
    let encoder = PngEncoder::new_with_quality(file, CompressionType::Best, FilterType::Adaptive);
    Ok(picture.write_with_encoder(encoder)?)
}

type Draw = fn(&Path) -> Result<(), Box<dyn std::error::Error>>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let all: [(&str, Draw, &str); 5] = [
        ("inkdigits", inkdigits, "docs/img"),
        ("shapes", shapes, "docs/img"),
        ("truth", truth, "docs/img"),
        ("confounder", confounder, "docs/img"),
        ("still_life", still_life, "data/photos"),
    ];
    // Names on the command line draw those only.
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    for (name, draw, folder) in all {
        if wanted.is_empty() || wanted.iter().any(|w| w == name) {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../..")
                .join(folder);
            std::fs::create_dir_all(&folder)?;
            let start = Instant::now();
            draw(&folder)?;
            println!("{name} drawn in {:.1?}", start.elapsed());
        }
    }
    Ok(())
}
