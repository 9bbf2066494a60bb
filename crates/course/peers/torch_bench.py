"""The workloads of `cargo course bench` in PyTorch.

Reads lines `NAME SECONDS LEAST LAYOUT` and answers each with one line of JSON; `memory NAME` as an
argument runs one workload three times and says how much memory that took. LAYOUT is `nchw` or
`channels_last`. Nothing is compiled by torch.compile: it takes a C++ compiler and minutes a network.
"""

import json
import os
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(os.cpu_count())
CLASS = 7
MOST = 200


def measure(seconds, least, run):
    """Milliseconds of each run after the first, which warms up, or of the first where `least` is 0."""
    start = time.perf_counter()
    run()
    if least == 0:
        return [(time.perf_counter() - start) * 1e3]
    times = []
    start = time.perf_counter()
    while len(times) < MOST and (len(times) < least or time.perf_counter() - start < seconds):
        begun = time.perf_counter()
        run()
        times.append((time.perf_counter() - begun) * 1e3)
    return times


def conv3(inputs, filters, stride=1, bias=True):
    return nn.Conv2d(inputs, filters, 3, stride=stride, padding=1, bias=bias)


def relu():
    return nn.ReLU(inplace=True)


def cnn1():
    return nn.Sequential(conv3(1, 32), relu(), nn.Flatten(), nn.Linear(28 * 28 * 32, 10))


def cnn2():
    def block(inputs, filters):
        return [
            conv3(inputs, filters), nn.BatchNorm2d(filters), relu(),
            conv3(filters, filters), nn.BatchNorm2d(filters), relu(),
            nn.MaxPool2d(2), nn.Dropout(0.3),
        ]

    return nn.Sequential(
        *block(1, 8), *block(8, 16), nn.Flatten(), nn.Linear(7 * 7 * 16, 40), nn.BatchNorm1d(40),
        relu(), nn.Dropout(0.3), nn.Linear(40, 10),
    )


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), relu(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), relu(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), relu(), nn.Linear(120, 84), relu(), nn.Linear(84, 10),
    )


def vgg_small():
    layers, inputs = [], 3
    for filters in (64, 128, 256):
        for _ in range(2):
            layers += [conv3(inputs, filters, bias=False), nn.BatchNorm2d(filters), relu()]
            inputs = filters
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * 4 * 256, 10))


def airbench():
    layers, inputs = [nn.Conv2d(3, 24, 2), nn.GELU()], 24
    for filters in (64, 256, 256):
        layers += [
            conv3(inputs, filters, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(filters), nn.GELU(),
            conv3(filters, filters, bias=False), nn.BatchNorm2d(filters), nn.GELU(),
        ]
        inputs = filters
    return nn.Sequential(*layers, nn.MaxPool2d(3), nn.Flatten(), nn.Linear(256, 10))


def vgg16_layers(last=None):
    layers, inputs = [], 3
    for block, (count, filters) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]):
        for i in range(count):
            layers.append(conv3(inputs, filters))
            inputs = filters
            if block == 4 and last == i + 1:
                return layers
            layers.append(relu())
        layers.append(nn.MaxPool2d(2))
    return layers


def vgg16():
    return nn.Sequential(
        *vgg16_layers(), nn.Flatten(), nn.Linear(512 * 7 * 7, 4096), relu(), nn.Dropout(),
        nn.Linear(4096, 4096), relu(), nn.Dropout(), nn.Linear(4096, 1000),
    )


def vgg16_head():
    return nn.Sequential(*vgg16_layers(2))


class Bottleneck(nn.Module):
    def __init__(self, inputs, width, stride, project):
        super().__init__()
        out = 4 * width
        self.way = nn.Sequential(
            nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width), relu(),
            conv3(width, width, stride, bias=False), nn.BatchNorm2d(width), relu(),
            nn.Conv2d(width, out, 1, bias=False), nn.BatchNorm2d(out),
        )
        self.shortcut = nn.Identity()
        if project:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, out, 1, stride=stride, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, x):
        y = self.way(x)
        y += self.shortcut(x)
        return F.relu(y, inplace=True)


def resnet50():
    layers = [
        nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False), nn.BatchNorm2d(64), relu(),
        nn.MaxPool2d(3, stride=2, padding=1),
    ]
    inputs = 64
    for stage, (blocks, width) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)]):
        for i in range(blocks):
            layers.append(Bottleneck(inputs, width, 2 if stage and i == 0 else 1, i == 0))
            inputs = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


