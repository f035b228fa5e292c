from __future__ import annotations

import contextlib
from typing import Any

from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from understudy_api.v1 import job_pb2, media_pb2, result_pb2, take_pb2
from understudy_server.errors import InvalidField
from understudy_server.spec_fields import (
    AnimateFields,
    LimbFields,
    MatteFields,
    PassFields,
    PersonAtFields,
    PersonFields,
    PoseFields,
    ReplaceFields,
    RetakeFields,
    RoleFields,
)
from understudy_server.validate import (
    CompareTakesFields,
    CreateJobFields,
    ExportResultFields,
    GetFrameFields,
    LinkMediaFields,
    ListJobsFields,
    StreamFramesFields,
    WatchJobFields,
    check,
)

REQUESTS: dict[Any, type[BaseModel]] = {
    job_pb2.CreateJobRequest: CreateJobFields,
    job_pb2.ListJobsRequest: ListJobsFields,
    job_pb2.WatchJobRequest: WatchJobFields,
    media_pb2.LinkMediaRequest: LinkMediaFields,
    result_pb2.StreamFramesRequest: StreamFramesFields,
    result_pb2.GetFrameRequest: GetFrameFields,
    result_pb2.ExportResultRequest: ExportResultFields,
    take_pb2.CompareTakesRequest: CompareTakesFields,
}

PARTS: dict[Any, type[BaseModel]] = {
    job_pb2.ReplaceSpec: ReplaceFields,
    job_pb2.AnimateSpec: AnimateFields,
    job_pb2.PassInputs: PassFields,
    job_pb2.PoseOptions: PoseFields,
    job_pb2.PersonChoice: PersonFields,
    job_pb2.PersonAt: PersonAtFields,
    job_pb2.LimbFactors: LimbFields,
    job_pb2.MatteOptions: MatteFields,
    job_pb2.Role: RoleFields,
    job_pb2.RetakeSpec: RetakeFields,
}

A_REQUEST = job_pb2.CreateJobRequest(
    request_id="8f14e45f-ceea-467f-a8d4-0f6a3a1c9d55",
    spec=job_pb2.JobSpec(
        replace=job_pb2.ReplaceSpec(
            clip="media/" + "0" * 20,
            character="media/" + "1" * 20,
            passes=job_pb2.PassInputs(matte="media/" + "2" * 20),
            matte=job_pb2.MatteOptions(grow_px=3, blocks_across=1, blocks_down=1),
            relight_strength=0.5,
            prompt="a dancer in the rain",
            pose=job_pb2.PoseOptions(
                person=job_pb2.PersonChoice(names=["B"]), limbs=job_pb2.LimbFactors(arms=1.5)
            ),
            depth=job_pb2.DEPTH_BEHIND,
            roles=[
                job_pb2.Role(
                    character="media/" + "3" * 20,
                    passes=job_pb2.PassInputs(keypoints="media/" + "4" * 20),
                    depth=job_pb2.DEPTH_FRONT,
                )
            ],
            sampling=job_pb2.Sampling(steps=8, seed=-4, solver=job_pb2.SOLVER_EULER, guidance_frames=5),
        )
    ),
    display_name="héro, plan 12 – نسخة",
)


def test_a_request_within_its_ranges_passes() -> None:
    check(A_REQUEST, CreateJobFields)


def test_every_field_of_every_request_is_known_to_its_check() -> None:
    for message, fields in (REQUESTS | PARTS).items():
        names = {field.name for field in message.DESCRIPTOR.fields}
        assert names == set(fields.model_fields)


@given(st.binary(max_size=300), st.sampled_from(list(REQUESTS)))
def test_whatever_bytes_come_a_request_is_refused_by_a_field_or_passes(data: bytes, message: Any) -> None:
    with contextlib.suppress(DecodeError, InvalidField):
        check(message.FromString(data), REQUESTS[message])


@given(st.data())
def test_a_request_with_some_bytes_changed_is_refused_by_a_field_or_passes(data: st.DataObject) -> None:
    body = bytearray(A_REQUEST.SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DecodeError, InvalidField):
        check(job_pb2.CreateJobRequest.FromString(bytes(body)), CreateJobFields)
