"""A JupyterLab in a headless browser, for the tests beside this file.

Opens copies of notebooks only: JupyterLab saves what it shows, and the committed files must stay
as they are.
"""

import json
import os
import re
import subprocess
import threading
import time
import urllib.request
import uuid
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
COPY = "_browser_"
PICTURES = ROOT / "target" / "browser"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

# Of every code cell, in order: its prompt, its failures, and the sizes of its pictures. Cells
# outside the window have no layout, so text comes from textContent, and a picture's size from the
# decoded picture.
SURVEY = """
async () => {
  const cells = [];
  for (const cell of document.querySelectorAll('.jp-Notebook .jp-CodeCell')) {
    const text = (css) => Array.from(cell.querySelectorAll(css)).map((e) => e.textContent);
    const pictures = [];
    for (const img of cell.querySelectorAll('.jp-OutputArea-output img')) {
      try { await img.decode(); } catch (error) { /* its size stays 0 */ }
      pictures.push([img.naturalWidth, img.naturalHeight]);
    }
    cells.push({
      prompt: (text('.jp-InputPrompt')[0] || '').trim(),
      source: (text('.jp-InputArea-editor .cm-content')[0] || '').slice(0, 80),
      errors: text('[data-mime-type="application/vnd.jupyter.error"]'),
      stderr: text('[data-mime-type="application/vnd.jupyter.stderr"]'),
      pictures,
      tables: text('.jp-OutputArea-output table'),
      output: text('.jp-OutputArea').join(''),
    });
  }
  return cells;
}
"""