class Fire(nn.Module):
    def __init__(self, inputs, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeeze, 1)
        self.expand1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3 = conv3(squeeze, expand)

    def forward(self, x):
        x = F.relu(self.squeeze(x), inplace=True)
        return torch.cat(
            [F.relu(self.expand1(x), inplace=True), F.relu(self.expand3(x), inplace=True)], 1
        )


def squeezenet():
    def pool():
        return nn.MaxPool2d(3, stride=2, ceil_mode=True)

    return nn.Sequential(
        nn.Conv2d(3, 96, 7, stride=2), relu(), pool(),
        Fire(96, 16, 64), Fire(128, 16, 64), Fire(128, 32, 128), pool(),
        Fire(256, 32, 128), Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), pool(),
        Fire(512, 64, 256), nn.Dropout(0.5), nn.Conv2d(512, 1000, 1), relu(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )


STEPS = {
    "cnn1-train": (cnn1, 128, (1, 28, 28)),
    "cnn1-inference": (cnn1, 128, (1, 28, 28)),
    "cnn2-train": (cnn2, 128, (1, 28, 28)),
    "cnn2-inference": (cnn2, 128, (1, 28, 28)),
    "lenet-train": (lenet, 128, (1, 28, 28)),
    "lenet-inference": (lenet, 128, (1, 28, 28)),
    "vgg-small-train": (vgg_small, 128, (3, 32, 32)),
    "vgg-small-inference": (vgg_small, 128, (3, 32, 32)),
    "airbench-train": (airbench, 256, (3, 32, 32)),
    "airbench-inference": (airbench, 256, (3, 32, 32)),
    "vgg16-forward": (vgg16, 1, (3, 224, 224)),
    "vgg16-saliency": (vgg16, 1, (3, 224, 224)),
    "vgg16-ascent": (vgg16_head, 1, (3, 128, 128)),
    "resnet50-forward": (resnet50, 1, (3, 224, 224)),
    "squeezenet-forward": (squeezenet, 1, (3, 224, 224)),
    "squeezenet-batch64": (squeezenet, 64, (3, 224, 224)),
    "squeezenet-saliency": (squeezenet, 1, (3, 224, 224)),
}


