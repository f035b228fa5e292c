"""Hands in every shot of a folder: python submit_folder.py SHOTS RESULTS

SHOTS has a folder for each shot: clip.*, character.*, and your passes if any (keypoints.json, matte.*). Results go to
RESULTS as one ProRes movie a shot. Prints a line a shot; watch_all.py follows them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from understudy_api.client import Client
from understudy_api.errors import UnderstudyError
from understudy_api.v1 import job_pb2

PASSES = ("keypoints", "pose", "face", "matte", "background")


def spec_of(client: Client, shot: Path, result: Path) -> job_pb2.JobSpec:
    files = {file.stem: file for file in sorted(shot.iterdir())}
    media = {name: client.hand_over(file).name for name, file in files.items()}
    replace = job_pb2.ReplaceSpec(
        clip=media["clip"],
        character=media["character"],
        passes=job_pb2.PassInputs(**{name: media[name] for name in PASSES if name in media}),
        sampling=job_pb2.Sampling(seed=7),
        delivery=job_pb2.Delivery(
            path=client.rooted(result, writable=True), codec=job_pb2.DELIVERY_CODEC_PRORES_422_HQ
        ),
    )
    return job_pb2.JobSpec(replace=replace)


def main(shots: Path, results: Path) -> None:
    with Client.connect() as client:
        for shot in sorted(folder for folder in shots.iterdir() if folder.is_dir()):
            try:
                spec = spec_of(client, shot, results / f"{shot.name}.mov")
                estimate = client.estimate(spec)  # refuses here what would fail later
                job = client.create_job(spec, shot.name, priority=10, labels={"folder": shots.name})
            except UnderstudyError as error:
                print(f"{shot.name}: not handed in. {error.message}")
                continue
            minutes = (
                f"up to {estimate.seconds_high / 60:.0f} min" if estimate.seconds_high else "time unknown"
            )
            print(f"{shot.name}: {job.name}, {estimate.plan.segment_count} segments, {minutes}")
            for warning in estimate.warnings:
                print(f"  {warning}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
