"""How far a job is, as it is said in an editor."""

from __future__ import annotations

import pytest

from understudy_api.spoken import stage_text
from understudy_api.v1.job_pb2 import JobProgress

FINDING = "finding the person, frame 12 of 48"


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (JobProgress(segments_total=3, steps=8, stage=FINDING), FINDING),
        (JobProgress(segments_total=3, steps=8, step=4, stage="denoising"), "part 1 of 3, step 4 of 8"),
        (
            JobProgress(segments_total=3, segments_done=1, steps=8, stage="denoising"),
            "part 2 of 3, denoising",
        ),
        (JobProgress(segments_total=3, segments_done=3, steps=8), "part 3 of 3"),
        (JobProgress(stage="reading the clip"), "reading the clip"),
    ],
)
def test_what_is_done_is_said_until_there_are_steps_to_count(done: JobProgress, said: str) -> None:
    assert stage_text(done) == said
