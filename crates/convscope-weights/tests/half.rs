//! Half precision on the way out.

use convscope_weights::Weights;
use ndarray::{ArrayD, arr1, arr2};

#[test]
fn matrices_are_rounded_to_eleven_bits_and_vectors_stay() {
    let mut weights = Weights::new();
    let matrix = arr2(&[[1.0_f32, 1.0 / 3.0], [-65504.0, 1e-9]]).into_dyn();
    let vector = arr1(&[1.0_f32 / 3.0, 1e30]).into_dyn();
    weights.insert("matrix", matrix).unwrap();
    weights.insert("vector", vector.clone()).unwrap();
    weights
        .insert_integers("steps", ArrayD::from_elem(vec![], 7))
        .unwrap();
    let read = Weights::from_bytes(&weights.to_half_safetensors().unwrap(), "half").unwrap();
    let expected = arr2(&[[1.0_f32, 0.33325195], [-65504.0, 0.0]]).into_dyn();
    assert_eq!(read.get("matrix"), Some(&expected));
    assert_eq!(read.get("vector"), Some(&vector));
    assert_eq!(read.integers().next().unwrap().1.first(), Some(&7));
}

#[test]
fn what_half_precision_cannot_hold_is_an_error_that_names_it() {
    let mut weights = Weights::new();
    let matrix = arr2(&[[65520.0_f32]]).into_dyn();
    weights.insert("fc.weight", matrix).unwrap();
    let error = weights.to_half_safetensors().unwrap_err().to_string();
    assert!(
        error.contains("fc.weight") && error.contains("65520") && error.contains("65504"),
        "{error}"
    );
}
