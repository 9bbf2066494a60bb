//! Class names and preprocessing, from a list's or preset's name or from a file.

use anyhow::{Context, Result, bail};
use convscope_data::{Channels, Preprocessing, Resize};
use std::fs;
use std::path::Path;

/// The names of `imagenet`, `cifar10` or `mnist`, or a name a line from a text file. A WordNet number
/// before the name, as in lists of ImageNet's classes, is left out.
pub fn labels(choice: &str) -> Result<Vec<String>> {
    if !Path::new(choice).exists()
        && let Ok(list) = convscope_data::labels(choice)
    {
        return Ok(list);
    }
    let text = fs::read_to_string(choice).with_context(|| {
        format!("{choice} is neither a file of class names nor one of imagenet, cifar10 and mnist")
    })?;
    let lines = text.lines().map(str::trim_end);
    let names: Vec<String> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| without_number(line).to_owned())
        .collect();
    if names.is_empty() {
        bail!("{choice} has no class names; expected one a line");
    }
    Ok(names)
}

fn without_number(line: &str) -> &str {
    match line.split_once(' ') {
        Some((number, name))
            if number.len() == 9
                && number.starts_with('n')
                && number[1..].bytes().all(|b| b.is_ascii_digit()) =>
        {
            name
        }
        _ => line,
    }
}

/// A preset for images of the network's shape, or what a file says.
pub fn preprocessing(choice: &str, input: &[usize]) -> Result<Preprocessing> {
    let &[channels, height, width] = input else {
        bail!("preprocessing makes images, and this network reads {input:?}");
    };
    let side = height.min(width);
    let found = match choice {
        "torchvision" => Preprocessing::torchvision(side),
        "torchvision-inception" => Preprocessing::torchvision_inception(side),
        "caffe" => Preprocessing {
            resize: Preprocessing::torchvision(side).resize,
            ..Preprocessing::caffe_vgg()
        },
        "cifar10" | "mnist" => Preprocessing {
            resize: Resize::ShortSide(side),
            ..match choice {
                "mnist" => Preprocessing::mnist(),
                _ => Preprocessing::cifar10(),
            }
        },
        "none" => Preprocessing {
            resize: Resize::Exact([height, width]),
            channels: match channels {
                1 => Channels::Grey,
                _ => Channels::Rgb,
            },
            ..Preprocessing::none().normalised(vec![0.0; channels], vec![1.0; channels])
        },
        file => return from_file(file),
    };
    Ok(Preprocessing {
        crop: Some([height, width]),
        ..found
    })
}

fn from_file(path: &str) -> Result<Preprocessing> {
    let text = fs::read_to_string(path).with_context(|| {
        format!(
            "{path} is neither a file nor one of torchvision, torchvision-inception, caffe, cifar10, \
             mnist and none"
        )
    })?;
    let json = Path::new(path)
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("json"));
    let wrong = || format!("{path} is no preprocessing");
    let found: Preprocessing = match json {
        true => serde_json::from_str(&text).with_context(wrong)?,
        // The parser's message is a drawing of several lines; its first says what is wrong.
        false => toml::from_str(&text)
            .map_err(|e| anyhow::anyhow!("{}", e.message().to_owned()))
            .with_context(wrong)?,
    };
    found.check().with_context(wrong)?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_make_images_of_the_networks_shape() {
        for (preset, input) in [
            ("torchvision", [3, 160, 192]),
            ("torchvision-inception", [3, 299, 299]),
            ("caffe", [3, 227, 227]),
            ("cifar10", [3, 40, 32]),
            ("mnist", [1, 28, 28]),
            ("none", [1, 17, 19]),
        ] {
            let found = preprocessing(preset, &input).unwrap();
            found.check().unwrap();
            assert_eq!(found.output_shape(), Some(input), "{preset}");
        }
    }

    #[test]
    fn numbers_of_wordnet_are_no_part_of_a_name() {
        assert_eq!(
            without_number("n01440764 tench, Tinca tinca"),
            "tench, Tinca tinca"
        );
        assert_eq!(without_number("nuclear power plant"), "nuclear power plant");
    }
}
