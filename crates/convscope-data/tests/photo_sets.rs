//! Sets of photographs: in a folder, in an archive, from the mirror.

use convscope_data::{PhotoSet, ants_bees, photos, sample_photo};
use std::fs::{self, File};
use std::path::Path;

fn picture(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    sample_photo()
        .resize(8, 10)
        .unwrap()
        .save_png(path)
        .unwrap();
}

#[test]
fn a_folders_pictures_come_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["val/b.png", "train/c.png", "train/a.PNG"] {
        picture(&folder.path().join(name));
    }
    fs::write(folder.path().join("read.me"), "no picture").unwrap();
    let set = PhotoSet::folder(folder.path()).unwrap();
    assert_eq!(set.names(), ["train/a", "train/c", "val/b"]);
    assert_eq!(set.under("train/").len(), 2);
    assert_eq!(set.photo("val/b").unwrap().pixels.dim(), (3, 8, 10));
    assert_eq!(set.open(1).unwrap().name, "train/c");
}

#[test]
fn an_archives_pictures_are_those_that_were_put_in() {
    let folder = tempfile::tempdir().unwrap();
    let one = folder.path().join("one.png");
    picture(&one);
    let path = folder.path().join("set.tar");
    let mut archive = tar::Builder::new(File::create(&path).unwrap());
    for inside in ["./bees/2.png", "./ants/1.png", "./notes.txt"] {
        archive.append_path_with_name(&one, inside).unwrap();
    }
    archive.finish().unwrap();
    let set = PhotoSet::tar(&path).unwrap();
    assert_eq!(set.names(), ["ants/1", "bees/2"]);
    for i in 0..set.len() {
        let expected = PhotoSet::folder(folder.path()).unwrap().open(0).unwrap();
        assert_eq!(set.open(i).unwrap().pixels, expected.pixels);
    }
}

#[test]
fn what_is_not_there_is_an_error_that_says_what_is() {
    let folder = tempfile::tempdir().unwrap();
    let empty = PhotoSet::folder(folder.path()).unwrap_err().to_string();
    assert!(empty.contains(".jpg"), "{empty}");
    picture(&folder.path().join("cat.png"));
    let set = PhotoSet::folder(folder.path()).unwrap();
    let unknown = set.photo("dog").unwrap_err().to_string();
    assert!(
        unknown.contains("dog") && unknown.contains("cat"),
        "{unknown}"
    );
    let beyond = set.open(1).unwrap_err().to_string();
    assert!(beyond.contains("(0 to 0)"), "{beyond}");
    let nowhere = PhotoSet::folder(folder.path().join("nowhere")).unwrap_err();
    assert!(nowhere.to_string().contains("nowhere"));
    let torn = folder.path().join("torn.tar");
    fs::write(&torn, [7u8; 700]).unwrap();
    assert!(PhotoSet::tar(&torn).is_err());
}

#[test]
fn the_courses_photographs_are_those_of_the_mirror() {
    if std::env::var_os("CONVSCOPE_MIRROR").is_none() {
        println!("skipped: there is no mirror (CONVSCOPE_MIRROR)");
        return;
    }
    let set = photos().unwrap();
    assert_eq!(set.len(), 21);
    assert_eq!(set.photo("flamingo").unwrap().name, "flamingo");
    let insects = ants_bees().unwrap();
    let counts =
        ["train/ants", "train/bees", "val/ants", "val/bees"].map(|f| insects.under(f).len());
    assert_eq!(counts, [123, 121, 70, 83]);
    assert!(insects.open(0).unwrap().pixels.len() > 3 * 256 * 100);
}
