"""Writes a net as an ONNX file, with nothing but torch: weights in float16, arithmetic, input and output in float32.

Knows the few operations that the small nets use, and names any other. The format is protocol buffers, of which a
file needs three kinds of field; numbers in the code are those of onnx.proto (ONNX IR version 8, operator set 17).
"""

from __future__ import annotations

import operator
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from .layers import fold

FLOAT, INT64, FLOAT16 = 1, 7, 10  # TensorProto.DataType
IR_VERSION, OPSET = 8, 17

Value = int | float | str | Sequence[int]


def write_onnx(file: Path, net: nn.Module, inputs: dict[str, tuple[int, ...]], output: str) -> int:
    """Writes *net* (folded by this, in place) for inputs of these names and shapes; returns the file's size in bytes.

    Raises NotImplementedError naming an operation that the writer does not know.
    """
    traced = fx.symbolic_trace(fold(net).float().cpu())
    ShapeProp(traced).propagate(*(torch.zeros(shape) for shape in inputs.values()))
    graph = _Graph(traced)
    graph.read(list(inputs))
    shape = tuple(graph.shape(graph.result))
    graph.node("Identity", [graph.names[graph.result]], output)
    described = [_value_info(name, shape) for name, shape in inputs.items()]
    body = b"".join(
        [
            _text(2, type(net).__name__),
            *(_bytes(1, n) for n in graph.nodes),
            *(_bytes(5, t) for t in graph.tensors),
            *(_bytes(11, info) for info in described),
            _bytes(12, _value_info(output, shape)),
        ]
    )
    data = _number(1, IR_VERSION) + _text(2, "understudy") + _bytes(7, body) + _bytes(8, _number(2, OPSET))
    return file.write_bytes(data)


class _Graph:
    """A traced net as it becomes ONNX nodes and tensors."""

    def __init__(self, traced: fx.GraphModule) -> None:
        self._traced = traced
        self.nodes: list[bytes] = []
        self.tensors: list[bytes] = []
        self.names: dict[fx.Node, str] = {}
        self.result: fx.Node

    def read(self, inputs: list[str]) -> None:
        for node in self._traced.graph.nodes:
            if node.op == "placeholder":
                self.names[node] = inputs.pop(0)
            elif node.op == "get_attr":
                self.names[node] = self.weight(node.target, getattr(self._traced, node.target))
            elif node.op == "output":
                self.result = node.args[0]
            else:
                self._call(node)

    def module(self, node: fx.Node) -> nn.Module:
        return self._traced.get_submodule(str(node.target))

    def shape(self, node: fx.Node) -> torch.Size:
        found: torch.Size = node.meta["tensor_meta"].shape
        return found

    def _call(self, node: fx.Node) -> None:
        target = node.target
        if node.op == "call_module":
            target = type(self.module(node))
        write = _WRITERS.get(target)
        if write is None:
            raise NotImplementedError(f"the ONNX writer does not know {target} ({node.name})")
        self.names[node] = node.name
        write(self, node)

    # ---- What writers use

    def given(self, argument: Any) -> str:
        """The name of an operation's argument: another's result, or a number."""
        if isinstance(argument, fx.Node):
            return self.names[argument]
        return self.constant(torch.tensor(float(argument)))

    def constant(self, tensor: Tensor) -> str:
        name = f"constant_{len(self.tensors)}"
        self.tensors.append(_tensor(name, tensor))
        return name

    def weight(self, name: str, tensor: Tensor) -> str:
        """*tensor* stored in float16 and read back as float32."""
        name = name.replace(".", "_")
        self.tensors.append(_tensor(f"{name}_half", tensor.detach().half()))
        self.node("Cast", [f"{name}_half"], name, to=FLOAT)
        return name

    def node(self, kind: str, inputs: Sequence[str], *outputs: str, **attributes: Value) -> None:
        parts = [_text(1, name) for name in inputs] + [_text(2, name) for name in outputs]
        parts += [_text(3, f"{kind}_{outputs[0]}"), _text(4, kind)]
        self.nodes.append(b"".join(parts + [_bytes(5, _attribute(k, v)) for k, v in attributes.items()]))


# ---- Operations


def _convolve(graph: _Graph, node: fx.Node) -> None:
    conv = graph.module(node)
    assert isinstance(conv, nn.Conv2d)
    assert conv.bias is not None
    x, weights = graph.given(node.args[0]), [conv.weight, conv.bias]
    names = [
        graph.weight(f"{node.target}.{kind}", w) for kind, w in zip(("weight", "bias"), weights, strict=True)
    ]
    pads = [int(p) for p in conv.padding] * 2
    graph.node(
        "Conv", [x, *names], node.name,
        kernel_shape=conv.kernel_size, strides=conv.stride, pads=pads, group=conv.groups,
    )  # fmt: skip


def _plain(kind: str) -> Callable[[_Graph, fx.Node], None]:
    """An operation whose arguments are tensors or numbers alone."""

    def write(graph: _Graph, node: fx.Node) -> None:
        graph.node(kind, [graph.given(argument) for argument in node.args], node.name)

    return write


