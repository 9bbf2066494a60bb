//! The datasets of the course. Where one has to be replaced, the output says so.

use crate::picture::{Picture, heatmap, picture, side_by_side};
use crate::show::{Show, Shown, note, paragraph};
use convscope_data::{DataError, Dataset, Mnist, MnistSmall, Photo, Shapes, Standardizer};

/// MNIST as it is: 60,000 training and 10,000 test images. Where it cannot be had, InkDigits takes
/// its place with a notice in the output.
///
/// # Errors
/// When not even the stand-in can be made.
pub fn mnist() -> Result<Mnist, DataError> {
    let set = convscope_data::mnist()?;
    say(set.notice.as_deref());
    Ok(set)
}

/// The course's small MNIST: 2400 training, 600 validation and 1000 test images. Where it cannot
/// be had, InkDigits takes its place with a notice in the output.
///
/// # Errors
/// When not even the stand-in can be made.
pub fn mnist_small() -> Result<MnistSmall, DataError> {
    let set = convscope_data::mnist_small()?;
    say(set.notice.as_deref());
    Ok(set)
}

/// One of the course's photographs, `"flamingo"`. Where they cannot be had, the sample picture takes
/// its place with a notice in the output; a photograph of your own opens with `Photo::open(path)`.
///
/// # Errors
/// When there is no photograph of that name; the error lists those there are.
pub fn photo(name: &str) -> Result<Photo, DataError> {
    match convscope_data::photos() {
        Ok(set) => set.photo(name),
        Err(why @ DataError::Fetch { .. }) => {
            say(Some(&format!(
                "The photograph \"{name}\" cannot be had ({why}), so this is a picture that the \
                 course brings along. Photo::open(\"my.jpg\")? opens one of your own."
            )));
            Ok(convscope_data::sample_photo())
        }
        Err(other) => Err(other),
    }
}

pub(crate) fn say(notice: Option<&str>) {
    if let Some(notice) = notice {
        println!("Note. {notice}");
    }
}

fn parts(parts: &[(&str, &Dataset)], notice: Option<&str>) -> Shown {
    let (mut html, mut text) = (String::new(), String::new());
    if let Some(notice) = notice {
        html.push_str(&note(notice));
        text.push_str(&format!("Note. {notice}\n"));
    }
    for (i, (name, set)) in parts.iter().enumerate() {
        let line = format!("{name}: {} images", set.labels.len());
        if i == 0 {
            let shown = set.shown();
            html.push_str(&format!("{}{}", paragraph(&line), shown.to_html()));
            text.push_str(&format!("{line}\n{}\n", shown.text));
        } else {
            html.push_str(&paragraph(&line));
            text.push_str(&format!("{line}\n"));
        }
    }
    Shown::html(html, text.trim_end())
}

impl Show for Mnist {
    fn shown(&self) -> Shown {
        let sets = [("train", &self.train), ("test", &self.test)];
        parts(&sets, self.notice.as_deref())
    }
}

impl Show for MnistSmall {
    fn shown(&self) -> Shown {
        let sets = [
            ("train", &self.train),
            ("validation", &self.validation),
            ("test", &self.test),
        ];
        parts(&sets, self.notice.as_deref())
    }
}

impl Show for Shapes {
    fn shown(&self) -> Shown {
        self.dataset.shown()
    }
}

impl Show for Standardizer {
    fn shown(&self) -> Shown {
        let [mean, std] = [&self.mean, &self.std].map(|of| match of.dim().0 {
            1 => heatmap(of, ""),
            _ => picture(of),
        });
        side_by_side(vec![
            ("mean of each pixel", mean),
            ("standard deviation of each pixel", std),
        ])
        .shown()
    }
}

impl From<&Photo> for Picture {
    fn from(photo: &Photo) -> Picture {
        picture(&photo.pixels).range(0.0, 1.0).title(&photo.name)
    }
}

impl Show for Photo {
    fn shown(&self) -> Shown {
        Picture::from(self).shown()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayD;

    #[test]
    fn a_standardizer_is_two_pictures() {
        let set = convscope_data::InkDigits::generate(20, 1);
        let shown = Standardizer::fit(&set).unwrap().shown();
        assert!(
            shown
                .text
                .contains("mean of each pixel\nPicture: heat map, 28 x 28"),
            "{}",
            shown.text
        );
    }

    #[test]
    fn a_photo_is_a_picture_with_its_name() {
        let shown = convscope_data::sample_photo().shown();
        assert!(
            shown
                .text
                .starts_with("still life: colour image, 256 x 256"),
            "{}",
            shown.text
        );
        assert!(shown.html.unwrap().len() < 200_000);
    }

    #[test]
    fn a_stand_in_says_so() {
        let set = Dataset {
            name: "inkdigits".into(),
            images: ArrayD::zeros(vec![1, 1, 4, 4]),
            labels: vec![0],
            classes: vec!["0".into()],
        };
        let mnist = Mnist {
            train: set.clone(),
            test: set,
            notice: Some("InkDigits stands in <here>.".into()),
        };
        let shown = mnist.shown();
        assert!(shown.text.starts_with("Note. InkDigits stands in"));
        assert!(shown.html.unwrap().contains("in &lt;here&gt;."));
        assert!(shown.text.ends_with("test: 1 images"));
    }
}
