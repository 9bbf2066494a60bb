"""A kernel started from the installed kernelspec, as Jupyter starts it, for the tests beside this
file."""

import os
import time
import unittest
import uuid
from pathlib import Path
from queue import Empty

import psutil
from jupyter_client import KernelManager

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
SPEC = ROOT / ".convscope/venv/share/jupyter/kernels/rust/kernel.json"

# A limit for what may hang, not a measure of speed.
PATIENCE = 180

# The first cell of the course's notebooks.
PRELUDE = ':dep convscope = { path = "../crates/convscope" }\nuse convscope::prelude::*;'


def marked(display_id, mime, content):
    """A statement of Rust that prints a marked line; `{i}` in the content is filled in there."""
    json = f'{{{{\\"display_id\\":\\"{display_id}\\",\\"data\\":{{{{\\"{mime}\\":\\"{content}\\"}}}}}}}}'
    return f'println!("\\u{{1e}}{json}");'


class Answer:
    """What came for one request: the reply, and everything published for it, in order."""

    def __init__(self, request):
        self.request = request
        self.reply = None
        self.published = []

    @property
    def is_whole(self):
        return self.reply is not None and self.states[-1:] == ["idle"]

    @property
    def content(self):
        return self.reply["content"]

    @property
    def status(self):
        return self.content["status"]

    def of(self, kind):
        return [m["content"] for m in self.published if m["msg_type"] == kind]

    @property
    def states(self):
        return [content["execution_state"] for content in self.of("status")]

    def stream(self, name):
        return "".join(c["text"] for c in self.of("stream") if c["name"] == name)

    @property
    def result(self):
        """The result as plain text."""
        results = self.of("execute_result")
        return results[0]["data"].get("text/plain") if results else None


class Kernel:
    """A kernel and a client of it that keeps every message."""

    def __init__(self, **environment):
        # By this every process of the kernel is known, also one that has lost its parent.
        self.mark = uuid.uuid4().hex
        self.manager = KernelManager(kernel_name="rust")
        self.manager.start_kernel(
            cwd=str(NOTEBOOKS),
            env={**os.environ, **environment, "CONVSCOPE_TEST_KERNEL": self.mark},
        )
        self.client = self.manager.client()
        self.client.start_channels(hb=False)
        self.answers = {}
        self.others = []

    def ready(self):
        """Waits until a cell has run."""
        self.connect()
        answer = self.run("1 + 1")
        assert answer.result == "2", (answer.content, answer.published)
        return self

    def connect(self, seconds=PATIENCE):
        """Asks for kernel_info until an answer comes on both channels: each connects for itself."""
        asked = []

        def is_answered():
            if not asked or time.monotonic() > asked[-1][0] + 1.5:
                asked.append((time.monotonic(), self.send("kernel_info_request")))
            return any(answer.is_whole for _, answer in asked)

        self.wait_until(is_answered, seconds, "kernel_info")
        return next(answer for _, answer in asked if answer.is_whole)

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=not self.is_alive())

    def is_alive(self):
        return self.manager.is_alive()

    def send(self, kind, content=None, channel="shell", metadata=None):
        """Sends a request as it is given, without what jupyter_client would add."""
        message = self.client.session.msg(kind, content or {}, metadata=metadata)
        getattr(self.client, f"{channel}_channel").send(message)
        answer = Answer(message["header"]["msg_id"])
        self.answers[answer.request] = answer
        return answer

    def execute(self, code, **content):
        """Sends a cell the way a notebook does when somebody sits before it."""
        request = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": True,
            "stop_on_error": True,
        }
        return self.send("execute_request", {**request, **content})

    def run(self, code, seconds=PATIENCE, **content):
        return self.wait(self.execute(code, **content), seconds)

    def wait(self, answer, seconds=PATIENCE):
        """Waits for the reply and for the idle state that belongs to it."""
        self.wait_until(lambda: answer.is_whole, seconds, f"an answer to {answer.request}")
        return answer

    def wait_until(self, is_done, seconds=PATIENCE, what="a message"):
        deadline = time.monotonic() + seconds
        while not is_done():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} did not come within {seconds} s: {self.others[-3:]}")
            self.listen()

    def listen(self):
        client = self.client
        for channel in (client.iopub_channel, client.shell_channel, client.control_channel):
            while True:
                try:
                    message = channel.get_msg(timeout=0.005)
                except Empty:
                    break
                answer = self.answers.get(message["parent_header"].get("msg_id"))
                if answer is None:
                    self.others.append(message)
                elif channel is client.iopub_channel:
                    answer.published.append(message)
                else:
                    answer.reply = message

    def family(self):
        """The processes of this kernel, wherever they hang."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("CONVSCOPE_TEST_KERNEL") == self.mark:
                    found.append(process)
            except psutil.Error:
                pass
        return found

    def memory(self):
        """Bytes of all its processes; pages that several share are counted once."""
        total = 0
        for process in self.family():
            try:
                full = process.memory_full_info()
                total += getattr(full, "pss", 0) or full.rss
            except psutil.Error:
                pass
        return total

    def is_gone(self, seconds=30):
        """Whether none of its processes is left, at the latest after so long."""
        deadline = time.monotonic() + seconds
        while self.family():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True


class KernelCase(unittest.TestCase):
    """Tests that share one kernel."""

    kernel = None

    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel()
        cls.addClassCleanup(cls.kernel.close)
        cls.kernel.ready()
