"""Runs cells in a kernel as Jupyter does, and says in lines of JSON what came and how long it took.

The one argument is a JSON object: argv, cwd, env, cells, timeout (seconds a cell may take), and
must_fail, the indices of the cells that must not compile.
"""

import json
import os
import sys
import time

import psutil
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec


def say(**event):
    print(json.dumps(event), flush=True)


def memory(pid):
    """Bytes of memory of a process and all below it, shared pages counted once where known."""
    try:
        top = psutil.Process(pid)
        family = [top] + top.children(recursive=True)
    except psutil.NoSuchProcess:
        return 0
    total = 0
    for process in family:
        try:
            full = process.memory_full_info()
            total += getattr(full, "pss", 0) or full.rss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            pass
    return total


def main():
    task = json.loads(sys.argv[1])
    manager = KernelManager()
    manager._kernel_spec = KernelSpec(
        argv=task["argv"],
        display_name="Rust",
        language="rust",
        interrupt_mode="message",
        env=task["env"],
    )
    start = time.monotonic()
    manager.start_kernel(cwd=task["cwd"])
    client = manager.client()
    client.start_channels()
    failed = False
    try:
        try:
            client.wait_for_ready(timeout=120)
        except RuntimeError as error:
            say(error=f"the kernel does not start: {error}")
            return 1
        say(event="ready", seconds=time.monotonic() - start)
        for index, cell in enumerate(task["cells"]):
            if run(client, index, cell, task, start):
                failed = True
                break
        say(event="memory", bytes=memory(manager.provisioner.pid))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=False)
    return 1 if failed else 0


def run(client, index, cell, task, start):
    """Whether the cell did otherwise than it should."""
    timeout, must_fail = task["timeout"], index in task.get("must_fail", [])
    error, kinds, stderr = None, set(), []

    def hook(message):
        nonlocal error
        content = message["content"]
        kind = message["header"]["msg_type"]
        if kind == "error":
            error = error or content.get("evalue") or "an error without a word"
        elif kind == "stream" and content["name"] == "stderr":
            stderr.append(content["text"])
        elif kind in ("execute_result", "display_data"):
            kinds.update(content["data"])

    begun = time.monotonic()
    try:
        client.execute_interactive(cell, output_hook=hook, allow_stdin=False, timeout=timeout)
    except TimeoutError:
        error = f"the cell takes more than {timeout} s"
    except RuntimeError as problem:
        error = f"the kernel is gone: {problem}"
    now = time.monotonic()
    words = "".join(stderr)
    if error is None and "panicked at" in words:
        error = words.strip()
    event = {
        "event": "cell",
        "index": index,
        "seconds": now - begun,
        "since_start": now - start,
        "kinds": sorted(kinds),
    }
    if must_fail:
        error = None if error else "the cell should not compile, but does"
    if error is not None:
        event["error"] = error
    say(**event)
    return error is not None


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
