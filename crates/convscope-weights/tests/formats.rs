//! Each format gives the arrays that its own library wrote. The scripts beside the fixtures made
//! them.

mod common;

use common::{assert_counted, counted, fixture, names, problem, real};
use convscope_weights::{Format, Weights, WeightsError};

#[test]
fn pytorch_files_of_both_kinds_give_every_type_stride_and_counter() {
    for (file, format) in [
        ("weights.pth", Format::TorchZip),
        ("weights_legacy.pth", Format::TorchLegacy),
    ] {
        let weights = Weights::read(fixture(file)).unwrap();
        assert_eq!(weights.format(), Some(format));
        assert_eq!(weights.source(), Some(fixture(file).as_path()));
        assert_eq!(
            names(&weights),
            [
                "conv.weight",
                "conv.bias",
                "half",
                "brain",
                "double",
                "scalar",
                "empty",
                "parameter",
                "whole",
                "transposed",
                "part"
            ]
        );
        assert_counted(&weights, "conv.weight", &[4, 3, 3, 3]);
        assert_counted(&weights, "conv.bias", &[4]);
        for name in ["half", "brain", "double"] {
            assert_counted(&weights, name, &[5]);
        }
        assert_counted(&weights, "scalar", &[]);
        assert_counted(&weights, "empty", &[0, 3]);
        assert_counted(&weights, "parameter", &[2, 2]);
        assert_counted(&weights, "whole", &[4, 6]);
        let whole = weights.get("whole").unwrap();
        assert_eq!(weights.get("transposed").unwrap(), &whole.t());
        let part = weights.get("part").unwrap();
        assert_eq!(part.shape(), [3, 3]);
        for ((row, column), &value) in part
            .view()
            .into_dimensionality::<ndarray::Ix2>()
            .unwrap()
            .indexed_iter()
        {
            assert_eq!(value, counted((row + 1) * 6 + column * 2));
        }
        let integers: Vec<_> = weights
            .integers()
            .map(|(n, a)| (n, a.iter().copied().collect::<Vec<_>>()))
            .collect();
        assert_eq!(
            integers,
            [
                ("bn.num_batches_tracked", vec![12]),
                ("mask", vec![1, 0, 1])
            ]
        );
    }
}

#[test]
fn a_checkpoint_gives_its_state_dict_and_leaves_the_optimizer() {
    for file in [
        "checkpoint.pth",
        "checkpoint_legacy.pth",
        "checkpoint_nested.pth",
    ] {
        let weights = Weights::read(fixture(file)).unwrap();
        assert_eq!(
            names(&weights),
            [
                "0.weight",
                "0.bias",
                "1.weight",
                "1.bias",
                "1.running_mean",
                "1.running_var"
            ]
        );
        assert_counted(&weights, "0.weight", &[2, 1, 3, 3]);
        assert_eq!(
            weights.integers().next().unwrap().0,
            "1.num_batches_tracked"
        );
    }
}

#[test]
fn numpy_archives_stored_or_deflated_give_their_arrays_in_either_order() {
    for file in ["stored.npz", "deflated.npz"] {
        let weights = Weights::read(fixture(file)).unwrap();
        assert_eq!(weights.format(), Some(Format::Npz));
        assert_counted(&weights, "conv/kernel", &[2, 3, 4]);
        assert_counted(&weights, "column_major", &[2, 3, 4]);
        for name in ["half", "double", "big_endian"] {
            assert_counted(&weights, name, &[5]);
        }
        assert_counted(&weights, "scalar", &[]);
        assert_counted(&weights, "empty", &[0, 3]);
        let (name, steps) = weights.integers().next().unwrap();
        assert_eq!(
            (name, steps.as_slice().unwrap()),
            ("steps", &[1, -2, 3][..])
        );
    }
    assert_counted(&Weights::read(fixture("one.npy")).unwrap(), "one", &[2, 3]);
}

