"""The small nets are trained where torch, numpy and safetensors are all there is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import understudy_engine

ABSENT = ("av", "cv2", "pydantic", "onnx", "onnxruntime", "transformers", "tokenizers", "PIL")


def test_the_command_needs_torch_numpy_and_safetensors_alone() -> None:
    root = Path(__file__).parents[4]
    program = (
        "import sys\n"
        f"for name in {ABSENT}: sys.modules[name] = None\n"  # importing one of them raises ImportError
        f"sys.path.insert(0, {str(root)!r})\n"
        "import scripts.train_nets as command\n"
        "import understudy_engine.training.measure.figures\n"
        "print(len(command.TASKS))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(understudy_engine.__file__).parents[1])}
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert told.returncode == 0, told.stderr
    assert int(told.stdout) == 5
