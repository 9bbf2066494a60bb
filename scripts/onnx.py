"""The Python halves of the comparison that onnx.sh runs.

    python onnx.py export FOLDER [NAME...]   torchvision's networks with random weights, by both exporters
    python onnx.py check FOLDER              checks what Convscope wrote, with onnx and onnxruntime
    python onnx.py collect FOLDER            puts both tables together
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
import torchvision
from torch import nn

SEED = 5
NAMES = (
    "alexnet vgg11 vgg16_bn resnet18 resnet50 resnext50_32x4d wide_resnet50_2 densenet121 "
    "squeezenet1_0 squeezenet1_1 googlenet inception_v3 mobilenet_v2 mobilenet_v3_small mnasnet1_0 "
    "efficientnet_b0"
).split()
BAR = 1e-4
warnings.filterwarnings("ignore")
onnxruntime.set_default_logger_severity(3)


def settle(module, x):
    """Random weights whose signals neither die nor explode: batch norm gets the statistics of a
    batch of noise, moved a little, so that they are no round numbers."""
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.momentum = None  # the mean over all batches
            m.reset_running_stats()
    module.train()
    for m in module.modules():
        if isinstance(m, nn.Dropout):
            m.eval()
    with torch.no_grad():
        module(torch.randn(8, *x.shape[1:]))
        for m in module.modules():
            if isinstance(m, nn.BatchNorm2d):
                m.running_mean.add_(0.1 * torch.randn_like(m.running_mean) * m.running_var.sqrt())
                m.running_var.mul_(torch.empty_like(m.running_var).uniform_(0.8, 1.25))
                m.weight.uniform_(0.8, 1.2)
                m.bias.normal_(0, 0.1)
    return module.eval()


def export(folder, names):
    models = []
    for name in names:
        torch.manual_seed(SEED)
        heads = {"aux_logits": False} if name in ("googlenet", "inception_v3") else {}
        late = {"init_weights": False} if heads else {}
        size = 299 if name == "inception_v3" else 224
        x = torch.randn(2, 3, size, size)
        net = settle(torchvision.models.get_model(name, weights=None, **heads, **late), x)
        with torch.no_grad():
            y = net(x)
        x.numpy().tofile(folder / f"{name}.x.bin")
        y.numpy().tofile(folder / f"{name}.y.bin")
        for exporter in ("TorchScript", "dynamo"):
            path = folder / f"{name}.{exporter}.onnx"
            if exporter == "dynamo":
                batch = torch.export.Dim("batch", min=1, max=64)
                torch.onnx.export(
                    net, (x,), path, dynamo=True, external_data=True, verbose=False,
                    dynamic_shapes=({0: batch},),
                )
            else:
                torch.onnx.export(
                    net, (x,), path, dynamo=False, input_names=["input"], output_names=["logits"],
                    dynamic_axes={"input": {0: "batch"}},
                )
            models.append({
                "name": name, "exporter": exporter, "file": path.name,
                "x": f"{name}.x.bin", "x_shape": list(x.shape),
                "y": f"{name}.y.bin", "y_shape": list(y.shape),
            })
        print(name, f"{y.abs().max():.3g}", file=sys.stderr)
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__, "onnx": onnx.__version__, "seed": SEED}
    (folder / "models.json").write_text(json.dumps(versions | {"models": models}))


def check(folder):
    written = json.loads((folder / "written.json").read_text())
    rows = []
    for model in written["models"]:
        name = model["name"]
        path = folder / f"{name}.onnx"
        onnx.checker.check_model(str(path), full_check=True)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        x = np.fromfile(folder / f"{name}.x.bin", np.float32).reshape(model["x_shape"])
        expected = np.fromfile(folder / f"{name}.y.bin", np.float32).reshape(model["y_shape"])
        found = session.run(None, {"input": x})[0]
        assert found.shape == expected.shape, (name, found.shape)
        error = float(np.abs(found - expected).max() / np.abs(expected).max())
        opset = onnx.load(path, load_external_data=False).opset_import[0].version
        print(f"{name}: {error:.2e}", file=sys.stderr)
        assert error < BAR, name
        rows.append({"name": name, "parameters": model["parameters"], "opset": opset, "error": error})
    print(json.dumps(rows))


def collect(folder):
    """One file of figures from what the other steps printed."""
    read = json.loads((folder / "read.json").read_text())
    written = json.loads((folder / "checked.json").read_text())
    for row in read + written:
        row["error"] = float(f"{row['error']:.2g}")
        assert row["error"] < BAR, row
        if "largest_output" in row:
            row["largest_output"] = float(f"{row['largest_output']:.3g}")
    head = {
        "torch": torch.__version__, "torchvision": torchvision.__version__, "onnx": onnx.__version__,
        "onnxruntime": onnxruntime.__version__, "seed": SEED, "bar": BAR,
    }
    lines = lambda rows: "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]"
    print(json.dumps(head)[:-1] + ',\n"read": ' + lines(read) + ',\n"written": ' + lines(written) + "}")


folder = Path(sys.argv[2])
match sys.argv[1]:
    case "export":
        export(folder, sys.argv[3:] or NAMES)
    case "check":
        check(folder)
    case "collect":
        collect(folder)
