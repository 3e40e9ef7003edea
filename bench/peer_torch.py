"""The peer of the speed benchmarks: the same networks in PyTorch on this machine's processor.

    peer_torch.py modes                                     which modes this PyTorch has; for the others, why not
    peer_torch.py run NETWORK PHASE MODE BATCH SECONDS      images per second of a phase, and the peak memory

NETWORK: sfnet20, mobilefacenet. PHASE: forward, or step: forward, backward and an update with momentum, with a classifier of 10,572
identities. MODE: float32, channels-last, compiled (channels-last, by torch.compile) or bfloat16 (channels-last, by autocast).
Either prints a line of JSON.
"""
import contextlib
import json
import resource
import sys
import time

import torch
from torch import nn

THREADS = 2
IDENTITIES = 10572
HEIGHT, WIDTH = 112, 96
MODES = ('float32', 'channels-last', 'compiled', 'bfloat16')


class Residual(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.body(x)


def sfnet20():
    """SphereFace-20 (Liu et al., CVPR 2017)."""
    def layer(into, out, stride):
        return nn.Conv2d(into, out, 3, stride, 1), nn.PReLU(out)

    layers, into = [], 3
    for out, units in ((64, 1), (128, 2), (256, 4), (512, 1)):
        layers += layer(into, out, 2)
        layers += [Residual(*layer(out, out, 1), *layer(out, out, 1)) for _ in range(units)]
        into = out
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512 * 7 * 6, 512)), 512


def mobilefacenet():
    """MobileFaceNet (Chen et al., CCBR 2018), with batch normalisation by the batch's statistics, which are kept running."""
    def linear(into, out, kernel, stride=1, padding=0, groups=1):
        return nn.Conv2d(into, out, kernel, stride, padding, groups=groups, bias=False), nn.BatchNorm2d(out)

    def active(into, out, *geometry, **options):
        return *linear(into, out, *geometry, **options), nn.PReLU(out)

    layers = [*active(3, 64, 3, 2, 1), *active(64, 64, 3, 1, 1, groups=64)]
    into = 64
    for expansion, out, repeats, stride in ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1)):
        for repeat in range(repeats):
            wide, step = expansion * into, stride if repeat == 0 else 1
            body = *active(into, wide, 1), *active(wide, wide, 3, step, 1, groups=wide), *linear(wide, out, 1)
            layers += [Residual(*body)] if step == 1 and into == out else body
            into = out
    layers += [*active(into, 512, 1), *linear(512, 512, (7, 6), groups=512), *linear(512, 128, 1), nn.Flatten()]
    return nn.Sequential(*layers), 128


NETWORKS = {'sfnet20': sfnet20, 'mobilefacenet': mobilefacenet}


def autocast(mode):
    return torch.autocast('cpu', dtype=torch.bfloat16) if mode == 'bfloat16' else contextlib.nullcontext()


def phase_of(net, size, phase, mode, batch):
    """A function that runs the phase once."""
    images, labels = torch.randn(batch, 3, HEIGHT, WIDTH), torch.randint(0, IDENTITIES, (batch,))
    if mode != 'float32':
        net, images = net.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    if phase == 'forward':
        embed = torch.compile(net.eval()) if mode == 'compiled' else net.eval()

        def forward():
            with torch.no_grad(), autocast(mode):
                embed(images)
        return forward

    classifier = nn.Linear(size, IDENTITIES, bias=False)
    optimizer = torch.optim.SGD([*net.parameters(), *classifier.parameters()], 0.01, momentum=0.9, weight_decay=5e-4)

    def loss_of(x, y):
        with autocast(mode):
            logits = classifier(net(x))
        return nn.functional.cross_entropy(logits.float(), y)
    loss = torch.compile(loss_of) if mode == 'compiled' else loss_of

    def step():
        optimizer.zero_grad()
        loss(images, labels).backward()
        optimizer.step()
    return step


def run(network, phase, mode, batch, seconds):
    once = phase_of(*NETWORKS[network](), phase, mode, batch)
    for _ in range(3):
        once()
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        once()
        count += 1
    rate = batch * count / (time.perf_counter() - start)
    return {'imagesPerSecond': rate, 'peakMiB': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def trial(mode):
    """Why a mode does not run here: found by a step of a small network."""
    try:
        phase_of(nn.Sequential(nn.Conv2d(3, 8, 3, 8), nn.Flatten(), nn.Linear(8 * 14 * 12, 8)), 8, 'step', mode, 1)()
    except Exception as error:
        return (str(error).strip() or type(error).__name__).splitlines()[0]
    return None


if __name__ == '__main__':
    torch.set_num_threads(THREADS)
    command, *arguments = sys.argv[1:]
    if command == 'modes':
        answer = {'version': torch.__version__, 'missing': {mode: trial(mode) for mode in MODES}}
    else:
        network, phase, mode, batch, seconds = arguments
        answer = run(network, phase, mode, int(batch), float(seconds))
    print(json.dumps(answer))
