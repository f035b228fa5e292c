"""A net in an ONNX file, run by onnxruntime: the released detector and pose model, or nano's of the same contracts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsMismatch, WeightsMissing
from . import providers

Floats = NDArray[np.float32]
Shape = tuple[int | str | None, ...]  # names, and None, stand for what a file leaves open
FLOAT32 = "tensor(float)"


@dataclass(frozen=True, slots=True)
class Contract:
    """What goes into a net and comes out first, all of it float32. None: any length."""

    what: str  # as sentences call such a net
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]  # one of these

    def told(self) -> str:
        given = " and ".join(f"float32 {shape_told(shape)}" for shape in self.inputs)
        return f"{given} in, {' or '.join(f'float32 {shape_told(shape)}' for shape in self.outputs)} out"


DETECTOR = Contract("a person detector", ((1, 3, 640, 640),), ((1, 300, 6), (1, 84, None)))
POSE = Contract("a whole-body pose net", ((1, 3, 256, 192),), ((1, 133, 64, 48),))
MATTE = Contract("a matte net", ((1, 3, 256, 192), (1, 2, 64, 48)), ((1, 1, 256, 192),))


class OnnxNet:
    """One net, ready to run on *device*; on the CPU the same input gives the same output.

    *path* may be the release's directory, whose model is ``end2end.onnx``. Names of inputs and
    outputs are the file's own: releases differ in them.

    Raises:
        WeightsMissing: there is no such file. WeightsMismatch: it is no ONNX model that can be run here, or not one
        of *contract*. DeviceMissing: it would run somewhere else.
    """

    def __init__(
        self,
        path: Path,
        *,
        contract: Contract | None = None,
        device: str = providers.CPU,
        threads: int | None = None,
    ) -> None:
        self._file = path / "end2end.onnx" if path.is_dir() else path
        self._contract = contract
        self._device = device
        if not self._file.exists():
            raise WeightsMissing(f"There is no {self._file}. Install the model again.", file=str(self._file))
        self._session = _opened(self._file, device, threads)
        providers.refuse_another(device, self._session.get_providers())
        self._inputs = [port.name for port in self._session.get_inputs()]
        if contract is not None:
            self._check(contract)

    def __call__(self, *arrays: Floats) -> Floats:
        """The first output for inputs in the file's order.

        Raises WeightsMismatch for an output that the file left open and the contract does not.
        """
        given = dict(zip(self._inputs, arrays, strict=True))
        output = np.asarray(self._run(given)[0], np.float32)
        if self._contract is not None and not _fits_any(output.shape, self._contract.outputs):
            raise self._refusal(self._contract, f"{shape_told(output.shape)} came out")
        return output

    def _run(self, given: dict[str, Floats]) -> Sequence[Any]:
        try:
            outputs: Sequence[Any] = self._session.run(None, given)
        except Exception as error:
            if self._device == providers.CPU:
                raise
            providers.refuse(self._device, str(error))
        return outputs

    def _check(self, contract: Contract) -> None:
        """Against what the file says of itself."""
        ports = self._session.get_inputs()
        output = self._session.get_outputs()[0]
        fits = len(ports) == len(contract.inputs) and all(
            _fits(tuple(port.shape), wanted) for port, wanted in zip(ports, contract.inputs, strict=True)
        )
        typed = all(port.type == FLOAT32 for port in (*ports, output))
        if not (fits and typed and _fits_any(tuple(output.shape), contract.outputs)):
            given = " and ".join(_port_told(port) for port in ports)
            raise self._refusal(contract, f"{given} in, {_port_told(output)} out")

    def _refusal(self, contract: Contract, found: str) -> WeightsMismatch:
        name = (
            f"{self._file.parent.name}/{self._file.name}" if self._file.stem == "end2end" else self._file.name
        )
        return WeightsMismatch(
            f"{name} is not {contract.what} that can be used here: expected {contract.told()}; found {found}. "
            "Put the released file in its place, or take it away: nano's own net then does its work.",
            file=str(self._file),
        )


def _opened(file: Path, device: str, threads: int | None) -> Any:
    import onnxruntime  # a tenth of a second that only who runs nets should wait for

    wanted = providers.ask_for(device)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = (
        3 if device == providers.CPU else 4
    )  # what it says of CUDA is told in our words
    if threads is not None:
        options.intra_op_num_threads = threads
    providers.load_libraries(device)
    try:
        return onnxruntime.InferenceSession(file, options, providers=wanted, enable_fallback=0)
    except Exception as error:  # onnxruntime's own types are not public
        if device != providers.CPU:
            _opened(file, providers.CPU, threads)  # raises if it is the file
            providers.refuse(device, str(error))
        raise WeightsMismatch(
            f"{file.name} cannot be read as a model ({type(error).__name__}): files that belong to it are "
            "missing, or it is damaged. Install it again.",
            file=str(file),
        ) from error


def shape_told(shape: Sequence[int | str | None]) -> str:
    return "x".join("?" if length is None else str(length) for length in shape)


def _port_told(port: Any) -> str:
    kind = port.type.removeprefix("tensor(").removesuffix(")")
    return f"{'float32' if kind == 'float' else kind} {shape_told(port.shape)}"


def _fits(shape: Shape, wanted: Shape) -> bool:
    """What a file leaves open fits, and so does what is not asked for."""
    pairs = zip(shape, wanted, strict=False)
    return not shape or (
        len(shape) == len(wanted)
        and all(want is None or not isinstance(length, int) or length == want for length, want in pairs)
    )


def _fits_any(shape: Shape, wanted: Sequence[Shape]) -> bool:
    return any(_fits(shape, one) for one in wanted)
