"""Follows all jobs with a label until the last has ended: python watch_all.py KEY=VALUE

Ends with 1 if one of them failed or was cancelled.
"""

from __future__ import annotations

import sys

from understudy_api.client import Client
from understudy_api.following import ENDED
from understudy_api.v1 import job_pb2


def tell(job: job_pb2.Job | job_pb2.JobSummary) -> None:
    word = job_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_").lower()
    print(f"{job.display_name}: {word}, {job.progress.fraction:.0%}")


def main(label: str) -> int:
    key, _, value = label.partition("=")
    states = {}
    with Client.connect() as client:
        for job in client.jobs(labels={key: value}):
            states[job.name] = job.state
            tell(job)
        unended = [name for name, state in states.items() if state not in ENDED]
        with client.watch_all({key: value}, names=unended) as changes:
            while not ENDED.issuperset(states.values()):
                change = next(changes)
                if change.HasField("job"):
                    states[change.job.name] = change.job.state
                    tell(change.job)
                else:
                    states.pop(change.deleted, None)
    return int(any(state != job_pb2.JOB_STATE_SUCCEEDED for state in states.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
