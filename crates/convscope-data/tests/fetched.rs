//! Entries of which only the checksum's beginning is known, and entries that have a stand-in.

mod common;

use common::{Server, content, left_behind, options, respond, sha256, whole, with_ranges};
use convscope_data::{
    DataError, Entry, FetchOptions, Kind, Mirror, Presence, Progress, Registry, fetch,
    fetch_or_stand_in, fetched_with, labels,
};
use std::fs;
use std::path::Path;
use tempfile::tempdir;

fn quiet(_: Progress<'_>) {}

fn file(path: &str, bytes: u64, sum: &str, url: &str) -> String {
    let urls = match url {
        "" => String::new(),
        url => format!("{url:?}"),
    };
    format!(
        "[[entry.file]]\npath = {path:?}\nbytes = {bytes}\n{sum}\npacking = \"none\"\n\
         download_bytes = {bytes}\nmirror = \"weights/{path}\"\nurls = [{urls}]\n"
    )
}

/// Entry "thing", whose size and sum are known in about, and "other", which stands in for it.
fn registry(thing: &[u8], url: &str, about: u64, other: &[u8]) -> Registry {
    let head = "kind = \"dataset\"\nabout = \"for tests\"\ncitation = \"none\"\n";
    let prefix = format!("sha256_prefix = {:?}", &sha256(thing)[..8]);
    let exact = format!("sha256 = {:?}", sha256(other));
    let text = format!(
        "[[entry]]\nname = \"thing\"\ntitle = \"A thing\"\nlicence = \"L1\"\nstand_in = \"other\"\n\
         {head}{}[[entry]]\nname = \"other\"\ntitle = \"Another\"\nlicence = \"L2\"\n{head}{}",
        file("thing.pth", about, &prefix, url),
        file("other.bin", other.len() as u64, &exact, ""),
    );
    Registry::parse(&text, Path::new("test.toml")).unwrap()
}

fn thing(data: &[u8], url: &str, about: u64) -> Entry {
    registry(data, url, about, b"-").entries.remove(0)
}

#[test]
fn a_file_whose_sum_begins_right_is_kept_and_every_byte_checked_from_then_on() {
    let data = content(500_000);
    let body = data.clone();
    let server = Server::start(move |_, _, stream| whole(stream, &body));
    let (cache, entry) = (tempdir().unwrap(), thing(&data, &server.url(), 499_900));
    let options = options(cache.path());
    let path = fetch(&entry, &options, &mut quiet).unwrap().remove(0);
    assert_eq!(fs::read(&path).unwrap(), data);
    assert_eq!(
        left_behind(cache.path()),
        ["thing.pth", "thing.pth.known.toml"]
    );
    let note = fs::read_to_string(cache.path().join("thing/thing.pth.known.toml")).unwrap();
    assert!(
        note.contains("500000") && note.contains(&sha256(&data)),
        "{note}"
    );
    assert_eq!(options.cache.presence(&entry), Presence::Complete);
    fetch(&entry, &options, &mut quiet).unwrap();
    assert_eq!(server.requests().len(), 1);

    let mut flipped = data.clone();
    flipped[400_000] ^= 1;
    fs::write(&path, &flipped).unwrap();
    assert!(!options.cache.is_whole(&entry, &entry.files[0]).unwrap());
    // A size that is right in about, but is not the noted one.
    fs::write(&path, &data[..499_999]).unwrap();
    assert_eq!(options.cache.presence(&entry), Presence::Missing);
    fetch(&entry, &options, &mut quiet).unwrap();
    assert_eq!(fs::read(&path).unwrap(), data);

    // Copied by hand, without the note; or with a note that contradicts the registry.
    for note in [None, Some("bytes = 5\nsha256 = \"ab\"\n"), Some("?")] {
        let place = cache.path().join("thing/thing.pth.known.toml");
        match note {
            Some(text) => fs::write(&place, text).unwrap(),
            None => fs::remove_file(&place).unwrap(),
        }
        assert!(options.cache.is_whole(&entry, &entry.files[0]).unwrap());
        assert_eq!(options.cache.read(&entry, &entry.files[0]).unwrap(), data);
        assert_eq!(options.cache.presence(&entry), Presence::Complete);
    }
}

#[test]
fn a_file_whose_sum_begins_otherwise_or_whose_size_is_far_off_is_refused() {
    let data = content(500_000);
    let mut other = data.clone();
    other[9] ^= 1;
    let cases: [(Vec<u8>, &str); 4] = [
        (other, "expected one that begins with"),
        (data[..498_000].to_vec(), "expected about 500000"),
        (content(502_000), "more than the about 500000"),
        (b"<html>Not found".to_vec(), "looks like a web page"),
    ];
    for (body, message) in cases {
        let server = Server::start(move |_, _, stream| whole(stream, &body));
        let (cache, entry) = (tempdir().unwrap(), thing(&data, &server.url(), 500_000));
        let error = fetch(&entry, &options(cache.path()), &mut quiet);
        let error = error.unwrap_err().to_string();
        assert!(error.contains(message), "{message}: {error}");
        assert_eq!(left_behind(cache.path()), [""; 0], "{message}");
    }
}

#[test]
fn a_broken_transfer_of_such_a_file_is_continued() {
    let data = content(500_000);
    let body = data.clone();
    let server = Server::start(move |request, before, stream| {
        let send = if before == 0 { 200_000 } else { usize::MAX };
        with_ranges(request, stream, "\"one\"", &body, send);
    });
    let (cache, entry) = (tempdir().unwrap(), thing(&data, &server.url(), 500_123));
    let mut options = options(cache.path());
    options.retries = 0;
    let error = fetch(&entry, &options, &mut quiet).unwrap_err().to_string();
    assert!(error.contains("broke off after 200000 of"), "{error}");
    let path = fetch(&entry, &options, &mut quiet).unwrap().remove(0);
    assert_eq!(server.requests()[1].range_from, Some(200_000));
    assert_eq!(fs::read(path).unwrap(), data);
}

#[test]
fn the_stand_in_serves_only_where_the_entry_cannot_be_had_and_says_so() {
    let (data, other) = (content(90_000), content(5_000));
    let body = data.clone();
    let server = Server::start(move |request, _, stream| match request.path.as_str() {
        "/file.gz" => whole(stream, &body),
        _ => respond(stream, "404 Not Found", &[], b""),
    });
    let mirror = tempdir().unwrap();
    fs::create_dir(mirror.path().join("weights")).unwrap();
    let run = |url: &str, options: &FetchOptions| {
        let registry = registry(&data, url, 90_000, &other);
        fetch_or_stand_in(&registry, &registry.entries[0], options, &mut quiet)
    };
    let gone = format!("{}/gone", server.address);

    // Neither: the error has the sources of both.
    let cache = tempdir().unwrap();
    let mut options = options(cache.path());
    options.mirror = Some(Mirror::Folder(mirror.path().to_owned()));
    let DataError::Fetch { attempts, file, .. } = run(&gone, &options).unwrap_err() else {
        panic!("another kind of error")
    };
    let sources: Vec<_> = attempts.iter().map(|a| a.source.as_str()).collect();
    assert!(file == "thing.pth" && sources.len() == 3, "{sources:?}");
    assert!(sources[0].ends_with("weights/thing.pth") && sources[1] == gone);
    assert!(sources[2].ends_with("weights/other.bin"));

    fs::write(mirror.path().join("weights/other.bin"), &other).unwrap();
    let found = run(&gone, &options).unwrap();
    assert_eq!(found.entry.name, "other");
    assert_eq!(fs::read(&found.paths[0]).unwrap(), other);
    let notice = found.notice.unwrap();
    for part in [
        "in its place: other (Another)",
        "Licence: L2",
        "404 Not Found",
    ] {
        assert!(notice.contains(part), "{notice}");
    }

    let found = run(&server.url(), &options).unwrap();
    assert_eq!((found.entry.name.as_str(), found.notice), ("thing", None));
    assert_eq!(fs::read(&found.paths[0]).unwrap(), data);
}

#[test]
fn another_machines_cache_is_a_mirror_of_weights_too() {
    let data = content(90_000);
    let mirror = tempdir().unwrap();
    fs::create_dir(mirror.path().join("thing")).unwrap();
    fs::write(mirror.path().join("thing/thing.pth"), &data).unwrap();
    let cache = tempdir().unwrap();
    let mut options = options(cache.path());
    options.mirror = Some(Mirror::Folder(mirror.path().to_owned()));
    let path = fetch(&thing(&data, "", 90_000), &options, &mut quiet);
    assert_eq!(fs::read(path.unwrap().remove(0)).unwrap(), data);
}

/// The mirror that CONVSCOPE_MIRROR names, if it has weights.
fn real_mirror() -> Option<std::path::PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let named = std::env::var_os("CONVSCOPE_MIRROR").map(Into::into);
    let mut places = named.into_iter().chain([beside]);
    places.find(|m: &std::path::PathBuf| m.join("weights").is_dir())
}

