"""Notebooks run by nbclient and nbconvert as they come, without a client made for this kernel."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import nbformat
from kernel import NOTEBOOKS, PATIENCE, marked
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ENDLESS = "let mut n: u64 = 0;\nloop { n = std::hint::black_box(n.wrapping_add(1)); }"


def notebook(*cells):
    made = nbformat.v4.new_notebook()
    made.metadata["kernelspec"] = {"name": "rust", "display_name": "Rust", "language": "rust"}
    made.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    return made


def execute(*cells, **options):
    """Runs the cells in a kernel of their own; the error that ended the run, and the notebook."""
    made = notebook(*cells)
    resources = {"metadata": {"path": str(NOTEBOOKS)}}
    client = NotebookClient(made, resources=resources, **{"timeout": PATIENCE, **options})
    error = None
    try:
        client.execute()
    except CellExecutionError as raised:
        error = raised
    nbformat.validate(made)
    return error, made.cells


def errors(cell):
    return [o for o in cell.outputs if o.output_type == "error"]


def text(cell):
    """The result, or what was printed, as plain text."""
    return "".join(
        o.text if o.output_type == "stream" else o.get("data", {}).get("text/plain", "")
        for o in cell.outputs
    )


class Failures(unittest.TestCase):
    def stops(self, code, line, ename, evalue):
        error, cells = execute("1 + 1", code, 'println!("not reached");')
        self.assertIsNotNone(error, cells[1].outputs)
        self.assertEqual((error.ename, error.evalue), (ename, evalue))
        self.assertIn(line, str(error))
        self.assertEqual([o.ename for o in errors(cells[1])], [ename])
        self.assertEqual(text(cells[0]), "2")
        self.assertIsNone(cells[2].execution_count)
        self.assertEqual(cells[2].outputs, [])
        return str(error)

    def test_a_panic_stops_the_run_and_is_told_in_one_sentence_with_the_cells_line(self):
        said = self.stops(
            "let weights = vec![0.5, 1.0];\nlet at = weights.len();\nweights[at]",
            "line 3 of this cell: weights[at]",
            "panic",
            "index out of bounds: the len is 2 but the index is 2",
        )
        for internal in ("stack backtrace", "evcxr", "run_user_code", "RUST_BACKTRACE"):
            self.assertNotIn(internal, said)

    def test_a_failed_question_mark_stops_the_run_and_names_its_line(self):
        self.stops(
            'let said = "many";\nlet count: i32 = said.parse()?;',
            "line 2 of this cell: let count: i32 = said.parse()?;",
            "Error",
            "invalid digit found in string",
        )

    def test_a_compile_error_stops_the_run_and_has_a_hint_for_beginners(self):
        said = self.stops(
            "let count: usize = 3;\nlet half = count * 0.5;",
            "let half = count * 0.5;",
            "error[E0277]",
            "cannot multiply `usize` by `{float}`",
        )
        self.assertIn("n as f32", said)
        self.assertIn("hint:", said)

    def test_with_errors_allowed_the_run_goes_on_and_earlier_variables_are_there(self):
        error, cells = execute(
            "let kept = vec![1, 2, 3];",
            'let lost = 1;\npanic!("in the middle");',
            "let wrong: u8 = kept;",
            "kept.len()",
            allow_errors=True,
        )
        self.assertIsNone(error)
        self.assertEqual([o.evalue for o in errors(cells[1])], ["in the middle"])
        self.assertEqual([o.evalue for o in errors(cells[2])], ["mismatched types"])
        self.assertEqual(text(cells[3]), "3")
        self.assertEqual([c.execution_count for c in cells], [1, 2, 3, 4])

    def test_a_crash_says_which_variables_are_gone_and_the_next_cell_works(self):
        for code, how in [("std::process::exit(3);", "exit status: 3"), ("std::process::abort();", "SIGABRT")]:
            with self.subTest(code=code):
                _, cells = execute(
                    "let weights = vec![1.0];\nlet rate = 0.1;",
                    "fn double(x: i32) -> i32 { 2 * x }",
                    code,
                    "double(21)",
                    allow_errors=True,
                )
                [crash] = errors(cells[2])
                self.assertEqual(crash.ename, "Crash")
                said = "\n".join(crash.traceback)
                self.assertIn(how, said)
                self.assertIn("weights, rate", said)
                self.assertEqual(text(cells[3]), "42")


class EndlessLoops(unittest.TestCase):
    def ends(self, **options):
        _, cells = execute(
            "let kept = 5;",
            ENDLESS,
            "6 * 7",
            timeout=12,
            interrupt_on_timeout=True,
            allow_errors=True,
            **options,
        )
        self.assertEqual(text(cells[2]), "42")
        return cells

    def test_a_loop_without_end_is_ended_by_nbclients_timeout_and_the_next_cell_works(self):
        cells = self.ends()
        [ended] = errors(cells[1])
        self.assertEqual(ended.ename, "Interrupted")
        self.assertIn("kept", "\n".join(ended.traceback))

    def test_one_interrupt_is_enough_where_nobody_could_send_a_second(self):
        # With an error of its own for a timeout, as nbgrader has it, nbclient goes on at once.
        told = {"ename": "TimeoutError", "evalue": "too slow", "traceback": []}
        cells = self.ends(error_on_timeout=told)
        self.assertEqual([o.ename for o in errors(cells[1])], ["Interrupted"])


class Outputs(unittest.TestCase):
    def test_what_changes_in_place_ends_as_one_output_with_its_last_content(self):
        curve = marked("curve", "text/html", "<b>step {i}</b>")
        bar = marked("bar", "text/plain", "{i} of 4")
        error, cells = execute(
            f'println!("begun");\nfor i in 0..5 {{ {curve} {bar} }}\nprintln!("done");'
        )
        self.assertIsNone(error)
        shown = [o.data for o in cells[0].outputs if o.output_type == "display_data"]
        self.assertEqual(shown, [{"text/html": "<b>step 4</b>"}, {"text/plain": "4 of 4"}])
        printed = "".join(o.text for o in cells[0].outputs if o.output_type == "stream")
        self.assertEqual(printed, "begun\ndone\n")

    def test_the_same_place_in_a_later_cell_is_a_new_output_there(self):
        _, cells = execute(marked("a", "text/plain", "x"), marked("a", "text/plain", "y"))
        shown = [len([o for o in c.outputs if o.output_type == "display_data"]) for c in cells]
        self.assertEqual(shown, [1, 1])


class Converting(unittest.TestCase):
    def convert(self, *cells):
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "source.ipynb"
            nbformat.write(notebook(*cells), source)
            command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute"]
            return subprocess.run(
                [*command, "--output", "made.ipynb", str(source)],
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )

    def test_nbconvert_fails_at_a_panic_and_only_then(self):
        well = self.convert("1 + 1")
        self.assertEqual(well.returncode, 0, well.stderr)
        failed = self.convert("1 + 1", 'panic!("not today");')
        self.assertNotEqual(failed.returncode, 0)
        self.assertIn("not today", failed.stderr)
        self.assertIn('line 1 of this cell: panic!("not today");', failed.stderr)
