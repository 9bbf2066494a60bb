//! Files that are broken or made to harm get a clear error: no code runs, no memory is given away.

mod common;

use common::{fixture, fixtures, problem};
use convscope_weights::Weights;

/// A zip with these entries, stored.
fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    packed(entries, zip::CompressionMethod::Stored)
}

fn packed(entries: &[(&str, &[u8])], method: zip::CompressionMethod) -> Vec<u8> {
    use std::io::Write;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn pickled(code: &[u8]) -> String {
    problem(&zipped(&[("w/data.pkl", code), ("w/data/0", &[0; 64])]))
}

/// A dictionary {"w": tensor} whose tensor has these arguments, as 4-byte integers.
fn tensor(offset: i32, shape: &[i32], strides: &[i32], len: i32) -> Vec<u8> {
    let tuple = |values: &[i32]| {
        let mut code = b"(".to_vec();
        for v in values {
            code.push(b'J');
            code.extend(v.to_le_bytes());
        }
        code.push(b't');
        code
    };
    let mut code = b"\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((".to_vec();
    code.extend(b"X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuJ");
    code.extend(len.to_le_bytes());
    code.extend(b"tQJ");
    code.extend(offset.to_le_bytes());
    code.extend(tuple(shape));
    code.extend(tuple(strides));
    code.extend(b"\x89}tRs.");
    code
}

#[test]
fn a_pickle_that_would_run_a_command_is_refused_by_the_commands_name() {
    for code in [
        &b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R."[..],
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
        b"(S'true'\nios\nsystem\n.",
    ] {
        let text = pickled(code);
        assert!(
            text.contains("os.system") && text.contains("nothing was run"),
            "{text}"
        );
    }
    let legacy = problem(b"\x80\x02cposix\nsystem\nX\x04\0\0\0true\x85R.");
    assert!(legacy.contains("posix.system"), "{legacy}");
}

#[test]
fn a_whole_module_is_refused_by_its_class() {
    let text = Weights::read(fixture("whole_module.pth"))
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("torch.nn.modules.container.Sequential"),
        "{text}"
    );
}

#[test]
fn pickled_objects_in_numpy_arrays_are_never_loaded() {
    let text = Weights::read(fixture("objects.npy"))
        .unwrap_err()
        .to_string();
    assert!(text.contains("never loaded"), "{text}");
}

#[test]
fn tensors_that_lie_about_their_storage_are_errors_with_the_numbers() {
    assert!(
        Weights::from_bytes(
            &zipped(&[
                ("w/data.pkl", &tensor(1, &[3, 5], &[5, 1], 16)),
                ("w/data/0", &[0; 64])
            ]),
            "w"
        )
        .is_ok()
    );
    for (offset, shape, strides, len, word) in [
        (2, &[3, 5][..], &[5, 1][..], 16, "outside its storage of 16"),
        (0, &[16], &[2], 16, "outside"),
        (-1, &[2], &[1], 16, "offset is -1"),
        (0, &[2], &[-1], 16, "stride is -1"),
        (0, &[-2], &[1], 16, "size is -2"),
        (0, &[2, 2], &[1], 16, "as many axes"),
        (0, &[4, 4], &[1, 1], 16, "overlap"),
        (0, &[1 << 30, 1 << 20], &[0, 0], 16, "overlap"),
        (0, &[i32::MAX; 9], &[1; 9], 16, "too large"),
        (0, &[4], &[1], 17, "should have 17 numbers, and has 16"),
        (0, &[1; 99], &[1; 99], 16, "99 axes"),
    ] {
        let text = pickled(&tensor(offset, shape, strides, len));
        assert!(text.contains(word), "{word}: {text}");
    }
    let text = Weights::read(fixture("expanded.pth"))
        .unwrap_err()
        .to_string();
    assert!(text.contains("overlap"), "{text}");
}

#[test]
fn a_pickle_that_holds_itself_or_is_deep_ends_in_an_error() {
    let cyclic = b"\x80\x02}q\0X\x0a\0\0\0state_dicth\0s.";
    assert!(pickled(cyclic).contains("without end"));
    let mut deep = vec![0x80, 2, b')'];
    deep.extend(vec![0x85; 1 << 20]);
    deep.push(b'.');
    assert!(pickled(&deep).contains("it holds a tuple"));
}

