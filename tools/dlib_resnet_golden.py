"""Golden embeddings of the starter embedder's architecture: what PyTorch computes with weights that anybody can make again.

    python3 tools/dlib_resnet_golden.py > src/models/starter/residual-network.golden.json
    python3 tools/dlib_resnet_golden.py FOLDER

Needs torch. Weights and images come from a hash of their name and position, so that no weight is stored (src/testing/hashed.ts makes the
same ones). With a folder that holds the published files (face_recognition_model.bin and its manifest) the embedding of the same images by
the published weights is printed instead: the first 8 values of each.
"""
import json
import sys
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

SIZE = 150
BATCH = 2
UNITS = [
    "conv32_1", "conv32_2", "conv32_3", "conv64_down", "conv64_1", "conv64_2", "conv64_3", "conv128_down",
    "conv128_1", "conv128_2", "conv256_down", "conv256_1", "conv256_2", "conv256_down_out",
]


def uniform(name, count):
    """`count` numbers in [-1, 1): MurmurHash3's finaliser over a Weyl sequence, seeded by the name's CRC (src/testing/hashed.ts)."""
    seed = zlib.crc32(name.encode())
    with np.errstate(over="ignore"):
        h = (np.arange(count, dtype=np.uint32) + np.uint32(1)) * np.uint32(0x9E3779B9)
        h ^= np.uint32(seed * 0x85EBCA6B & 0xFFFFFFFF)
        h ^= h >> np.uint32(16)
        h *= np.uint32(0x85EBCA6B)
        h ^= h >> np.uint32(13)
        h *= np.uint32(0xC2B2AE35)
        h ^= h >> np.uint32(16)
    return h / 2.0**31 - 1


def random_weight(name, shape):
    """Kernels that keep the signal's strength, factors near one, small offsets."""
    offset, spread = 0.0, 0.1
    if name.endswith("filters") or name == "fc":
        spread = float(np.sqrt(3.0 / np.prod(shape[:-1])))
    elif name.endswith("scale/weights"):
        offset, spread = 1.0, 0.2
    values = offset + spread * uniform(name, int(np.prod(shape)))
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def published(folder):
    """A reader of the published weights: bytes q stand for q * scale + min."""
    groups = json.loads((folder / "face_recognition_model-weights_manifest.json").read_text())
    data = (folder / "face_recognition_model.bin").read_bytes()
    weights, at = {}, 0
    for entry in groups[0]["weights"]:
        count = int(np.prod(entry["shape"]))
        quantization = entry.get("quantization")
        if quantization is None:
            values = np.frombuffer(data, np.float32, count, at)
            at += 4 * count
        else:
            values = np.frombuffer(data, np.uint8, count, at) * quantization["scale"] + quantization["min"]
            at += count
        weights[entry["name"]] = torch.from_numpy(values.astype(np.float32)).reshape(entry["shape"])
    return lambda name, shape: weights[name]


def network(x, weight):
    """Convolution, factor and offset apart, in the layout of the published files: kernels [rows, columns, inputs, outputs]."""

    def convolution(x, name, kernel, channels, stride, padding):
        w = weight(f"{name}/conv/filters", (kernel, kernel, x.shape[1], channels)).permute(3, 2, 0, 1)
        x = F.conv2d(x, w, weight(f"{name}/conv/bias", (channels,)), stride=stride, padding=padding)
        factor, offset = (weight(f"{name}/scale/{part}", (channels,)) for part in ("weights", "biases"))
        return x * factor[:, None, None] + offset[:, None, None]

    def grown(x, shape):
        return F.pad(x, [end for have, want in zip(x.shape[:0:-1], shape[:0:-1]) for end in (0, want - have)])

    x = F.max_pool2d(F.relu(convolution(x, "conv32_down", 7, 32, 2, 0)), 3, 2)
    for name in UNITS:
        channels = int(name.split("_")[0][4:])
        down = "down" in name
        y = F.relu(convolution(x, f"{name}/conv1", 3, channels, *((2, 0) if down else (1, 1))))
        y = convolution(y, f"{name}/conv2", 3, channels, 1, 1)
        x = F.avg_pool2d(x, 2, 2) if down else x
        shape = [max(sizes) for sizes in zip(x.shape, y.shape)]
        x = F.relu(grown(x, shape) + grown(y, shape))
    return x.mean((2, 3)) @ weight("fc", (256, 128))


def main(folder=None):
    images = torch.from_numpy(uniform("images", BATCH * 3 * SIZE * SIZE).astype(np.float32)).reshape(BATCH, 3, SIZE, SIZE)
    with torch.no_grad():
        if folder is None:
            embedding = network(images, random_weight)
        else:
            # As a picture's values after normalisation: (x - mean) / 256 lies within a half of zero.
            embedding = network(images * 0.5, published(Path(folder)))[:, :8]
    print(json.dumps({"embedding": [[float(f"{value:.7g}") for value in row] for row in embedding.tolist()]}))


main(*sys.argv[1:])
