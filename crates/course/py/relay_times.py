"""Runs the same cells with and without the relay in turn, and says in lines of JSON what it costs.

The one argument is a JSON object: bare and relay (the argv of the two kernels), cwd, env, cells
(each is a kind of its own), rounds (how often each runs), first (cells that run once before, not
timed) and timeout (seconds a cell may take).

A cell takes from its request to the later of its reply and its idle state. The pairs run one right
after the other, the first of them by turns, so that what else the machine does hits both alike.
"""

import json
import os
import statistics
import sys
import time

import psutil
import zmq
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec


def say(**event):
    print(json.dumps(event), flush=True)


class Kernel:
    def __init__(self, name, task):
        self.name = name
        self.timeout = task["timeout"]
        self.manager = KernelManager()
        self.manager._kernel_spec = KernelSpec(
            argv=task[name],
            display_name="Rust",
            language="rust",
            interrupt_mode="message",
            env=task.get("env", {}),
        )
        self.manager.start_kernel(cwd=task["cwd"])
        self.client = self.manager.client()
        self.client.start_channels()

    def ready(self):
        self.client.wait_for_ready(timeout=120)
        self.poller = zmq.Poller()
        for channel in (self.client.shell_channel, self.client.iopub_channel):
            self.poller.register(channel.socket, zmq.POLLIN)

    def run(self, cell):
        """Milliseconds until both the reply and the idle state are there."""
        client, session = self.client, self.client.session
        shell, iopub = client.shell_channel.socket, client.iopub_channel.socket
        begun = time.monotonic()
        request = client.execute(cell, allow_stdin=False)
        reply = idle = None
        while reply is None or idle is None:
            left = begun + self.timeout - time.monotonic()
            if left <= 0:
                raise RuntimeError(f"{self.name}: the cell takes more than {self.timeout} s: {cell}")
            for socket, _ in self.poller.poll(left * 1000):
                _, message = session.recv(socket, zmq.NOBLOCK, copy=True)
                if message is None or message["parent_header"].get("msg_id") != request:
                    continue
                if socket is shell:
                    reply = time.monotonic()
                    if message["content"]["status"] != "ok":
                        raise RuntimeError(f"{self.name}: {cell}: {message['content']}")
                elif message["msg_type"] == "status":
                    if message["content"]["execution_state"] == "idle":
                        idle = time.monotonic()
        return 1000 * (max(reply, idle) - begun)

    def memory(self):
        """Bytes of the process that Jupyter started, without those below it."""
        return psutil.Process(self.manager.provisioner.pid).memory_info().rss

    def end(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=False)


def percentile(times, share):
    times = sorted(times)
    return times[min(len(times) - 1, int(share * len(times)))]


def figures(times):
    return {
        "median": round(statistics.median(times), 3),
        "p95": round(percentile(times, 0.95), 3),
    }


def main():
    task = json.loads(sys.argv[1])
    kernels = []
    try:
        for name in ("bare", "relay"):
            kernels.append(Kernel(name, task))
        for kernel in kernels:
            kernel.ready()
            for cell in task.get("first", []) + task["cells"]:
                kernel.run(cell)
        everything = {"bare": [], "relay": []}
        for cell in task["cells"]:
            times = {"bare": [], "relay": []}
            for turn in range(task["rounds"]):
                for kernel in kernels if turn % 2 == 0 else kernels[::-1]:
                    times[kernel.name].append(kernel.run(cell))
            for name, found in times.items():
                everything[name] += found
            report("cell", times, cell=cell)
        report("all", everything, cells=len(everything["bare"]))
        for kernel in kernels:
            say(event="memory", kernel=kernel.name, bytes=kernel.memory())
    except RuntimeError as error:
        say(error=str(error))
        return 1
    finally:
        for kernel in kernels:
            kernel.end()
    return 0


def report(event, times, **more):
    added = [relay - bare for bare, relay in zip(times["bare"], times["relay"], strict=True)]
    milliseconds = {name: figures(found) for name, found in times.items()}
    say(event=event, **more, **milliseconds, added=figures(added))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
