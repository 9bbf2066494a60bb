//! Folders of photographs with classes, hostile ones included.

use convscope_data::{ImageFolder, PhotoSet, Preprocessing, Resize, ants_bees, sample_photo};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn picture(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    sample_photo()
        .resize(9, 12)
        .unwrap()
        .save_png(path)
        .unwrap();
}

fn folder(names: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    names
        .iter()
        .for_each(|name| picture(&folder.path().join(name)));
    folder
}

fn small() -> Preprocessing {
    Preprocessing {
        resize: Resize::Exact([4, 6]),
        ..Preprocessing::none()
    }
}

#[test]
fn a_folder_for_each_class_becomes_a_dataset() {
    let at = folder(&[
        "emmy/1.png",
        "ada/2.png",
        "ada/old/1.png",
        "emmy/3.PNG",
        ".cache/x.png",
    ]);
    fs::write(at.path().join("ada/notes.txt"), "no picture").unwrap();
    let people = ImageFolder::open(at.path()).unwrap();
    assert_eq!(people.classes(), ["ada", "emmy"]);
    assert_eq!(people.names(), ["ada/2", "ada/old/1", "emmy/1", "emmy/3"]);
    assert_eq!(
        (people.labels(), people.class_counts()),
        (&[0, 0, 1, 1][..], vec![2, 2])
    );
    let loaded = people.dataset(&small()).unwrap();
    assert_eq!(loaded.dataset.images.shape(), [4, 3, 4, 6]);
    assert_eq!(
        (&loaded.dataset.labels[..], loaded.skipped.len()),
        (people.labels(), 0)
    );
    let expected = small().apply(&people.photo(2).unwrap()).unwrap();
    assert_eq!(loaded.dataset.image(2).unwrap(), expected);
    let some = people.select(&[3, 0]).unwrap();
    assert_eq!(
        (some.names()[0].as_str(), some.labels()),
        ("emmy/3", &[1, 0][..])
    );
    assert!(
        people
            .select(&[4])
            .unwrap_err()
            .to_string()
            .contains("photograph 4")
    );
    // A strict one has nothing against a sound folder.
    people.strict().dataset(&small()).unwrap();
}

#[test]
fn files_that_cannot_be_read_are_skipped_and_listed_or_refused() {
    let at = folder(&["ada/1.png", "ada/2.png", "emmy/1.png", "stray.png"]);
    fs::write(
        at.path().join("ada/torn.png"),
        &[0x89, b'P', b'N', b'G'][..],
    )
    .unwrap();
    fs::write(at.path().join("emmy/page.jpg"), "<html>not found</html>").unwrap();
    fs::write(at.path().join("emmy/empty.jpg"), "").unwrap();
    let people = ImageFolder::open(at.path()).unwrap();
    assert_eq!((people.len(), people.skipped().len()), (6, 1));
    let loaded = people.dataset(&small()).unwrap();
    assert_eq!(loaded.names, ["ada/1", "ada/2", "emmy/1"]);
    assert_eq!(loaded.dataset.class_counts(), [2, 1]);
    let skipped: Vec<&str> = loaded.skipped.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(skipped, ["stray", "ada/torn", "emmy/empty", "emmy/page"]);
    let text = loaded.to_string();
    assert!(
        text.contains("skipped 4:") && text.contains("no class's folder"),
        "{text}"
    );

    let readable = people.readable().unwrap();
    assert_eq!(
        (readable.names(), readable.skipped()),
        (&loaded.names[..], &loaded.skipped[..])
    );
    // Its list goes on, and is not begun anew.
    assert_eq!(readable.dataset(&small()).unwrap().skipped.len(), 4);

    let strict = people.clone().strict();
    for error in [
        strict.dataset(&small()).unwrap_err(),
        strict.readable().unwrap_err(),
    ] {
        assert!(error.to_string().contains("stray"), "{error}");
    }
    fs::remove_file(at.path().join("stray.png")).unwrap();
    let strict = ImageFolder::open(at.path()).unwrap().strict();
    let error = strict.dataset(&small()).unwrap_err().to_string();
    assert!(error.contains("torn.png"), "{error}");

    fs::write(at.path().join("emmy/1.png"), "gone").unwrap();
    let error = ImageFolder::open(at.path())
        .unwrap()
        .dataset(&small())
        .unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("none of the 3 pictures of class \"emmy\""),
        "{error}"
    );
}

