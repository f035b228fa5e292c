from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.engine.training.nets.footage import block_rows
from understudy_engine.training.nets.fit import Run, train
from understudy_engine.training.nets.meters import ExpressionMeter
from understudy_engine.training.nets.pool import HELD_OUT, Pool, Rows
from understudy_engine.training.nets.tasks import TASKS, NetTask, build_task, mirror_expression

CPU = torch.device("cpu")


def save(rows: Rows, file: Path) -> None:
    save_file({f.name: getattr(rows, f.name) for f in fields(rows)}, file)


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    folder = tmp_path / "pool"
    folder.mkdir()
    save(block_rows(3), folder / f"{HELD_OUT:05d}.safetensors")
    save(block_rows(6), folder / "00000.safetensors")
    return folder


def task(name: str, folder: Path, *, held_out: bool = False) -> NetTask:
    pool = Pool(folder, CPU, held_out=held_out)
    assert pool.refresh()
    return build_task(name, pool, CPU, batch=2)


@pytest.mark.parametrize("name", TASKS)
def test_every_net_has_batches_a_loss_that_teaches_and_an_error(name: str, footage: Path) -> None:
    torch.manual_seed(0)
    learner = task(name, footage)
    generator = torch.Generator().manual_seed(0)
    batch = learner.draw(generator)
    loss = learner.losses(batch)["loss"]
    loss.backward()
    assert loss > 0
    assert all(p.grad is not None and p.grad.isfinite().all() for p in learner.model.parameters())
    with torch.no_grad():
        assert 0 <= learner.error(learner.drawn(generator, spoiled=False)) < 200


def ticking() -> Callable[[], float]:
    """A clock that shows a second more whenever it is looked at."""
    ticks = itertools.count()
    return lambda: float(next(ticks))


def test_a_net_is_trained_written_and_gone_on_with(footage: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    name = "expression_meter"
    run = Run(out=out, seconds=20, clock=ticking())
    first = train(task(name, footage), task(name, footage, held_out=True), run, CPU)
    told = json.loads((out / "figures.json").read_text())
    assert told["steps"] == first["steps"] > 0
    assert told["bytes"] < 600_000
    ExpressionMeter().load_state_dict(
        {k: v.float() for k, v in load_file(out / f"{name}.safetensors").items()}
    )

    again = Run(out=tmp_path / "again", seconds=20, resume=out, clock=ticking())
    more = train(task(name, footage), task(name, footage, held_out=True), again, CPU)
    assert more["steps"] > first["steps"]


def test_a_pool_takes_in_what_is_rendered_while_it_is_used(footage: Path) -> None:
    pool = Pool(footage, CPU)
    assert pool.refresh()
    assert pool.rows is not None
    assert len(pool.rows) == 6
    assert not pool.refresh()
    save(block_rows(4), footage / "00001.safetensors")
    assert pool.refresh()
    assert len(pool.rows) == 10


def test_the_shard_that_nets_are_tried_on_is_never_learnt_from(footage: Path) -> None:
    trial = Pool(footage, CPU, held_out=True)
    assert trial.refresh()
    assert trial.rows is not None
    assert len(trial.rows) == 3


def test_a_mirrored_face_looks_the_other_way_and_lifts_the_other_brow() -> None:
    jaw, smile, pucker, gaze_x, gaze_y, eyes, left, right = torch.rand(8).tolist()
    mirrored = mirror_expression(torch.tensor([[jaw, smile, pucker, gaze_x, gaze_y, eyes, left, right]]))
    torch.testing.assert_close(
        mirrored, torch.tensor([[jaw, smile, pucker, -gaze_x, gaze_y, eyes, right, left]])
    )
