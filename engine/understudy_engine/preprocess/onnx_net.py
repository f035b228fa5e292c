"""A net in an ONNX file, run by onnxruntime: the released detector and pose model, or nano's of the same contracts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsMismatch, WeightsMissing

Floats = NDArray[np.float32]


class OnnxNet:
    """One net, ready to run on the CPU, where the same input gives the same output.

    *path* may be the release's directory, whose model is ``end2end.onnx``. Names of inputs and
    outputs are the file's own: releases differ in them.

    Raises:
        WeightsMissing: there is no such file. WeightsMismatch: it is no ONNX model that can be run here.
    """

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        import onnxruntime  # a tenth of a second that only who runs nets should wait for

        file = path / "end2end.onnx" if path.is_dir() else path
        if not file.exists():
            raise WeightsMissing(f"There is no {file}. Install the model again.", file=str(file))
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors alone
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            self._session: Any = onnxruntime.InferenceSession(
                file, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's own types are not public
            raise WeightsMismatch(
                f"{file.name} cannot be read as a model ({type(error).__name__}): it is damaged. Install it again.",
                file=str(file),
            ) from error
        self._inputs = [port.name for port in self._session.get_inputs()]

    def __call__(self, *arrays: Floats) -> Floats:
        """The first output for inputs in the file's order."""
        given = dict(zip(self._inputs, arrays, strict=True))
        return np.asarray(self._session.run(None, given)[0], np.float32)