#[test]
fn a_pickle_that_is_wrong_in_any_way_says_where() {
    for (code, word) in [
        (&b"\x80\x02"[..], "truncated"),
        (b"\x80\x02.", "where there is none"),
        (b"\x80\x02(0.", "where there is none"),
        (b"\x80\x02K\x01(0.", "where there is none"),
        (b"\x80\x02t.", "never opened"),
        (b"\x80\x02h\x07.", "nothing is at place 7"),
        (
            b"\x80\x02X\xff\xff\xff\xffab.",
            "4294967295 bytes should follow",
        ),
        (b"\x80\x02]K\x01b.", "sets the state of a list"),
        (b"\x80\x02}K\x01K\x02a.", "appends to an integer"),
        (
            b"\x80\x02ctorch\nSize\nK\x01R.",
            "calls a class or function",
        ),
        (b"\x80\x02\xfe.", "0xfe"),
        (b"\x80\x02}.", "holds no tensors"),
        (b"\x80\x02K\x05.", "it holds an integer"),
        (b"\x80\x02K\x05Q.", "persistent id"),
    ] {
        let text = pickled(code);
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn a_safetensors_header_of_2_to_63_bytes_is_an_error() {
    let mut bytes = (1u64 << 63).to_le_bytes().to_vec();
    bytes.extend(b"{}");
    let text = problem(&bytes);
    assert!(
        text.contains("9223372036854775808") && text.contains("10"),
        "{text}"
    );
}

#[test]
fn safetensors_that_lie_are_errors_that_name_the_tensor() {
    let file = |json: &str, data: usize| {
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.extend(json.as_bytes());
        bytes.extend(vec![0; data]);
        problem(&bytes)
    };
    let truncated = file(
        r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        4,
    );
    assert!(
        truncated.contains("\"w\" reaches to byte 8") && truncated.contains("there are 4"),
        "{truncated}"
    );
    let max = format!(
        r#"{{"w":{{"dtype":"U8","shape":[{0}],"data_offsets":[0,{0}]}}}}"#,
        u64::MAX
    );
    assert!(file(&max, 4).contains("18446744073709551615"));
    file(
        r#"{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
        8,
    );
    file(
        r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
        8,
    );
    file(
        r#"{"w":{"dtype":"F32","shape":[0,9223372036854775807,9],"data_offsets":[0,0]}}"#,
        0,
    );
    file(&"[".repeat(1 << 16).replacen('[', "{\"a\":", 1), 0);
}

#[test]
fn a_zip_bomb_is_refused_before_it_unpacks() {
    let bomb = packed(
        &[("a.npy", &vec![0; 80 << 20])],
        zip::CompressionMethod::Deflated,
    );
    assert!(bomb.len() < 1 << 20);
    let text = problem(&bomb);
    assert!(text.contains("asks for 83886080 bytes"), "{text}");
}

#[test]
fn an_entry_that_unpacks_to_more_than_it_declares_is_refused() {
    let mut bytes = packed(&[("a.npy", &[0; 4096])], zip::CompressionMethod::Deflated);
    let declared = 4096u32.to_le_bytes();
    let places: Vec<_> = (0..bytes.len() - 4)
        .filter(|&i| bytes[i..i + 4] == declared)
        .collect();
    assert_eq!(places.len(), 2, "in the entry and in the directory");
    for at in places {
        bytes[at..at + 4].copy_from_slice(&16u32.to_le_bytes());
    }
    let text = problem(&bytes);
    assert!(text.contains("a.npy"), "{text}");
}

#[test]
fn numpy_headers_that_lie_are_errors() {
    for (header, word) in [
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 1000000000), }",
            "takes",
        ),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999999, 9999999999), }",
            "too large",
        ),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
            "shape holds",
        ),
        (
            "{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }",
            "'<c8'",
        ),
        (
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }",
            "records",
        ),
        ("{'descr': '<f4', 'shape': (1,), }", "fortran_order"),
    ] {
        let mut bytes = b"\x93NUMPY\x01\0".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend([0; 4]);
        let text = problem(&bytes);
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn hdf5_that_refers_to_itself_or_outside_is_an_error() {
    let whole = std::fs::read(fixture("keras2.h5")).unwrap();
    let root = u64::from_le_bytes(whole[64..72].try_into().unwrap());
    let with = |at: usize, value: u64| {
        let mut bytes = whole.clone();
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        problem(&bytes)
    };
    let outside = with(64, 1 << 60);
    assert!(outside.contains("0x1000000000000000"), "{outside}");
    assert!(with(64, 0).contains("no object at 0x0"));
    assert!(with(40, u64::MAX).contains("truncated"));

    // Every object of the first list of names becomes the root itself.
    let list = whole.windows(4).position(|w| w == b"SNOD").unwrap();
    let mut cyclic = whole.clone();
    let count = usize::from(whole[list + 6]);
    assert!(count > 0);
    for entry in 0..count {
        let at = list + 8 + entry * 40 + 8;
        cyclic[at..at + 8].copy_from_slice(&root.to_le_bytes());
    }
    problem(&cyclic);
}

#[test]
fn every_file_cut_anywhere_is_an_error_or_still_whole_and_never_a_panic() {
    for (name, bytes) in fixtures() {
        let whole = Weights::from_bytes(&bytes, &name).map(|w| w.len());
        for end in (0..bytes.len()).step_by(1 + bytes.len() / 500) {
            // Caffe's format cannot tell a file that ends between two layers from a whole one.
            if let (Ok(cut), Ok(whole)) = (Weights::from_bytes(&bytes[..end], &name), &whole) {
                assert!(
                    name.ends_with(".caffemodel") && cut.len() <= *whole,
                    "{name} cut at {end}"
                );
            }
        }
    }
}
