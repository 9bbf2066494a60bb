//! What the training loop promises: it stops when asked, keeps what was learned, and goes on from a
//! checkpoint as if nothing had happened.

mod common;

use common::{bits, resumable, small_net, toy, training, untimed};
use convscope_data::{Augmentation, Dataset};
use convscope_nn::*;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::tempdir;

/// Stops after so many steps of the run.
#[derive(Debug)]
struct StopAt(u64, StopHandle);

impl Callback for StopAt {
    fn after_batch(&self, at: &Moment<'_>) -> Result<()> {
        if at.step() == self.0 {
            self.1.stop();
        }
        Ok(())
    }
}

/// Writes a checkpoint after a step, before anything else happens.
#[derive(Debug)]
struct SaveAt(u64, PathBuf);

impl Callback for SaveAt {
    fn after_batch(&self, at: &Moment<'_>) -> Result<()> {
        match at.step() == self.0 {
            true => at.save(&self.1),
            false => Ok(()),
        }
    }
}

fn stopping_at(step: u64, training: Training) -> Training {
    let stop = StopHandle::new();
    training
        .stop_handle(&stop)
        .callback(StopAt(step, stop.clone()))
}

#[test]
fn a_run_stopped_anywhere_goes_on_to_the_same_bits_and_history() {
    let (train, valid) = (toy(100, 1), toy(60, 2)); // 7 batches, the last of 4
    let mut whole = small_net();
    let history = training(4).fit(&mut whole, &train, &valid).unwrap();
    assert_eq!(history.stopped, None);
    for step in [1, 6, 7, 8, 14, 20, 27, 28] {
        let folder = tempdir().unwrap();
        let mut net = small_net();
        let first = stopping_at(step, resumable(4, folder.path(), 1000));
        let partly = first.fit(&mut net, &train, &valid).unwrap();
        if step < 28 {
            let reason = partly.stopped.unwrap();
            assert!(reason.contains("on request"), "{reason}");
        }
        let saved = Checkpoint::read(folder.path().join("last.safetensors")).unwrap();
        assert_eq!(saved.step(), step);
        // Into a fresh network: everything comes from the file.
        let mut net = small_net();
        let rest = resumable(4, folder.path(), 1000);
        let rest = rest.fit(&mut net, &train, &valid).unwrap();
        assert!(bits(&net) == bits(&whole), "stopped after step {step}");
        assert_eq!(untimed(&rest), untimed(&history));
        assert_eq!(rest.stopped, None);
    }
}

#[test]
fn a_checkpoint_taken_after_any_step_goes_on_to_the_same_bits_and_history() {
    let (train, valid) = (toy(100, 1), toy(60, 2));
    let folder = tempdir().unwrap();
    let path = folder.path().join("after");
    for step in [1, 7, 9, 14, 28] {
        let mut whole = small_net();
        let history = training(4)
            .callback(SaveAt(step, path.clone()))
            .fit(&mut whole, &train, &valid)
            .unwrap();
        let mut net = small_net();
        let rest = training(4).resume_from(&path);
        let rest = rest.fit(&mut net, &train, &valid).unwrap();
        assert!(bits(&net) == bits(&whole), "from step {step}");
        assert_eq!(untimed(&rest), untimed(&history), "from step {step}");
    }
}

#[test]
fn a_schedule_sets_the_rate_of_every_step_and_the_history_tells_the_last() {
    let history = Training::new(Sgd::new(0.2))
        .epochs(3)
        .batch_size(10)
        .schedule(Exponential::new(0.25))
        .quiet()
        .fit(&mut small_net(), &toy(20, 1), &toy(30, 2))
        .unwrap();
    // Two steps an epoch: the second begins half an epoch later.
    for (record, rate) in history.epochs.iter().zip([0.1, 0.025, 0.00625]) {
        assert!((record.learning_rate - rate).abs() < 1e-12, "{record:?}");
    }
}

#[test]
fn two_runs_are_bit_equal_with_augmentation_for_any_number_of_threads() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let mut net = small_net();
            let history = training(3).fit(&mut net, &toy(240, 1), &toy(60, 2));
            (bits(&net), untimed(&history.unwrap()))
        })
    };
    let first = run(1);
    for threads in [1, 2, 3] {
        assert!(run(threads) == first, "{threads} threads");
    }
}

#[test]
fn augmentation_changes_what_is_learned_and_one_that_does_nothing_does_not() {
    let run = |training: Training| {
        let mut net = small_net();
        training.fit(&mut net, &toy(60, 1), &toy(30, 2)).unwrap();
        bits(&net)
    };
    let plain = || {
        Training::new(Sgd::new(0.1))
            .epochs(2)
            .batch_size(16)
            .quiet()
    };
    assert!(run(plain()) != run(plain().augment(Augmentation::new().crop(1))));
    let nothing = Augmentation::new().custom("nothing", |_, _| Ok(()));
    assert!(run(plain()) == run(plain().augment(nothing)));
}

