//! Fetching from servers and mirrors that behave, and from those that do not.

mod common;

use common::{
    Server, content, entry, gzip, left_behind, options, respond, sha256, whole, with_ranges,
};
use convscope_data::{DataError, Mirror, Presence, Progress, fetch};
use std::fs;
use std::io::Write;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::tempdir;

fn quiet(_: Progress<'_>) {}

#[test]
fn a_file_is_fetched_unpacked_checked_and_not_fetched_again() {
    let data = content(300_000);
    let packed = gzip(&data);
    let server = Server::start(move |_, _, stream| whole(stream, &packed));
    let (cache, entry) = (tempdir().unwrap(), entry(&data, &[server.url()]));
    let options = options(cache.path());
    assert_eq!(options.cache.presence(&entry), Presence::Missing);
    let mut events = Vec::new();
    let paths = fetch(&entry, &options, &mut |p| events.push(format!("{p:?}"))).unwrap();
    assert_eq!(fs::read(&paths[0]).unwrap(), data);
    assert_eq!(options.cache.presence(&entry), Presence::Complete);
    assert_eq!(options.cache.read(&entry, &entry.files[0]).unwrap(), data);
    assert!(
        events.iter().any(|e| e.starts_with("Received"))
            && events.last().unwrap().starts_with("Done")
    );
    assert_eq!(left_behind(cache.path()), ["file"]);

    let mut present = false;
    fetch(&entry, &options, &mut |p| {
        present |= matches!(p, Progress::Present { .. })
    })
    .unwrap();
    assert!(present);
    assert_eq!(server.requests().len(), 1);

    let again = convscope_data::FetchOptions {
        force: true,
        ..options
    };
    fetch(&entry, &again, &mut quiet).unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_transfer_that_breaks_off_is_continued_where_it_stopped() {
    let data = content(400_000);
    let packed = gzip(&data);
    let length = packed.len();
    let server = Server::start(move |request, before, stream| {
        let send = if before == 0 { 150_000 } else { usize::MAX };
        with_ranges(request, stream, "\"one\"", &packed, send);
    });
    let (cache, entry) = (tempdir().unwrap(), entry(&data, &[server.url()]));
    let paths = fetch(&entry, &options(cache.path()), &mut quiet).unwrap();
    assert_eq!(fs::read(&paths[0]).unwrap(), data);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    let from = requests[1]
        .range_from
        .expect("the second request asks for the rest");
    assert!((1..=150_000).contains(&from) && from < length, "{from}");
    assert_eq!(requests[1].if_range.as_deref(), Some("\"one\""));
    assert_eq!(left_behind(cache.path()), ["file"]);
}

#[test]
fn a_later_run_continues_what_an_earlier_one_left() {
    let data = content(400_000);
    let packed = gzip(&data);
    let server = Server::start(move |request, before, stream| {
        let send = if before == 0 { 150_000 } else { usize::MAX };
        with_ranges(request, stream, "\"one\"", &packed, send);
    });
    let (cache, entry) = (tempdir().unwrap(), entry(&data, &[server.url()]));
    let mut options = options(cache.path());
    options.retries = 0;
    let error = fetch(&entry, &options, &mut quiet).unwrap_err().to_string();
    assert!(error.contains("broke off after 150000 of"), "{error}");
    assert_eq!(left_behind(cache.path()), ["file.part", "file.part.toml"]);
    assert_eq!(options.cache.presence(&entry), Presence::Missing);

    let mut first = None;
    let paths = fetch(&entry, &options, &mut |p| {
        if let Progress::Received { done, .. } = p {
            first.get_or_insert(done);
        }
    });
    assert_eq!(fs::read(&paths.unwrap()[0]).unwrap(), data);
    assert_eq!(
        first,
        Some(150_000),
        "progress starts with what is here already"
    );
    assert_eq!(server.requests()[1].range_from, Some(150_000));
}

/// Each of these answers to a request for the rest must lead to the whole file, begun anew.
#[test]
fn a_rest_that_does_not_fit_is_never_glued_on() {
    type Rest = fn(&common::Request, &mut std::net::TcpStream, &[u8]);
    let cases: [(&str, Rest); 5] = [
        ("a server that ignores Range", |_, stream, body| {
            whole(stream, body)
        }),
        (
            "a file that changed, from an honest server",
            |request, stream, body| {
                with_ranges(request, stream, "\"two\"", body, usize::MAX);
            },
        ),
        (
            "a file that changed, from a server that ignores If-Range",
            |request, stream, body| {
                let blind = common::Request {
                    if_range: None,
                    ..request.clone()
                };
                with_ranges(&blind, stream, "\"two\"", body, usize::MAX);
            },
        ),
        (
            "a rest that starts elsewhere",
            |request, stream, body| match request.range_from {
                Some(_) => {
                    let range = format!("bytes 10-{}/{}", body.len() - 1, body.len());
                    respond(
                        stream,
                        "206 Partial Content",
                        &[("Content-Range", range)],
                        &body[10..],
                    );
                }
                None => whole(stream, body),
            },
        ),
        (
            "nothing left to send",
            |request, stream, body| match request.range_from {
                Some(_) => respond(
                    stream,
                    "416 Range Not Satisfiable",
                    &[("Content-Length", "0".into())],
                    b"",
                ),
                None => whole(stream, body),
            },
        ),
    ];
    for (name, rest) in cases {
        let old = gzip(&content(390_000));
        let data = content(400_000);
        let packed = gzip(&data);
        let server = Server::start(move |request, before, stream| match before {
            0 => with_ranges(request, stream, "\"one\"", &old, 120_000),
            _ => rest(request, stream, &packed),
        });
        let (cache, entry) = (tempdir().unwrap(), entry(&data, &[server.url()]));
        let paths = fetch(&entry, &options(cache.path()), &mut quiet)
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(fs::read(&paths[0]).unwrap(), data, "{name}");
        assert_eq!(server.requests()[1].range_from, Some(120_000), "{name}");
    }
}

#[test]
fn a_weak_etag_is_not_trusted_for_continuing() {
    let data = content(200_000);
    let packed = gzip(&data);
    let server = Server::start(move |request, before, stream| {
        let send = if before == 0 { 100_000 } else { usize::MAX };
        with_ranges(request, stream, "W/\"weak\"", &packed, send);
    });
    let (cache, entry) = (tempdir().unwrap(), entry(&data, &[server.url()]));
    let error = fetch(&entry, &options(cache.path()), &mut quiet)
        .unwrap_err()
        .to_string();
    assert!(error.contains("broke off"), "{error}");
    fetch(&entry, &options(cache.path()), &mut quiet).unwrap();
    assert!(server.requests().iter().all(|r| r.range_from.is_none()));
}

/// What one source sends, and what the error must say of it. Nothing may enter the cache.
#[test]
fn what_a_source_sends_wrongly_is_named_and_not_kept() {
    let data = content(100_000);
    let other = content(99_999);
    let mut changed = data.clone();
    changed[77_777] ^= 1;
    let mut damaged = gzip(&data);
    damaged[50_000] ^= 0xff;
    let shortened = gzip(&data)[..60_000].to_vec();
    let bomb = gzip(&vec![0; 5_000_000]);
    let page = b"<!DOCTYPE html><p>Sign in to the network of this hotel".to_vec();
    let cases: [(&str, Vec<u8>, &[&str]); 7] = [
        (
            "wrong content",
            gzip(&changed),
            &["checksum does not match", &sha256(&changed), &sha256(&data)],
        ),
        (
            "too short",
            gzip(&other),
            &["99999 bytes unpacked", "expected 100000"],
        ),
        ("damaged gzip", damaged, &["file.gz"]),
        ("gzip cut off", shortened, &["gzip data is damaged"]),
        (
            "a bomb",
            bomb,
            &["more than the 100000 bytes", "stopped there"],
        ),
        ("a web page", page, &["looks like a web page"]),
        (
            "an endless file",
            vec![7; 400_000],
            &["sends more than", "stopped there"],
        ),
    ];
    for (name, body, messages) in cases {
        let server = Server::start(move |_, _, stream| whole(stream, &body));
        let (cache, entry) = (tempdir().unwrap(), entry(&data, &[server.url()]));
        let error = fetch(&entry, &options(cache.path()), &mut quiet)
            .unwrap_err()
            .to_string();
        for message in messages {
            assert!(error.contains(message), "{name}: {error}");
        }
        assert!(
            error.contains("cargo course fetch thing"),
            "{name}: {error}"
        );
        assert_eq!(left_behind(cache.path()), [""; 0], "{name}");
    }
}

#[test]
fn a_bomb_is_not_unpacked_past_the_registered_size() {
    let folder = tempdir().unwrap();
    fs::create_dir(folder.path().join("thing")).unwrap();
    // Sixteen gigabytes, as a thousand gzip members: no test has time to unpack them.
    let member = gzip(&vec![0; 16 << 20]);
    fs::write(folder.path().join("thing/file.gz"), member.repeat(1000)).unwrap();
    let (cache, entry) = (tempdir().unwrap(), entry(&content(1000), &[]));
    let mut options = options(cache.path());
    options.mirror = Some(Mirror::Folder(folder.path().to_owned()));
    let start = Instant::now();
    let error = fetch(&entry, &options, &mut quiet).unwrap_err().to_string();
    assert!(error.contains("more than the 1000 bytes"), "{error}");
    assert!(
        start.elapsed() < Duration::from_millis(500),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn a_source_that_has_the_file_unpacked_or_in_several_gzip_members_serves() {
    let data = content(50_000);
    let members = [gzip(&data[..20_000]), gzip(&data[20_000..])].concat();
    for body in [data.clone(), members] {
        let server = Server::start(move |_, _, stream| whole(stream, &body));
        let (cache, entry) = (tempdir().unwrap(), entry(&data, &[server.url()]));
        let paths = fetch(&entry, &options(cache.path()), &mut quiet).unwrap();
        assert_eq!(fs::read(&paths[0]).unwrap(), data);
    }
}

#[test]
fn the_next_address_is_tried_and_each_failure_is_reported() {
    let data = content(80_000);
    let packed = gzip(&data);
    let mut wrong = data.clone();
    wrong[5] ^= 1;
    let wrong = gzip(&wrong);
    let server = Server::start(move |request, _, stream| match request.path.as_str() {
        "/gone" => respond(
            stream,
            "404 Not Found",
            &[("Content-Length", "0".into())],
            b"",
        ),
        "/broken" => respond(
            stream,
            "500 Internal Server Error",
            &[("Content-Length", "0".into())],
            b"",
        ),
        "/wrong" => whole(stream, &wrong),
        _ => whole(stream, &packed),
    });
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/x", listener.local_addr().unwrap())
    };
    let bad = ["/gone", "/broken", "/wrong"].map(|path| server.address.clone() + path);
    let mut urls = bad.to_vec();
    urls.insert(1, nobody);
    let cache = tempdir().unwrap();
    let error = fetch(&entry(&data, &urls), &options(cache.path()), &mut quiet).unwrap_err();
    let DataError::Fetch { attempts, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(
        attempts
            .iter()
            .map(|a| a.source.clone())
            .collect::<Vec<_>>(),
        urls
    );
    let text = error.to_string();
    for message in [
        "404 Not Found",
        "refused",
        "500 Internal",
        "checksum does not match",
    ] {
        assert!(text.contains(message), "{message} in {text}");
    }

    urls.push(server.url());
    let mut failures = 0;
    fetch(&entry(&data, &urls), &options(cache.path()), &mut |p| {
        failures += usize::from(matches!(p, Progress::Failed { .. }));
    })
    .unwrap();
    assert_eq!(failures, 4);
}

#[test]
fn a_server_that_hangs_or_drips_is_given_up_in_time() {
    let data = content(80_000);
    let packed = gzip(&data);
    let server = Server::start(move |request, _, stream| {
        let length = ("Content-Length", packed.len().to_string());
        match request.path.as_str() {
            "/silent" => sleep(Duration::from_secs(30)),
            "/stalls" => {
                respond(stream, "200 OK", &[length], &packed[..1000]);
                sleep(Duration::from_secs(30));
            }
            _ => {
                respond(stream, "200 OK", &[length], b"");
                for byte in packed.chunks(1) {
                    if stream.write_all(byte).is_err() {
                        break;
                    }
                    sleep(Duration::from_millis(100));
                }
            }
        }
    });
    for (path, message) in [
        ("/silent", "no answer in time"),
        ("/stalls", "broke off after 1000 of"),
        ("/drips", "bytes in"),
    ] {
        let (cache, entry) = (
            tempdir().unwrap(),
            entry(&data, &[server.address.clone() + path]),
        );
        let start = Instant::now();
        let error = fetch(&entry, &options(cache.path()), &mut quiet)
            .unwrap_err()
            .to_string();
        assert!(error.contains(message), "{path}: {error}");
        assert!(
            start.elapsed() < Duration::from_secs(8),
            "{path} took {:?}",
            start.elapsed()
        );
    }
}

#[test]
fn a_mirror_folder_is_tried_first_and_falls_through_when_it_lacks_the_file() {
    let data = content(60_000);
    let packed = gzip(&data);
    let for_server = packed.clone();
    let server = Server::start(move |_, _, stream| whole(stream, &for_server));
    let entry = entry(&data, &[server.url()]);
    let mirror = tempdir().unwrap();
    let run = |mirror: &std::path::Path| {
        let cache = tempdir().unwrap();
        let mut options = options(cache.path());
        options.mirror = Some(Mirror::Folder(mirror.to_owned()));
        let mut notes = Vec::new();
        fetch(&entry, &options, &mut |p| {
            if let Progress::Failed { attempt, .. } = p {
                notes.push(attempt.reason.clone());
            }
        })
        .unwrap();
        assert_eq!(fs::read(cache.path().join("thing/file")).unwrap(), data);
        notes
    };
    assert_eq!(
        run(&mirror.path().join("nowhere")),
        ["the mirror folder does not exist"]
    );
    assert_eq!(run(mirror.path()), ["the mirror has no such file"]);
    assert_eq!(server.requests().len(), 2);
    fs::create_dir(mirror.path().join("thing")).unwrap();
    fs::write(
        mirror.path().join("thing/file.gz"),
        &packed[..packed.len() / 2],
    )
    .unwrap();
    assert!(run(mirror.path())[0].contains("gzip data is damaged"));
    assert_eq!(server.requests().len(), 3);
    // Whole, packed; then whole, unpacked, as another cache has it: the server is not asked.
    fs::write(mirror.path().join("thing/file.gz"), &packed).unwrap();
    assert!(run(mirror.path()).is_empty());
    fs::remove_file(mirror.path().join("thing/file.gz")).unwrap();
    fs::write(mirror.path().join("thing/file"), &data).unwrap();
    assert!(run(mirror.path()).is_empty());
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_mirror_address_is_tried_first_under_the_mirror_path() {
    let data = content(60_000);
    let packed = gzip(&data);
    let server = Server::start(move |request, _, stream| match request.path.as_str() {
        "/course/thing/file.gz" | "/file.gz" => whole(stream, &packed),
        _ => respond(stream, "404 Not Found", &[], b""),
    });
    let entry = entry(&data, &[server.url()]);
    for (base, asked) in [
        ("/course/", vec!["/course/thing/file.gz"]),
        ("/empty", vec!["/empty/thing/file.gz", "/file.gz"]),
    ] {
        let cache = tempdir().unwrap();
        let mut options = options(cache.path());
        options.mirror = Some(Mirror::parse(&(server.address.clone() + base)));
        let before = server.requests().len();
        fetch(&entry, &options, &mut quiet).unwrap();
        let paths: Vec<String> = server.requests()[before..]
            .iter()
            .map(|r| r.path.clone())
            .collect();
        assert_eq!(paths, asked);
    }
}

#[test]
fn offline_without_a_mirror_says_so_at_once() {
    let cache = tempdir().unwrap();
    let mut options = options(cache.path());
    options.offline = true;
    let error = fetch(
        &entry(&content(10), &["http://127.0.0.1:9/x".into()]),
        &options,
        &mut quiet,
    )
    .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("source addresses are switched off"),
        "{error}"
    );
}

#[test]
fn a_damaged_file_in_the_cache_is_noticed_and_fetched_again() {
    let data = content(70_000);
    let packed = gzip(&data);
    let server = Server::start(move |_, _, stream| whole(stream, &packed));
    let (cache, entry) = (tempdir().unwrap(), entry(&data, &[server.url()]));
    let options = options(cache.path());
    let path = fetch(&entry, &options, &mut quiet).unwrap().remove(0);
    let mut flipped = data.clone();
    flipped[60_000] ^= 4;
    for damage in [flipped, data[..69_999].to_vec(), Vec::new()] {
        fs::write(&path, damage).unwrap();
        assert!(!options.cache.is_whole(&entry, &entry.files[0]).unwrap());
        let error = options
            .cache
            .read(&entry, &entry.files[0])
            .unwrap_err()
            .to_string();
        assert!(error.contains("cargo course fetch thing"), "{error}");
        fetch(&entry, &options, &mut quiet).unwrap();
        assert_eq!(fs::read(&path).unwrap(), data);
    }
}

#[test]
fn leftovers_of_a_killed_process_are_not_trusted() {
    let data = content(70_000);
    let packed = gzip(&data);
    let server = Server::start(move |request, _, stream| {
        with_ranges(request, stream, "\"one\"", &packed, usize::MAX)
    });
    let (cache, entry) = (tempdir().unwrap(), entry(&data, &[server.url()]));
    let folder = cache.path().join("thing");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("file.new"), b"half unpacked").unwrap();
    fs::write(
        folder.join("file.part"),
        b"bytes without a note of what they are",
    )
    .unwrap();
    fetch(&entry, &options(cache.path()), &mut quiet).unwrap();
    assert_eq!(fs::read(folder.join("file")).unwrap(), data);
    assert_eq!(left_behind(cache.path()), ["file"]);
    assert_eq!(server.requests()[0].range_from, None);

    // Bytes that carry the right note but were never the file's beginning: the checksum finds out,
    // and the download begins anew.
    fs::remove_file(folder.join("file")).unwrap();
    fs::write(folder.join("file.part"), vec![9; 5000]).unwrap();
    let note = format!("url = {:?}\nvalidator = '\"one\"'\n", server.url());
    fs::write(folder.join("file.part.toml"), note).unwrap();
    fetch(&entry, &options(cache.path()), &mut quiet).unwrap();
    assert_eq!(server.requests()[1].range_from, Some(5000));
    assert_eq!(server.requests()[2].range_from, None);
    assert_eq!(fs::read(folder.join("file")).unwrap(), data);
}

#[test]
fn two_that_fetch_at_once_download_once_and_both_have_it() {
    let data = content(200_000);
    let packed = gzip(&data);
    let server = Server::start(move |_, _, stream| {
        sleep(Duration::from_millis(300));
        whole(stream, &packed);
    });
    let (cache, entry) = (tempdir().unwrap(), entry(&data, &[server.url()]));
    let options = options(cache.path());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let path = fetch(&entry, &options, &mut quiet).unwrap().remove(0);
                assert_eq!(fs::read(path).unwrap(), data);
            });
        }
    });
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_lock_that_is_not_let_go_ends_in_an_error_that_names_it() {
    let cache = tempdir().unwrap();
    let entry = entry(&content(10), &[]);
    fs::create_dir(cache.path().join("thing")).unwrap();
    let lock = fs::File::create(cache.path().join("thing/.lock")).unwrap();
    lock.lock().unwrap();
    let mut options = options(cache.path());
    options.lock_timeout = Duration::from_millis(200);
    let mut waited = false;
    let error = fetch(&entry, &options, &mut |p| waited |= p == Progress::Waiting).unwrap_err();
    assert!(waited && matches!(error, DataError::Busy { .. }), "{error}");
    assert!(error.to_string().contains(".lock"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_apart_from_a_bad_source_and_nothing_stays() {
    let data = content(500_000);
    let packed = gzip(&data);
    let server = Server::start(move |_, _, stream| whole(stream, &packed));
    // Writing to /dev/full fails as a full disk does: while downloading, then while unpacking.
    for full in ["file.part", "file.new"] {
        let (cache, entry) = (
            tempdir().unwrap(),
            entry(&data, &[server.url(), server.url()]),
        );
        fs::create_dir(cache.path().join("thing")).unwrap();
        std::os::unix::fs::symlink("/dev/full", cache.path().join("thing").join(full)).unwrap();
        let before = server.requests().len();
        let error = fetch(&entry, &options(cache.path()), &mut quiet).unwrap_err();
        assert!(
            matches!(error, DataError::DiskFull { .. }),
            "{full}: {error}"
        );
        assert!(
            error
                .to_string()
                .contains("Free some space, or set CONVSCOPE_DATA"),
            "{error}"
        );
        assert_eq!(left_behind(cache.path()), [""; 0], "{full}");
        assert_eq!(
            server.requests().len() - before,
            1,
            "a second source would not help"
        );
    }
}

#[test]
fn a_cache_that_cannot_be_made_is_named() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a file, not a folder");
    fs::write(&file, b"").unwrap();
    let error = fetch(&entry(&content(10), &[]), &options(&file), &mut quiet)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("cannot create") && error.contains("a file, not a folder"),
        "{error}"
    );
}
