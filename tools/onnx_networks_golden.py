"""Golden values of foreign networks: their ONNX without weights, and what PyTorch computes with weights that anybody can make again.

    python3 tools/onnx_networks_golden.py src/nn/onnx/golden

Needs torch, torchvision, timm and onnx. Weights and images come from a hash of their name and position, so that no weight is
stored: the reader's test makes the same ones (src/testing/hashed.ts). Written for each network: NAME.onnx with the data of
its parameters left out, and NAME.golden.json with the embeddings, gradients and moved statistics that PyTorch gives.
"""
import io
import json
import sys
import zlib
from pathlib import Path

import numpy as np
import onnx
import timm
import torch
import torchvision

SIZE = 64
BATCH = 2


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


def distribution(name, tensor):
    """[offset, scale] of a parameter: positive variances, gains near one, weights that keep the signal's strength."""
    if name.endswith("running_var"):
        return 1.0, 0.5
    if tensor.ndim == 1 and name.endswith(("weight", "gamma")):
        return 1.0, 0.2
    if tensor.ndim <= 1 or "pos_embed" in name or "token" in name:
        return 0.0, 0.1
    fan_in = int(np.prod(tensor.shape[1:]))
    return 0.0, float(np.sqrt(3.0 / fan_in))


def networks():
    resnet = torchvision.models.resnet18(num_classes=32)
    mobilenet = torchvision.models.mobilenet_v3_small(num_classes=32)
    convnext = timm.create_model("convnext_atto", num_classes=32)
    vit = timm.create_model("vit_tiny_patch16_224", img_size=SIZE, num_classes=32, depth=3)
    return {"resnet18": (resnet, 11), "mobilenet_v3_small": (mobilenet, 14), "convnext_atto": (convnext, 17), "vit_tiny": (vit, 17)}


def round6(values):
    return [float(f"{value:.7g}") for value in np.asarray(values, dtype=np.float64).ravel()]


def gradients(model, images, weights):
    model.zero_grad()
    y = model(images)
    (y * weights).sum().backward()
    found = {}
    for name, parameter in model.named_parameters():
        if parameter.grad is None:
            continue
        grad = parameter.grad.detach().numpy().ravel()
        found[name] = {"norm": float(np.linalg.norm(grad.astype(np.float64))), "first": round6(grad[:4])}
    return y.detach().numpy(), found


def main(folder):
    for name, (model, opset) in networks().items():
        made = {}
        with torch.no_grad():
            for key, tensor in model.state_dict().items():
                if not tensor.dtype.is_floating_point:
                    continue
                offset, scale = distribution(key, tensor)
                made[key] = [offset, scale]
                values = offset + scale * uniform(key, tensor.numel())
                tensor.copy_(torch.from_numpy(values.astype(np.float32)).reshape(tensor.shape))
        images = torch.from_numpy(uniform("images", BATCH * 3 * SIZE * SIZE).astype(np.float32).reshape(BATCH, 3, SIZE, SIZE))
        weights = torch.from_numpy(uniform("weights", BATCH * 32).astype(np.float32).reshape(BATCH, 32))

        model.eval()
        file = io.BytesIO()
        torch.onnx.export(
            model, images, file, opset_version=opset, input_names=["images"], output_names=["embedding"],
            dynamic_axes={"images": {0: "batch"}, "embedding": {0: "batch"}},
            training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False, keep_initializers_as_inputs=False,
        )
        exported = onnx.load_from_string(file.getvalue())
        for tensor in exported.graph.initializer:
            if tensor.name in made:
                tensor.ClearField("raw_data")
                tensor.ClearField("float_data")
        for node in exported.graph.node:
            node.doc_string = ""
        (folder / f"{name}.onnx").write_bytes(exported.SerializeToString())

        embedding, grads = gradients(model, images, weights)
        golden = {
            "size": SIZE, "batch": BATCH, "parameters": made,
            "evaluation": {"embedding": round6(embedding), "gradients": grads},
        }
        if any(isinstance(module, torch.nn.BatchNorm2d) for module in model.modules()):
            before = {key: value.clone() for key, value in model.state_dict().items()}
            for module in model.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.train()
            embedding, grads = gradients(model, images, weights)
            statistics = {
                key: round6(value.numpy()[:4])
                for key, value in model.state_dict().items()
                if "running" in key and not torch.equal(value, before[key])
            }
            golden["training"] = {"embedding": round6(embedding), "gradients": grads, "statistics": statistics}
        (folder / f"{name}.golden.json").write_text(json.dumps(golden) + "\n")
        size = (folder / f"{name}.onnx").stat().st_size
        print(name, size, {node.op_type for node in exported.graph.node})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
