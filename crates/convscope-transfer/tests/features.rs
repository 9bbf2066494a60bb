//! Features in files: whole, resumed, refused.

use convscope_data::{Dataset, Photo, Preprocessing, Resize};
use convscope_nn::{Conv2d, Flatten, GlobalAvgPool2d, Linear, MaxPool2d, Network, Relu};
use convscope_transfer::{Extraction, Features, Pooling, Source, Tap, TransferError};
use convscope_zoo::Model;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

fn network(seed: u64) -> Network {
    Network::input([3, 16, 16])
        .add("conv1", Conv2d::new(6, 3).same())
        .add("relu1", Relu)
        .add("pool1", MaxPool2d::new(2))
        .add("conv2", Conv2d::new(8, 3).same())
        .add("relu2", Relu)
        .add("pool2", GlobalAvgPool2d)
        .add("flatten", Flatten)
        .add("fc", Linear::new(4))
        .build(seed)
        .unwrap()
}

fn model(seed: u64) -> Model {
    let mut model = Model::guessed("small", network(seed), "random".into()).unwrap();
    model.preprocessing = Preprocessing {
        resize: Resize::Exact([16, 16]),
        crop: None,
        ..Preprocessing::none().normalised([0.5; 3], [0.25; 3])
    };
    model
}

fn set(n: usize) -> Dataset {
    let mut images = ndarray::ArrayD::zeros(vec![n, 3, 12, 12]);
    for (i, v) in images.iter_mut().enumerate() {
        *v = ((i * 7919 + i / 431 * 31) % 256) as f32 / 255.0;
    }
    let labels = (0..n).map(|i| i % 3).collect();
    let classes = ["a", "b", "c"].map(String::from).to_vec();
    Dataset::new("numbers", images, labels, classes).unwrap()
}

fn extraction(model: &Model) -> Extraction {
    Extraction::of(model)
        .layer("relu2")
        .pooled("conv1", Pooling::AverageGrid(2))
        .tap(Tap::new("fc"))
        .batch(4)
        .shard(8)
        .quiet()
}

/// Counts what is opened, and fails at one image.
struct Breaking<'a> {
    set: &'a Dataset,
    at: usize,
    opened: AtomicUsize,
}

impl<'a> Breaking<'a> {
    fn new(set: &'a Dataset, at: usize) -> Breaking<'a> {
        Breaking {
            set,
            at,
            opened: AtomicUsize::new(0),
        }
    }
}

impl Source for Breaking<'_> {
    fn name(&self) -> String {
        Source::name(self.set)
    }
    fn len(&self) -> usize {
        self.set.len()
    }
    fn image_name(&self, index: usize) -> String {
        self.set.image_name(index)
    }
    fn label(&self, index: usize) -> usize {
        self.set.label(index)
    }
    fn classes(&self) -> Vec<String> {
        Source::classes(self.set)
    }
    fn open(&self, index: usize) -> Result<Photo, TransferError> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        match index == self.at {
            true => Err(TransferError::Invalid(format!("image {index} is torn"))),
            false => self.set.open(index),
        }
    }
    fn fingerprint(&self) -> String {
        self.set.fingerprint()
    }
}

fn folder_of(path: &Path) -> std::path::PathBuf {
    path.with_file_name(format!(
        "{}.parts",
        path.file_name().unwrap().to_str().unwrap()
    ))
}

#[test]
fn features_are_what_the_network_says_of_the_preprocessed_pictures() {
    let (model, set) = (model(1), set(11));
    let all = extraction(&model).run(&set).unwrap();
    let names: Vec<&str> = all.iter().map(|f| &*f.node).collect();
    assert_eq!(names, ["relu2", "conv1:2x2", "fc"]);
    assert_eq!(
        all.iter().map(Features::width).collect::<Vec<_>>(),
        [8, 24, 4]
    );
    assert_eq!(all[0].labels, set.labels);
    for i in 0..11 {
        let photo = Photo::from_pixels("x", set.image(i).unwrap()).unwrap();
        let input = model.input(&[photo]).unwrap();
        let trace = model.network.trace(&input).unwrap();
        let relu2 = trace.activation("relu2").unwrap();
        for (c, value) in all[0].values.row(i).iter().enumerate() {
            let mean = (0..64).map(|p| relu2[[0, c, p / 8, p % 8]]).sum::<f32>() / 64.0;
            assert!((value - mean).abs() < 1e-5, "{value} and {mean}");
        }
        for (k, value) in all[2].values.row(i).iter().enumerate() {
            assert!((value - trace.output()[[0, k]]).abs() < 1e-5);
        }
    }
    // Digits from 0 to 255 are brought to 0 to 1 first.
    let mut bytes = set.clone();
    bytes.images.mapv_inplace(|v| v * 255.0);
    let same = extraction(&model).run(&bytes).unwrap();
    assert!(same[0].values.abs_diff_eq(&all[0].values, 1e-4));
    let mut standardised = set.clone();
    standardised.images -= 0.5;
    let error = extraction(&model)
        .run(&standardised)
        .unwrap_err()
        .to_string();
    assert!(error.contains("as_they_are()"), "{error}");
    // Photographs in hand, fewer at a time than there are.
    let photos = (0..11).map(|i| set.open(i).unwrap());
    let held = extraction(&model).run_photos(photos).unwrap();
    assert_eq!(held[1].values, all[1].values);
    assert_eq!(held[1].classes, ["unlabelled"]);
}

