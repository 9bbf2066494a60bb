//! Where a bar is seen depends on the process, so each case is a process of its own: this test
//! program again, with one ignored test.

use convscope_progress::relay::{MARK, MARKS, STOP_FILE};
use convscope_progress::{ProgressBar, relay, stop_requested};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// A second and a half of work.
#[test]
#[ignore = "the work that the other tests look at"]
fn work() {
    let bar = ProgressBar::new("counting", 150).unit("sheep");
    let mut done = 0;
    while done < 150 && !stop_requested() {
        std::thread::sleep(Duration::from_millis(10));
        done += 1;
        if bar.is_due() {
            bar.note(format!("sheep number {done}"));
            bar.picture("<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>");
        }
        bar.step(1);
    }
    if done < 150 {
        return; // dropped before it is finished
    }
    bar.line("a line");
    bar.finish();
}

#[test]
#[ignore = "the work that the other tests look at"]
fn quick_work() {
    assert!(relay::is_there());
    let bar = ProgressBar::new("quick", 3);
    for _ in 0..3 {
        bar.step(1);
    }
    bar.finish();
}

fn run(test: &str, variables: &[(&str, &str)]) -> (String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env_remove(MARKS)
        .env_remove(STOP_FILE)
        .env_remove("EVCXR_IS_RUNTIME")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(status.success());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(stdout), text(stderr))
}

/// The displays' HTML in order, and their places.
fn displays(stdout: &str) -> Vec<(String, String)> {
    let lines = stdout.lines().filter_map(|line| line.split_once(MARK));
    lines
        .map(|(_, json)| {
            let value: serde_json::Value = serde_json::from_str(json).unwrap();
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            let (id, html) = (
                text(&value["display_id"]),
                text(&value["data"]["text/html"]),
            );
            assert!(!text(&value["data"]["text/plain"]).is_empty());
            (id, html)
        })
        .collect()
}

fn share(html: &str) -> f64 {
    let after = html.split_once("data-share=\"").unwrap().1;
    after.split_once('"').unwrap().0.parse().unwrap()
}

#[test]
fn behind_the_relay_one_output_moves_five_times_a_second_at_most() {
    let start = Instant::now();
    let (stdout, stderr) = run("work", &[(MARKS, "1")]);
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(stderr, "");
    let shown = displays(&stdout);
    let most = (5.0 * seconds) as usize + 2;
    assert!(
        (3..=most).contains(&shown.len()),
        "{} in {seconds} s",
        shown.len()
    );
    assert!(shown.iter().all(|(id, _)| *id == shown[0].0), "one place");
    let shares: Vec<f64> = shown.iter().map(|(_, html)| share(html)).collect();
    assert!(shares.is_sorted(), "{shares:?}");
    let (last, running) = shown.split_last().unwrap();
    for (_, html) in running {
        assert!(
            html.contains("data-state=\"running\"") && html.contains("sheep/s"),
            "{html}"
        );
        assert!(html.contains("number ") && html.contains("<img"), "{html}");
    }
    assert!(
        last.1.contains("data-state=\"done\"") && last.1.contains("150 sheep in"),
        "{}",
        last.1
    );
    assert!(!last.1.contains("<img"), "the picture goes with the work");
    assert!(stdout.contains("\na line\n"));
}

#[test]
fn a_request_to_stop_is_honoured_between_steps_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stop");
    let stopper = {
        let file = file.clone();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(900));
            std::fs::write(file, "").unwrap();
        })
    };
    let (stdout, _) = run("work", &[(MARKS, "1"), (STOP_FILE, file.to_str().unwrap())]);
    stopper.join().unwrap();
    let shown = displays(&stdout);
    let last = &shown.last().unwrap().1;
    assert!(
        last.contains("data-state=\"stopped\"") && last.contains("stopped after"),
        "{last}"
    );
    assert!(share(last) < 1.0, "{last}");
    assert!(!stdout.contains("a line"));
}

#[test]
fn work_that_is_over_at_once_shows_nothing() {
    let (stdout, stderr) = run("quick_work", &[(MARKS, "1")]);
    assert_eq!((displays(&stdout).len(), stderr.as_str()), (0, ""));
}

#[test]
fn elsewhere_short_work_leaves_its_own_lines_alone() {
    for variables in [&[][..], &[("EVCXR_IS_RUNTIME", "1")]] {
        let (stdout, stderr) = run("work", variables);
        assert!(
            !stdout.contains(MARK) && stdout.contains("\na line\n"),
            "{stdout}"
        );
        assert!(
            !stdout.contains("sheep"),
            "plain lines come every ten seconds: {stdout}"
        );
        assert_eq!(stderr, "");
    }
}
