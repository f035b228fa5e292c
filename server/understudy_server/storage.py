"""The data folder: what lies where, and names that cannot lead out of it.

    data folder/
      endpoint.json  server.lock  engine.lock  analysis.lock  jobs.db  jobs.db.reserve  engine.log  analysis.log
      jobs/<id>/
        segments/00000/   result.mkv  character.mkv  matte.mkv  pose.mkv  overlap.npy  segment.json
        master.mkv  manifest.json
      media/<id><suffix>       uploaded files
      uploads/<sha256>-<size>  what has arrived of others
      analyses/<id>/
        people/                  people.json  A.png ...
        <revision>/              keypoints.json  face_boxes.json  matte.mkv  points.npy  faces.npy  contact_sheet.png
        given/                   what an artist put right, for the run under way
      passes/                  found passes by their content (understudy_engine.analysis.store)
      models/<name>/           weights of a model, or a link to them
      models/loras/            the artist's own LoRAs, or a link to them
      contexts/                prompts as the model reads them, by model and words (understudy_engine.weights.contexts)

A folder or file under its own name is whole (understudy_engine.media.atomic sees to that); what a killed process left
half-written has a name of LEFTOVERS and is swept away when an engine starts.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from .errors import InvalidField

LEFTOVERS = (".*.partial", ".*.older")

_JOB_NAME = re.compile(r"jobs/([0-9a-f]{20})")
_ANALYSIS_NAME = re.compile(r"analyses/([0-9a-f]{20})")
_SHOT_NAME = re.compile(r"shots/[0-9a-f]{20}")
_MEDIA_NAME = re.compile(r"media/[0-9a-f]{20}")


def new_job_name() -> str:
    return f"jobs/{secrets.token_hex(10)}"


def new_analysis_name() -> str:
    return f"analyses/{secrets.token_hex(10)}"


def new_shot_name() -> str:
    return f"shots/{secrets.token_hex(10)}"


def new_media_name() -> str:
    return f"media/{secrets.token_hex(10)}"


def job_id(name: str) -> str:
    """The id in "jobs/<id>"; raises InvalidField for anything else, so that no name can lead out of the store."""
    match = _JOB_NAME.fullmatch(name)
    if match is None:
        raise InvalidField(
            f"{name[:60]!r} is not a job's name; they look like 'jobs/' and 20 hex digits.", field="name"
        )
    return match[1]


def analysis_id(name: str) -> str:
    """The id in "analyses/<id>"; raises InvalidField for anything else, as `job_id`."""
    match = _ANALYSIS_NAME.fullmatch(name)
    if match is None:
        raise InvalidField(
            f"{name[:60]!r} is not an analysis's name; they look like 'analyses/' and 20 hex digits.",
            field="name",
        )
    return match[1]


def is_shot_name(name: str) -> bool:
    return _SHOT_NAME.fullmatch(name) is not None


def is_media_name(name: str) -> bool:
    return _MEDIA_NAME.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class JobFolder:
    path: Path

    @property
    def segments(self) -> Path:
        return self.path / "segments"

    @property
    def master(self) -> Path:
        return self.path / "master.mkv"

    @property
    def manifest(self) -> Path:
        return self.path / "manifest.json"

    def segment(self, index: int) -> Path:
        return self.segments / f"{index:05d}"

    def layer(self, index: int, layer: str) -> Path:
        return self.segment(index) / f"{layer}.mkv"

    def beside(self, target: Path) -> Path:
        """Where this job makes *target* ready: on the same disk, so that it can be put in place at once."""
        return target.parent / f".understudy-{self.path.name}"


@dataclass(frozen=True, slots=True)
class AnalysisFolder:
    path: Path

    @property
    def people(self) -> Path:
        return self.path / "people"

    @property
    def given(self) -> Path:
        return self.path / "given"

    def made(self, revision: int) -> Path:
        return self.path / f"{revision:05d}"


@dataclass(frozen=True, slots=True)
class DataFolder:
    path: Path

    @property
    def jobs(self) -> Path:
        return self.path / "jobs"

    @property
    def media(self) -> Path:
        return self.path / "media"

    @property
    def uploads(self) -> Path:
        return self.path / "uploads"

    @property
    def analyses(self) -> Path:
        return self.path / "analyses"

    @property
    def passes(self) -> Path:
        return self.path / "passes"

    @property
    def contexts(self) -> Path:
        return self.path / "contexts"

    @property
    def database(self) -> Path:
        return self.path / "jobs.db"

    @property
    def reserve(self) -> Path:
        """Room for the database on a disk that is full otherwise."""
        return self.path / "jobs.db.reserve"

    @property
    def server_lock(self) -> Path:
        return self.path / "server.lock"

    @property
    def engine_lock(self) -> Path:
        return self.path / "engine.lock"

    @property
    def engine_log(self) -> Path:
        return self.path / "engine.log"

    @property
    def analysis_lock(self) -> Path:
        return self.path / "analysis.lock"

    @property
    def analysis_log(self) -> Path:
        return self.path / "analysis.log"

    def job(self, name: str) -> JobFolder:
        return JobFolder(self.jobs / job_id(name))

    def analysis(self, name: str) -> AnalysisFolder:
        return AnalysisFolder(self.analyses / analysis_id(name))

    def make(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o700)  # plates are nobody else's business
        for folder in (self.jobs, self.media, self.uploads, self.analyses):
            folder.mkdir(exist_ok=True)

    def sweep(self, job: str = "*") -> None:
        """Removes what a killed process left half-written, in the folder *job* or in all."""
        for pattern in LEFTOVERS:
            for leftover in (
                *self.jobs.glob(f"{job}/{pattern}"),
                *self.jobs.glob(f"{job}/segments/{pattern}"),
            ):
                remove(leftover)


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
