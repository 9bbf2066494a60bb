"""The twin of cifar10_vgg.rs in PyTorch: the same network, data and settings.

    python cifar10_vgg.py ARCHIVE [EPOCHS]

ARCHIVE is the course's copy of CIFAR-10 as JPEG (`cargo course fetch cifar10-jpeg` says where it
lies). It needs torch, numpy and Pillow. Random draws differ from the Rust program's: the order of
the images, the flips and crops, and the initial weights, which follow He's rule in both.
"""

import io
import math
import os
import sys
import tarfile
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image

SEED = 1
VALIDATION = 2_000
BATCH = 128
RATE, FROM, TO, RISE = 0.1, 1 / 25, 1 / 25e4, 0.3


def images(path):
    """Training and test images as arrays [N, 3, 32, 32] from 0 to 1, and their labels."""
    sets = {"train": [], "test": []}
    with tarfile.open(path) as archive:
        for member in archive:
            parts = member.name.split("/")
            if member.isfile() and len(parts) >= 3 and parts[-3] in sets:
                pixels = Image.open(io.BytesIO(archive.extractfile(member).read())).convert("RGB")
                sets[parts[-3]].append((np.asarray(pixels), parts[-2]))
    classes = sorted({name for _, name in sets["train"]})
    for part in ("train", "test"):
        x = np.stack([pixels for pixels, _ in sets[part]]).transpose(0, 3, 1, 2)
        y = [classes.index(name) for _, name in sets[part]]
        yield torch.from_numpy(x.copy()).float() / 255, torch.tensor(y)


def network():
    layers, inputs = [], 3
    for filters in (64, 128, 256):
        for _ in range(2):
            layers += [
                nn.Conv2d(inputs, filters, 3, padding=1), nn.BatchNorm2d(filters),
                nn.ReLU(inplace=True),
            ]
            inputs = filters
        layers.append(nn.MaxPool2d(2))
    net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * 4 * 256, 10))
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight)
            nn.init.zeros_(module.bias)
    return net


def swing(begin, end, t):
    """From one value to another along half a cosine."""
    return end + (begin - end) * (1 + math.cos(math.pi * min(t, 1.0))) / 2


def augmented(x):
    """Each image flipped or not, and cut from a border of 4 zeros at a place of its own."""
    flip = torch.rand(len(x)) < 0.5
    x = torch.where(flip[:, None, None, None], x.flip(3), x)
    padded = F.pad(x, (4, 4, 4, 4))
    rows = torch.randint(9, (len(x), 1)) + torch.arange(32)
    columns = torch.randint(9, (len(x), 1)) + torch.arange(32)
    index = torch.arange(len(x))[:, None, None]
    return padded.permute(0, 2, 3, 1)[index, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def accuracy(net, x, y):
    net.eval()
    with torch.inference_mode():
        right = sum(
            int((net(x[i : i + 500]).argmax(1) == y[i : i + 500]).sum())
            for i in range(0, len(x), 500)
        )
    return right / len(x)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    torch.manual_seed(SEED)
    torch.set_num_threads(os.cpu_count())
    (x, y), (test, test_labels) = images(sys.argv[1])
    order = torch.randperm(len(x))
    x, y = x[order], y[order]
    valid, valid_labels = x[-VALIDATION:], y[-VALIDATION:]
    x, y = x[:-VALIDATION], y[:-VALIDATION]
    mean, std = x.mean((0, 2, 3), keepdim=True), x.std((0, 2, 3), keepdim=True)
    x, valid, test = ((part - mean) / std for part in (x, valid, test))

    net = network().to(memory_format=torch.channels_last)
    print(f"{sum(p.numel() for p in net.parameters()):,} parameters, torch {torch.__version__}")
    optimizer = torch.optim.SGD(
        net.parameters(), lr=RATE, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True
    )
    steps = math.ceil(len(x) / BATCH)
    begun = time.perf_counter()
    for epoch in range(epochs):
        net.train()
        order = torch.randperm(len(x))
        for step in range(steps):
            at = epoch + step / steps
            top = RISE * epochs
            factor = swing(FROM, 1, at / top) if at < top else swing(1, TO, (at - top) / (epochs - top))
            for group in optimizer.param_groups:
                group["lr"] = RATE * factor
            index = order[step * BATCH : (step + 1) * BATCH]
            batch = augmented(x[index]).contiguous(memory_format=torch.channels_last)
            loss = F.cross_entropy(net(batch), y[index], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seconds = time.perf_counter() - begun
        print(
            f"epoch {epoch + 1}: last loss {loss.item():.3f},"
            f" validation accuracy {accuracy(net, valid, valid_labels):.4f}, {seconds:.0f} s",
            flush=True,
        )
    seconds = time.perf_counter() - begun
    right = accuracy(net, test, test_labels)
    error = math.sqrt(right * (1 - right) / len(test))
    print(
        f"test accuracy {right:.4f} (standard error {error:.4f})"
        f" after {epochs} epochs in {seconds:.0f} s"
    )


main()