class Lab:
    """JupyterLab as `cargo course lab` starts it, and a browser to look at it with."""

    def __init__(self):
        course = os.environ["CONVSCOPE_COURSE"]
        self.server = subprocess.Popen(
            [course, "lab", "--no-browser"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = []
        self.address = self._wait_for_address(seconds=120)
        # A server that is not read from stops when the pipe is full.
        threading.Thread(target=self._drain, daemon=True).start()
        self.playwright = sync_playwright().start()
        self.browser = self.playwright.chromium.launch(
            executable_path=os.environ["CONVSCOPE_CHROMIUM"], args=FLAGS
        )
        PICTURES.mkdir(parents=True, exist_ok=True)

    def _wait_for_address(self, seconds):
        deadline = time.monotonic() + seconds
        for line in self.server.stdout:
            self.said.append(line)
            found = re.search(r"(http://(?:127\.0\.0\.1|localhost):\d+)/\S*\?token=(\w+)", line)
            if found:
                return found.groups()
            if time.monotonic() > deadline:
                break
        self.server.terminate()
        raise AssertionError("JupyterLab showed no address:\n" + "".join(self.said))

    def _drain(self):
        for line in self.server.stdout:
            self.said.append(line)

    def open(self, path):
        """The notebook at this path of the repository, in a window of its own."""
        page = self.browser.new_page(viewport={"width": 1280, "height": 1000})
        host, token = self.address
        base = os.environ.get("CONVSCOPE_LAB_ROOT", "notebooks")
        inside = Path(path).relative_to(base)
        page.goto(f"{host}/lab/tree/{inside}?token={token}&reset", timeout=240_000)
        cells = len(json.loads((ROOT / path).read_text(encoding="utf-8"))["cells"])
        # They come one after the other, and the last ones when the browser has time.
        page.wait_for_function(
            f"document.querySelectorAll('.jp-Notebook .jp-Cell').length === {cells}",
            timeout=240_000,
        )
        return Notebook(page)

    def end_kernels(self):
        """A kernel takes much memory, and JupyterLab keeps it when the window is closed."""
        for session in self._ask("GET", "/api/sessions"):
            self._ask("DELETE", f"/api/sessions/{session['id']}")

    def _ask(self, method, path):
        host, token = self.address
        headers = {"Authorization": f"token {token}"}
        request = urllib.request.Request(host + path, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or "null")

    def close(self):
        self.browser.close()
        self.playwright.stop()
        self.server.terminate()
        try:
            self.server.wait(40)
        except subprocess.TimeoutExpired:
            self.server.kill()
        # An autosave may have come after a copy's removal.
        for left in (ROOT / "notebooks").rglob(f"{COPY}*.ipynb"):
            left.unlink()


class Notebook:
    """An open notebook in a browser's window."""

    def __init__(self, page):
        self.page = page

    def run_all(self, seconds):
        """Restarts the kernel, runs everything and waits until the last cell has run."""
        page = self.page
        page.wait_for_selector(
            '.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=seconds * 1000
        )
        page.click('.lm-MenuBar-itemLabel:text-is("Run")')
        page.click('[data-command="runmenu:restart-and-run-all"]')
        page.click(".jp-Dialog button.jp-mod-accept")
        # A saved notebook has its numbers already: the run has begun when a star takes their place.
        page.wait_for_function(
            """() => Array.from(document.querySelectorAll('.jp-InputPrompt'))
              .some((p) => p.textContent.includes('*'))""",
            timeout=seconds * 1000,
        )
        page.wait_for_function(
            """() => {
              const prompts = Array.from(document.querySelectorAll('.jp-CodeCell'))
                .filter((c) => c.querySelector('.cm-content')?.textContent.trim() !== '')
                .map((c) => c.querySelector('.jp-InputPrompt')?.textContent.trim() ?? '');
              return prompts.length > 0 && prompts.every((p) => /^\\[\\d+\\]:?$/.test(p));
            }""",
            timeout=seconds * 1000,
        )

    def cell(self, index):
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(index)

    def start(self, index):
        """Runs a cell and waits until it runs."""
        self.cell(index).locator(".jp-InputArea-editor").click()
        self.cell(index).locator("xpath=self::*[contains(@class, 'jp-mod-active')]").wait_for()
        self.page.click('.lm-MenuBar-itemLabel:text-is("Run")')
        self.page.click('[data-command="runmenu:run"]')
        # A quick cell may be done before anybody looks.
        self._wait_for(index, r"/^\[(\*|\d+)\]:?$/.test(prompt)", 30)

    def run(self, index, seconds):
        self.start(index)
        self.wait_until_done(index, seconds)

    def run_all_cells(self):
        """Runs everything in the kernel as it is."""
        self.page.click('.lm-MenuBar-itemLabel:text-is("Run")')
        self.page.click('[data-command="runmenu:run-all"]')

    def interrupt(self):
        self.page.click('.lm-MenuBar-itemLabel:text-is("Kernel")')
        self.page.click('[data-command="kernelmenu:interrupt"]')

    def wait_until_ready(self, seconds):
        self.page.wait_for_selector(
            '.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=seconds * 1000
        )

    def wait_until_done(self, index, seconds):
        self._wait_for(index, r"/^\[\d+\]:?$/.test(prompt)", seconds)

    def wait_for_last(self, cells, seconds):
        """Waits until the last of so many cells has run."""
        self._wait_for(cells - 1, r"/^\[\d+\]:?$/.test(prompt)", seconds)

    def wait_for_text(self, index, text, seconds):
        self._wait_for(index, f"output.includes({json.dumps(text)})", seconds)

    def _wait_for(self, index, condition, seconds):
        self.page.wait_for_function(
            f"""() => {{
              const cell = document.querySelectorAll('.jp-Notebook .jp-CodeCell')[{index}];
              const prompt = cell?.querySelector('.jp-InputPrompt')?.textContent.trim() ?? '';
              const output = cell?.querySelector('.jp-OutputArea')?.textContent ?? '';
              return {condition};
            }}""",
            timeout=seconds * 1000,
            polling=50,
        )

    def wait_for_bar(self, index, state, share, seconds):
        """The progress bar of a cell once it is in this state and at least so far."""
        handle = self.page.wait_for_function(
            f"""() => {{
              const cell = document.querySelectorAll('.jp-Notebook .jp-CodeCell')[{index}];
              const bar = cell?.querySelector('[data-state]');
              if (bar?.dataset.state !== '{state}' || Number(bar.dataset.share) < {share})
                return null;
              const picture = bar.querySelector('img')?.src ?? '';
              return {{share: bar.dataset.share, text: bar.textContent, picture}};
            }}""",
            timeout=seconds * 1000,
            polling=50,
        )
        return handle.json_value()

    def prompt(self, index):
        return self.cell(index).locator(".jp-InputPrompt").first.text_content().strip()

    def is_running(self, index):
        return "*" in self.prompt(index)

    def outputs(self, index):
        """The HTML of a cell's outputs."""
        return self.cell(index).locator(".jp-OutputArea").first.inner_html()

    def text(self, index):
        area = self.cell(index).locator(".jp-OutputArea .jp-OutputArea-output")
        return "".join(area.all_text_contents())

    def errors(self, index):
        kinds = [f'[data-mime-type="application/vnd.jupyter.{k}"]' for k in ("error", "stderr")]
        return self.cell(index).locator(", ".join(kinds)).all_text_contents()

    def cells(self):
        self.read_through()
        return self.page.evaluate(SURVEY)

    def read_through(self):
        """Scrolls from top to bottom, as a reader does, so that every cell has been drawn."""
        self.page.evaluate(
            """async () => {
              for (const cell of document.querySelectorAll('.jp-Notebook .jp-Cell')) {
                cell.scrollIntoView();
                await new Promise((done) => setTimeout(done, 30));
              }
            }"""
        )

    def dialogs(self):
        return self.page.locator(".jp-Dialog").all_text_contents()

    def picture(self, what, at=None):
        """Saves what the window shows, with the element `at` in view."""
        if at is not None:
            at.scroll_into_view_if_needed()
        self.page.wait_for_timeout(300)
        self.page.screenshot(path=PICTURES / f"{what}.png")

    def close(self):
        self.page.close()


class Copy:
    """A copy of a notebook under a name of its own beside the original, gone after its block.

    It carries a mark that no file had before, so that Jupyter has no signature for it and shows
    it as it shows every notebook that came from somebody else. `edit` changes the notebook before
    it is written.
    """

    def __init__(self, original, edit=None):
        self.original = ROOT / original
        self.edit = edit
        self.path = self.original.with_name(f"{COPY}{uuid.uuid4().hex[:8]}_{self.original.name}")

    def __enter__(self):
        notebook = json.loads(self.original.read_text(encoding="utf-8"))
        notebook["metadata"]["copy"] = uuid.uuid4().hex
        if self.edit is not None:
            self.edit(notebook)
        self.path.write_text(json.dumps(notebook), encoding="utf-8")
        return self.path.relative_to(ROOT)

    def __exit__(self, *_):
        self.path.unlink(missing_ok=True)
