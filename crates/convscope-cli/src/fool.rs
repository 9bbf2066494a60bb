//! `scope fool`: images that a network takes for something else.

mod shown;

use crate::aim::{class, class_in_words};
use crate::explain::as_given;
use crate::methods::{Spend, note};
use crate::model::{Choice, check_name};
use crate::output::print;
use crate::patches::{Numbers, numbers};
use crate::saving::{Saving, check, text};
use crate::subject::{Reading, for_the_eye};
use anyhow::{Context, Result, bail};
use convscope_vis::render::{Curves, Tiles, captioned};
use convscope_vis::{
    Bounds, Encoding, Evolution, Fgsm, FoolingAscent, Goal, Norm, Pgd, Probabilities, Provenance,
    SmallestPerturbation, evolve_watched, fgsm, fooling_images_watched, pgd_watched,
    smallest_perturbation_watched,
};
use convscope_zoo::Model;
use image::RgbImage;
use ndarray::Axis;
use shown::{changed, logits, said, shape};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
#[command(
    after_help = "fgsm, pgd and minimal change a photo so that it is taken for something else: away \
    from what the\nnetwork says, or towards --target. gradient and evolution begin with noise and make \
    images that\nnobody would take for --target, and the network does. Epsilon is counted in pixels \
    from 0 (black)\nto 1 (white).\n\n\
    Papers: Goodfellow, Shlens and Szegedy 2015 (fgsm), Madry et al. 2018 (pgd), Szegedy et al. 2014\n\
    (minimal), Nguyen, Yosinski and Clune 2015 (gradient, evolution).\n\n\
    Examples:\n  \
    scope fool squeezenet1_0 elephant.jpg --how fgsm --epsilon 0.007\n  \
    scope fool squeezenet1_0 pets.jpg --how pgd --epsilon 0.03 --target gibbon --raw fooled.npy\n  \
    scope fool squeezenet1_0 owl.jpg --how minimal --target ostrich\n  \
    scope fool squeezenet1_0 --how gradient --target \"school bus,guitar\"\n  \
    scope fool cnn2 --how evolution --evaluations 5000 --curve evolution.svg"
)]
pub struct Args {
    /// A network of the zoo, or an .onnx file
    model: String,
    /// A photo, or with --no-preprocess an array in a .npy file; gradient and evolution take none
    image: Option<PathBuf>,
    /// How
    #[arg(long, value_enum)]
    how: How,
    /// What it is to be taken for: numbers, names, or parts that only one class has
    #[arg(long, value_name = "CLASS,..", value_delimiter = ',')]
    target: Vec<String>,
    /// fgsm, pgd: how far a pixel may move [default: 0.0157, 4 of 255 steps]
    #[arg(long, value_name = "SHARE")]
    epsilon: Option<f32>,
    /// pgd: what --epsilon measures [default: inf]
    #[arg(long, value_enum)]
    norm: Option<Measure>,
    /// pgd, minimal, gradient: steps [default: 10, 30 and 200]
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// gradient: the probability at which an image is done [default: 0.9999]
    #[arg(long, value_name = "SHARE")]
    confidence: Option<f32>,
    /// evolution: pictures shown to the network [default: 10000]
    #[arg(long, value_name = "N")]
    evaluations: Option<usize>,
    /// evolution: how pictures are written down [default: cppn]
    #[arg(long, value_enum)]
    encoding: Option<Writing>,
    /// evolution: the classes of the archive as numbers, 0-9 [default: all, or --target]
    #[arg(long, value_name = "LIST", value_parser = numbers)]
    classes_of: Option<Numbers>,
    /// gradient, evolution: confidence over steps as a plot
    #[arg(long, value_name = "FILE.svg")]
    curve: Option<PathBuf>,
    #[command(flatten)]
    saving: Saving,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    spend: Spend,
    #[command(flatten)]
    choice: Choice,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// one step along the sign of the gradient
    Fgsm,
    /// several, kept near the photo
    Pgd,
    /// the smallest change that does it
    Minimal,
    /// from noise along the gradient
    Gradient,
    /// from random pictures, by what the network says alone
    Evolution,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    /// the largest change of a pixel
    Inf,
    /// the length of the change
    Two,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    /// pixel by pixel
    Direct,
    /// by a small network from place to colour
    Cppn,
}

