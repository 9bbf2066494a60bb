"""Executes one notebook in a kernel of its own and reports each cell as a line of JSON.

Called by `cargo course run` with one argument, a JSON object: source, folder (where the kernel
runs), notebook and html (files to write), timeout (seconds a cell), stock (whether the kernel is
evcxr without the relay).
"""

import json
import logging
import sys
import time
from queue import Empty

import nbformat
from jupyter_core.utils import ensure_async
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter

# Stock evcxr sends a cell's last lines of output after it has said that the cell is done.
LINGER = 0.05
# A cell that is meant to fail has something to say, and on a busy machine it says so later.
LINGER_FOR_FAILURE = 3.0


def say(**event):
    print(json.dumps(event), flush=True)


def linger(cell):
    """How long to wait for late output of a cell that is done."""
    silent = not any(o.output_type in ("error", "stream") for o in cell.outputs)
    meant_to_fail = "raises-exception" in cell.metadata.get("tags", [])
    return LINGER_FOR_FAILURE if meant_to_fail and silent else LINGER


class StockClient(NotebookClient):
    """nbclient, for evcxr without the relay: messages come late, and errors incomplete."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.owners = {}
        self.idle_since = None

    async def _async_poll_output_msg(self, parent_msg_id, cell, cell_index):
        self.owners[parent_msg_id] = (cell, cell_index)
        idle = False
        while True:
            try:
                message = await ensure_async(
                    self.kc.iopub_channel.get_msg(timeout=linger(cell) if idle else None)
                )
            except Empty:
                return
            owner = self.owners.get(message["parent_header"].get("msg_id"))
            if owner is None:
                continue
            if message["msg_type"] == "error":
                for key, value in (("ename", "Error"), ("evalue", ""), ("traceback", [])):
                    message["content"].setdefault(key, value)
            try:
                self.process_message(message, *owner)
            except CellExecutionComplete:
                if owner[0] is cell:
                    idle = True
                    self.idle_since = time.monotonic()


def add_missing_error(cell, reply):
    """A reply that says error, or says nothing, where no output tells of it."""
    content = (reply or {}).get("content", {})
    status = content.get("status", "missing")
    if status == "ok" or any(o.output_type == "error" for o in cell.outputs):
        return
    told = content.get("evalue") or f"the kernel's reply was `{status}`, without a message"
    cell.outputs.append(
        nbformat.v4.new_output(
            "error",
            ename=content.get("ename", "Error"),
            evalue=told,
            traceback=content.get("traceback", []),
        )
    )


def tidy(outputs):
    """Streams joined, and before the result: the order in which evcxr makes them."""
    results = [at for at, o in enumerate(outputs) if o.output_type == "execute_result"]
    if results:
        before, after = outputs[: results[0]], outputs[results[0] :]
        late = [o for o in after if o.output_type == "stream"]
        outputs = before + late + [o for o in after if o.output_type != "stream"]
    joined = []
    for output in outputs:
        previous = joined[-1] if joined else None
        if (
            previous is not None
            and output.output_type == previous.output_type == "stream"
            and output.name == previous.name
        ):
            previous.text += output.text
        else:
            joined.append(output)
    return joined


def execute(job, notebook):
    """Runs every cell; the problem that ended it early, or None."""
    replies = {}
    client = (StockClient if job["stock"] else NotebookClient)(
        notebook,
        timeout=job["timeout"],
        startup_timeout=120,
        kernel_name=notebook.metadata.get("kernelspec", {}).get("name", "rust"),
        allow_errors=True,
        store_widget_state=False,
        record_timing=False,
        # It would join lines across the pictures between them.
        coalesce_streams=False,
        resources={"metadata": {"path": job["folder"]}},
        on_cell_executed=lambda cell, cell_index, execute_reply: replies.update(
            {cell_index: execute_reply}
        ),
    )
    started = time.monotonic()
    with client.setup_kernel():
        info = client.wait_for_reply(client.kc.kernel_info())
        notebook.metadata["language_info"] = info["content"]["language_info"]
        say(event="ready", seconds=time.monotonic() - started)
        for index, cell in enumerate(notebook.cells):
            skipped = "skip-execution" in cell.metadata.get("tags", [])
            if cell.cell_type != "code" or not cell.source.strip() or skipped:
                continue
            say(event="cell", index=index)
            started = time.monotonic()
            try:
                client.execute_cell(cell, index)
            except CellTimeoutError:
                return f"cell {index + 1} was still running after {job['timeout']} seconds"
            except DeadKernelError:
                return f"the kernel died in cell {index + 1}"
            finished = getattr(client, "idle_since", None) or time.monotonic()
            add_missing_error(cell, replies.get(index))
            say(event="done", index=index, seconds=finished - started)
    return None


def main():
    logging.disable(logging.CRITICAL)
    job = json.loads(sys.argv[1])
    notebook = nbformat.read(job["source"], as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    try:
        problem = execute(job, notebook)
    except Exception as error:  # whatever it was, what ran so far is kept and the run has failed
        problem = f"it could not be executed: {type(error).__name__}: {error}"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = tidy(cell.outputs)
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        problem = problem or f"it is no valid notebook: {error.message}"
    nbformat.write(notebook, job["notebook"])
    html, _ = HTMLExporter().from_notebook_node(notebook)
    with open(job["html"], "w", encoding="utf-8") as file:
        file.write(html)
    say(event="end", problem=problem)


main()