#[test]
fn real_weights_come_from_a_mirror_by_name_and_are_found_in_the_cache_afterwards() {
    let Some(mirror) = real_mirror() else {
        println!("SKIPPED: no real weights here. Set CONVSCOPE_MIRROR to a folder with weights/.");
        return;
    };
    let cache = tempdir().unwrap();
    let mut options = options(cache.path());
    options.mirror = Some(Mirror::Folder(mirror));
    options.offline = true;
    let first = fetched_with("squeezenet1_0", &options, &mut quiet).unwrap();
    assert_eq!(
        first.entry.weights.as_ref().unwrap().network,
        "squeezenet1_0"
    );
    assert!(first.notice.unwrap().contains("BSD-2-Clause"));
    options.mirror = None;
    // A cache that may only be read has no room for a lock.
    let lock = cache.path().join("squeezenet1_0-compressed/.lock");
    fs::remove_file(&lock).unwrap();
    let again = fetched_with("squeezenet1_0", &options, &mut |p| {
        assert!(matches!(p, Progress::Present { .. }), "{p:?}");
    });
    let again = again.unwrap();
    assert_eq!(again.paths, first.paths);
    assert!(!lock.exists());
    assert!(
        again
            .notice
            .unwrap()
            .contains("cargo course fetch squeezenet1_0")
    );
    let error = fetched_with("resnet18", &options, &mut quiet).unwrap_err();
    assert!(
        error.to_string().contains("cargo course fetch resnet18"),
        "{error}"
    );
    let error = fetched_with("resnet81", &options, &mut quiet).unwrap_err();
    assert!(
        error.to_string().contains("did you mean 'resnet"),
        "{error}"
    );
}

