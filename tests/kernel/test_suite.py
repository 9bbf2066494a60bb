"""Jupyter's own test suite for kernels, with samples in Rust.

Everything that the suite offers is run, but for what is skipped below, with the reason.
"""

import unittest

import jupyter_kernel_test
from kernel import NOTEBOOKS, marked

SHOWN = """
pub struct Table;
impl Table {
    pub fn evcxr_display(&self) {
        println!("EVCXR_BEGIN_CONTENT text/html\\n<b>7</b>\\nEVCXR_END_CONTENT");
        println!("EVCXR_BEGIN_CONTENT text/plain\\n7\\nEVCXR_END_CONTENT");
    }
}
"""


class Suite(jupyter_kernel_test.KernelTests):
    kernel_name = "rust"
    language_name = "rust"
    file_extension = ".rs"

    code_hello_world = 'println!("hello, world");'
    code_stderr = 'eprintln!("careful");'
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": '"a".repeat(3)', "result": '"aaa"'},
        {"code": "Table", "result": "7"},
        {"code": "Table", "mime": "text/html", "result": "<b>7</b>"},
    ]
    code_display_data = [{"code": marked("suite", "text/html", "<i>x</i>"), "mime": "text/html"}]
    code_generate_error = 'let n: u32 = "many";'
    code_inspect_sample = "String"
    completion_samples = [
        {"text": "made_before_the_sui", "matches": {"made_before_the_suite"}},
        {"text": "6 * made_before_the_sui", "matches": {"made_before_the_suite"}},
    ]
    complete_code_samples = ["1 + 1", "fn f() {}", "let a = '{';", 'let s = "}";', "// {"]
    incomplete_code_samples = ["fn f() {", "let v = vec![1,", 'let s = "open', "/* open", "(1"]
    invalid_code_samples = ["fn f() }", "vec![1)", ")"]
    supported_history_operations = ("tail", "range", "search")
    code_history_pattern = "6?*?7"

    @classmethod
    def setUpClass(cls):
        cls.km, cls.kc = jupyter_kernel_test.start_new_kernel(
            kernel_name=cls.kernel_name, cwd=str(NOTEBOOKS)
        )
        for code in (SHOWN, "let made_before_the_suite = 1;"):
            reply = cls.kc.execute_interactive(code, timeout=180)
            assert reply["content"]["status"] == "ok", reply

    @unittest.skip("evcxr has no pager: what is looked up is answered to inspect_request")
    def test_pager(self):
        pass

    @unittest.skip(
        "nothing in a cell can ask evcxr to clear its output; what changes is shown in place, by "
        "display_data and update_display_data"
    )
    def test_clear_output(self):
        pass


class Welcome(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = "rust"

    @classmethod
    def setUpClass(cls):
        raise unittest.SkipTest(
            "iopub_welcome belongs to protocol 5.4 and needs an XPUB socket; the kernel speaks 5.3"
        )
