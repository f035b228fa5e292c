from __future__ import annotations

import torch

from understudy_engine.training.nets.pool import rows_of
from understudy_engine.training.studio.clips import render_clips


def test_a_clip_gives_its_plates_truths_and_picture_with_what_is_true_of_each() -> None:
    clips = render_clips([3_000_000], frames=1, size=64)
    rows = rows_of(clips)
    assert torch.equal(rows.pictures[0], clips.plate[0, 0])
    assert torch.equal(rows.pictures[1], clips.truth_replace[0, 0])
    assert torch.equal(rows.pictures[4], clips.character[0])
    assert torch.equal(rows.points[0], clips.keypoints[0, :, 0])
    assert torch.equal(rows.points[1, 0], clips.truth_keypoints[0, 0])
    assert rows.complete.tolist() == [True, False, False, True, True]
    assert rows.soft.tolist() == [True, False, False, False, False]
    assert rows.expression[:4].isfinite().all()
    assert rows.expression[4].isnan().all()
    assert (rows.boxes[3:, 1:] == 0).all()