#[test]
fn folders_that_are_no_classes_are_refused_in_words() {
    let message = |at: &Path| ImageFolder::open(at).unwrap_err().to_string();
    let none = folder(&["1.png", "2.png"]);
    assert!(message(none.path()).contains("no class in it"));
    let empty = tempfile::tempdir().unwrap();
    assert!(message(empty.path()).contains("no class in it"));
    let one = folder(&["ada/1.png", "ada/2.png"]);
    let text = message(one.path());
    assert!(
        text.contains("one class in it, \"ada\"") && text.contains("folder above"),
        "{text}"
    );
    let hollow = folder(&["ada/1.png", "emmy/1.png"]);
    fs::create_dir(hollow.path().join("grace")).unwrap();
    assert!(message(hollow.path()).contains("class \"grace\" has no picture"));
    assert!(message(&hollow.path().join("nowhere")).contains("nowhere"));
    // Pictures of several sizes are no dataset.
    let uneven = folder(&["ada/1.png", "emmy/1.png"]);
    sample_photo()
        .save_png(uneven.path().join("emmy/2.png"))
        .unwrap();
    let error = ImageFolder::open(uneven.path())
        .unwrap()
        .dataset(&Preprocessing::none());
    assert!(error.unwrap_err().to_string().contains("exact size"));
    // A class of one image is a folder, but not two sets.
    let single = folder(&["ada/1.png", "emmy/1.png", "emmy/2.png", "emmy/3.png"]);
    let set = ImageFolder::open(single.path())
        .unwrap()
        .dataset(&small())
        .unwrap()
        .dataset;
    let error = set.sized_parts([2, 0, 2], 1).unwrap_err().to_string();
    assert!(
        error.contains("class 0 has 1 example; expected at least 2"),
        "{error}"
    );
}

#[test]
fn a_file_of_labels_must_agree_with_the_folder() {
    let at = folder(&["a.png", "b.png", "more/c.png"]);
    let file = at.path().join("labels.csv");
    let open = |text: &str| {
        fs::write(&file, text).unwrap();
        ImageFolder::labelled(at.path(), &file)
    };
    let people = open("# who\na.png,ada\n\n b , emmy \r\n./more/c.png,ada\n").unwrap();
    assert_eq!(
        (people.names().len(), people.classes()),
        (3, &["ada", "emmy"].map(String::from)[..])
    );
    assert_eq!(people.labels(), [0, 1, 0]);
    assert_eq!(people.dataset(&small()).unwrap().dataset.len(), 3);
    for (text, words) in [
        (
            "a,ada\nb,emmy\n",
            "has no label for pictures of the folder: more/c",
        ),
        (
            "a,ada\nb,emmy\nmore/c,ada\nd.png,ada\n",
            "not in the folder: d",
        ),
        (
            "a,ada\nb,emmy\nmore/c,ada\na.png,emmy\n",
            "line 4: a is given a second class",
        ),
        (
            "a,ada\nb\nmore/c,ada\n",
            "line 2: expected file,class, got \"b\"",
        ),
        ("a,ada\nb,\nmore/c,ada\n", "line 2"),
        ("a,ada\nb,ada\nmore/c,ada\n", "one class in it"),
    ] {
        let error = open(text).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    fs::write(&file, [0xff, 0xfe, 0x00]).unwrap();
    let error = ImageFolder::labelled(at.path(), &file)
        .unwrap_err()
        .to_string();
    assert!(error.contains("UTF-8"), "{error}");
    picture(&at.path().join("a.bmp.png"));
    fs::rename(at.path().join("a.bmp.png"), at.path().join("a.PNG")).unwrap();
    let error = open("a,ada\nb,emmy\nmore/c,ada\n").unwrap_err().to_string();
    assert!(error.contains("two pictures called a"), "{error}");
}

#[test]
fn an_archive_is_a_folder_too() {
    let at = folder(&[
        "train/ada/1.png",
        "train/emmy/1.png",
        "val/ada/9.png",
        "val/emmy/8.png",
    ]);
    let path = at.path().join("people.tar");
    let mut archive = tar::Builder::new(fs::File::create(&path).unwrap());
    archive
        .append_dir_all("ada", at.path().join("train/ada"))
        .unwrap();
    archive
        .append_dir_all("emmy", at.path().join("train/emmy"))
        .unwrap();
    archive.finish().unwrap();
    let people = ImageFolder::open(&path).unwrap();
    assert_eq!(
        (people.names(), people.classes().len()),
        (&["ada/1", "emmy/1"].map(String::from)[..], 2)
    );
    assert_eq!(people.dataset(&small()).unwrap().dataset.name, "people");
    // A part of a set whose names begin with what it is for.
    let all = PhotoSet::folder(at.path()).unwrap();
    let val = ImageFolder::of(&all, "val/").unwrap();
    assert_eq!(
        (val.names()[0].as_str(), val.labels()),
        ("val/ada/9", &[0, 1][..])
    );
    assert!(ImageFolder::of(&all, "test/").is_err());
}

#[test]
fn ants_and_bees_are_two_classes() {
    if std::env::var_os("CONVSCOPE_MIRROR").is_none() {
        println!("skipped: there is no mirror (CONVSCOPE_MIRROR)");
        return;
    }
    let set = ants_bees().unwrap();
    let train = ImageFolder::of(&set, "train/").unwrap();
    assert_eq!(
        (train.classes(), train.class_counts()),
        (&["ants", "bees"].map(String::from)[..], vec![123, 121])
    );
    let some = train.select(&[0, 1, 200, 243]).unwrap();
    let loaded = some.dataset(&Preprocessing::cifar10()).unwrap();
    assert_eq!(loaded.dataset.images.shape(), [4, 3, 32, 32]);
    assert_eq!(loaded.dataset.labels, [0, 0, 1, 1]);
}
