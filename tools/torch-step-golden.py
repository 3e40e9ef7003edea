# Golden values for one training step of SphereFace-20 with A-Softmax, from PyTorch in float32 (Debian's python3-torch).
# Run: /usr/bin/python3 tools/torch-step-golden.py > src/training/torch-step.golden.json
#
# Weights, images and signs come from an integer hash that any language repeats exactly, so that only the results are stored:
# the loss and, for every parameter, the norm of its gradient, projections of the gradient on random signs, and some of its entries.
import json
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

BATCH, CLASSES, LABELS = 2, 100, [7, 93]
MULTIPLE, LAMBDA = 4, 5.0
PROJECTIONS, ENTRIES = 16, 16
IMAGES_SEED, SIGNS_SEED, ENTRIES_SEED = 1000, 2000, 3000


def hashed(count, seed):
    """MurmurHash3's 32-bit finaliser over a Weyl sequence: uint32 [count]."""
    with np.errstate(over="ignore"):
        h = (np.arange(count, dtype=np.uint32) + np.uint32(1)) * np.uint32(0x9E3779B9)
        h ^= np.uint32(seed * 0x85EBCA6B & 0xFFFFFFFF)
        h ^= h >> np.uint32(16)
        h *= np.uint32(0x85EBCA6B)
        h ^= h >> np.uint32(13)
        h *= np.uint32(0xC2B2AE35)
        h ^= h >> np.uint32(16)
    return h


def uniform(shape, seed, center, spread):
    """Uniform over center ± spread, rounded to float32 once."""
    count = math.prod(shape)
    values = center + spread * (hashed(count, seed) / 2.0**31 - 1)
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


parameters = {}


def parameter(name, shape, center, spread):
    parameters[name] = uniform(shape, len(parameters) + 1, center, spread).requires_grad_()
    return parameters[name]


def head(x, name, channels):
    """The start of a stage: 3x3 convolution with stride 2 and bias, PReLU. Biases and slopes get values that matter."""
    weight = parameter(f"conv{name}.weight", (channels, x.shape[1], 3, 3), 0, math.sqrt(3 / (9 * x.shape[1])))
    bias = parameter(f"conv{name}.bias", (channels,), 0, 0.05)
    slope = parameter(f"relu{name}.slope", (channels,), 0.25, 0.15)
    return functional.prelu(functional.conv2d(x, weight, bias, 2, 1), slope)


def half(x, name, channels):
    """Half a residual unit: 3x3 convolution, its bias held at zero as published, PReLU."""
    weight = parameter(f"conv{name}.weight", (channels, channels, 3, 3), 0, 0.01 * math.sqrt(3))
    slope = parameter(f"relu{name}.slope", (channels,), 0.25, 0.15)
    return functional.prelu(functional.conv2d(x, weight, None, 1, 1), slope)


def sphereface20(x):
    for stage, (channels, units) in enumerate([(64, 1), (128, 2), (256, 4), (512, 1)], 1):
        x = head(x, f"{stage}_1", channels)
        for i in range(units):
            x = x + half(half(x, f"{stage}_{2 * i + 2}", channels), f"{stage}_{2 * i + 3}", channels)
    x = x.flatten(1)
    weight = parameter("fc5.weight", (512, x.shape[1]), 0, math.sqrt(3 / x.shape[1]))
    return functional.linear(x, weight, parameter("fc5.bias", (512,), 0, 0.05))


def a_softmax(features, labels):
    """By angles and pieces (equation 7 of the SphereFace paper), not by polynomials."""
    rows = functional.normalize(parameter("classifier.weight", (CLASSES, 512), 0, math.sqrt(3 / 512)), dim=1)
    logits = features @ rows.T
    length = features.norm(dim=1)
    theta = torch.acos(logits[torch.arange(BATCH), labels] / length)
    k = torch.floor(MULTIPLE * theta.detach() / math.pi)
    psi = (-1) ** k * torch.cos(MULTIPLE * theta) - 2 * k
    target = length * (LAMBDA * torch.cos(theta) + psi) / (1 + LAMBDA)
    return torch.where(functional.one_hot(labels, CLASSES).bool(), target[:, None], logits)


torch.manual_seed(0)
images = uniform((BATCH, 3, 112, 96), IMAGES_SEED, 0, 1)
labels = torch.tensor(LABELS)
loss = nn.CrossEntropyLoss()(a_softmax(sphereface20(images), labels), labels)
loss.backward()

gradients = {}
for name, value in parameters.items():
    gradient = value.grad.numpy().astype(np.float64).ravel()
    bits = hashed(gradient.size, SIGNS_SEED)
    at = hashed(ENTRIES, ENTRIES_SEED) % np.uint32(gradient.size)
    gradients[name] = {
        "shape": list(value.shape),
        "norm": float(f"{np.linalg.norm(gradient):.9g}"),
        "projections": [
            float(f"{gradient @ (1.0 - 2.0 * ((bits >> np.uint32(p)) & np.uint32(1))):.9g}") for p in range(PROJECTIONS)
        ],
        "entries": [float(f"{entry:.9g}") for entry in gradient[at]],
    }
golden = {
    "torch": torch.__version__, "batch": BATCH, "classes": CLASSES, "labels": LABELS, "m": MULTIPLE, "lambda": LAMBDA,
    "seeds": {"images": IMAGES_SEED, "signs": SIGNS_SEED, "entries": ENTRIES_SEED},
    "loss": float(f"{loss.item():.9g}"), "gradients": gradients,
}
head, tail = json.dumps(golden, separators=(",", ":")).split('"gradients":{')
print(head + '"gradients":{\n' + tail.replace('},"', '},\n"'))
