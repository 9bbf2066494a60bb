"""What Visual Studio Code's Jupyter extension relies on, asked of the kernel with jupyter_client.

Visual Studio Code itself is not run here. Each class says what the extension does with a kernel
that it starts itself (its "raw" kernels), as its source, microsoft/vscode-jupyter, has it; the
tests do the same and look at what comes back.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import unittest

from kernel import SPEC, Kernel, KernelCase, marked

# It waits a second and a half each time.
STARTUP = 3.0


class Finding(unittest.TestCase):
    """It looks through Jupyter's folders for kernelspecs, shows those of a language it knows, and
    interrupts a kernel by a message only where the kernelspec says so."""

    def test_the_kernelspec_is_found_under_the_name_rust(self):
        command = [sys.executable, "-m", "jupyter", "kernelspec", "list", "--json"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        found = json.loads(listed.stdout)["kernelspecs"]["rust"]
        self.assertEqual(found["resource_dir"], str(SPEC.parent))
        spec = found["spec"]
        self.assertEqual((spec["language"], spec["interrupt_mode"]), ("rust", "message"))
        # It puts the file's name in where an argument is or holds exactly this.
        self.assertIn("{connection_file}", spec["argv"])
        self.assertTrue(os.access(spec["argv"][0], os.X_OK))


class Starting(unittest.TestCase):
    """It connects to the shell and iopub ports and hangs up at once, to see that the kernel
    listens; then asks for kernel_info, at most twice, until a reply and anything on iopub came."""

    def setUp(self):
        self.kernel = Kernel()
        self.addCleanup(self.kernel.close)

    def test_kernel_info_is_answered_at_once_while_the_first_cell_waits_for_the_warm_up(self):
        kernel = self.kernel
        cell = kernel.execute("6 * 7")
        info = kernel.connect(STARTUP)
        self.assertIsNone(cell.reply)
        self.assertEqual(info.states, ["busy", "idle"])
        self.assertEqual(info.content["language_info"]["name"], "rust")
        self.assertEqual(info.content["language_info"]["file_extension"], ".rs")
        self.assertEqual(info.content["protocol_version"].split(".")[0], "5")
        self.assertEqual(kernel.wait(cell).result, "42")
        later = kernel.wait(kernel.send("kernel_info_request"), STARTUP)
        self.assertEqual(later.content, info.content)
        on_control = kernel.send("kernel_info_request", channel="control")
        kernel.wait_until(lambda: on_control.reply, STARTUP)
        self.assertEqual(on_control.content, info.content)

    def test_a_connection_that_is_closed_at_once_harms_nothing(self):
        kernel = self.kernel
        kernel.connect()
        manager = kernel.manager
        for port in (manager.shell_port, manager.iopub_port):
            for _ in range(5):
                socket.create_connection((manager.ip, port), timeout=10).close()
        self.assertEqual(kernel.run("6 * 7").result, "42")

    def test_the_first_that_is_heard_on_iopub_is_the_state_starting(self):
        first = self.kernel.client.iopub_channel.get_msg(timeout=60)
        self.assertEqual(first["msg_type"], "status")
        self.assertEqual(first["content"], {"execution_state": "starting"})
        self.assertEqual(first["parent_header"], {})


class Executing(KernelCase):
    """A cell is sent with stop_on_error false, store_history true, allow_stdin true and the cell's
    id as metadata. It is over when the reply and an idle state that names it have come; its
    outputs are those that name it as their parent. Code of the extension's own is sent with
    store_history false."""

    def cell(self, code):
        request = {"code": code, "silent": False, "store_history": True}
        metadata = {"cellId": "vscode-notebook-cell:/a.ipynb#W0s"}
        content = {**request, "allow_stdin": True, "stop_on_error": False}
        return self.kernel.send("execute_request", content, metadata=metadata)

    def test_a_cell_is_busy_has_its_number_in_everything_and_is_idle(self):
        answer = self.kernel.wait(self.cell('println!("a");\n6 * 7'))
        kinds = [m["msg_type"] for m in answer.published]
        self.assertEqual(kinds[0], "status")
        self.assertEqual(kinds[-1], "status")
        self.assertEqual(answer.states, ["busy", "idle"])
        self.assertEqual(answer.stream("stdout"), "a\n")
        count = answer.content["execution_count"]
        self.assertEqual(answer.of("execute_input")[0]["execution_count"], count)
        self.assertEqual(answer.of("execute_result")[0]["execution_count"], count)
        self.assertEqual(self.kernel.run("1").content["execution_count"], count + 1)

    def test_an_error_has_its_name_value_and_traceback_and_the_next_cell_runs_all_the_same(self):
        failed, after = self.cell('panic!("once");'), self.cell("6 * 7")
        self.kernel.wait(failed)
        [error] = failed.of("error")
        for said in (error, failed.content):
            self.assertEqual((said["ename"], said["evalue"]), ("panic", "once"))
            self.assertTrue(said["traceback"] and all(isinstance(l, str) for l in said["traceback"]))
        self.assertEqual(failed.states, ["busy", "idle"])
        self.assertEqual(self.kernel.wait(after).result, "42")

    def test_with_stop_on_error_as_jupyterlab_sends_it_what_waits_is_given_up(self):
        failed, after = self.kernel.execute('panic!("once");'), self.kernel.execute("6 * 7")
        self.kernel.wait(failed)
        self.kernel.wait(after)
        self.assertEqual(after.status, "aborted")
        self.assertEqual(self.kernel.run("6 * 7").result, "42")

    def test_silent_code_is_neither_counted_nor_remembered(self):
        before = self.kernel.run("1").content["execution_count"]
        silent = self.kernel.run("6 * 7", silent=True, store_history=False)
        self.assertEqual(silent.status, "ok")
        self.assertEqual(silent.content["user_expressions"], {})
        unstored = self.kernel.run("let unstored = 7;", store_history=False)
        self.assertEqual(unstored.status, "ok")
        history = self.kernel.wait(
            self.kernel.send(
                "history_request", {"hist_access_type": "tail", "n": 3, "output": False, "raw": True}
            )
        )
        self.assertNotIn("let unstored = 7;", [entry[2] for entry in history.content["history"]])
        after = self.kernel.run("1").content["execution_count"]
        self.assertLessEqual(after - before, 2)

    def test_an_output_is_changed_in_place_by_its_display_id(self):
        shown = marked("bar", "text/plain", "{i}")
        answer = self.kernel.wait(self.cell(f"for i in 0..3 {{ {shown} }}"))
        first, later = answer.of("display_data"), answer.of("update_display_data")
        self.assertEqual([c["data"]["text/plain"] for c in first + later], ["0", "1", "2"])
        self.assertEqual({c["transient"]["display_id"] for c in first + later}, {"bar"})

    def test_outputs_come_while_the_cell_runs(self):
        code = 'println!("first");\nstd::thread::sleep(std::time::Duration::from_secs(3));'
        answer = self.cell(code)
        self.kernel.wait_until(lambda: answer.stream("stdout"), what="the first line")
        self.assertIsNone(answer.reply)
        self.kernel.wait(answer)

    def test_comm_info_is_answered_with_no_comms(self):
        # The widgets' manager asks for it, and waits.
        answer = self.kernel.wait(self.kernel.send("comm_info_request", {"target_name": "x"}))
        self.assertEqual((answer.status, answer.content["comms"]), ("ok", {}))

    def test_whatever_is_asked_the_kernel_is_idle_after_it(self):
        code = {"code": "1 + 1", "cursor_pos": 5}
        for kind, content in [
            ("kernel_info_request", {}),
            ("is_complete_request", {"code": "fn f() {"}),
            ("complete_request", code),
            ("inspect_request", {**code, "detail_level": 0}),
            ("history_request", {"hist_access_type": "tail", "n": 1}),
            ("comm_info_request", {}),
            ("execute_request", {"code": ""}),
            ("execute_request", {"code": "// nothing"}),
        ]:
            with self.subTest(kind=kind, content=content):
                answer = self.kernel.wait(self.kernel.send(kind, content), 60)
                self.assertEqual(answer.states, ["busy", "idle"])
                self.assertIn(answer.status, ("ok", "incomplete"))


class Completing(KernelCase):
    """It asks with the cell's whole text and the cursor's place in it, and replaces what stands
    from cursor_start to cursor_end. To the chosen one it asks inspect_request, with detail_level 0,
    and stops asking a kernel that left five such questions unanswered."""

    def complete(self, code, at):
        content = {"code": code, "cursor_pos": at}
        return self.kernel.wait(self.kernel.send("complete_request", content)).content

    def test_completion_replaces_the_word_before_the_cursor_wherever_it_stands(self):
        self.kernel.run("let learning_rate = 0.1;")
        for before, after in [("", ""), ("let a = ", ";"), ("let a = 1;\nlet b = a as f64 * ", " + 1.0;")]:
            with self.subTest(before=before):
                at = len(before) + len("learning_r")
                content = self.complete(before + "learning_r" + after, at)
                self.assertEqual(content["status"], "ok")
                self.assertIn("learning_rate", content["matches"])
                self.assertEqual((content["cursor_start"], content["cursor_end"]), (len(before), at))

    def test_completion_counts_characters_also_after_those_of_several_bytes(self):
        self.kernel.run("let learning_rate = 0.1;")
        before = 'println!("größer als π"); '
        at = len(before) + len("learning_r")
        content = self.complete(before + "learning_r", at)
        self.assertIn("learning_rate", content["matches"])
        self.assertEqual((content["cursor_start"], content["cursor_end"]), (len(before), at))

    def test_methods_are_completed_after_a_dot(self):
        self.kernel.run("let numbers = vec![1, 2, 3];")
        content = self.complete("numbers.is_em", len("numbers.is_em"))
        self.assertTrue(any(m.startswith("is_empty") for m in content["matches"]), content)

    def test_inspection_is_answered_whether_or_not_there_is_something_to_say(self):
        for code in ("String", "no_such_name_anywhere", ""):
            with self.subTest(code=code):
                content = {"code": code, "cursor_pos": len(code), "detail_level": 0}
                answer = self.kernel.wait(self.kernel.send("inspect_request", content), 60)
                self.assertEqual(answer.status, "ok")
                self.assertEqual(answer.content["found"], bool(answer.content["data"]))


class Interrupting(KernelCase):
    """Where interrupt_mode is message it sends interrupt_request, on the shell channel (Jupyter's
    server: on control), and waits for the reply and an idle state that names the request."""

    ASLEEP = (
        'println!("begun");\n'
        'let asked = std::path::PathBuf::from(std::env::var("CONVSCOPE_STOP_FILE").unwrap());\n'
        "while !asked.exists() { std::thread::sleep(std::time::Duration::from_millis(20)); }\n"
        'println!("stopped");'
    )
    ENDLESS = 'println!("begun");\nloop { std::thread::sleep(std::time::Duration::from_millis(9)); }'

    def begun(self, code):
        cell = self.kernel.execute(code)
        self.kernel.wait_until(lambda: "begun" in cell.stream("stdout"))
        return cell

    def interrupt(self, channel):
        answer = self.kernel.send("interrupt_request", {}, channel=channel)
        self.kernel.wait_until(lambda: answer.reply, 30, "the interrupt's reply")
        self.assertEqual(answer.status, "ok")
        return answer

    def test_the_first_interrupt_asks_and_what_heeds_it_keeps_its_variables(self):
        self.kernel.run("let kept = 42;")
        cell = self.begun(self.ASLEEP)
        asked = self.interrupt("shell")
        self.kernel.wait(asked, 30)
        self.kernel.wait(cell)
        self.assertIn("stopped", cell.stream("stdout"))
        self.assertEqual(self.kernel.run("kept").result, "42")

    def test_the_second_interrupt_ends_the_cell_and_the_next_one_works(self):
        self.kernel.run("let gone = 42;")
        cell = self.begun(self.ENDLESS)
        self.interrupt("control")
        self.assertIsNone(cell.reply)
        self.interrupt("control")
        self.kernel.wait(cell)
        self.assertEqual(cell.content["ename"], "Interrupted")
        self.assertIn("gone", "\n".join(cell.content["traceback"]))
        self.assertEqual(self.kernel.run("6 * 7").result, "42")

    def test_what_waits_behind_an_interrupted_cell_is_given_up(self):
        cell = self.begun(self.ASLEEP)
        waiting = self.kernel.execute("6 * 7")
        self.interrupt("control")
        self.kernel.wait(waiting)
        self.assertEqual(waiting.status, "aborted")
        self.kernel.wait(cell)

    def test_an_interrupt_while_nothing_runs_is_answered_and_changes_nothing(self):
        self.kernel.run("let kept = 42;")
        for channel in ("control", "shell"):
            self.interrupt(channel)
        self.assertEqual(self.kernel.run("kept").result, "42")

    def test_questions_are_answered_while_a_cell_runs(self):
        # Signatures and the state of a line are asked for while one types.
        cell = self.begun(self.ASLEEP)
        for kind in ("kernel_info_request", "is_complete_request", "history_request"):
            self.kernel.wait(self.kernel.send(kind, {"code": "1"}), 30)
        self.assertIsNone(cell.reply)
        self.interrupt("control")
        self.kernel.wait(cell)


class Ending(unittest.TestCase):
    """It sends no shutdown_request to a kernel that it started itself: it ends the processes below
    the kernel's, then the kernel's own. Jupyter's server asks politely."""

    def setUp(self):
        self.kernel = Kernel().ready()
        self.addCleanup(self.kernel.close)

    def test_shutdown_is_answered_and_leaves_no_process(self):
        for kernel, restart in ((self.kernel, False), (Kernel().ready(), True)):
            with self.subTest(restart=restart):
                asked = kernel.send("shutdown_request", {"restart": restart}, channel="control")
                kernel.wait_until(lambda: asked.reply, 30)
                self.assertEqual((asked.status, asked.content["restart"]), ("ok", restart))
                self.assertTrue(kernel.is_gone(), kernel.family())
                self.addCleanup(kernel.close)

    def test_ending_the_processes_from_below_leaves_none(self):
        top = self.kernel.manager.provisioner.pid
        for process in self.kernel.family():
            if process.pid != top:
                process.terminate()
        os.kill(top, signal.SIGTERM)
        self._reap()
        self.assertTrue(self.kernel.is_gone(), self.kernel.family())

    def test_killing_the_kernels_process_leaves_none_even_in_a_loop_without_end(self):
        cell = self.kernel.execute('println!("begun");\nloop { std::hint::spin_loop(); }')
        self.kernel.wait_until(lambda: "begun" in cell.stream("stdout"))
        os.kill(self.kernel.manager.provisioner.pid, signal.SIGKILL)
        self._reap()
        self.assertTrue(self.kernel.is_gone(), self.kernel.family())

    def _reap(self):
        """A process that nobody waited for still counts as one."""
        process = self.kernel.manager.provisioner.process
        threading.Thread(target=process.wait, daemon=True).start()

    def test_after_a_restart_nothing_of_the_old_kernel_is_left(self):
        kernel = self.kernel
        kernel.run("let old = 1;")
        before = {process.pid for process in kernel.family()}
        kernel.manager.restart_kernel(now=False)
        kernel.connect()
        gone = kernel.run("old")
        self.assertEqual(gone.content["ename"], "error[E0425]")
        self.assertEqual(gone.content["execution_count"], 1)
        after = {process.pid for process in kernel.family()}
        self.assertFalse(before & after)
