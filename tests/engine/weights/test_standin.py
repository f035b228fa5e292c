from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from understudy_engine.weights.standin import standin_weight

RULE = Path(__file__).parents[2] / "data" / "golden" / "weights.py"
NAMES = {
    "blocks.0.ffn.0.bias": (8,),
    "encoder.head.0.gamma": (8, 1, 1, 1),
    "blocks.0.modulation": (1, 6, 8),
    "blocks.0.self_attn.norm_q.weight": (8,),
    "motion_encoder.dec.direction.weight": (8, 3),
    "patch_embedding.weight": (8, 36, 1, 2, 2),
}


@pytest.mark.parametrize("name", NAMES)
def test_stand_ins_follow_the_rule_of_the_golden_data(name):
    golden_weight = runpy.run_path(str(RULE))["golden_weight"]
    for salt in (0, 7):
        ours, golden = (make(name, NAMES[name], salt) for make in (standin_weight, golden_weight))
        assert ours.dtype == np.float32
        assert np.array_equal(ours, golden)