#[test]
fn caffe_models_of_both_generations_give_weights_in_the_usual_shapes() {
    let new = Weights::read(fixture("new.caffemodel")).unwrap();
    assert_eq!(new.format(), Some(Format::Caffe));
    let old = Weights::read(fixture("old.caffemodel")).unwrap();
    for weights in [&new, &old] {
        assert_counted(weights, "conv1.weight", &[2, 3, 3, 3]);
        assert_counted(weights, "conv1.bias", &[2]);
        assert_counted(weights, "fc.weight", &[3, 5]);
        assert_counted(weights, "fc.bias", &[3]);
    }
    let moment = |name| new.get(name).unwrap().as_slice().unwrap().to_vec();
    assert_eq!(moment("bn.running_mean"), [1.0, 2.0]);
    assert_eq!(moment("bn.running_var"), [3.0, 4.0]);
    assert_eq!(new.len(), 6);
}

#[test]
fn safetensors_of_its_own_library_give_every_type_in_the_order_of_their_bytes() {
    let weights = Weights::read(fixture("types.safetensors")).unwrap();
    assert_eq!(weights.format(), Some(Format::Safetensors));
    assert_counted(&weights, "conv.weight", &[2, 3, 3, 3]);
    for name in ["half", "double"] {
        assert_counted(&weights, name, &[5]);
    }
    assert_counted(&weights, "scalar", &[]);
    assert_counted(&weights, "empty", &[0, 3]);
    let integers: Vec<_> = weights.integers().map(|(n, a)| (n, a.len())).collect();
    assert_eq!(integers, [("steps", 3), ("mask", 2)]);
}

#[test]
fn keras_2_files_give_their_weights_by_their_own_names_in_the_layers_order() {
    for file in ["keras2.h5", "keras2_gzip.h5", "keras2_latest.h5"] {
        let weights = Weights::read(fixture(file)).unwrap();
        assert_eq!(weights.format(), Some(Format::KerasH5));
        let names = names(&weights);
        assert_eq!(
            names,
            [
                "conv1/kernel:0",
                "conv1/bias:0",
                "bn/gamma:0",
                "bn/beta:0",
                "bn/moving_mean:0",
                "bn/moving_variance:0",
                "fc/kernel:0",
                "fc/bias:0"
            ]
        );
        assert_counted(&weights, "conv1/kernel:0", &[3, 3, 2, 4]);
        assert_counted(&weights, "bn/moving_variance:0", &[4]);
        assert_counted(&weights, "fc/kernel:0", &[12, 5]);
    }
}

#[test]
fn keras_3_archives_give_their_weights_by_path() {
    let weights = Weights::read(fixture("keras3.keras")).unwrap();
    assert_eq!(weights.format(), Some(Format::KerasZip));
    assert_eq!(weights.len(), 8);
    assert_counted(&weights, "layers/conv1/vars/0", &[3, 3, 2, 4]);
    assert_counted(&weights, "layers/fc/vars/1", &[5]);
}

#[test]
fn hdf5_chunks_that_overhang_and_every_type_come_out_right() {
    let weights = Weights::read(fixture("strange.h5")).unwrap();
    assert_counted(&weights, "edges", &[10, 7]);
    assert_counted(&weights, "plain_chunks", &[10, 7]);
    assert_counted(&weights, "half", &[5]);
    assert_counted(&weights, "double", &[5]);
    assert_counted(&weights, "scalar", &[]);
    assert_eq!(
        weights.get("unwritten").unwrap(),
        &ndarray::ArrayD::<f32>::zeros(vec![2, 3])
    );
    assert_eq!(
        weights.integers().next().unwrap().1.as_slice().unwrap(),
        [1, -2, 3]
    );
    assert_eq!(
        weights
            .iter()
            .filter(|(n, _)| n.starts_with("many/"))
            .count(),
        40
    );
}

#[test]
fn what_is_written_as_safetensors_is_read_back_bit_by_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.bin");
    let before = Weights::read(fixture("weights.pth")).unwrap();
    before.write_safetensors(&path).unwrap();
    let after = Weights::read(&path).unwrap();
    assert_eq!(after.format(), Some(Format::Safetensors));
    assert_eq!(after.len(), before.len());
    for (name, array) in before.iter() {
        assert_eq!(after.get(name).unwrap(), array, "{name}");
    }
    assert_eq!(after.integers().len(), 2);
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing is left beside it"
    );
}

