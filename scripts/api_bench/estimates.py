"""What EstimateJob tells after three jobs of nano, against what the next job takes."""

from __future__ import annotations

from pathlib import Path

from scripts.bench import film, serving, swap_of
from understudy_api.client import Client
from understudy_api.v1 import job_pb2
from understudy_server.cli.specs import replace_spec

FRAMES = 49
LEARNED = (1, 2, 3)  # steps of the jobs before
ASKED = 5  # of the job that is estimated


def estimates(folder: Path, footage: Path) -> dict[str, float]:
    files = film(folder, FRAMES)
    with serving(folder) as client:

        def spec(steps: int) -> job_pb2.JobSpec:
            made = replace_spec(client, swap_of(files, folder, steps=steps))
            made.replace.ClearField("delivery")
            return made

        for steps in LEARNED:
            took(client, spec(steps))
        told = client.estimate(spec(ASKED))
        assert told.jobs_learned_from == len(LEARNED)
        seconds = took(client, spec(ASKED))
    middle = (told.seconds_low * told.seconds_high) ** 0.5
    return {
        "estimate_low_s": told.seconds_low,
        "estimate_high_s": told.seconds_high,
        "estimated_job_s": seconds,
        "estimate_factor": max(seconds / middle, middle / seconds),
    }


def took(client: Client, spec: job_pb2.JobSpec) -> float:
    """Seconds from the start of the job to its end, as the server tells."""
    job = client.wait(client.create_job(spec).name)
    return (job.end_time.ToNanoseconds() - job.start_time.ToNanoseconds()) / 1e9
