"""The process of analyses: ``python -m understudy_server.engine_process.finder DATA_FOLDER MODEL THREADS PARENT``.

Makes the analyses that it is given, one after the other. Nets are opened when they are first needed, and kept.
"""

from __future__ import annotations

import logging
import sys
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import to_status
from ..finding import nets_of
from ..presence import held
from ..storage import DataFolder
from .devices import card_is_lost
from .explained import explained
from .find import find
from .messages import AnalysisAssignment, Failed, Stopped
from .pipe import ORPHAN_PATIENCE_S, ServerPipe, die_with_parent

if TYPE_CHECKING:
    from understudy_engine.preprocess.nets import NetFolder

AGAIN = "ask for the analysis again; what it has found is kept"

log = logging.getLogger(__name__)


def main() -> None:
    folder, model, threads, parent = sys.argv[1:]
    die_with_parent(int(parent))
    pipe, data = ServerPipe(), DataFolder(Path(folder))
    with held(data.analysis_lock, ORPHAN_PATIENCE_S):
        finder = _Finder(data, model, int(threads), pipe)
        while True:
            assignment = pipe.next_assignment()
            assert isinstance(assignment, AnalysisAssignment)
            finder.work_on(assignment)


class _Finder:
    def __init__(self, data: DataFolder, model: str, threads: int, pipe: ServerPipe) -> None:
        self._data, self._model, self._threads, self._pipe = data, model, threads, pipe

    @cached_property
    def _nets(self) -> NetFolder:
        return nets_of(self._model, self._data.path, self._threads)

    def work_on(self, assignment: AnalysisAssignment) -> None:
        """Makes one analysis; what goes wrong is told, and the process lives on, unless its card is lost to it."""
        of = (assignment.job, assignment.attempt)
        try:
            with closing(find(assignment, self._data, self._nets)) as messages:
                for message in messages:
                    self._pipe.send(message)
                    if self._pipe.is_stopped(*of, segment_stored=True):
                        self._pipe.send(Stopped(job=assignment.job, attempt=assignment.attempt))
                        return
        except Exception as error:
            log.exception("%s, attempt %d", *of)
            if card_is_lost():
                raise  # the next analysis gets another process
            told = to_status(explained(error, self._data.path, AGAIN)).SerializeToString()
            self._pipe.send(Failed(job=assignment.job, attempt=assignment.attempt, status=told))


if __name__ == "__main__":
    main()
