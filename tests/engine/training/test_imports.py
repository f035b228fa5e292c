"""Training runs where torch, numpy and safetensors are all there is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import understudy_engine

ABSENT = (
    *("av", "cv2", "pydantic", "onnx", "onnxruntime"),
    *("transformers", "tokenizers", "ftfy", "PIL", "matplotlib"),
)
NANO = "import scripts.train_nano as command; command._studio(); print(len(command.STAGES))"
NETS = "import scripts.train_nets as command, understudy_engine.training.measure.figures; print(len(command.TASKS))"


@pytest.mark.parametrize(("command", "at_least"), [(NANO, 8), (NETS, 5)])
def test_training_and_its_commands_need_torch_numpy_and_safetensors_alone(
    command: str, at_least: int
) -> None:
    folders = (Path(__file__).parents[3], Path(understudy_engine.__file__).parents[1])
    hide = f"import sys; sys.modules.update(dict.fromkeys({ABSENT}))\n"  # importing one of them raises ImportError
    told = subprocess.run(
        [sys.executable, "-c", hide + command],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))},
    )
    assert told.returncode == 0, told.stderr
    assert int(told.stdout) >= at_least
