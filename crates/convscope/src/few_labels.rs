//! A few labelled photographs: what lessons about small training sets work with.

use convscope_data::{Cifar10, DataError, FetchOptions, Parts, Shapes, ShapesConfig, cifar10_with};

/// So many images of each class of CIFAR-10 to train on, to validate on and to test on, pixels 0 to
/// 1, drawn by `seed` from its 50,000 training images.
///
/// Where CIFAR-10 cannot be had, Shapes take its place (eight classes, pixels 0 to 1 as well) with a
/// notice in the output.
///
/// # Errors
/// When a class has not so many images, or the fetching was stopped.
pub fn cifar10_few(per_class: [usize; 3], seed: u64) -> Result<Parts, DataError> {
    match all_of_it() {
        Ok(all) => {
            // Its first line says what they are; the rest why, with the addresses that were tried.
            if let Some(line) = all.notice.as_deref().and_then(|n| n.lines().next()) {
                println!("Note. {line}");
            }
            all.train.balanced_parts(per_class, seed)
        }
        Err(DataError::Fetch { .. }) => {
            println!(
                "Note. CIFAR-10 cannot be had here, so shapes that the course draws take its place: \
                 eight classes, and other accuracies than those in the text."
            );
            shapes_few(per_class, seed)
        }
        Err(other) => Err(other),
    }
}

/// What lies in the cache is taken, the images as JPEG too; only where there is neither are sources
/// asked.
fn all_of_it() -> Result<Cifar10, DataError> {
    let options = FetchOptions::from_environment()?;
    let here = FetchOptions {
        mirror: None,
        offline: true,
        ..options.clone()
    };
    cifar10_with(&here).or_else(|_| cifar10_with(&options))
}

fn shapes_few(per_class: [usize; 3], seed: u64) -> Result<Parts, DataError> {
    // Classes are drawn, so that some have fewer than an eighth.
    let most = per_class.iter().sum::<usize>() * Shapes::CLASSES.len();
    let drawn = most + most / 3 + 200;
    let mut set = Shapes::generate(drawn, &ShapesConfig::default(), seed)?.dataset;
    set.images.mapv_inplace(|v| v / 255.0);
    set.balanced_parts(per_class, seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stand_in_has_so_many_of_each_class_with_pixels_from_0_to_1() {
        let parts = shapes_few([20, 10, 5], 1).unwrap();
        assert_eq!(parts.train.class_counts(), [20; 8]);
        assert_eq!(parts.validation.class_counts(), [10; 8]);
        assert_eq!(parts.test.class_counts(), [5; 8]);
        assert!(parts.train.images.iter().all(|v| (0.0..=1.0).contains(v)));
        let brightest = parts.train.images.iter().copied().fold(0.0, f32::max);
        assert!(brightest > 0.9, "{brightest}");
        assert_eq!(shapes_few([20, 10, 5], 1).unwrap(), parts);
        assert_ne!(shapes_few([20, 10, 5], 2).unwrap(), parts);
    }
}