#[test]
fn what_is_written_as_npz_is_read_back_bit_by_bit_and_twice_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let before = Weights::read(fixture("weights.pth")).unwrap();
    let write = |name: &str| {
        let path = folder.path().join(name);
        before.write_npz(&path).unwrap();
        path
    };
    let (one, two) = (write("one.npz"), write("two.npz"));
    assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(two).unwrap());
    let after = Weights::read(one).unwrap();
    assert_eq!(after.format(), Some(Format::Npz));
    assert_eq!(names(&after), names(&before));
    for (name, array) in before.iter() {
        let bits = |array: &ndarray::ArrayD<f32>| array.mapv(f32::to_bits);
        assert_eq!(bits(after.get(name).unwrap()), bits(array), "{name}");
    }
    assert!(after.integers().eq(before.integers()));
    let mut none = Weights::new();
    none.insert("a", ndarray::ArrayD::zeros(vec![0, 3]))
        .unwrap();
    none.insert("b", ndarray::ArrayD::ones(vec![])).unwrap();
    none.write_npz(folder.path().join("none.npz")).unwrap();
    let after = Weights::read(folder.path().join("none.npz")).unwrap();
    assert_eq!(after.get("a").unwrap().shape(), [0, 3]);
    assert_eq!(after.get("b").unwrap()[[]], 1.0);
}

#[test]
fn squeezenet_is_the_same_bit_by_bit_as_pth_and_as_safetensors() {
    let (Some(pth), Some(safe)) = (real("squeezenet1_0.pth"), real("squeezenet1_0.safetensors"))
    else {
        return;
    };
    let pth = Weights::read(pth).unwrap();
    let safe = Weights::read(safe).unwrap();
    assert_eq!(pth.len(), 52);
    assert_eq!(pth.iter().map(|(_, a)| a.len()).sum::<usize>(), 1_248_424);
    let shapes: Vec<_> = safe
        .iter()
        .map(|(n, a)| (n.to_owned(), a.shape().to_vec()))
        .collect();
    pth.fits(&shapes).into_result().unwrap();
    for (name, array) in pth.iter() {
        let other = safe.get(name).unwrap();
        assert!(
            array
                .iter()
                .zip(other)
                .all(|(a, b)| a.to_bits() == b.to_bits()),
            "{name}"
        );
    }
}

#[test]
fn resnet_20_has_as_many_parameters_as_it_should() {
    let Some(path) = real("resnet20_cifar10.safetensors") else {
        return;
    };
    let weights = Weights::read(path).unwrap();
    let learned = weights
        .iter()
        .filter(|(name, _)| !name.contains("running_"));
    assert_eq!(learned.map(|(_, a)| a.len()).sum::<usize>(), 269_722);
}

#[test]
fn names_can_be_changed_but_not_into_one_another() {
    let weights = Weights::read(fixture("one.npy")).unwrap();
    let renamed = weights.renamed(|name| format!("module.{name}")).unwrap();
    assert_eq!(names(&renamed), ["module.one"]);
    let many = Weights::read(fixture("weights.pth")).unwrap();
    let error = many.renamed(|_| "same".into()).unwrap_err();
    assert!(matches!(error, WeightsError::Repeated { name } if name == "same"));
}

#[test]
fn files_that_are_no_weights_are_called_what_they_are() {
    for (bytes, word) in [
        (&b""[..], "empty"),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "git lfs pull",
        ),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (&[0x1f, 0x8b, 8, 0, 0], "gzip"),
        (b"\xff\xd8\xff\xe0", "ff d8 ff e0"),
    ] {
        let text = problem(bytes);
        assert!(
            text.contains(word) && text.contains("no known weight format"),
            "{text}"
        );
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Weights::read("no/such/file.pth").unwrap_err().to_string();
    assert!(error.starts_with("cannot read no/such/file.pth"), "{error}");
}

#[test]
fn weights_and_errors_can_cross_threads() {
    fn both<T: Send + Sync + 'static>() {}
    both::<Weights>();
    both::<WeightsError>();
}