pub fn main(args: &Args) -> Result<ExitCode> {
    check_name(&args.model)?;
    args.check()?;
    let model = args.choice.model(&args.model)?;
    let targets = args.targets(&model)?;
    match args.how {
        How::Gradient => args.ascend(&model, &targets)?,
        How::Evolution => args.evolve(&model, &targets)?,
        _ => args.change(&model, &targets)?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Args {
    fn check(&self) -> Result<()> {
        let from_photo = matches!(self.how, How::Fgsm | How::Pgd | How::Minimal);
        match (&self.image, from_photo) {
            (None, true) => bail!("{:?} changes a photo: name one", self.how),
            (Some(photo), false) => bail!(
                "{:?} begins with noise, and {} is a photo too many",
                self.how,
                photo.display()
            ),
            (Some(photo), true) => self.reading.check(std::slice::from_ref(photo))?,
            (None, false) => {}
        }
        let misplaced = [
            (
                "epsilon",
                self.epsilon.is_some(),
                &[How::Fgsm, How::Pgd][..],
            ),
            ("norm", self.norm.is_some(), &[How::Pgd]),
            (
                "steps",
                self.steps.is_some(),
                &[How::Pgd, How::Minimal, How::Gradient],
            ),
            ("confidence", self.confidence.is_some(), &[How::Gradient]),
            ("evaluations", self.evaluations.is_some(), &[How::Evolution]),
            ("encoding", self.encoding.is_some(), &[How::Evolution]),
            ("classes-of", self.classes_of.is_some(), &[How::Evolution]),
            (
                "curve",
                self.curve.is_some(),
                &[How::Gradient, How::Evolution],
            ),
        ];
        for (option, given, of) in misplaced {
            if given && !of.contains(&self.how) {
                bail!("--{option} is an option of {of:?}, not of {:?}", self.how);
            }
        }
        if let Some(path) = &self.curve {
            check(path, &["svg"])?;
        }
        self.saving.check(&["png"])
    }

    fn targets(&self, model: &Model) -> Result<Vec<usize>> {
        let one = |words: &String| {
            class(model, words)?.context("`top` is what the network says already: name a class")
        };
        self.target.iter().map(one).collect()
    }

    /// fgsm, pgd, minimal.
    fn change(&self, model: &Model, targets: &[usize]) -> Result<()> {
        let Some(path) = &self.image else {
            bail!("expected a photo");
        };
        let goal = match targets {
            [] => Goal::Away,
            [one] => Goal::towards(*one),
            _ => bail!("one photo has one --target, got {}", targets.len()),
        };
        let subject = self.reading.read(model, path)?;
        let bounds = Bounds::of(&model.preprocessing)?;
        let network = &model.network;
        let epsilon = self.epsilon.unwrap_or(4.0 / 255.0);
        let watch = &mut self.spend.watch("fooling");
        let found = match self.how {
            How::Fgsm => fgsm(
                network,
                &subject.tensor,
                &Fgsm::new(epsilon, bounds).goal(goal),
            )?,
            How::Pgd => {
                let mut settings = Pgd::new(epsilon, bounds).goal(goal).norm(match self.norm {
                    Some(Measure::Two) => Norm::Two,
                    _ => Norm::Inf,
                });
                if let Some(steps) = self.steps {
                    settings = settings.iterations(steps);
                }
                pgd_watched(network, &subject.tensor, &settings, watch)?
            }
            _ => {
                let mut settings = SmallestPerturbation::new(bounds).goal(goal);
                if let Some(steps) = self.steps {
                    settings = settings.iterations(steps);
                }
                smallest_perturbation_watched(network, &subject.tensor, &settings, watch)?
            }
        };
        note(&found.flags[0]);
        let picture = changed(model, &subject, &found)?;
        let [before, after] = [found.before[0], found.after[0]].map(|v| said(model, v));
        let distance = found.distance[0];
        let provenance = found
            .provenance
            .model(model.name.clone())
            .setting("image", path.display().to_string())
            .figure("before", before.clone())
            .figure("after", after.clone())
            .figure("linf", distance.linf)
            .figure("l2", distance.l2);
        let default = || format!("{}.{:?}", subject.name, self.how).to_lowercase();
        self.saving.picture(&picture, &provenance, default)?;
        let raw = as_given(&found.images, &subject.shape);
        self.saving.numbers(&raw, &provenance)?;
        print(&format!(
            "{before} -> {after}; {}, largest change {:.2}/255, length {:.3}\n",
            match found.fooled[0] {
                true => "fooled",
                false => "not fooled",
            },
            255.0 * distance.linf,
            distance.l2
        ))
    }

    fn ascend(&self, model: &Model, targets: &[usize]) -> Result<()> {
        if targets.is_empty() {
            bail!("what are the images to be taken for? --target CLASS,..");
        }
        let mut settings = FoolingAscent::new(Bounds::of(&model.preprocessing)?);
        settings = settings.seed(self.choice.seed);
        if let Some(confidence) = self.confidence {
            settings = settings.confidence(confidence);
        }
        if let Some(steps) = self.steps {
            settings = settings.iterations(steps);
        }
        let watch = &mut self.spend.watch("climbing");
        let shape = shape(model)?;
        let found = fooling_images_watched(&model.network, shape, targets, &settings, watch)?;
        let mut flags: Vec<_> = found.flags.iter().flatten().cloned().collect();
        flags.dedup();
        note(&flags);
        let verdicts: Vec<(usize, f32)> = found
            .classes
            .iter()
            .copied()
            .zip(found.confidence.iter().copied())
            .collect();
        let pictures = crate::subject::all_for_the_eye(model, &found.images)?;
        let curves: Vec<(String, Vec<(f64, f64)>)> = found
            .classes
            .iter()
            .zip(&found.curves)
            .map(|(&k, curve)| {
                let points = curve.iter().enumerate();
                let points = points.map(|(i, &p)| (i as f64, f64::from(p)));
                (class_in_words(model, k), points.collect())
            })
            .collect();
        let provenance = found.provenance.model(model.name.clone());
        self.finish(model, &pictures, &verdicts, &provenance, curves, "steps")?;
        self.saving.numbers(&found.images, &provenance)
    }

    fn evolve(&self, model: &Model, targets: &[usize]) -> Result<()> {
        let mut settings = Evolution::new(Bounds::of(&model.preprocessing)?);
        settings = settings.seed(self.choice.seed);
        let classes = match &self.classes_of {
            Some(list) => list.0.clone(),
            None => targets.to_vec(),
        };
        if !classes.is_empty() {
            settings = settings.classes(classes);
        }
        if let Some(evaluations) = self.evaluations {
            settings = settings.evaluations(evaluations);
        }
        if self.encoding == Some(Writing::Direct) {
            settings = settings.encoding(Encoding::Direct);
        }
        let watch = &mut self.spend.watch("evolving");
        let scores = Probabilities(logits(model)?);
        let found = evolve_watched(&scores, shape(model)?, &settings, watch)?;
        note(&found.flags);
        let provenance = found.provenance.model(model.name.clone());
        let verdicts: Vec<(usize, f32)> = found
            .elites
            .iter()
            .map(|e| (e.class, e.confidence))
            .collect();
        let pictures = found
            .elites
            .iter()
            .map(|e| for_the_eye(model, e.image.view()));
        let pictures = pictures.collect::<Result<Vec<_>>>()?;
        let points = found.curve.iter().map(|&(n, p)| (n as f64, f64::from(p)));
        let curves = vec![("median of the archive".to_owned(), points.collect())];
        self.finish(
            model,
            &pictures,
            &verdicts,
            &provenance,
            curves,
            "evaluations",
        )?;
        if let Some(first) = found.elites.first() {
            let views: Vec<_> = found.elites.iter().map(|e| e.image.view()).collect();
            let all = ndarray::stack(Axis(0), &views)?;
            debug_assert_eq!(all.dim().1, first.image.dim().0);
            self.saving.numbers(&all.into_dyn(), &provenance)?;
        }
        Ok(())
    }

    /// The pictures with what the network says, the curve, the list.
    fn finish(
        &self,
        model: &Model,
        pictures: &[RgbImage],
        verdicts: &[(usize, f32)],
        provenance: &Provenance,
        curves: Vec<(String, Vec<(f64, f64)>)>,
        steps: &str,
    ) -> Result<()> {
        for &(k, p) in verdicts {
            let share = 100.0 * p;
            print(&format!("{share:6.2} %  {}\n", class_in_words(model, k)))?;
        }
        if pictures.is_empty() {
            return print("nothing was shown to the network: there is no picture\n");
        }
        // The surest first where there are too many to look at.
        let mut order: Vec<usize> = (0..pictures.len()).collect();
        if pictures.len() > 64 {
            order.sort_by(|&a, &b| verdicts[b].1.total_cmp(&verdicts[a].1));
            order.truncate(64);
        }
        let titles = order.iter().map(|&i| {
            let (k, p) = verdicts[i];
            let label = model.labels.get(k).map_or("", String::as_str);
            format!("{:.1}% {label}", 100.0 * p)
        });
        let chosen: Vec<RgbImage> = order.iter().map(|&i| pictures[i].clone()).collect();
        let side = if chosen.len() > 16 { 112 } else { 224 };
        let grid = Tiles::new().gap(8).titles(titles).pictures(&chosen, side);
        let words = format!("{} is this sure of these images", model.name);
        let default = || format!("{}.{:?}", model.name, self.how).to_lowercase();
        self.saving
            .picture(&captioned(&grid, &words), provenance, default)?;
        if let Some(path) = &self.curve {
            let mut plot = Curves::new("What the network says").axes(steps, "probability");
            for (name, points) in curves {
                plot = plot.curve(name, points);
            }
            text(&plot.y_range(0.0, 1.0).svg()?, path, provenance)?;
        }
        Ok(())
    }
}
