"""Times a notebook's way from the kernel's start to its first plot, with a standby kernel or without.

The one argument is a JSON object: lab (the command that opens JupyterLab, without a browser),
runtime (the folder of its connection files), cells, runs, and wait, the seconds that a standby has to
get warm before each run. The kernels are started by the server that the command starts, over its
REST API, as a browser does. The last line of the output is a JSON object with the medians.
"""

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

import psutil
from jupyter_client import BlockingKernelClient
from jupyter_client.connect import find_connection_file


def say(**event):
    print(json.dumps(event), flush=True)


def memory(process):
    """Bytes of a process and all below it, shared pages counted in part."""
    total = 0
    for one in [process] + process.children(recursive=True):
        try:
            total += one.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            pass
    return total


class Lab:
    """JupyterLab, and what it says."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True,
        )
        self.address, self.token = None, None
        self.lines = []
        found = threading.Event()
        threading.Thread(target=self.read, args=(found,), daemon=True).start()
        if not found.wait(120):
            raise SystemExit("JupyterLab does not start:\n" + "".join(self.lines))
        # It says where it listens a moment before it does.
        for _ in range(100):
            try:
                self.ask("GET", "/api/status")
                break
            except OSError:
                time.sleep(0.1)

    def read(self, found):
        for line in self.process.stdout:
            self.lines.append(line)
            match = re.search(r"(http://127\.0\.0\.1:\d+)/lab\S*\?token=(\w+)", line)
            if match and not found.is_set():
                self.address, self.token = match.groups()
                found.set()

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            self.address + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def standby(self):
        """The kernel that waits: the launcher's only child that is a kernel."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                words = child.cmdline()
                parent = child.parent().cmdline()
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
            if "--bare" in words and "kernel" not in parent:
                return child
        return None

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def run(lab, cells, runtime):
    """Seconds to the first cell's end, and to the last one's."""
    start = time.monotonic()
    session = lab.ask(
        "POST",
        "/api/sessions",
        {"path": "standby_times.ipynb", "name": "", "type": "notebook", "kernel": {"name": "rust"}},
    )
    kernel = session["kernel"]["id"]
    times, shown = [], set()
    try:
        client = BlockingKernelClient(
            connection_file=find_connection_file(f"kernel-{kernel}.json", path=[runtime])
        )
        client.load_connection_file()
        client.start_channels()
        client.wait_for_ready(timeout=120)
        times.append(time.monotonic() - start)
        for cell in cells:
            shown.clear()

            def hook(message):
                if message["header"]["msg_type"] in ("execute_result", "display_data"):
                    shown.update(message["content"]["data"])

            reply = client.execute_interactive(
                cell, output_hook=hook, allow_stdin=False, timeout=300
            )
            if reply["content"]["status"] != "ok":
                raise SystemExit(f"the cell fails: {reply['content']}")
            times.append(time.monotonic() - start)
        if "text/html" not in shown:
            raise SystemExit(f"the last cell shows no plot: {shown}")
        client.stop_channels()
    finally:
        lab.ask("DELETE", f"/api/sessions/{session['id']}")
    return times


def main():
    task = json.loads(sys.argv[1])
    lab = Lab(task["lab"])
    runs, sizes = [], []
    try:
        for _ in range(task["runs"]):
            time.sleep(task["wait"])
            standby = lab.standby()
            if standby is not None:
                sizes.append(memory(standby))
            times = run(lab, task["cells"], task["runtime"])
            adopted = standby is not None and lab.standby() != standby
            runs.append(times)
            say(ready=times[0], cells=times[1:], standby=adopted)
    finally:
        lab.end()
    said = [line.strip() for line in lab.lines if "tandby" in line]
    say(
        ready=statistics.median(times[0] for times in runs),
        first_plot=statistics.median(times[-1] for times in runs),
        memory=statistics.median(sizes) if sizes else None,
        said=said,
    )


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
