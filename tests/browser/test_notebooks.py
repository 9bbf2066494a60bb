"""What a reader and a student see: notebooks in a real JupyterLab in a real browser.

`cargo course test` runs this; it needs CONVSCOPE_COURSE (the course program) and
CONVSCOPE_CHROMIUM (a browser). Pictures of what was seen are in target/browser. CONVSCOPE_NOTEBOOKS
names the solutions to run, "06 07 08"; without it, 02 stands for all.
"""

import json
import os
import re
import unittest

from jupyter import ROOT, Copy, Lab

# Long enough for a slow machine that also compiles something.
PATIENCE = 600


def find(number, folder):
    found = sorted((ROOT / "notebooks" / folder).glob(f"{number}_*.ipynb"))
    assert found, f"there is no notebook {number} in notebooks/{folder}"
    return found[0].relative_to(ROOT)


def saved_cells(path):
    cells = json.loads((ROOT / path).read_text(encoding="utf-8"))["cells"]
    return [c for c in cells if c["cell_type"] == "code"]


def shows_picture(cell):
    html = (o.get("data", {}).get("text/html", []) for o in cell["outputs"])
    return any("<img" in "".join(lines) for lines in html)


def answer_wrongly(notebook):
    """Puts 0 in the place of the first stub whose function gives a number; the exercise's id."""
    number = re.compile(r"->\s*(?:usize|f32|f64)\s*\{\s*todo!\(.*?\);?\s*\}", re.DOTALL)
    for cell in notebook["cells"]:
        grader = cell["metadata"].get("nbgrader", {})
        source = "".join(cell["source"])
        if grader.get("solution") and number.search(source):
            cell["source"] = re.sub(r"todo!\(.*?\)(?=;?\s*\})", "Default::default()", source, count=1)
            return grader["grade_id"]
    raise AssertionError("there is no exercise whose answer is a number")


def run_on_where_answers_are_missing(notebook):
    """JupyterLab stops at the first cell that fails, unless it is marked as one that may."""
    for cell in notebook["cells"]:
        if cell["metadata"].get("convscope", {}).get("needs"):
            cell["metadata"].setdefault("tags", []).append("raises-exception")


class Notebooks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab()

    @classmethod
    def tearDownClass(cls):
        cls.lab.close()

    def open(self, path):
        notebook = self.lab.open(path)
        self.addCleanup(self.lab.end_kernels)
        self.addCleanup(notebook.close)
        return notebook

    def assert_pictures_show(self, cells):
        for number, cell in enumerate(cells, 1):
            for width, height in cell["pictures"]:
                self.assertGreater(width * height, 0, f"a picture of cell {number} is blank")

    def test_saved_figures_show_before_anything_runs(self):
        original = find("02", "solutions")
        with Copy(original) as path:
            notebook = self.open(path)
            cells = notebook.cells()
            saved = saved_cells(original)
            self.assertEqual(len(cells), len(saved))
            expected = [i for i, cell in enumerate(saved, 1) if shows_picture(cell)]
            shown = [i for i, cell in enumerate(cells, 1) if cell["pictures"]]
            self.assertTrue(expected, "the solution of 02 has no saved figure")
            self.assertEqual(shown, expected)
            self.assert_pictures_show(cells)
            self.assertEqual(notebook.dialogs(), [])
            figure = notebook.page.locator(".jp-OutputArea-output img").first
            notebook.picture("02-untrusted", figure)

    def test_a_solution_runs_and_its_plots_appear(self):
        for number in os.environ.get("CONVSCOPE_NOTEBOOKS", "02").split():
            with self.subTest(number):
                self.run_solution(number)

    def run_solution(self, number):
        original = find(number, "solutions")
        with Copy(original) as path:
            notebook = self.open(path)
            notebook.run_all(PATIENCE)
            cells = notebook.cells()
            expected = sum(shows_picture(c) for c in saved_cells(original))
            self.assertEqual(sum(bool(c["pictures"]) for c in cells), expected)
            self.assert_pictures_show(cells)
            for place, cell in enumerate(cells, 1):
                failures = cell["errors"] + cell["stderr"]
                self.assertEqual(failures, [], f"cell {place}: {cell['source']}")
            self.assertEqual(notebook.dialogs(), [])
            figures = notebook.page.locator(".jp-CodeCell .jp-OutputArea:has(img)")
            for i in range(figures.count()):
                notebook.picture(f"{number}-figure-{i + 1}", figures.nth(i))
            notebook.picture(f"{number}-score", notebook.page.locator(".jp-CodeCell").last)
            self.lab.end_kernels()

    def test_unsolved_exercises_are_open_and_a_wrong_answer_gets_a_hint(self):
        original = find("01", "")
        wrong = []

        def edit(notebook):
            wrong.append(answer_wrongly(notebook))
            run_on_where_answers_are_missing(notebook)

        with Copy(original, edit=edit) as path:
            notebook = self.open(path)
            notebook.run_all(PATIENCE)
            cells = notebook.cells()
            checks = 0
            for saved, cell in zip(saved_cells(original), cells, strict=True):
                grader = saved["metadata"].get("nbgrader", {})
                if not grader:
                    continue
                # What a panicking cell before it wrote to stderr may arrive here, late.
                self.assertEqual(cell["errors"], [], cell["source"])
                if grader.get("grade"):
                    checks += 1
                    self.assertTrue(cell["tables"], f"no table: {cell['source']}")
                    if grader["grade_id"] == f"{wrong[0]}-check":
                        self.assertIn("failed", cell["output"])
                        self.assertIn("Hint", cell["output"])
                    else:
                        self.assertIn("not written yet", cell["output"])
            self.assertGreater(checks, 1)
            scores = notebook.page.locator(".jp-OutputArea-output table[data-exercise]")
            self.assertEqual(scores.count(), checks)
            for i in range(checks):
                score = scores.nth(i)
                points = float(score.get_attribute("data-points"))
                self.assertLess(points, float(score.get_attribute("data-max")))
                if score.get_attribute("data-exercise") == wrong[0]:
                    notebook.picture("01-wrong-answer", score)
                else:
                    self.assertEqual(points, 0.0)
            notebook.picture("01-unsolved", scores.last)


if __name__ == "__main__":
    unittest.main(verbosity=2)
