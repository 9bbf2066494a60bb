//! Frames of an optimisation: as a slider in a page of its own, or as an animated GIF.

use super::canvas::{blank, paste};
use super::save::png;
use crate::error::{Result, VisError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use convscope_progress::escape;
use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, Frame, RgbImage};
use std::fmt::{self, Write as _};
use std::time::Duration;

/// Pictures in an order, each with a few words.
#[derive(Clone, Default, PartialEq)]
pub struct Frames {
    frames: Vec<(String, RgbImage)>,
    title: String,
}

/// Without the pixels, which are megabytes as text.
impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&String> = self.frames.iter().map(|(words, _)| words).collect();
        f.debug_struct("Frames")
            .field("title", &self.title)
            .field("frames", &words)
            .finish()
    }
}

/// What a change of the slider does. It finds its pictures beside itself, so a page may hold any
/// number of sliders, and nothing needs an id or a kernel.
const SLIDE: &str = "const f=this.closest('figure'),i=+this.value;\
    f.querySelectorAll('img').forEach((m,k)=>m.style.display=k===i?'block':'none');\
    f.querySelector('output').value=f.querySelectorAll('img')[i].alt";

/// Plays from the shown frame to the last, or from the first when that is shown.
const PLAY: &str = "const b=this,r=b.closest('figure').querySelector('input');\
    if(b.t){clearInterval(b.t);b.t=0;b.textContent='\u{25b6}';return}\
    if(r.value===r.max)r.value=0;b.textContent='\u{23f8}';\
    b.t=setInterval(()=>{if(!b.isConnected||r.value===r.max){clearInterval(b.t);b.t=0;\
    b.textContent='\u{25b6}';return}r.value=+r.value+1;r.oninput()},200)";

impl Frames {
    /// Without a frame.
    pub fn new() -> Frames {
        Frames::default()
    }

    /// With a heading.
    pub fn title(mut self, words: impl Into<String>) -> Frames {
        self.title = words.into();
        self
    }

    /// With another frame.
    pub fn frame(mut self, words: impl Into<String>, picture: RgbImage) -> Frames {
        self.push(words, picture);
        self
    }

    /// Adds a frame.
    pub fn push(&mut self, words: impl Into<String>, picture: RgbImage) {
        self.frames.push((words.into(), picture));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    fn checked(&self) -> Result<()> {
        match self.is_empty() {
            true => Err(VisError::invalid(
                "there is no frame: expected at least one",
            )),
            false => Ok(()),
        }
    }

    /// A slider over the frames, as a piece of HTML for a page or a notebook's output: pictures are
    /// in it as data, it needs no file, no library and no kernel, and without scripts the last
    /// frame shows. The sides of small pictures are magnified to about 256 pixels.
    ///
    /// # Errors
    /// When there is no frame.
    pub fn html(&self) -> Result<String> {
        self.checked()?;
        let last = self.frames.len() - 1;
        let mut html = String::from("<figure style=\"margin:0;font-family:sans-serif\">");
        if !self.title.is_empty() {
            let _ = write!(html, "<b>{}</b>", escape(&self.title));
        }
        for (i, (words, picture)) in self.frames.iter().enumerate() {
            let side = picture.width().max(picture.height()).max(1);
            let width = picture.width() * (256 / side).max(1);
            let _ = write!(
                html,
                "<img alt=\"{}\" width=\"{width}\" style=\"display:{};image-rendering:pixelated;\
                 max-width:100%\" src=\"data:image/png;base64,{}\">",
                escape(words),
                if i == last { "block" } else { "none" },
                STANDARD.encode(png(picture)?),
            );
        }
        let _ = write!(
            html,
            "<div><button type=\"button\" title=\"play\" onclick=\"{PLAY}\">\u{25b6}</button> \
             <input type=\"range\" min=\"0\" max=\"{last}\" value=\"{last}\" \
             aria-label=\"frame\" style=\"width:16em;vertical-align:middle\" oninput=\"{SLIDE}\"> \
             <output>{}</output></div></figure>",
            escape(&self.frames[last].0),
        );
        Ok(html)
    }

    /// The slider as a page of its own.
    ///
    /// # Errors
    /// When there is no frame.
    pub fn page(&self) -> Result<String> {
        let title = match self.title.is_empty() {
            true => "Frames",
            false => &self.title,
        };
        Ok(format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title>\
             </head>\n<body style=\"margin:2em\">\n{}\n</body></html>\n",
            escape(title),
            self.html()?
        ))
    }

