"""The errors that beginners in notebooks meet most: rustc's message with the cell's own lines, and a
hint that says what to do. Each is met for real, in one kernel."""

import re
import unittest

from kernel import PRELUDE, Kernel

COLOUR = re.compile("\x1b\\[[0-9;]*m")


class Hints(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel().ready()

    @classmethod
    def tearDownClass(cls):
        cls.kernel.close()

    def setUp(self):
        self.kernel.run(PRELUDE)

    def fails(self, code, *parts, line=1):
        answer = self.kernel.run(code)
        self.assertEqual(answer.status, "error", answer.published)
        text = COLOUR.sub("", "\n".join(answer.content["traceback"]))
        self.assertEqual(text.count("hint:"), 1, text)
        hint = text.split("hint:")[1]
        for part in parts:
            self.assertIn(part, hint, text)
        # The line as the student wrote it, under the number that the notebook shows.
        self.assertIn(f"[ cell {answer.content['execution_count']} ]", text, text)
        self.assertIn(f" {line} │ {code.splitlines()[line - 1]}", text, text)

    def test_a_moved_variable(self):
        self.fails("let a = vec![1];\nlet b = a;\nlet c = a;", "moved", ".clone()", line=3)

    def test_a_variable_that_borrows_across_cells(self):
        self.kernel.run("let owner = vec![1, 2, 3];")
        answer = self.kernel.run("let borrowed = &owner[1];")
        self.assertEqual(answer.status, "error")
        text = COLOUR.sub("", "\n".join(answer.content["traceback"]))
        self.assertIn("cannot borrow from another", text.split("hint:")[1])

    def test_a_type_that_cannot_be_named(self):
        answer = self.kernel.run("let double = |x: f32| 2.0 * x;")
        self.assertEqual(answer.status, "error")
        text = COLOUR.sub("", "\n".join(answer.content["traceback"]))
        self.assertIn("only if its type has a name", text.split("hint:")[1])

    def test_a_missing_semicolon_in_a_loop(self):
        self.fails("for x in vec![1.0, 2.0] {\n    x * 2.0\n}", "end it with `;`", line=2)

    def test_a_loop_that_is_taken_for_a_value(self):
        self.fails("let n: i32 = for i in 0..3 { let _ = i; };", "gives nothing back")

    def test_arrays_with_different_numbers_of_axes(self):
        self.fails(
            "let grid: Array2<f32> = Array2::zeros((2, 3));\nlet line: Array1<f32> = grid;",
            "numbers of axes",
            line=2,
        )

    def test_a_question_mark_in_a_function_that_returns_no_result(self):
        self.fails(
            'fn parse(text: &str) -> f32 {\n    text.parse::<f32>()?\n}',
            "must return a `Result`",
            line=2,
        )

    def test_a_missing_import_of_the_prelude(self):
        other = Kernel().ready()
        self.addCleanup(other.close)
        mine, self.kernel = self.kernel, other
        try:
            self.fails('let plot = Plot::new("x");', "prelude")
        finally:
            self.kernel = mine

    def test_integer_and_float_mixed(self):
        self.fails("let half = 3 * 0.5;", "float")

    def test_something_that_is_no_layer(self):
        self.fails('let net = Network::input([1, 8, 8]).add("x", 5).build(1)?;', "no layer")

    def test_a_name_that_only_a_later_cell_makes(self):
        self.fails("later_on + 1", "No cell that has run so far makes this name")


if __name__ == "__main__":
    unittest.main()
