"""Features of CIFAR-10's images by PyTorch, for `features_speed.rs`, which starts this.

    python features_speed.py RECORDS WEIGHTS

RECORDS is a file in CIFAR-10's binary format, WEIGHTS SqueezeNet 1.0's as .safetensors. Each line
`LAYOUT BATCH RESIZE FROM COUNT` of the input is answered by one of JSON: the seconds that the global
averages of the last fire module took for COUNT images, from bytes on. RESIZE says what is resized to
128x128: `bytes`, as PIL does it, or `floats`.
"""

import json
import math
import os
import struct
import sys
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(len(os.sched_getaffinity(0)))
SIDE = 128


class Fire(nn.Module):
    def __init__(self, inputs, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x), inplace=True)
        both = [F.relu(self.expand1x1(x), inplace=True), F.relu(self.expand3x3(x), inplace=True)]
        return torch.cat(both, 1)


class Features(nn.Module):
    """torchvision's squeezenet1_0 up to its last fire module, under its names."""

    def __init__(self):
        super().__init__()

        def pool():
            return nn.MaxPool2d(3, stride=2, ceil_mode=True)

        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 7, stride=2), nn.ReLU(inplace=True), pool(),
            Fire(96, 16, 64), Fire(128, 16, 64), Fire(128, 32, 128), pool(),
            Fire(256, 32, 128), Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), pool(),
            Fire(512, 64, 256),
        )

    def forward(self, x):
        return self.features(x).mean((2, 3))


def safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        head = json.loads(file.read(length))
        data = file.read()
    arrays = {}
    for name, about in head.items():
        if name != "__metadata__":
            begin, end = about["data_offsets"]
            assert about["dtype"] == "F32", about
            numbers = np.frombuffer(data[begin:end], "<f4").reshape(about["shape"])
            arrays[name] = torch.from_numpy(numbers.copy())
    return arrays


def main():
    records = np.fromfile(sys.argv[1], np.uint8).reshape(-1, 3073)[:, 1:]
    images = torch.from_numpy(records.reshape(-1, 3, 32, 32).copy())
    arrays = safetensors(sys.argv[2])
    arrays = {name: a for name, a in arrays.items() if name.startswith("features.")}
    nets = {}
    for layout in (torch.contiguous_format, torch.channels_last):
        net = Features().eval().requires_grad_(False)
        net.load_state_dict(arrays)
        nets[layout] = net.to(memory_format=layout)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    # (x / 255 - mean) / std in one multiplication and one addition, on few pixels where it can be.
    scale, shift = 1 / (255 * std), -mean / std

    def run(layout, batch, resize, begin, count):
        net = nets[layout]
        found = []
        with torch.inference_mode():
            for at in range(begin, begin + count, batch):
                x = images[at : min(at + batch, begin + count)]
                if resize == "bytes":
                    x = x.contiguous(memory_format=torch.channels_last)
                    x = F.interpolate(x, (SIDE, SIDE), mode="bilinear", antialias=True)
                    x = x.to(torch.float32, memory_format=layout)
                    x = x.mul_(scale).add_(shift)
                else:
                    x = x.to(torch.float32).mul_(scale).add_(shift)
                    x = x.contiguous(memory_format=layout)
                    x = F.interpolate(x, (SIDE, SIDE), mode="bilinear")
                found.append(net(x).numpy())
        return np.concatenate(found)

    print(json.dumps({"version": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    for line in sys.stdin:
        layout, batch, resize, begin, count = line.split()
        layout = torch.channels_last if layout == "channels_last" else torch.contiguous_format
        start = time.perf_counter()
        found = run(layout, int(batch), resize, int(begin), int(count))
        seconds = time.perf_counter() - start
        assert math.isfinite(float(found.sum()))
        first = [float(v) for v in found[0]]
        print(json.dumps({"seconds": seconds, "first": first}), flush=True)


main()