    /// An animated GIF that repeats, each frame shown so long (in steps of 10 ms) and the last one
    /// five times as long. GIF has 256 colours for each frame.
    ///
    /// # Errors
    /// When there is no frame.
    pub fn gif(&self, each: Duration) -> Result<Vec<u8>> {
        self.checked()?;
        let wrong = |e: image::ImageError| VisError::invalid(format!("no GIF can be made: {e}"));
        let size = |of: fn(&RgbImage) -> u32| self.frames.iter().map(|(_, p)| of(p)).max();
        let (width, height) = (size(RgbImage::width), size(RgbImage::height));
        let mut bytes = Vec::new();
        {
            let mut encoder = GifEncoder::new_with_speed(&mut bytes, 10);
            encoder.set_repeat(Repeat::Infinite).map_err(wrong)?;
            for (i, (_, picture)) in self.frames.iter().enumerate() {
                let mut paper = blank(width.unwrap_or(1), height.unwrap_or(1));
                paste(&mut paper, picture, 0, 0);
                let long = if i + 1 == self.frames.len() { 5 } else { 1 };
                let delay = Delay::from_saturating_duration(each * long);
                let rgba = image::DynamicImage::ImageRgb8(paper).to_rgba8();
                let frame = Frame::from_parts(rgba, 0, 0, delay);
                encoder.encode_frame(frame).map_err(wrong)?;
            }
        }
        Ok(bytes)
    }

    /// The first and the last frame and those between, `count` in all, side by side in rows.
    pub fn strip(&self, count: usize, side: u32) -> RgbImage {
        let count = count.clamp(1, self.len().max(1));
        let pick = |i: usize| match count {
            1 => self.len().saturating_sub(1),
            _ => i * self.len().saturating_sub(1) / (count - 1),
        };
        let chosen: Vec<&(String, RgbImage)> = (0..count)
            .filter_map(|i| self.frames.get(pick(i)))
            .collect();
        let pictures: Vec<RgbImage> = chosen.iter().map(|f| f.1.clone()).collect();
        super::Tiles::new()
            .columns(count)
            .titles(chosen.iter().map(|f| f.0.clone()))
            .pictures(&pictures, side)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::gif::GifDecoder;
    use image::{AnimationDecoder, Rgb};

    fn three() -> Frames {
        let mut frames = Frames::new().title("a <b>");
        for i in 0..3_u8 {
            let picture = RgbImage::from_pixel(8, 8 + u32::from(i), Rgb([80 * i, 0, 0]));
            frames.push(format!("step {i}"), picture);
        }
        frames
    }

    #[test]
    fn a_page_has_every_frame_in_it_and_asks_nobody() {
        let page = three().page().unwrap();
        assert_eq!(page.matches("data:image/png;base64,").count(), 3);
        assert_eq!(page.matches("display:block").count(), 1);
        assert!(page.contains("max=\"2\" value=\"2\"") && page.contains("a &lt;b&gt;"));
        for outside in ["http", "src=\"/", "<script", "id="] {
            assert!(!page.contains(outside), "{outside}");
        }
        // Handlers stand in double quotes.
        assert!(!SLIDE.contains('"') && !PLAY.contains('"'));
    }

    #[test]
    fn a_gif_has_every_frame_at_the_largest_size() {
        let bytes = three().gif(Duration::from_millis(100)).unwrap();
        let decoder = GifDecoder::new(std::io::Cursor::new(bytes)).unwrap();
        let frames = decoder.into_frames().collect_frames().unwrap();
        assert_eq!(frames.len(), 3);
        assert!(frames.iter().all(|f| f.buffer().dimensions() == (8, 10)));
        let red = frames[2].buffer().get_pixel(0, 0).0[0];
        assert!(red.abs_diff(160) < 8, "{red}");
        assert_eq!(frames[2].delay().numer_denom_ms(), (500, 1));
    }

    #[test]
    fn no_frame_is_an_error() {
        assert!(Frames::new().page().is_err());
        assert!(Frames::new().gif(Duration::ZERO).is_err());
    }
}