def convolution(name, layout):
    """`conv-NxCxSIZE-K-F-PASSES` as a function to run."""
    _, sizes, k, f, passes = name.split("-")
    n, c, size = map(int, sizes.split("x"))
    k, f = int(k), int(f)
    place = {"memory_format": layout}
    x = (torch.rand(n, c, size, size) - 0.5).to(**place)
    w = (torch.rand(f, c, k, k) - 0.5).to(**place)
    b = torch.rand(f) - 0.5
    dy = (torch.rand(n, f, size, size) - 0.5).to(**place)
    if passes == "forward":

        def forward():
            with torch.inference_mode():
                F.conv2d(x, w, b, padding=k // 2)

        return forward
    for tensor in (x, w, b):
        tensor.requires_grad_()

    def both():
        y = F.conv2d(x, w, b, padding=k // 2)
        torch.autograd.grad(y, (x, w, b), dy)

    return both


def step(name, layout):
    """A whole step as a function to run."""
    make, batch, shape = STEPS[name]
    net = make().to(memory_format=layout)
    x = (torch.rand(batch, *shape) - 0.5).to(memory_format=layout)
    task = name.split("-")[-1]
    if task == "train":
        net.train()
        labels = torch.arange(batch) % 10
        # The fused step is the faster one, and the one to have to ask for.
        fused = "MALLOC_MMAP_MAX_" in os.environ
        smoothing = 0.0
        if name.startswith("airbench"):
            smoothing = 0.2
            optimizer = torch.optim.SGD(
                net.parameters(), lr=0.001, momentum=0.9, nesterov=True, fused=fused
            )
        else:
            optimizer = torch.optim.Adam(net.parameters(), lr=0.001, fused=fused)

        def train():
            loss = F.cross_entropy(net(x), labels, label_smoothing=smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            # What a loop that reports its loss does.
            loss.item()

        return train
    net.eval().requires_grad_(False)
    if task == "saliency":
        x.requires_grad_()

        def saliency():
            torch.autograd.grad(net(x)[:, CLASS].sum(), x)

        return saliency
    if task == "ascent":

        def ascent():
            nonlocal x
            x = x.detach().requires_grad_()
            (g,) = torch.autograd.grad(net(x)[:, CLASS].mean(), x)
            with torch.no_grad():
                x = x + 0.01 * g / (g.square().mean().sqrt() + 1e-8)

        return ascent

    def inference():
        with torch.inference_mode():
            net(x)

    return inference


class FireOfModules(Fire):
    """With a module for each ReLU, and none in place: captum's guided backprop hangs itself there."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.relus = nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.ReLU()])

    def forward(self, x):
        x = self.relus[0](self.squeeze(x))
        return torch.cat([self.relus[1](self.expand1(x)), self.relus[2](self.expand3(x))], 1)


def looked_at(name):
    """A network for captum, and where a dream looks."""
    global Fire
    plain, Fire = Fire, FireOfModules
    net, last = (squeezenet(), 8) if name == "squeezenet" else (vgg16(), 21)
    Fire = plain
    for parent in net.modules():
        for child, module in parent.named_children():
            if isinstance(module, nn.ReLU):
                setattr(parent, child, nn.ReLU())
    return net.eval().requires_grad_(False), net[: last + 1]


def look(name, layout):
    """A way of looking inside as a function to run."""
    from captum import attr
    from captum._utils.models.linear_model import SkLearnRidge

    _, network, method = name.split("-")
    net, part = looked_at(network)
    net = net.to(memory_format=layout)
    x = (torch.rand(1, 3, 224, 224) - 0.5).to(memory_format=layout)
    with torch.inference_mode():
        net(x)
    if method == "saliency":
        return lambda: attr.Saliency(net).attribute(x.clone().requires_grad_(), target=CLASS)
    if method == "guided":
        guided = attr.GuidedBackprop(net)
        return lambda: guided.attribute(x.clone().requires_grad_(), target=CLASS)
    if method == "occlusion":
        occlusion = attr.Occlusion(net)

        def occluded():
            with torch.no_grad():
                occlusion.attribute(
                    x, (3, 32, 32), (3, 8, 8), target=CLASS, perturbations_per_eval=16
                )

        return occluded
    if method == "integrated":
        return lambda: attr.IntegratedGradients(net).attribute(
            x, target=CLASS, n_steps=50, internal_batch_size=10
        )
    if method == "lime":
        row = torch.arange(224) // 32
        grid = (7 * row[:, None] + row[None, :])[None, None].expand(1, 3, 224, 224)
        lime = attr.Lime(net, SkLearnRidge(alpha=1.0))

        def explained():
            with torch.no_grad():
                lime.attribute(
                    x, target=CLASS, feature_mask=grid, n_samples=1000, perturbations_per_eval=16
                )

        return explained
    if method == "ascent":

        def ascent():
            y = x
            for _ in range(100):
                y = y.detach().requires_grad_()
                (g,) = torch.autograd.grad(net(y)[:, CLASS].sum(), y)
                y = y + g

        return ascent
    photo = torch.rand(1, 3, 512, 512) - 0.5

    def dream():
        detail = None
        for octave in reversed(range(4)):
            side = int(512 / 1.4**octave)
            base = F.interpolate(photo, (side, side), mode="bilinear", antialias=True)
            y = base if detail is None else base + F.interpolate(detail, (side, side), mode="bilinear")
            y = y.to(memory_format=layout)
            for _ in range(10):
                down, across = (int(v) for v in torch.randint(-32, 33, (2,)))
                y = torch.roll(y, (down, across), (2, 3)).detach().requires_grad_()
                (g,) = torch.autograd.grad(0.5 * part(y).square().sum(), y)
                y = (y + 0.02 * g / g.abs().mean()).clamp(-2, 2)
                y = torch.roll(y, (-down, -across), (2, 3))
            detail = y.detach() - base

    return dream


def prepared(name, layout):
    torch.manual_seed(1)
    layout = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    kinds = {"conv": convolution, "look": look}
    return kinds.get(name.split("-")[0], step)(name, layout)


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def answer(line):
    name, seconds, least, layout = line.split()
    times = measure(float(seconds), int(least), prepared(name, layout))
    return {"workload": name, "median": median(times), "milliseconds": times}


def peak_bytes():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024


def main():
    if sys.argv[1:2] == ["memory"]:
        before = peak_bytes()
        measure(0, 3, prepared(sys.argv[2], (sys.argv[3:] or ["nchw"])[0]))
        print(json.dumps({"workload": sys.argv[2], "peak_bytes": peak_bytes(), "imports": before}))
        return
    print(json.dumps({"version": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    for line in sys.stdin:
        try:
            said = answer(line)
        except Exception as error:  # An answer is expected whatever happens.
            said = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), flush=True)


main()