#[test]
fn the_registered_weights_are_consistent() {
    let registry = Registry::builtin().unwrap();
    let mut count = 0;
    for entry in registry.entries.iter().filter(|e| e.kind == Kind::Weights) {
        let (name, facts) = (&entry.name, entry.weights.as_ref().unwrap());
        count += 1;
        let file = &entry.files[0];
        // Four bytes for each number, a few for buffers and names; Inception's and GoogLeNet's auxiliary heads are in the file too.
        let heads = if file.is_exact() { 1.03 } else { 2.1 };
        let per_number = file.bytes as f64 / facts.parameters as f64;
        assert!(
            (3.99..4.0 * heads).contains(&per_number),
            "{name}: {per_number}"
        );
        let classes = labels(&facts.labels).unwrap().len();
        assert_eq!(classes, if facts.labels == "imagenet" { 1000 } else { 10 });
        assert_eq!(facts.preprocessing.output_shape().unwrap()[0], 3, "{name}");
        if let Some(prefix) = &file.sha256_prefix {
            assert!(file.path.contains(prefix.as_str()), "{name}");
            assert!(file.urls[0].ends_with(&file.path), "{name}");
            assert!(entry.licence.contains("non-commercial"), "{name}");
        }
        assert!(facts.top1 < facts.top5 || facts.top5.is_none(), "{name}");
    }
    assert_eq!(count, 21);
}

#[test]
fn the_lists_of_names_are_complete_and_in_their_order() {
    let imagenet = labels("imagenet").unwrap();
    let spot = |i: usize| imagenet[i].as_str();
    assert_eq!(imagenet.len(), 1000);
    // ILSVRC 2012, as its synset list numbers them.
    for (i, name) in [
        (0, "tench"),
        (1, "goldfish"),
        (88, "macaw"),
        (130, "flamingo"),
        (285, "Egyptian cat"),
        (294, "brown bear"),
        (385, "Indian elephant"),
        (934, "hotdog"),
        (999, "toilet tissue"),
    ] {
        assert_eq!(spot(i), name);
    }
    let mut unique = imagenet.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), 1000);
    assert_eq!(labels("cifar10").unwrap()[9], "truck");
    assert_eq!(labels("mnist").unwrap()[7], "7");
    assert_eq!(labels("shapes").unwrap().len(), 8);
    let error = labels("coco").unwrap_err().to_string();
    assert!(error.contains("expected imagenet, cifar10"), "{error}");
    if let Some(mirror) = real_mirror()
        && let Ok(synsets) = fs::read_to_string(mirror.join("weights/imagenet_synset_words.txt"))
    {
        for (line, name) in synsets.lines().zip(&imagenet) {
            let first = name.split(' ').next().unwrap();
            assert!(line.contains(first), "{name} is not in {line}");
        }
    }
}
