"""The server as a whole: who may call it, where it is, what it says of itself, and what it does not load."""

from __future__ import annotations

import socket
import stat
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import ValidationError

from tests.server.support.process import CALL_S, Api, Server, told
from tests.support.waiting import wait_until
from understudy_api.endpoint import read_endpoint
from understudy_api.v1 import model_pb2, server_pb2
from understudy_engine.footprint import PARAMETERS
from understudy_engine.model.configs import MODELS
from understudy_server.server import SERVICES
from understudy_server.settings import Limits, Root, Settings

INFO = server_pb2.GetServerInfoRequest()


@pytest.mark.parametrize(
    ("metadata", "code", "reason"),
    [
        ((), grpc.StatusCode.UNAUTHENTICATED, "TOKEN_MISSING"),
        ((("authorization", "Bearer wrong"),), grpc.StatusCode.UNAUTHENTICATED, "TOKEN_BAD"),
        ((("authorization", "Basic dTpw"),), grpc.StatusCode.UNAUTHENTICATED, "TOKEN_BAD"),
    ],
)
def test_a_call_without_the_servers_token_is_refused(
    api: Api, metadata: tuple[tuple[str, str], ...], code: grpc.StatusCode, reason: str
) -> None:
    for call in (
        lambda: api.servers.GetServerInfo(INFO, metadata=metadata, timeout=CALL_S),
        lambda: health_pb2_grpc.HealthStub(api.channel).Check(
            health_pb2.HealthCheckRequest(), metadata=metadata, timeout=CALL_S
        ),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            call()
        error = told(caught.value)
        assert (error.code, error.reason) == (code, reason)
        assert api.endpoint.token not in error.message


@pytest.mark.parametrize("header", ["origin", "referer", "cookie", "sec-fetch-site", "sec-fetch-mode"])
def test_a_call_that_a_web_page_made_is_refused_even_with_the_token(api: Api, header: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        api.servers.GetServerInfo(INFO, metadata=(*api.metadata, (header, "null")), timeout=CALL_S)
    error = told(caught.value)
    assert (error.code, error.reason) == (grpc.StatusCode.PERMISSION_DENIED, "BROWSER_REFUSED")


def test_the_server_tells_what_it_is_and_allows(api: Api, server: Server) -> None:
    info = api.info()
    assert info.instance_id == api.endpoint.instance_id
    assert {"animate", "replace", "stream_frames"} <= set(info.features)
    assert [(root.id, root.path, root.writable) for root in info.roots] == [
        ("footage", str(server.footage), True),
        ("results", str(server.home / "jobs"), False),
    ]
    limits = Limits()
    assert info.limits == server_pb2.Limits(
        **{field.name: getattr(limits, field.name) for field in server_pb2.Limits.DESCRIPTOR.fields}
    )
    assert info.limits.max_upload_bytes == 1 << 40
    assert info.free_disk_bytes > 0
    wait_until(lambda: api.info().devices)
    [device] = api.info().devices
    assert device.id == "cpu"
    assert device.total_memory_bytes > device.free_memory_bytes > 0


def test_every_service_is_healthy(api: Api) -> None:
    health = health_pb2_grpc.HealthStub(api.channel)
    for name in ("", *SERVICES):
        answer = health.Check(
            health_pb2.HealthCheckRequest(service=name), metadata=api.metadata, timeout=CALL_S
        )
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_models_are_listed_with_what_is_installed(api: Api) -> None:
    models = api.call(api.models.ListModels, model_pb2.ListModelsRequest()).models
    assert [model.name for model in models] == list(MODELS)
    assert [model.name for model in models if model.installed] == ["nano"]
    assert [model.name for model in models if model.is_default] == ["nano"]
    assert [model.parameter_count for model in models] == [PARAMETERS[name][0] for name in MODELS]


def test_the_endpoint_file_is_for_its_owner_alone(server: Server) -> None:
    mode = (server.home / "endpoint.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert stat.S_IMODE(server.home.stat().st_mode) & 0o077 == 0
    assert len(read_endpoint(server.home).token) >= 43  # 256 bits in base64


def test_a_second_server_on_the_same_folder_ends_and_names_the_first(server: Server) -> None:
    second = Server(server.home, server.footage)
    second.spawn()
    assert second.ended() != 0
    first = read_endpoint(server.home)
    assert f"process {first.pid} at {first.address}" in second.log()
    with Api(first) as api:
        assert api.info().instance_id == first.instance_id


def test_a_taken_port_is_said_and_never_shared(server: Server, tmp_path: Path) -> None:
    port = int(read_endpoint(server.home).address.rpartition(":")[2])
    second = Server(tmp_path / "home", server.footage, port=port)
    second.spawn()
    assert second.ended() != 0
    assert f"Port {port} of 127.0.0.1 is taken" in second.log()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "studio.example"])
def test_an_address_that_others_can_reach_is_refused(host: str) -> None:
    with pytest.raises(ValidationError, match="no TLS"):
        Settings(host=host, roots={})


def test_the_servers_own_root_cannot_be_given_another_folder(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="is the server's own"):
        Settings(roots={"results": Root(path=tmp_path)})


def test_a_root_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="must be one that exists"):
        Root(path=tmp_path / "missing")


def test_the_api_process_never_loads_torch() -> None:
    script = "import sys, understudy_server.server, understudy_server.probe; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_running_server_has_not_loaded_torch(server: Server, api: Api) -> None:
    assert server.process is not None
    maps = Path(f"/proc/{server.process.pid}/maps").read_text("utf-8")
    assert "libgrpc" in maps or "cygrpc" in maps
    assert "libtorch" not in maps


def test_a_strangers_bytes_on_the_port_do_no_harm(server: Server, api: Api) -> None:
    host, _, port = api.endpoint.address.rpartition(":")
    for request in (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", bytes(range(256)) * 64):
        with socket.create_connection((host, int(port)), timeout=CALL_S) as connection:
            connection.sendall(request)
            connection.settimeout(5)
            try:
                while connection.recv(4096):
                    pass
            except OSError:
                pass
    assert api.info().version
