"""What holds for every call there is, found by the API's descriptors: a new RPC is tried without being named here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.support.process import Api, Server, Told, running
from tests.server.support.rpcs import (
    Rpc,
    all_rpcs,
    answer,
    enum_paths,
    with_unknown_enums,
    with_unknown_fields,
)
from tests.server.support.samples import Sample, Shop, samples
from understudy_api.endpoint import read_endpoint

RPCS = all_rpcs()
EVERY_RPC = pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: rpc.name)
# What a damaged request may not make of a server: it would end.
HARMLESS = pytest.mark.parametrize(
    "rpc", [rpc for rpc in RPCS if rpc.name != "DrainServer"], ids=lambda rpc: rpc.name
)
DEFECTS = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNIMPLEMENTED)
MUTATIONS = 200  # a RPC


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, footage: Path) -> Iterator[Server]:
    """One of its own: what mutated requests leave in it is no one else's business."""
    beats = {"heartbeat_seconds": 0.2}
    with running(tmp_path_factory.mktemp("contract") / "home", footage, reliability=beats) as server:
        yield server


@pytest.fixture(scope="module")
def api(server: Server) -> Iterator[Api]:
    with Api(read_endpoint(server.home)) as api:
        yield api


@pytest.fixture(scope="module")
def good(api: Api, server: Server) -> dict[str, list[Sample]]:
    """What waits or stands still in the shop does so for good: no job is made any more."""
    shop = Shop(api)
    server.fault.halt("segment 0")
    return samples(shop)


def test_there_is_a_sample_for_every_call(good: dict[str, list[Sample]]) -> None:
    assert sorted(good) == sorted(rpc.name for rpc in RPCS)


@EVERY_RPC
@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Bearer "])
def test_no_call_is_answered_without_the_token(api: Api, rpc: Rpc, authorization: str | None) -> None:
    metadata = [("authorization", authorization)] if authorization else []
    said = answer(api, rpc, [b""], metadata)
    assert isinstance(said, Told)
    assert said.reason == ("TOKEN_BAD" if authorization else "TOKEN_MISSING")


@EVERY_RPC
@pytest.mark.parametrize("header", ["origin", "referer", "cookie", "sec-fetch-site"])
def test_no_call_is_answered_for_a_web_page(api: Api, rpc: Rpc, header: str) -> None:
    said = answer(api, rpc, [b""], [*api.metadata, (header, "null")])
    assert isinstance(said, Told)
    assert said.reason == "BROWSER_REFUSED"


@HARMLESS
def test_an_empty_request_is_answered_or_refused_in_words(api: Api, rpc: Rpc) -> None:
    said = answer(api, rpc, [b""])
    if isinstance(said, Told):
        assert said.code not in DEFECTS, said
        assert said.message.endswith((".", "?"))


@EVERY_RPC
@pytest.mark.parametrize("garbage", [b"\xff" * 20, b"\x0a\x7fcut", b"\x00"])
def test_bytes_that_are_no_message_are_refused_in_words(api: Api, rpc: Rpc, garbage: bytes) -> None:
    said = answer(api, rpc, [garbage])
    assert isinstance(said, Told)
    assert (said.code, said.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")


@HARMLESS
def test_fields_of_a_later_version_change_nothing(api: Api, rpc: Rpc, good: dict[str, list[Sample]]) -> None:
    for sample in good[rpc.name]:
        said = answer(api, rpc, [with_unknown_fields(message) for message in sample()])
        assert not isinstance(said, Told), said


@EVERY_RPC
def test_enum_values_of_a_later_version_are_refused(
    api: Api, rpc: Rpc, good: dict[str, list[Sample]]
) -> None:
    tried = set()
    for sample in good[rpc.name]:
        messages = sample()
        for place, message in enumerate(messages):
            for field, grown in with_unknown_enums(message):
                sent = [*messages[:place], grown, *messages[place + 1 :]]
                said = answer(api, rpc, [one.SerializeToString() for one in sent])
                assert isinstance(said, Told), f"{field} is taken"
                assert (said.code, said.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"), field
                assert "9999" in said.message
                tried.add(field)
    assert tried == {".".join(field.name for field in path) for path in enum_paths(rpc.request.DESCRIPTOR)}


@HARMLESS
def test_no_damage_to_a_request_makes_the_server_stumble(
    api: Api, server: Server, rpc: Rpc, good: dict[str, list[Sample]]
) -> None:
    whole = [[message.SerializeToString() for message in sample()] for sample in good[rpc.name]]

    @settings(max_examples=MUTATIONS, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.sampled_from(whole).flatmap(damaged))
    def try_one(messages: list[bytes]) -> None:
        said = answer(api, rpc, messages)
        assert not isinstance(said, Told) or said.code not in DEFECTS, said

    try_one()
    assert "unexpected" not in (server.home.parent / "home.log").read_text("utf-8")


def damaged(messages: list[bytes]) -> st.SearchStrategy[list[bytes]]:
    """*messages* with bytes changed, cut out or put in, at one to four places; also none, twice, or out of order."""
    edit = st.tuples(st.integers(0, 1 << 16), st.integers(0, 6), st.binary(max_size=6))
    edits = st.lists(st.tuples(st.integers(0, len(messages) - 1), edit), min_size=1, max_size=4)
    orders = st.permutations(messages) if len(messages) > 1 else st.just(messages)
    return st.tuples(orders, edits).map(lambda drawn: apply_edits(*drawn))


def apply_edits(messages: list[bytes], edits: list[tuple[int, tuple[int, int, bytes]]]) -> list[bytes]:
    changed = list(messages)
    for which, (place, cut, put) in edits:
        at = place % (len(changed[which]) + 1)
        changed[which] = changed[which][:at] + put + changed[which][at + cut :]
    return changed
