//! The images of a recipe, as its network takes them.

use crate::recipe::{Recipe, Set};
use anyhow::{Context, Result, bail, ensure};
use convscope_data::{
    Dataset, FetchOptions, Preprocessing, Presence, Registry, cifar10_with, mnist_with,
};
use ndarray::{Array3, Array4, s};

/// Three parts, ready for the network.
#[derive(Clone, Debug)]
pub struct Sets {
    /// To learn from.
    pub train: Dataset,
    /// To draw a curve with.
    pub validation: Dataset,
    /// To be looked at once.
    pub test: Dataset,
    /// What is special about the images.
    pub notice: Option<String>,
}

/// The whole dataset, from the cache or the mirror.
///
/// # Errors
/// When it is in neither: nothing is downloaded unasked, and nothing else takes its place.
pub fn raw(set: Set) -> Result<(Dataset, Dataset, Option<String>)> {
    let mut options = FetchOptions::from_environment()?;
    // The mirror may be asked: it is a folder, or an address that somebody has set.
    options.offline = true;
    raw_with(set, options)
}

/// [`raw`] with options of one's own.
///
/// # Errors
/// As [`raw`].
pub fn raw_with(set: Set, options: FetchOptions) -> Result<(Dataset, Dataset, Option<String>)> {
    let name = set.name();
    let missing = || format!("{name} is not here: fetch it with cargo course fetch {name}");
    match set {
        Set::Mnist => {
            let mnist = mnist_with(Ok(options)).with_context(missing)?;
            if mnist.notice.is_some() {
                bail!(missing());
            }
            Ok((mnist.train, mnist.test, None))
        }
        Set::Cifar10 => {
            let set = cifar10_with(&options).with_context(missing)?;
            let notice = set.notice.map(|_| {
                "the images after lossy compression (JPEG, quality about 75): not to be compared \
                 with figures on the original ones"
                    .to_owned()
            });
            Ok((set.train, set.test, notice))
        }
    }
}

/// Whether the images lie in the cache.
pub fn is_here(set: Set) -> bool {
    let here = || -> Result<bool> {
        let options = FetchOptions::from_environment()?;
        let registry = Registry::builtin()?;
        let complete = |name: &str| -> Result<bool> {
            let entry = registry.get(name)?;
            Ok(options.cache.presence(entry) == Presence::Complete)
        };
        Ok(complete(set.name())? || (set == Set::Cifar10 && complete("cifar10-jpeg")?))
    };
    here().unwrap_or(false)
}

impl Sets {
    /// The parts that a recipe asks for.
    ///
    /// # Errors
    /// When the images are not here, or there are fewer than the recipe asks for.
    pub fn of(recipe: &Recipe) -> Result<Sets> {
        let (train, test, notice) = raw(recipe.set)?;
        Sets::cut(recipe, &train, &test, notice)
    }

    /// The same from images that were loaded.
    ///
    /// # Errors
    /// When there are fewer than the recipe asks for.
    pub fn cut(
        recipe: &Recipe,
        train: &Dataset,
        test: &Dataset,
        notice: Option<String>,
    ) -> Result<Sets> {
        let most = train.len().saturating_sub(recipe.validation);
        ensure!(
            recipe.images <= most,
            "{}: expected at most {most} training images beside {} for validation, got {}",
            recipe.name,
            recipe.validation,
            recipe.images
        );
        let preprocessing = (recipe.preprocessing)();
        Ok(Sets {
            train: prepared(&train.take(recipe.images)?, &preprocessing)?,
            validation: prepared(&train.slice(most..)?, &preprocessing)?,
            test: prepared(test, &preprocessing)?,
            notice,
        })
    }
}

/// Images as [`Preprocessing`] makes them of pictures of their size: in a margin of black where the
/// crop is larger, then normalised.
///
/// # Errors
/// When the crop is smaller than the images, or the channels are not those expected.
pub fn prepared(set: &Dataset, preprocessing: &Preprocessing) -> Result<Dataset> {
    let [channels, height, width] = set.image_shape();
    let [tall, wide] = preprocessing.crop.unwrap_or([height, width]);
    ensure!(
        tall >= height && wide >= width,
        "images of {height}x{width} do not fit into {tall}x{wide}"
    );
    // Digits have 0 to 255, photographs 0 to 1.
    let white = if channels == 1 { 255.0 } else { 1.0 };
    let mut images = Array4::zeros((set.len(), channels, tall, wide));
    let [top, left] = [(tall - height) / 2, (wide - width) / 2];
    for (i, mut place) in images.outer_iter_mut().enumerate() {
        let mut framed = Array3::zeros((channels, tall, wide));
        framed
            .slice_mut(s![.., top..top + height, left..left + width])
            .assign(&set.view(i)?.mapv(|v| v / white));
        place.assign(&preprocessing.normalise(framed.view())?);
    }
    let (labels, classes) = (set.labels.clone(), set.classes.clone());
    Ok(Dataset::new(
        &*set.name,
        images.into_dyn(),
        labels,
        classes,
    )?)
}
