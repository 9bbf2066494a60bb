//! The relay between a fake kernel and raw ZeroMQ clients.

mod support;

use convscope_kernel::zmtp::{Kind, introduce};
use convscope_kernel::{Channel, Signer};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use support::{Relay, wait_for};

const MB: usize = 1 << 20;

/// Not a test: the kernel that the relay starts in the others.
#[test]
#[ignore = "the kernel that the other tests start"]
fn fake_kernel() {
    let file = std::env::args().find(|argument| argument.ends_with(".json"));
    if let Some(file) = file {
        support::fake::run(std::path::Path::new(&file));
    }
}

#[test]
fn kernel_info_comes_while_the_kernel_warms_up() {
    let relay = Relay::with(&[], &[("FAKE_WARM_UP", "8000")]);
    let start = Instant::now();
    let client = relay.client();
    let id = client.request("shell", "kernel_info_request", &json!({}));
    let info = client.outcome(&id);
    assert!(
        start.elapsed() < Duration::from_millis(7000),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(info.kinds(), ["busy", "idle"]);
    let language = &info.reply["language_info"];
    assert_eq!(
        (&language["name"], &language["file_extension"]),
        (&json!("rust"), &json!(".rs"))
    );
    assert_eq!(client.run("print warm").text("stdout"), "warm\n");
}

#[test]
fn a_kernelspec_may_name_the_connection_file_twice() {
    // Jupyter fills in both.
    let relay = Relay::of(&[], &[], |file| {
        let mut command = support::fake_command();
        command.push(file.into());
        command
    });
    assert_eq!(relay.client().run("print on").text("stdout"), "on\n");
}

#[test]
fn the_kernel_sees_no_kernelspec_that_it_could_write_over() {
    let relay = Relay::with(&[], &[("JUPYTER_PATH", "/jupyter")]);
    let folder = relay
        .client()
        .run("environment JUPYTER_PATH")
        .text("stdout");
    assert!(std::path::Path::new(&folder).is_dir(), "{folder:?}");
    assert!(!std::path::Path::new(&folder).join("kernels").exists());
}

#[test]
fn a_kernel_that_never_gets_ready_is_given_up_and_cells_are_answered() {
    let mut relay = Relay::of(&[], &[], |_| {
        vec!["sh".into(), "-c".into(), "sleep 1".into()]
    });
    let client = relay.client();
    let id = client.execute("print never");
    assert_eq!(client.outcome(&id).reply["ename"], "KernelDied");
    assert!(relay.ended());
    assert!(!relay.process.wait().unwrap().success());
}

#[test]
fn a_cell_is_busy_prints_gives_its_value_and_is_idle() {
    let relay = Relay::start();
    let client = relay.client();
    for count in 1..=3 {
        let outcome = client.run("print a\nprint b\nvalue 5");
        assert_eq!(
            outcome.kinds(),
            [
                "busy",
                "execute_input",
                "stream",
                "stream",
                "execute_result",
                "idle"
            ]
        );
        assert_eq!(outcome.reply["status"], "ok");
        assert_eq!(outcome.reply["execution_count"], count);
        assert_eq!(outcome.of("execute_input")[0]["execution_count"], count);
        assert_eq!(outcome.of("execute_result")[0]["execution_count"], count);
        assert_eq!(outcome.text("stdout"), "a\nb\n");
    }
}

#[test]
fn a_panic_is_an_error_with_its_line_and_what_waits_is_given_up() {
    let relay = Relay::start();
    relay.source("fn run() {\npanic out of bounds\n}\n");
    let client = relay.client();
    let ids: Vec<_> = [
        "print first",
        "print a\npanic out of bounds",
        "print never",
        "print never",
    ]
    .map(|code| client.execute(code))
    .into();
    assert_eq!(client.outcome(&ids[0]).reply["status"], "ok");
    let panic = client.outcome(&ids[1]);
    assert_eq!(
        panic.kinds(),
        ["busy", "execute_input", "stream", "error", "idle"]
    );
    for content in [&panic.reply, &panic.of("error")[0]] {
        assert_eq!(
            (&content["ename"], &content["evalue"]),
            (&json!("panic"), &json!("out of bounds"))
        );
        let traceback = content["traceback"].to_string();
        assert!(traceback.contains("line 2 of this cell"), "{traceback}");
        assert!(!traceback.contains("rust_begin_unwind"), "{traceback}");
    }
    assert_eq!(panic.reply["status"], "error");
    for id in &ids[2..] {
        let given_up = client.outcome(id);
        assert_eq!(
            (given_up.kinds(), &given_up.reply["status"]),
            (vec!["busy".into(), "idle".into()], &json!("aborted"))
        );
    }
    assert_eq!(client.run("print on").text("stdout"), "on\n");
}

#[test]
fn what_waits_is_run_when_errors_do_not_stop_it() {
    let relay = Relay::start();
    let client = relay.client();
    let content = json!({"code": "panic x", "stop_on_error": false});
    let first = client.request("shell", "execute_request", &content);
    let second = client.execute("print on");
    assert_eq!(client.outcome(&first).reply["ename"], "panic");
    assert_eq!(client.outcome(&second).text("stdout"), "on\n");
}

#[test]
fn a_panic_that_was_caught_is_no_error() {
    let relay = Relay::start();
    // The fake ends a cell at a panic; a value before it has the same effect.
    let outcome = relay.client().run("value 5\npanic caught");
    assert_eq!(outcome.reply["status"], "ok");
    assert_eq!(outcome.text("stderr"), "a panic was caught: caught\n");
}

#[test]
fn a_name_that_went_with_the_process_is_told_from_one_that_never_was() {
    let relay = Relay::start();
    let client = relay.client();
    let hint = |code: &str| client.run(code).reply["traceback"].to_string();
    client.run("let trained = 1;");
    client.run("crash");
    let lost = hint("unknown trained");
    assert!(lost.contains("`trained` was lost"), "{lost}");
    assert_eq!(lost.matches("hint:").count(), 1, "{lost}");
    assert!(!hint("unknown other").contains("was lost"));
    client.run("let trained = 2;");
    assert!(
        !hint("unknown trained").contains("was lost"),
        "it was made again"
    );
}

#[test]
fn a_failed_question_mark_is_an_error_and_a_warning_is_not() {
    let relay = Relay::start();
    let client = relay.client();
    let failed = client.run("print a\nfail number()?;");
    assert_eq!(failed.reply["evalue"], "invalid digit found in string");
    assert!(
        failed.reply["traceback"].to_string().contains("line 2"),
        "{}",
        failed.reply
    );
    assert_eq!(failed.text("stderr"), "", "it is said once");
    assert_eq!(client.run("complain careful").reply["status"], "ok");
}

#[test]
fn what_a_cell_with_a_question_mark_writes_on_standard_error_is_not_lost() {
    let relay = Relay::start();
    let client = relay.client();
    // It came to a value, so it was no error.
    let well = client.run("complain careful\n// f()?\nvalue 5");
    assert_eq!(well.reply["status"], "ok");
    let asked = client.run("complain careful\nlet x = f()?;\nvalue 5");
    assert_eq!(asked.reply["status"], "ok");
    assert_eq!(asked.text("stderr"), "careful\n");
    // What dbg! wrote is no part of the error.
    let failed = client.run("complain [src/lib.rs:3:1] x = 5\nfail f()?;");
    assert_eq!(failed.reply["evalue"], "invalid digit found in string");
    assert_eq!(failed.text("stderr"), "[src/lib.rs:3:1] x = 5\n");
}

#[test]
#[cfg(target_os = "linux")]
fn what_is_printed_late_on_standard_error_is_waited_for() {
    let relay = Relay::with(&[], &[("FAKE_LAG", "300")]);
    let client = relay.client();
    for _ in 0..2 {
        let outcome = client.run("late invalid digit\nnumber()?;");
        assert_eq!(outcome.kinds(), ["busy", "execute_input", "error", "idle"]);
        assert_eq!(outcome.reply["ename"], "Error");
        let panicked =
            client.run("late thread 'main' panicked at src/lib.rs:2:1:\nlate out of bounds");
        assert_eq!(panicked.kinds(), ["busy", "execute_input", "error", "idle"]);
        assert_eq!(panicked.reply["evalue"], "out of bounds");
        // Of the relay's own marks nobody sees any.
        assert_eq!(
            client.run("value 5").kinds()[2..],
            ["execute_result", "idle"]
        );
        assert_eq!(client.run("print fine").text("stderr"), "");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn no_cell_counts_as_good_when_standard_error_is_not_read_any_more() {
    let relay = Relay::with(&[], &[("FAKE_LAG", "0")]);
    let client = relay.client();
    assert_eq!(client.run("print on").reply["status"], "ok");
    // The fake's reader ends at the first line that is not UTF-8, as evcxr's does.
    for code in ["garble", "print on"] {
        let outcome = client.run(code);
        assert_eq!(outcome.reply["ename"], "Deaf", "{code}");
        let traceback = outcome.reply["traceback"].to_string();
        assert!(traceback.contains("Restart the kernel"), "{traceback}");
    }
}

#[test]
fn a_panic_that_a_hook_reports_has_its_line_in_the_cell() {
    let relay = Relay::start();
    relay.source("fn run() {\nhooked out of bounds\n}\n");
    let outcome = relay.client().run("print a\nhooked out of bounds");
    assert_eq!(
        outcome.kinds(),
        ["busy", "execute_input", "stream", "error", "idle"]
    );
    assert_eq!(outcome.reply["evalue"], "out of bounds");
    let traceback = outcome.reply["traceback"].to_string();
    assert!(traceback.contains("line 2 of this cell"), "{traceback}");
}

#[test]
fn a_panic_after_what_the_cell_displayed_itself_is_an_error() {
    let relay = Relay::start();
    let outcome = relay
        .client()
        .run("value 5 // evcxr_display()\npanic too late");
    assert_eq!(outcome.reply["evalue"], "too late");
    assert_eq!(outcome.kinds()[2..], ["execute_result", "error", "idle"]);
}

#[test]
fn a_compile_error_has_its_code_the_cells_number_and_a_hint() {
    let relay = Relay::start();
    let client = relay.client();
    client.run("print one");
    let outcome = client.run("compile");
    assert_eq!(outcome.reply["ename"], "error[E0382]");
    assert_eq!(outcome.reply["evalue"], "borrow of moved value: `s`");
    let traceback = outcome.reply["traceback"].to_string();
    assert!(
        traceback.contains("[\\u001b[0m cell 2 \\u001b") && traceback.contains("hint:"),
        "{traceback}"
    );
    assert_eq!(outcome.of("error").len(), 1);
}

#[test]
fn marked_lines_are_shown_once_and_then_changed_in_place() {
    let relay = Relay::start();
    let client = relay.client();
    for _ in 0..2 {
        let outcome =
            client.run("show bar 10%\nprint between\nshow bar 50%\nshow other x\nshow bar 100%");
        assert_eq!(
            outcome.kinds()[2..7],
            [
                "display_data",
                "stream",
                "update_display_data",
                "display_data",
                "update_display_data"
            ]
        );
        let updates = outcome.of("update_display_data");
        assert_eq!(updates[1]["data"]["text/plain"], "100%");
        assert_eq!(updates[1]["transient"]["display_id"], "bar");
    }
}

#[test]
fn the_first_interrupt_asks_and_the_second_ends() {
    let relay = Relay::start();
    let client = relay.client();
    let interrupt = || {
        let id = client.request("control", "interrupt_request", &json!({}));
        assert_eq!(client.control_reply(&id)["status"], "ok");
    };
    interrupt();
    let asked = client.execute("print begun\nwait");
    let behind = client.execute("print never");
    client.next_of("stream");
    interrupt();
    let outcome = client.outcome(&asked);
    assert!(outcome.text("stdout").contains("stopped after a step"));
    assert_eq!(
        outcome.text("stderr"),
        "",
        "what stops at once needs no words"
    );
    assert_eq!(outcome.reply["status"], "ok");
    assert_eq!(client.outcome(&behind).reply["status"], "aborted");
    client.run("let weights = 1;");
    let spinning = client.execute("print begun\nspin");
    client.next_of("stream");
    interrupt();
    client.next_of("stream");
    interrupt();
    let outcome = client.outcome(&spinning);
    let told = outcome.text("stderr");
    assert!(told.contains("Interrupt once more"), "{told}");
    assert_eq!(outcome.reply["ename"], "Interrupted");
    assert!(
        outcome.reply["traceback"].to_string().contains("weights"),
        "{}",
        outcome.reply
    );
    // The request to stop is gone with its cell.
    assert_eq!(client.run("print on").text("stdout"), "on\n");
}

#[test]
fn patience_ends_a_cell_that_does_not_stop() {
    let relay = Relay::with(&["--patience", "0.2"], &[]);
    let client = relay.client();
    let spinning = client.execute("print begun\nspin");
    client.next_of("stream");
    client.request("control", "interrupt_request", &json!({}));
    assert_eq!(client.outcome(&spinning).reply["ename"], "Interrupted");
}

#[test]
fn one_interrupt_is_enough_where_the_client_takes_no_input() {
    let relay = Relay::start();
    let client = relay.client();
    let content = json!({"code": "print begun\nspin", "allow_stdin": false});
    let spinning = client.request("shell", "execute_request", &content);
    client.next_of("stream");
    client.request("control", "interrupt_request", &json!({}));
    assert_eq!(client.outcome(&spinning).reply["ename"], "Interrupted");
    assert_eq!(client.run("print on").text("stdout"), "on\n");
}

#[test]
fn a_kernel_that_dies_is_replaced_and_what_was_lost_is_said() {
    let relay = Relay::start();
    let client = relay.client();
    client.run("let trained = 1;");
    let crashed = client.run("crash");
    assert_eq!(crashed.reply["ename"], "Crash");
    assert!(
        crashed.reply["traceback"].to_string().contains("trained"),
        "{}",
        crashed.reply
    );
    client.run("let again = 1;");
    let dying = client.execute("print last words\nexit");
    let behind = client.execute("print never");
    let died = client.outcome(&dying);
    assert_eq!(died.reply["ename"], "KernelDied");
    assert_eq!(died.text("stdout"), "last words\n");
    let traceback = died.reply["traceback"].to_string();
    assert!(
        traceback.contains("again") && !traceback.contains("trained"),
        "{traceback}"
    );
    assert_eq!(client.outcome(&behind).reply["status"], "aborted");
    let next = client.run("print alive");
    assert_eq!(next.text("stdout"), "alive\n");
    assert_eq!(next.reply["execution_count"], 5);
}

#[test]
fn questions_reach_the_client_that_asked_and_answers_the_kernel() {
    let relay = Relay::start();
    let (client, other) = (relay.client(), relay.client());
    let id = client.execute("ask name?");
    let question = client.read(&client.stdin).expect("a question");
    assert_eq!(question.content()["prompt"], "name?");
    client.request("stdin", "input_reply", &json!({"value": "Ada"}));
    assert_eq!(client.outcome(&id).text("stdout"), "Ada\n");
    assert!(other.stdin.try_recv().is_err());
}

#[test]
fn an_answer_to_no_question_is_not_taken_for_the_next_ones() {
    let relay = Relay::start();
    let (client, other) = (relay.client(), relay.client());
    client.request("stdin", "input_reply", &json!({"value": "unasked"}));
    client.run("print on");
    let id = client.execute("ask name?");
    client.read(&client.stdin).expect("a question");
    other.request("stdin", "input_reply", &json!({"value": "a stranger's"}));
    client.request("stdin", "strange_request", &json!({"value": "strange"}));
    // Long enough for the others' words to come first.
    assert!(other.no_more_replies());
    client.request("stdin", "input_reply", &json!({"value": "Ada"}));
    client.request("stdin", "input_reply", &json!({"value": "twice"}));
    assert_eq!(client.outcome(&id).text("stdout"), "Ada\n");
    let id = client.execute("ask again?");
    client.read(&client.stdin).expect("a question");
    client.request("stdin", "input_reply", &json!({"value": "Grace"}));
    assert_eq!(client.outcome(&id).text("stdout"), "Grace\n");
}

#[test]
fn a_question_that_nobody_can_hear_is_answered_with_nothing() {
    let relay = Relay::start();
    let mut client = relay.client();
    client.run("print on");
    client.leave("stdin");
    // The relay learns of it by and by.
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(client.run("ask name?").text("stdout"), "\n");
}

#[test]
fn a_silent_cell_shows_no_value_and_is_not_counted() {
    let relay = Relay::start();
    let client = relay.client();
    client.run("print one");
    let silent = json!({"code": "print quiet\nvalue 5", "silent": true});
    let outcome = client.outcome(&client.request("shell", "execute_request", &silent));
    assert_eq!(outcome.kinds(), ["busy", "stream", "idle"]);
    assert_eq!(outcome.reply["status"], "ok");
    assert_eq!(outcome.reply["execution_count"], 1);
    let unkept = json!({"code": "print unkept", "store_history": false});
    client.outcome(&client.request("shell", "execute_request", &unkept));
    let asked = json!({"hist_access_type": "tail", "n": 10});
    let history = client.outcome(&client.request("shell", "history_request", &asked));
    assert_eq!(history.reply["history"], json!([[1, 1, "print one"]]));
}

#[test]
fn user_expressions_are_answered_one_by_one() {
    let relay = Relay::start();
    let client = relay.client();
    let content = json!({"code": "print on", "user_expressions": {"a": "1 + 1", "b": "2"}});
    let outcome = client.outcome(&client.request("shell", "execute_request", &content));
    assert_eq!(outcome.reply["status"], "ok");
    for name in ["a", "b"] {
        let answer = &outcome.reply["user_expressions"][name];
        assert_eq!(answer["status"], "error", "{answer}");
        assert!(answer["evalue"].is_string() && answer["traceback"].is_array());
    }
    assert_eq!(client.run("print on").reply["user_expressions"], json!({}));
}

#[test]
fn a_question_during_a_cell_leaves_the_state_busy() {
    let relay = Relay::start();
    let client = relay.client();
    let cell = client.execute("print begun\nwait");
    client.next_of("stream");
    let info = client.request("shell", "kernel_info_request", &json!({}));
    let states = client.outcome(&info);
    assert_eq!(states.kinds(), ["busy", "idle"]);
    client.request("control", "interrupt_request", &json!({}));
    let kinds = client.outcome(&cell).kinds();
    let busy = kinds.iter().filter(|kind| *kind == "busy").count();
    assert_eq!(busy, 2, "{kinds:?}");
    assert_eq!(kinds.last().map(String::as_str), Some("idle"));
}

#[test]
fn a_cell_that_is_asked_for_before_anything_else_is_run() {
    let relay = Relay::with(&[], &[("FAKE_WARM_UP", "500")]);
    let client = relay.unmet();
    let first = client.execute("print first");
    let second = client.execute("value 2");
    for (id, count) in [(first, 1), (second, 2)] {
        let reply = client.shell_reply(&id);
        assert_eq!(
            (&reply["status"], &reply["execution_count"]),
            (&json!("ok"), &json!(count))
        );
    }
}

#[test]
fn a_shutdown_ends_the_cell_that_runs_and_those_behind_it() {
    let mut relay = Relay::start();
    let client = relay.client();
    let running = client.execute("print begun\nspin");
    let behind = client.execute("print never");
    client.next_of("stream");
    let id = client.request("control", "shutdown_request", &json!({"restart": false}));
    assert_eq!(client.control_reply(&id)["status"], "ok");
    let outcome = client.outcome(&running);
    assert_eq!(outcome.reply["ename"], "Shutdown");
    assert_eq!(
        outcome.kinds()[3..],
        ["error", "idle"],
        "{:?}",
        outcome.kinds()
    );
    assert_eq!(client.outcome(&behind).reply["status"], "aborted");
    assert!(relay.ended());
}

#[test]
fn more_cells_than_can_wait_are_refused_and_the_others_are_not_lost() {
    let relay = Relay::start();
    let client = relay.client();
    let running = client.execute("print begun\nspin");
    client.next_of("stream");
    let ids: Vec<String> = (0..10_003).map(|_| client.execute("print never")).collect();
    for id in &ids[10_000..] {
        let refused = client.outcome(id);
        assert_eq!(refused.reply["ename"], "QueueFull");
        assert_eq!(refused.kinds(), ["busy", "idle"]);
    }
    for _ in 0..2 {
        client.request("control", "interrupt_request", &json!({}));
    }
    for id in &ids[..10_000] {
        assert_eq!(client.shell_reply(id)["status"], "aborted");
    }
    assert_eq!(client.outcome(&running).reply["ename"], "Interrupted");
    assert_eq!(client.run("print on").text("stdout"), "on\n");
}

#[test]
fn unknown_requests_pass_and_the_relays_own_are_answered() {
    let relay = Relay::start();
    let client = relay.client();
    client.run("print one");
    for (kind, content, field, wanted) in [
        (
            "strange_request",
            json!({"a": [1, {"b": null}]}),
            "a",
            json!([1, {"b": null}]),
        ),
        (
            "complete_request",
            json!({"code": "pr"}),
            "code",
            json!("pr"),
        ),
        (
            "is_complete_request",
            json!({"code": "fn f() {"}),
            "status",
            json!("incomplete"),
        ),
        (
            "history_request",
            json!({"hist_access_type": "tail", "n": 1}),
            "history",
            json!([[1, 1, "print one"]]),
        ),
        ("comm_info_request", json!({}), "comms", json!({})),
    ] {
        let outcome = client.outcome(&client.request("shell", kind, &content));
        assert_eq!(outcome.kinds(), ["busy", "idle"], "{kind}");
        assert_eq!(outcome.reply[field], wanted, "{kind}");
    }
}

#[test]
fn what_is_no_message_is_dropped_and_harms_nothing() {
    let relay = Relay::start();
    let client = relay.client();
    let address = relay.connection.address(Channel::Shell).unwrap();
    // Signed with another key, cut, without a delimiter, not JSON.
    let message = client.message("execute_request", &json!({"code": "print forged"}));
    client.send_frames("shell", message.frames(&Signer::new("another key")));
    let frames = message.frames(&client.signer);
    client.send_frames("shell", frames[..4].to_vec());
    client.send_frames("shell", vec![b"hello".to_vec(), Vec::new()]);
    client.send_frames("control", vec![vec![0xff; 300]; 7]);
    // Out of order: a reply to nothing, an answer to no question, an output from a client.
    client.request("stdin", "input_reply", &json!({"value": "unasked"}));
    client.request("shell", "execute_reply", &json!({}));
    client.request("shell", "status", &json!({"execution_state": "dead"}));
    // No ZMTP at all; the wrong kind of socket; a frame of 2^62 bytes; half a frame and the end.
    let mut http = TcpStream::connect(address).unwrap();
    http.write_all(&[b'G'; 64]).unwrap();
    let subscriber = TcpStream::connect(address).unwrap();
    assert!(introduce(&subscriber, Kind::Sub, b"").is_err());
    for bytes in [
        &[2_u8, 0x40, 0, 0, 0, 0, 0, 0, 0][..],
        &[0, 200, 1, 2, 3],
        &[0x88, 1, 1],
    ] {
        let mut stream = TcpStream::connect(address).unwrap();
        introduce(&stream, Kind::Dealer, b"bad").unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        stream.set_read_timeout(Some(support::PATIENCE)).unwrap();
        // The relay hangs up; nobody is answered.
        assert!(matches!(stream.read(&mut [0; 1]), Ok(0) | Err(_)));
    }
    let outcome = client.run("print fine");
    assert_eq!(outcome.text("stdout"), "fine\n");
    assert_eq!(outcome.reply["execution_count"], 1);
}

#[test]
fn ten_thousand_outputs_arrive_once_each_and_in_order() {
    let relay = Relay::start();
    let outcome = relay.client().run("lines 10000\nvalue done");
    let wanted: String = (0..10_000).map(|n| format!("line {n}\n")).collect();
    assert!(outcome.text("stdout") == wanted);
    assert_eq!(outcome.of("stream").len(), 10_000);
    assert_eq!(outcome.kinds().last().map(String::as_str), Some("idle"));
    assert!(relay.peak() < 48 * MB, "{} MB", relay.peak() / MB);
}

#[test]
#[cfg(target_os = "linux")]
fn a_client_that_never_reads_costs_another_nothing_and_the_relay_little() {
    for (count, size) in [(10_000, 20_000), (30, 10 << 20)] {
        let relay = Relay::start();
        let client = relay.client();
        let _stalled = stalled(&relay);
        let outcome = client.run(&format!("flood {count} {size}"));
        let numbers: Vec<usize> = outcome
            .of("stream")
            .iter()
            .map(|content| content["text"].as_str().unwrap())
            .map(|text| text.split(' ').next().unwrap().parse().unwrap())
            .collect();
        assert!(numbers.iter().copied().eq(0..count), "{numbers:?}");
        // Three times as much as this has passed.
        assert!(relay.peak() < 160 * MB, "{} MB", relay.peak() / MB);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_client_that_asks_and_never_listens_is_let_go() {
    let relay = Relay::start();
    let client = relay.client();
    let deaf = TcpStream::connect(relay.connection.address(Channel::Shell).unwrap()).unwrap();
    introduce(&deaf, Kind::Dealer, b"deaf").unwrap();
    let question = client.message("kernel_info_request", &json!({}));
    let mut bytes = Vec::new();
    let frames = question.frames(&client.signer);
    for (at, frame) in frames.iter().enumerate() {
        bytes.push(u8::from(at + 1 < frames.len()));
        bytes.push(u8::try_from(frame.len()).unwrap());
        bytes.extend_from_slice(frame);
    }
    let bytes = bytes.repeat(100);
    deaf.set_write_timeout(Some(support::PATIENCE)).unwrap();
    let start = Instant::now();
    while (&deaf).write_all(&bytes).is_ok() {
        assert!(start.elapsed() < support::PATIENCE, "it may stay");
    }
    assert!(relay.peak() < 320 * MB, "{} MB", relay.peak() / MB);
    drop(client);
    assert_eq!(relay.client().run("print on").text("stdout"), "on\n");
}

#[test]
#[cfg(target_os = "linux")]
fn what_is_announced_and_not_sent_takes_no_memory() {
    let relay = Relay::start();
    let client = relay.client();
    let before = relay.peak();
    let announcements: Vec<TcpStream> = [Channel::Shell, Channel::Control, Channel::Stdin]
        .into_iter()
        .cycle()
        .take(12)
        .map(|channel| {
            let address = relay.connection.address(channel).unwrap();
            let mut stream = TcpStream::connect(address).unwrap();
            introduce(&stream, Kind::Dealer, b"").unwrap();
            // As much as is taken at most, and then three bytes of it.
            stream.write_all(&[2, 0, 0, 0, 0, 0x10, 0, 0, 0]).unwrap();
            stream.write_all(b"abc").unwrap();
            stream
        })
        .collect();
    for _ in 0..3 {
        assert_eq!(client.run("print on").text("stdout"), "on\n");
    }
    let more = relay.peak().saturating_sub(before);
    assert!(more < 32 * MB, "{} MB", more / MB);
    drop(announcements);
    assert_eq!(client.run("print on").text("stdout"), "on\n");
}

/// A client that subscribes to everything and reads nothing.
fn stalled(relay: &Relay) -> TcpStream {
    let address = relay.connection.address(Channel::Iopub).unwrap();
    let mut stalled = TcpStream::connect(address).unwrap();
    introduce(&stalled, Kind::Sub, b"").unwrap();
    stalled.write_all(&[0, 1, 1]).unwrap();
    stalled
}

#[test]
fn fifty_megabytes_pass_in_both_directions() {
    const SIZE: usize = 50 << 20;
    let relay = Relay::start();
    let client = relay.client();
    let outcome = client.run(&format!("big {SIZE}"));
    assert_eq!(outcome.text("stdout").len(), SIZE);
    let comment = "x".repeat(SIZE);
    let outcome = client.run(&format!("print short\nignored {comment}"));
    assert_eq!(outcome.text("stdout"), "short\n");
    assert_eq!(
        outcome.of("execute_input")[0]["code"]
            .as_str()
            .map(str::len),
        Some(SIZE + 20)
    );
    assert!(relay.peak() < 400 * MB, "{} MB", relay.peak() / MB);
}

#[test]
fn a_client_that_leaves_or_stalls_in_the_middle_takes_nothing_from_another() {
    let relay = Relay::start();
    let (client, leaving) = (relay.client(), relay.client());
    let stalled = stalled(&relay);
    let first = leaving.execute("lines 3000");
    leaving.next_of("stream");
    drop(leaving);
    let second = client.execute("lines 3000");
    let streams = |kind: &str| kind == "stream";
    let heard = client.outputs(&first);
    assert_eq!(
        heard
            .iter()
            .filter(|message| streams(message.kind()))
            .count(),
        3000
    );
    assert_eq!(client.outcome(&second).of("stream").len(), 3000);
    drop(stalled);
}

#[test]
fn two_clients_get_their_own_replies_and_everyones_outputs() {
    let relay = Relay::start();
    let clients = [relay.client(), relay.client()];
    let ids: Vec<Vec<String>> = clients
        .iter()
        .enumerate()
        .map(|(who, client)| {
            (0..20)
                .map(|n| client.execute(&format!("print {who} {n}")))
                .collect()
        })
        .collect();
    for (who, client) in clients.iter().enumerate() {
        for (n, id) in ids[who].iter().enumerate() {
            let outcome = client.outcome(id);
            assert_eq!(outcome.text("stdout"), format!("{who} {n}\n"));
            assert_eq!(outcome.kinds(), ["busy", "execute_input", "stream", "idle"]);
        }
    }
    // Each reply went to the one that asked: nothing is left over.
    for client in &clients {
        assert!(client.no_more_replies());
    }
}

#[test]
fn the_heart_beats_and_shutdown_ends_everything() {
    let mut relay = Relay::start();
    let client = relay.client();
    let heart = TcpStream::connect(relay.connection.address(Channel::Heartbeat).unwrap()).unwrap();
    introduce(&heart, Kind::Req, b"").unwrap();
    (&heart)
        .write_all(&[1, 0, 0, 4, b'p', b'i', b'n', b'g'])
        .unwrap();
    heart.set_read_timeout(Some(support::PATIENCE)).unwrap();
    let mut echo = [0; 8];
    (&heart).read_exact(&mut echo).unwrap();
    assert_eq!(echo, [1, 0, 0, 4, b'p', b'i', b'n', b'g']);
    client.run("print on");
    let children = children(relay.process.id());
    let id = client.request("control", "shutdown_request", &json!({"restart": true}));
    assert_eq!(client.control_reply(&id)["restart"], true);
    assert!(relay.ended());
    assert!(wait_for(|| children.iter().all(|id| !is_alive(*id))));
}

#[test]
#[cfg(target_os = "linux")]
fn a_killed_relay_leaves_no_kernel_behind() {
    let mut relay = Relay::start();
    relay.client().run("print on");
    let children = children(relay.process.id());
    assert!(!children.is_empty());
    relay.process.kill().unwrap();
    assert!(relay.ended());
    assert!(wait_for(|| children.iter().all(|id| !is_alive(*id))));
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_killed_relay_leaves_is_removed_by_the_next() {
    let mut killed = Relay::start();
    killed.client().run("print on");
    killed.process.kill().unwrap();
    assert!(killed.ended());
    let place = killed.temporary().to_owned();
    let left = || {
        let names = std::fs::read_dir(&place).unwrap().flatten();
        let names = names.map(|entry| entry.file_name().into_string().unwrap());
        names
            .filter(|name| name.starts_with("convscope-relay-"))
            .collect::<Vec<_>>()
    };
    let before = left();
    assert_eq!(before.len(), 1);
    let next = Relay::with(&[], &[("TMPDIR", place.to_str().unwrap())]);
    assert!(wait_for(|| !left().contains(&before[0])));
    assert_eq!(next.client().run("print on").text("stdout"), "on\n");
    assert_eq!(left().len(), 1);
}

fn children(id: u32) -> Vec<u32> {
    std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"))
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|id| id.parse().ok())
        .collect()
}

fn is_alive(id: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit_once(')')
            .is_some_and(|(_, rest)| rest.starts_with(" Z"))
    })
}
