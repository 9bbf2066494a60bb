"""What moves while a cell runs, and what the stop button does, in a real JupyterLab."""

import re
import unittest
from pathlib import Path

from jupyter import ROOT, Copy, Lab

PATIENCE = 180

FIRST = ':dep convscope = { path = "../crates/convscope" }\nuse convscope::prelude::*;'
DATA = """let digits = InkDigits::generate(2000, 1);
let scale = Standardizer::fit(&digits)?;
let (train, valid) = (scale.apply(&digits.slice(..1600)?)?, scale.apply(&digits.slice(1600..)?)?);
let mut net = Network::input([1, 28, 28])
    .add("conv1", Conv2d::new(8, 3))
    .add("relu1", Relu)
    .add("pool1", MaxPool2d::new(2))
    .add("flatten", Flatten)
    .add("fc", Linear::new(10))
    .build(1)?;"""
TRAINING = """let history = Training::new(Adam::new(0.001))
    .epochs({epochs})
    .batch_size(32)
    .seed(1)
    .fit(&mut net, &train, &valid)?;"""


def with_cells(*sources):
    """An edit that leaves these cells alone in a notebook."""

    def edit(notebook):
        notebook["cells"] = [
            {
                "cell_type": "code",
                "id": f"cell-{i}",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
            for i, source in enumerate(sources)
        ]

    return edit


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab()

    @classmethod
    def tearDownClass(cls):
        cls.lab.close()

    def open(self, *sources):
        copy = Copy("notebooks/00_welcome.ipynb", edit=with_cells(*sources))
        path = self.enterContext(copy)
        notebook = self.lab.open(path)
        self.addCleanup(self.lab.end_kernels)
        self.addCleanup(notebook.close)
        notebook.wait_until_ready(PATIENCE)
        return notebook

    def test_a_training_cell_shows_a_bar_that_moves_and_a_curve_that_grows(self):
        notebook = self.open(FIRST, DATA, TRAINING.format(epochs=250))
        notebook.run(0, PATIENCE)
        notebook.run(1, PATIENCE)
        notebook.start(2)
        shares, curves = [], []
        for number, wanted in enumerate((0.1, 0.4, 0.7), 1):
            bar = notebook.wait_for_bar(2, "running", wanted, PATIENCE)
            notebook.picture(f"live-training-{number}")
            shares.append(float(bar["share"]))
            curves.append(bar["picture"])
        self.assertEqual(shares, sorted(set(shares)), "the bar moves")
        self.assertEqual(len(set(curves)), 3, "each time another curve")
        self.assertTrue(all(curves), "a curve from the first picture on")
        notebook.wait_until_done(2, PATIENCE)
        bar = notebook.wait_for_bar(2, "done", 1.0, PATIENCE)
        self.assertIn("250 epochs", bar["text"])
        self.assertEqual(notebook.outputs(2).count("data-state"), 1, "one bar, in one place")
        notebook.picture("live-training-done")

    def test_an_interrupt_stops_the_training_and_the_network_goes_on(self):
        notebook = self.open(
            FIRST, DATA, TRAINING.format(epochs=5000), "evaluate(&net, &valid)?.accuracy"
        )
        notebook.run(0, PATIENCE)
        notebook.run(1, PATIENCE)
        notebook.start(2)
        notebook.wait_for_bar(2, "running", 0.0005, PATIENCE)
        notebook.interrupt()
        notebook.wait_until_done(2, 30)
        bar = notebook.wait_for_bar(2, "stopped", 0.0, 10)
        self.assertIn("stopped on request", bar["text"])
        notebook.picture("live-interrupted")
        notebook.run(3, PATIENCE)
        self.assertEqual(notebook.errors(3), [])
        self.assertGreater(float(notebook.text(3)), 0.0)

    def test_a_second_interrupt_ends_a_cell_that_does_not_listen(self):
        notebook = self.open(
            "let kept = 5;\nfn twice(x: i32) -> i32 { 2 * x }",
            "loop { std::thread::sleep(std::time::Duration::from_millis(5)); }",
            "kept",
            "twice(4)",
        )
        notebook.run(0, PATIENCE)
        notebook.start(1)
        notebook.page.wait_for_timeout(1000)
        notebook.interrupt()
        notebook.wait_for_text(1, "Interrupt once more", 30)
        self.assertTrue(notebook.is_running(1), "the first interrupt only asks")
        notebook.interrupt()
        notebook.wait_until_done(1, 60)
        error = "".join(notebook.errors(1))
        self.assertIn("Interrupted", error)
        self.assertIn("kept", error, "what was lost is named")
        notebook.picture("live-killed")
        notebook.run(2, PATIENCE)
        self.assertIn("cannot find value", "".join(notebook.errors(2)))
        notebook.run(3, PATIENCE)
        self.assertEqual(notebook.text(3).strip(), "8")

    def test_run_all_stops_at_a_panic_with_a_short_message(self):
        notebook = self.open(
            "let numbers = vec![1, 2, 3];",
            "let at = numbers.len();\nnumbers[at]",
            "println!(\"this must not run\");",
            "numbers.len()",
        )
        notebook.run_all_cells()
        notebook.wait_until_done(1, PATIENCE)
        notebook.wait_until_ready(PATIENCE)
        notebook.page.wait_for_timeout(1000)
        notebook.picture("live-panic")
        (error,) = notebook.errors(1)
        self.assertIn("index out of bounds: the len is 3 but the index is 3", error)
        self.assertIn("line 2 of this cell: numbers[at]", error)
        self.assertLess(len(error), 200, error)
        for later in (2, 3):
            self.assertEqual(notebook.prompt(later), "[ ]:", "it did not run")
            self.assertEqual(notebook.text(later), "")
        notebook.picture("live-panic")
        # What was there before the panic still is.
        notebook.run(3, PATIENCE)
        self.assertEqual(notebook.text(3).strip(), "3")

    def test_two_hundred_cells_run_in_one_kernel_and_its_memory_is_said(self):
        def cell(i):
            if i % 20 == 0:
                return f'Plot::new("{i}").x_label("x").y_label("y").line("y", [0, 1], [0, {i}])'
            return f"let x{i} = {i} + 1;\n2 * x{i}"

        numbers = range(1, 201)
        notebook = self.open(FIRST, *(cell(i) for i in numbers))
        notebook.run(0, PATIENCE)
        begun = notebook_memory()
        notebook.run_all_cells()
        notebook.wait_for_last(len(numbers) + 1, 4 * PATIENCE)
        cells = notebook.cells()[1:]
        for i, cell in zip(numbers, cells, strict=True):
            self.assertEqual(cell["errors"] + cell["stderr"], [], f"cell {i}")
            if i % 20 == 0:
                self.assertEqual(len(cell["pictures"]), 1, f"cell {i}")
            else:
                self.assertEqual(cell["output"].strip().split("]:")[-1], str(2 * (i + 1)))
        ended = notebook_memory()
        print(f"the kernel's memory: {begun} MB, after 200 cells {ended} MB")
        # Each cell's library stays loaded; more than a megabyte for each would be a leak.
        self.assertLess(ended, begun + 200)


def notebook_memory():
    """Megabytes of the kernel that has run the most, shared pages counted in part."""
    kernels = {}
    for status in Path("/proc").glob("[0-9]*/smaps_rollup"):
        try:
            words = (status.parent / "environ").read_bytes().split(b"\0")
            pss = re.search(r"^Pss:\s+(\d+)", status.read_text(), re.MULTILINE)
        except OSError:
            continue
        folder = next((w for w in words if w.startswith(b"EVCXR_TMPDIR=")), None)
        if folder and str(ROOT).encode() in folder and pss:
            kernels[folder] = kernels.get(folder, 0) + int(pss.group(1))
    return round(max(kernels.values()) / 1000)


if __name__ == "__main__":
    unittest.main(verbosity=2)