#[test]
fn mix_up_learns_from_shares_of_labels_with_the_same_bits_for_any_number_of_threads() {
    let mixing = || Augmentation::new().rotate(20.0).mix_up(0.4);
    let run = |threads, augmentation: Augmentation| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let mut net = small_net();
            let training = training(2).augment(augmentation);
            let history = training.fit(&mut net, &toy(120, 1), &toy(60, 2)).unwrap();
            (bits(&net), untimed(&history))
        })
    };
    let first = run(1, mixing());
    assert!(run(3, mixing()) == first);
    assert!(run(1, Augmentation::new().rotate(20.0)) != first);
    // A loss that takes labels alone says so, and nothing was learned.
    let mut net = small_net();
    let training = Training::new(Sgd::new(0.1)).loss(Hinge::default()).quiet();
    let error = training
        .augment(mixing())
        .fit(&mut net, &toy(30, 1), &toy(30, 2));
    assert!(error.is_err(), "{error:?}");
    assert!(bits(&net) == bits(&small_net()));
}

#[test]
fn images_may_be_larger_than_the_network_reads_when_crops_make_them_fit() {
    let large = |n, seed| {
        let set = toy(n, seed);
        let images = set
            .images
            .view()
            .into_dimensionality::<ndarray::Ix4>()
            .unwrap();
        let padded = ndarray::Array4::from_shape_fn((n, 1, 10, 10), |(i, c, y, x)| {
            let inside = (1..9).contains(&y) && (1..9).contains(&x);
            if inside {
                images[[i, c, y - 1, x - 1]]
            } else {
                0.0
            }
        });
        Dataset {
            images: padded.into_dyn(),
            ..set.clone()
        }
    };
    let mut net = small_net();
    let crops = Augmentation::new().scaled_crop((9, 11), 8);
    let training = Training::new(Adam::new(0.01))
        .epochs(12)
        .batch_size(16)
        .quiet();
    let history = training
        .augment(crops)
        .fit(&mut net, &large(240, 1), &toy(60, 2))
        .unwrap();
    let last = history.epochs.last().unwrap();
    assert!(last.valid_accuracy > 0.5, "{last:?}");
    let plain = Training::new(Adam::new(0.01)).quiet();
    let error = plain
        .fit(&mut net, &large(24, 1), &toy(60, 2))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("[1, 8, 8]") && error.contains("[1, 10, 10]"),
        "{error}"
    );
}

#[test]
fn an_augmentation_that_panics_is_an_error_and_the_steps_before_it_are_kept() {
    let calls = AtomicUsize::new(0);
    let fragile = Augmentation::new().custom("fragile", move |_, _| {
        match calls.fetch_add(1, Ordering::SeqCst) {
            30 => panic!("it broke"),
            _ => Ok(()),
        }
    });
    let mut net = small_net();
    let training = Training::new(Sgd::new(0.1)).batch_size(4).quiet();
    let error = training
        .augment(fragile)
        .fit(&mut net, &toy(240, 1), &toy(30, 2));
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("batch 8 of epoch 1 panicked: it broke"),
        "{error}"
    );
    assert!(bits(&net) != bits(&small_net()));
}

#[test]
fn early_stopping_ends_and_restore_best_brings_back_the_best_epoch() {
    let (train, valid) = (toy(60, 1), toy(90, 2));
    let training = |epochs| {
        Training::new(Sgd::new(0.002))
            .epochs(epochs)
            .batch_size(8)
            .quiet()
    };
    let mut net = small_net();
    let stopped = training(200)
        .early_stopping(EarlyStopping::patience(2))
        .restore_best()
        .fit(&mut net, &train, &valid)
        .unwrap();
    let best = *stopped.best().unwrap();
    assert!(best.epoch > 1, "{best:?}");
    assert_eq!(stopped.epochs.len(), best.epoch + 2);
    assert!(stopped.stopped.unwrap().contains("stopped early"));
    assert_eq!(evaluate(&net, &valid).unwrap().loss, best.valid_loss);
    // As a run of just so many epochs would have left it.
    let mut short = small_net();
    training(best.epoch)
        .fit(&mut short, &train, &valid)
        .unwrap();
    assert!(bits(&net) == bits(&short));
}

#[test]
fn a_run_that_early_stopping_ended_stays_ended_when_it_is_resumed() {
    let (train, valid) = (toy(60, 1), toy(30, 2));
    let folder = tempdir().unwrap();
    let run = |net: &mut Network| {
        resumable(60, folder.path(), 3)
            .early_stopping(EarlyStopping::patience(1))
            .fit(net, &train, &valid)
            .unwrap()
    };
    let (mut a, mut b) = (small_net(), small_net());
    let (first, again) = (run(&mut a), run(&mut b));
    assert!(first.stopped.is_some() && first.epochs.len() < 60);
    assert_eq!((first, bits(&a)), (again, bits(&b)));
}

