"""Two hundred cells in one kernel."""

import unittest

from kernel import PRELUDE, Kernel

CELLS = 200
EARLY = 10


def cell(i):
    """The i-th cell, and what its result must be (None: it has none)."""
    if i % 20 == 19:
        return (f"let n: u32 = \"{i}\";", "E0308") if i % 40 == 19 else (f'panic!("cell {i}");', "panic")
    return [
        (f"{i} * {i}", str(i * i)),
        (f"let made_{i}: i64 = {i};", None),
        (f'println!("cell {i}");', None),
        (f'Plot::new("Cell {i}").line("x * x", 0..5, [0.0, 1.0, 4.0, 9.0, {i}.0])', "plot"),
        (f"fn add_{i}(x: i64) -> i64 {{ x + {i} }}", None),
        (f"add_{i - 1}(1)", str(i)),
        (f"made_1 + made_{i - 5}", str(1 + i - 5)),
        (f"(0..{i}).map(|x| x as f64).sum::<f64>()", f"{i * (i - 1) / 2:.1f}"),
        (f"#[derive(Debug)] pub struct Size{i}(pub usize);", None),
        (f"Size{i - 1}({i})", f"Size{i - 1}({i})"),
    ][i % 10]


class Long(unittest.TestCase):
    def check(self, i, answer, expected):
        content = answer.content
        if expected == "panic":
            self.assertEqual((content["ename"], content["evalue"]), ("panic", f"cell {i}"))
            return
        if expected == "E0308":
            self.assertEqual(content["ename"], "error[E0308]")
            return
        self.assertEqual(content["status"], "ok", content)
        if expected == "plot":
            [result] = answer.of("execute_result")
            self.assertIn(f"Cell {i}", str(result["data"]["text/html"]))
        else:
            self.assertEqual(answer.result, expected)
        self.assertEqual(answer.stream("stdout"), f"cell {i}\n" if i % 10 == 2 else "")
        self.assertEqual(answer.stream("stderr"), "")

    def test_two_hundred_cells_are_answered_right_and_in_order_and_memory_stays_bounded(self):
        kernel = Kernel()
        self.addCleanup(kernel.close)
        self.assertEqual(kernel.run(PRELUDE).status, "ok")
        all_cells = [cell(i) for i in range(CELLS)]

        def send(i):
            return kernel.execute(all_cells[i][0], stop_on_error=False)

        early = [kernel.wait(send(i)) for i in range(EARLY)]
        begun = kernel.memory()
        # The rest is sent at once, as "run all" does.
        sent = early + [send(i) for i in range(EARLY, CELLS)]
        for i, answer in enumerate(sent):
            with self.subTest(cell=i, code=all_cells[i][0]):
                kernel.wait(answer)
                self.assertEqual(answer.content["execution_count"], i + 2)
                for later in sent[i + 1 : i + 3]:
                    self.assertFalse(later.is_whole and not answer.is_whole)
                self.check(i, answer, all_cells[i][1])
        ended = kernel.memory()
        for count, bytes_used in ((EARLY, begun), (CELLS, ended)):
            print(f"\nmemory after {count} cells: {bytes_used / 2**20:.0f} MiB", flush=True)
        # evcxr keeps every cell's library loaded, about a quarter of a megabyte each. A cell that
        # brought its own copy of the course's crates would take several times that.
        self.assertLess(ended, 1.5 * begun)