def _pass(graph: _Graph, node: fx.Node) -> None:
    graph.node("Identity", [graph.given(node.args[0])], node.name)


def _join(graph: _Graph, node: fx.Node) -> None:
    parts = node.args[0]
    assert isinstance(parts, (list, tuple))
    graph.node("Concat", [graph.given(part) for part in parts], node.name, axis=node.kwargs["dim"])  # type: ignore[arg-type]


def _enlarge(graph: _Graph, node: fx.Node) -> None:
    scale = float(node.kwargs["scale_factor"])  # type: ignore[arg-type]
    assert node.kwargs["mode"] == "nearest"
    scales = graph.constant(torch.tensor([1.0, 1.0, scale, scale]))
    graph.node(
        "Resize", [graph.given(node.args[0]), "", scales], node.name,
        mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor",
    )  # fmt: skip


def _shuffle(graph: _Graph, node: fx.Node) -> None:
    graph.node("DepthToSpace", [graph.given(node.args[0])], node.name, blocksize=node.args[1], mode="CRD")  # type: ignore[arg-type]


def _pool(graph: _Graph, node: fx.Node) -> None:
    x, size = node.args
    square = {
        "kernel_shape": [size] * 2,
        "strides": [node.kwargs["stride"]] * 2,
        "pads": [node.kwargs["padding"]] * 4,
    }
    graph.node("MaxPool", [graph.given(x)], node.name, **square)  # type: ignore[arg-type]


def _reshape(graph: _Graph, node: fx.Node) -> None:
    shape = graph.constant(torch.tensor(tuple(graph.shape(node))))
    graph.node("Reshape", [graph.given(node.args[0]), shape], node.name)


def _transpose(graph: _Graph, node: fx.Node) -> None:
    x, a, b = node.args
    order = list(range(len(graph.shape(node))))
    order[a], order[b] = order[b], order[a]  # type: ignore[index]
    graph.node("Transpose", [graph.given(x)], node.name, perm=order)


def _cast(graph: _Graph, node: fx.Node) -> None:
    assert node.args[1] == torch.float32
    graph.node("Cast", [graph.given(node.args[0])], node.name, to=FLOAT)


def _best(graph: _Graph, node: fx.Node) -> None:
    count = graph.constant(torch.tensor([int(node.args[1])]))  # type: ignore[arg-type]
    graph.node("TopK", [graph.given(node.args[0]), count], f"{node.name}_0", f"{node.name}_1", axis=-1)


def _item(graph: _Graph, node: fx.Node) -> None:
    source, index = node.args
    graph.node("Identity", [f"{graph.given(source)}_{index}"], node.name)


def _gather(graph: _Graph, node: fx.Node) -> None:
    x, axis, index = node.args
    graph.node("GatherElements", [graph.given(x), graph.given(index)], node.name, axis=axis)  # type: ignore[arg-type]


_WRITERS: dict[Any, Callable[[_Graph, fx.Node], None]] = {
    nn.Conv2d: _convolve,
    nn.Identity: _pass,
    F.relu: _plain("Relu"),
    torch.sigmoid: _plain("Sigmoid"),
    operator.add: _plain("Add"),
    operator.mul: _plain("Mul"),
    operator.eq: _plain("Equal"),
    torch.cat: _join,
    F.interpolate: _enlarge,
    F.pixel_shuffle: _shuffle,
    F.max_pool2d: _pool,
    torch.flatten: _reshape,
    torch.topk: _best,
    torch.gather: _gather,
    operator.getitem: _item,
    "add": _plain("Add"),  # a tensor that the net keeps, plus a result
    "mul": _plain("Mul"),
    "transpose": _transpose,
    "to": _cast,
    "float": _pass,  # in a file all arithmetic is float32
}


# ---- Protocol buffers


def _varint(value: int) -> Iterator[int]:
    value &= (1 << 64) - 1
    while value > 0x7F:
        yield value & 0x7F | 0x80
        value >>= 7
    yield value


def _number(field: int, value: int) -> bytes:
    return bytes([*_varint(field << 3), *_varint(value)])


def _bytes(field: int, data: bytes) -> bytes:
    return bytes([*_varint(field << 3 | 2), *_varint(len(data))]) + data


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode())


def _attribute(name: str, value: Value) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, 2)
    if isinstance(value, float):
        return _text(1, name) + bytes([2 << 3 | 5]) + struct.pack("<f", value) + _number(20, 1)
    if isinstance(value, str):
        return _text(1, name) + _text(4, value) + _number(20, 3)
    return _text(1, name) + b"".join(_number(8, v) for v in value) + _number(20, 7)


def _tensor(name: str, tensor: Tensor) -> bytes:
    kind = {torch.float32: FLOAT, torch.int64: INT64, torch.float16: FLOAT16}[tensor.dtype]
    dims = b"".join(_number(1, n) for n in tensor.shape)
    return dims + _number(2, kind) + _text(8, name) + _bytes(9, tensor.contiguous().numpy().tobytes())


def _value_info(name: str, shape: Sequence[int]) -> bytes:
    dims = b"".join(_bytes(1, _number(1, n)) for n in shape)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, FLOAT) + _bytes(2, dims)))