#[test]
fn a_file_holds_what_memory_holds_and_says_where_it_is_from() {
    let (model, set) = (model(1), set(21));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.npz");
    let written = extraction(&model).to_file(&set, &path).unwrap();
    assert_eq!((written.images, written.resumed), (21, 0));
    assert_eq!(written.layers[1], ("conv1:2x2".to_owned(), 24));
    let memory = extraction(&model).run(&set).unwrap();
    let read = Features::read(&path).unwrap();
    for (a, b) in memory.iter().zip(&read) {
        assert_eq!(a.values, b.values);
        assert_eq!(
            (&a.labels, &a.names, &a.classes),
            (&b.labels, &b.names, &b.classes)
        );
        assert_eq!(a.provenance, b.provenance);
    }
    assert_eq!(Features::read_layer(&path, "fc").unwrap().width(), 4);
    let error = Features::read_layer(&path, "fc2").unwrap_err().to_string();
    assert!(error.contains("relu2, conv1:2x2, fc"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    // There already: nothing is done again.
    let breaking = Breaking::new(&set, 3);
    let again = extraction(&model).to_file(&breaking, &path).unwrap();
    assert_eq!((again.resumed, breaking.opened.into_inner()), (21, 0));
    // The file of features from elsewhere.
    let own = folder.path().join("own.npz");
    memory[0].save(&own).unwrap();
    assert_eq!(Features::read(&own).unwrap()[0].values, memory[0].values);
    assert!(Features::identity_of(&own).unwrap().is_none());
}

#[test]
fn an_interruption_anywhere_loses_one_part_at_most_and_changes_no_bit() {
    let (model, set) = (model(1), set(21));
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.npz");
    extraction(&model).to_file(&set, &whole).unwrap();
    let expected = std::fs::read(&whole).unwrap();
    for at in [0, 5, 8, 15, 16, 20] {
        let path = folder.path().join(format!("f{at}.npz"));
        let error = extraction(&model)
            .to_file(&Breaking::new(&set, at), &path)
            .unwrap_err();
        assert!(error.to_string().contains("is torn"), "{error}");
        assert!(!path.exists());
        let counting = Breaking::new(&set, usize::MAX);
        // Another batch size would change bits: the one it was begun with holds.
        let written = extraction(&model)
            .batch(3)
            .to_file(&counting, &path)
            .unwrap();
        assert_eq!(written.resumed, at / 8 * 8, "{at}");
        assert_eq!(counting.opened.into_inner(), 21 - at / 8 * 8);
        assert!(
            std::fs::read(&path).unwrap() == expected,
            "bits differ after {at}"
        );
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits_and_the_same_error() {
    let (model, set) = (model(1), set(61));
    let expected = extraction(&model).run(&set).unwrap();
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            // Parts of 8 are two batches, fewer than five threads; one part of 64 is more.
            for shard in [8, 64] {
                let found = extraction(&model).shard(shard).run(&set).unwrap();
                for (a, b) in found.iter().zip(&expected) {
                    assert_eq!((&a.values, &a.names), (&b.values, &b.names));
                }
                let torn = Breaking::new(&set, 13);
                let error = extraction(&model).shard(shard).run(&torn).unwrap_err();
                assert!(error.to_string().contains("image 13 is torn"), "{error}");
                let skipping = extraction(&model).shard(shard).skip_unreadable();
                let found = skipping.run(&torn).unwrap().remove(0);
                assert_eq!((found.len(), found.skipped[0].name.as_str()), (60, "13"));
            }
        });
    }
}

#[test]
fn features_that_are_no_numbers_are_refused_at_the_image_that_makes_them() {
    let set = set(21);
    let folder = tempfile::tempdir().unwrap();
    let mut net = network(1);
    let weights = convscope_nn::Tensor::from_elem(vec![4, 8], f32::INFINITY);
    net.set_parameter("fc.weight", weights).unwrap();
    let broken = Model::guessed("small", net, "random".into()).unwrap();
    let path = folder.path().join("g.npz");
    let error = Extraction::of(&broken).layer("fc").size(16).quiet();
    let error = error.to_file(&set, &path).unwrap_err().to_string();
    assert!(
        error.contains("\"0\"") && error.contains("not finite"),
        "{error}"
    );
    assert!(!path.exists());
}

#[test]
fn a_part_that_is_damaged_is_made_again() {
    let (model, set) = (model(1), set(21));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.npz");
    let stop = || {
        let error = extraction(&model).to_file(&Breaking::new(&set, 20), &path);
        assert!(error.is_err());
    };
    stop();
    let part = folder_of(&path).join("000001.npz");
    let good = std::fs::read(&part).unwrap();
    let mut flipped = good.clone();
    // A number in the middle of the first array.
    flipped[400] ^= 1;
    for bad in [&good[..good.len() / 2], &[][..], &flipped] {
        std::fs::write(&part, bad).unwrap();
        stop();
        assert!(std::fs::read(&part).unwrap() == good);
    }
    // What a killed process left half written is no part.
    std::fs::write(folder_of(&path).join("000002.npz.77.part"), b"half").unwrap();
    assert_eq!(extraction(&model).to_file(&set, &path).unwrap().resumed, 16);
    assert!(!folder_of(&path).exists());
}

#[test]
fn a_file_of_something_else_is_refused_by_name_and_left_as_it_is() {
    let (one, two, set) = (model(1), model(2), set(21));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.npz");
    let mut fewer = set.clone();
    fewer.images[[20, 0, 0, 0]] += 0.01;
    let foreign = |run: &dyn Fn(&Extraction, &Dataset) -> String| {
        let base = extraction(&one);
        [
            (run(&extraction(&two), &set), "the network small ("),
            (
                run(&base.clone().layer("pool1"), &set),
                "the layers relu2, conv1:2x2, fc, pool1, it has relu2, conv1:2x2, fc",
            ),
            (
                run(
                    &base.clone().preprocessing(Preprocessing {
                        mean: vec![0.4; 3],
                        ..one.preprocessing.clone()
                    }),
                    &set,
                ),
                "the preprocessing",
            ),
            (run(&base, &fewer), "the data numbers, 21 images ("),
        ]
    };
    let stopped = extraction(&one).to_file(&Breaking::new(&set, 20), &path);
    assert!(stopped.is_err());
    let refused = |e: &Extraction, s: &Dataset| {
        let error = e.to_file(s, &path).unwrap_err();
        assert!(matches!(error, TransferError::Foreign { .. }), "{error}");
        error.to_string()
    };
    for (error, words) in foreign(&refused) {
        assert!(
            error.contains(words) && error.contains("f.npz.parts"),
            "{error}"
        );
    }
    assert_eq!(extraction(&one).to_file(&set, &path).unwrap().resumed, 16);
    let bytes = std::fs::read(&path).unwrap();
    for (error, words) in foreign(&refused) {
        assert!(
            error.contains(words) && !error.contains("f.npz.parts"),
            "{error}"
        );
    }
    assert!(std::fs::read(&path).unwrap() == bytes);
    // No feature file at all.
    std::fs::write(&path, b"PK and nothing").unwrap();
    let error = extraction(&one)
        .to_file(&set, &path)
        .unwrap_err()
        .to_string();
    assert!(error.contains("no feature file"), "{error}");
}

#[test]
fn unreadable_images_are_an_error_or_listed() {
    let (model, set) = (model(1), set(21));
    let torn = Breaking::new(&set, 9);
    assert!(extraction(&model).run(&torn).is_err());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.npz");
    let skipping = extraction(&model).skip_unreadable();
    let memory = skipping.run(&torn).unwrap();
    let written = skipping.to_file(&torn, &path).unwrap();
    assert_eq!((written.images, written.skipped.len()), (20, 1));
    let read = Features::read(&path).unwrap();
    for features in [&memory[0], &read[0]] {
        assert_eq!(features.len(), 20);
        assert_eq!(features.skipped[0].name, "9");
        assert!(features.skipped[0].problem.contains("is torn"));
        assert_eq!(features.names[9], "10");
        assert_eq!(features.labels[9], 10 % 3);
    }
    assert_eq!(memory[2].values, read[2].values);
}

/// In a process of its own, killed by the test below.
#[test]
#[ignore = "run by the test that kills it"]
fn written_by_a_child() {
    let Ok(path) = std::env::var("CONVSCOPE_TRANSFER_CHILD") else {
        println!("skipped: it is run by another test");
        return;
    };
    extraction(&model(1))
        .shard(4)
        .to_file(&set(200), path)
        .unwrap();
}

#[test]
fn a_process_killed_again_and_again_ends_in_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, path) = (folder.path().join("whole.npz"), folder.path().join("f.npz"));
    extraction(&model(1))
        .shard(4)
        .to_file(&set(200), &whole)
        .unwrap();
    let mut kills = 0;
    for round in 0..40 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "written_by_a_child", "--ignored"])
            .env("CONVSCOPE_TRANSFER_CHILD", &path)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let patience = std::time::Duration::from_millis(40 + 17 * round);
        std::thread::sleep(patience);
        match child.try_wait().unwrap() {
            Some(status) => {
                assert!(status.success());
                break;
            }
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
            }
        }
    }
    println!("killed {kills} times");
    extraction(&model(1)).to_file(&set(200), &path).unwrap();
    assert!(std::fs::read(&path).unwrap() == std::fs::read(&whole).unwrap());
}