#[test]
fn on_epoch_sees_the_history_grow() {
    let lengths = Arc::new(Mutex::new(Vec::new()));
    let seen = lengths.clone();
    Training::new(Sgd::new(0.1))
        .epochs(3)
        .quiet()
        .on_epoch(move |history| seen.lock().unwrap().push(history.epochs.len()))
        .fit(&mut small_net(), &toy(30, 1), &toy(30, 2))
        .unwrap();
    assert_eq!(*lengths.lock().unwrap(), [1, 2, 3]);
}

#[test]
fn frozen_parameters_stay_and_the_rest_learns() {
    let mut net = small_net();
    Training::new(Adam::new(0.01))
        .epochs(1)
        .groups(ParameterGroups::new().freeze("conv1"))
        .constraint(Constraint::zeiler_fergus())
        .quiet()
        .fit(&mut net, &toy(30, 1), &toy(30, 2))
        .unwrap();
    let (before, after) = (bits(&small_net()), bits(&net));
    for (old, new) in before.iter().zip(&after) {
        assert_eq!(old == new, old.0.starts_with("conv1"), "{}", old.0);
    }
    let error = Training::new(Adam::new(0.01))
        .groups(ParameterGroups::new().freeze("conv9"))
        .fit(&mut net, &toy(30, 1), &toy(30, 2))
        .unwrap_err();
    assert!(error.to_string().contains("conv9"), "{error}");
    assert!(bits(&net) == after);
}

#[test]
fn training_is_the_loop_one_would_write_by_hand() {
    let (train, valid) = (toy(30, 1), toy(30, 2));
    let plain = || {
        Network::input([1, 8, 8])
            .add("flatten", Flatten)
            .add("fc1", Linear::new(8))
            .add("relu", Relu)
            .add("fc2", Linear::new(3))
            .build(3)
            .unwrap()
    };
    let mut by_hand = plain();
    for _ in 0..5 {
        let trace = by_hand.trace(&train.images).unwrap();
        let (_, gradient) = cross_entropy(trace.output(), &train.labels).unwrap();
        let gradients = trace.parameter_gradients(&gradient).unwrap();
        let paths: Vec<String> = by_hand.parameters().into_iter().map(|(p, _)| p).collect();
        for (path, gradient) in paths.iter().zip(gradients) {
            let moved = by_hand.parameter(path).unwrap() - gradient * 0.1;
            by_hand.set_parameter(path, moved).unwrap();
        }
    }
    let mut net = plain();
    // One batch an epoch: only the order of the images, and so the rounding, differs.
    let training = Training::new(Sgd::new(0.1)).epochs(5).batch_size(30);
    let history = training.quiet().fit(&mut net, &train, &valid).unwrap();
    for ((path, a), (_, b)) in net.parameters().iter().zip(by_hand.parameters()) {
        let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f32::max) < 1e-5, "{path}");
    }
    let first = cross_entropy(&plain().forward(&train.images).unwrap(), &train.labels);
    let expected = first.unwrap().0;
    assert!((history.epochs[0].train_loss - expected).abs() < 1e-5);
}

/// Asks for an end as the relay does, after so many steps.
#[derive(Debug)]
struct InterruptAt(u64, PathBuf);

impl Callback for InterruptAt {
    fn after_batch(&self, at: &Moment<'_>) -> Result<()> {
        if at.step() == self.0 {
            std::fs::write(&self.1, "").unwrap();
        }
        Ok(())
    }
}

/// The variable is read once in a process, so this needs one of its own.
#[test]
#[ignore = "the process that the next test starts"]
fn interrupted_process() {
    let file = PathBuf::from(std::env::var_os("CONVSCOPE_STOP_FILE").unwrap());
    let (train, valid) = (toy(100, 1), toy(60, 2));
    let mut net = small_net();
    let before = bits(&net);
    let history = training(4)
        .callback(InterruptAt(10, file.clone()))
        .fit(&mut net, &train, &valid)
        .unwrap();
    assert_eq!(
        history.stopped.as_deref(),
        Some("stopped on request in epoch 2 after 3 of 7 batches")
    );
    assert_eq!(history.epochs.len(), 1);
    let learned = bits(&net);
    assert_ne!(learned, before, "what was learned stays");
    let behind = training(4).fit(&mut net, &train, &valid);
    assert!(matches!(behind, Err(NnError::Stopped)), "{behind:?}");
    assert_eq!(bits(&net), learned);
    std::fs::remove_file(file).unwrap();
    assert_eq!(
        training(1).fit(&mut net, &train, &valid).unwrap().stopped,
        None
    );
}

#[test]
fn an_interrupt_ends_training_after_its_batch_and_those_behind_it_in_the_cell() {
    let folder = tempdir().unwrap();
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "interrupted_process", "--ignored"])
        .env("CONVSCOPE_STOP_FILE", folder.path().join("stop"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}
