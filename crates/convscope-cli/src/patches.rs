//! `scope patches`: the parts of photos that excite the channels of a layer most.

use crate::aim::node;
use crate::methods::{Spend, note};
use crate::model::{Choice, check_name};
use crate::output::{print, say};
use crate::saving::Saving;
use crate::subject::{Reading, collection, for_the_eye};
use anyhow::{Result, bail};
use convscope_vis::render::{Cell, Sheet, number};
use convscope_vis::{TopPatches, top_patches_watched};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
#[command(
    after_help = "One pass over the photos serves all channels. A patch is what the unit sees of \
    its photo (its\nreceptive field); what lies beyond the photo is grey. At most one patch of a \
    photo counts for a\nchannel unless --per-image says otherwise.\n\n\
    Examples:\n  \
    scope patches squeezenet1_0 photos/ --layer features.5 --channel 0-7\n  \
    scope patches resnet18 photos/ --layer layer3 --channel 12,40,77 --top 5 --limit 500\n  \
    scope patches my_net.onnx photos/ --layer relu2 -o patches.png"
)]
pub struct Args {
    /// A network of the zoo, or an .onnx file
    model: String,
    /// A folder of photos; folders in it are taken too
    folder: PathBuf,
    /// The layer
    #[arg(long, value_name = "NODE")]
    layer: String,
    /// Its channels: numbers and ranges like 3,7,10-15
    #[arg(long, value_name = "LIST", default_value = "0-7", value_parser = numbers)]
    channel: Numbers,
    /// Patches for each channel
    #[arg(long, value_name = "K", default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    top: u32,
    /// The most patches of one photo for a channel
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    per_image: u32,
    /// Count only patches of which at least this share lies in the photo
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    inside: f64,
    /// Take only so many of the photos, evenly
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    saving: Saving,
    #[command(flatten)]
    spend: Spend,
    #[command(flatten)]
    choice: Choice,
}

/// Numbers and ranges of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers(pub Vec<usize>);

/// `3,7,10-15`.
pub fn numbers(text: &str) -> Result<Numbers, String> {
    let wrong = || format!("expected numbers and ranges like 3,7,10-15, got \"{text}\"");
    let one = |n: &str| n.trim().parse::<usize>().map_err(|_| wrong());
    let mut all = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            Some((from, to)) => {
                let (from, to) = (one(from)?, one(to)?);
                if to < from || to - from > 100_000 {
                    return Err(wrong());
                }
                all.extend(from..=to);
            }
            None => all.push(one(part)?),
        }
    }
    Ok(Numbers(all))
}

pub fn main(args: &Args) -> Result<ExitCode> {
    check_name(&args.model)?;
    args.saving.check(&["png"])?;
    if args.saving.raw.is_some() {
        bail!(
            "patches differ in size: there is no raw array of them, and their values stand in the \
               provenance beside the picture"
        );
    }
    let files = collection(&args.folder, args.limit)?;
    let model = args.choice.model(&args.model)?;
    let shape = node(&model.network, &args.layer)?;
    if let Some(wrong) = args.channel.0.iter().find(|&&c| c >= shape[0]) {
        bail!(
            "there is no channel {wrong} in \"{}\": it has 0 to {}",
            args.layer,
            shape[0] - 1
        );
    }
    let reading = Reading {
        no_preprocess: false,
    };
    // Photos come as the pass asks for them: memory does not grow with the folder.
    let mut names: Vec<String> = Vec::new();
    let stream = files
        .iter()
        .filter_map(|(file, _)| match reading.read(&model, file) {
            Ok(subject) => {
                names.push(file.display().to_string());
                Some(subject.tensor)
            }
            Err(error) => {
                say(&format!("warning: left out {}: {error:#}", file.display()));
                None
            }
        });
    let settings = TopPatches::new()
        .k(args.top as usize)
        .per_image(args.per_image as usize)
        .channels(args.channel.0.clone())
        .inside(args.inside)
        .grey_of(&model.preprocessing);
    let watch = &mut args.spend.watch("looking for patches");
    let layers = [args.layer.as_str()];
    let mut found = top_patches_watched(&model.network, &layers, stream, &settings, watch)?;
    let found = found.remove(0);
    note(&found.flags);
    let side = 112;
    let mut sheet = Sheet::new(Vec::<String>::new()).side(side);
    let mut listed = Vec::new();
    for channel in &found.channels {
        let mut row = Vec::new();
        for patch in &channel.patches {
            let picture = for_the_eye(&model, patch.pixels.view())?;
            row.push(Cell::picture(picture).note(number(patch.value)));
            listed.push(json!({
                "channel": channel.channel,
                "value": patch.value,
                "image": names.get(patch.image),
                "unit": patch.position,
                "rows": [patch.field.top, patch.field.bottom],
                "columns": [patch.field.left, patch.field.right],
            }));
        }
        sheet = sheet.row(format!("channel {}", channel.channel), row);
    }
    let field = model.network.receptive_field(&args.layer);
    let sees = field.map_or(String::new(), |f| {
        format!(", units see {} pixels", f.size_in_words())
    });
    let sheet = sheet.caption(format!(
        "{} {}: the strongest of {} photos{sees}; the number is the activation",
        model.name,
        args.layer,
        names.len()
    ));
    let provenance = found
        .provenance
        .model(model.name.clone())
        .setting("folder", args.folder.display().to_string())
        .figure("patches", listed);
    let default = || format!("{}.{}.patches", model.name, args.layer);
    args.saving.picture(&sheet.draw(), &provenance, default)?;
    print(&format!(
        "{}: {} channels, {} photos\n",
        args.layer,
        found.channels.len(),
        names.len()
    ))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ranges_are_a_list() {
        assert_eq!(numbers("3,7,10-12"), Ok(Numbers(vec![3, 7, 10, 11, 12])));
        for wrong in ["", "a", "5-3", "1,,2", "0-999999999"] {
            assert!(numbers(wrong).is_err(), "{wrong}");
        }
    }
}
