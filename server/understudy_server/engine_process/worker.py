"""The engine process.

    python -m understudy_server.engine_process.worker DATA_FOLDER FACTORY MODEL THREADS PLAN MEMORY PARENT

Loads the model once, then renders the jobs it is given, one after the other.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import cast

from ..errors import to_status
from ..presence import held
from ..storage import DataFolder
from .devices import card, card_is_lost, devices
from .explained import explained
from .factory import EngineLike, find
from .messages import Assignment, Failed, LoadFailed, Message, Ready, SegmentStored, Stopped
from .pipe import ORPHAN_PATIENCE_S, ServerPipe, die_with_parent
from .render import render

log = logging.getLogger(__name__)


class Left(Exception):
    """The job is left in the middle of a step, or of its joining or delivery."""


def main() -> None:
    folder, factory, model, threads, plan, memory, parent = sys.argv[1:]
    die_with_parent(int(parent))
    if (
        sys.platform == "linux"
    ):  # less of a card's memory lies between blocks; torch reads it when it is imported
        os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
    pipe = ServerPipe()
    data = DataFolder(Path(folder))
    with held(data.engine_lock, ORPHAN_PATIENCE_S):  # two engines must never write to one store
        data.sweep()
        try:
            engine = find(factory)(model, int(threads), data.path, plan, int(memory))
        except Exception as error:
            log.exception("loading %s", model)
            told = to_status(explained(error, data.path)).SerializeToString()
            pipe.send(LoadFailed(status=told))
            return
        pipe.card = card()
        pipe.loaded()
        pipe.send(Ready(devices=[device.SerializeToString() for device in devices()], card=pipe.card))
        while True:
            if pipe.is_idle:  # a job is not kept waiting for figures
                pipe.card = card(with_rates=True)
            assignment = pipe.next_assignment()
            assert isinstance(assignment, Assignment)
            _work_on(engine, assignment, data, pipe)


def _work_on(engine: EngineLike, assignment: Assignment, data: DataFolder, pipe: ServerPipe) -> None:
    """Renders one job; what goes wrong is told, and the process lives on, unless its card is lost to it."""
    of = (assignment.job, assignment.attempt)

    def meanwhile() -> None:
        pipe.signs_of_life += 1
        if pipe.is_stopped(*of, segment_stored=False):
            raise Left

    folder = data.job(assignment.job)
    messages = cast("Generator[Message]", render(engine, assignment, folder, meanwhile))
    stored = False
    try:
        while not pipe.is_stopped(*of, segment_stored=stored):
            message = next(messages, None)
            if message is None:
                return
            pipe.send(message)
            stored = isinstance(message, SegmentStored)
        messages.close()
        pipe.send(Stopped(job=assignment.job, attempt=assignment.attempt))
    except Left:
        data.sweep(folder.path.name)
        pipe.send(Stopped(job=assignment.job, attempt=assignment.attempt))
    except Exception as error:
        log.exception("%s, attempt %d", assignment.job, assignment.attempt)
        if card_is_lost():
            raise  # this process computes nothing any more: another one goes on with the job
        told = to_status(explained(error, data.path)).SerializeToString()
        pipe.send(Failed(job=assignment.job, attempt=assignment.attempt, status=told))


if __name__ == "__main__":
    main()
