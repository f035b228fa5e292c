"""How the client's connection behaves: keepalive, retries, no proxies.

The numbers were measured. Without ping_timeout a frozen server is noticed after 65 s whatever keepalive says.
The server allows a ping every 10 s; more than that would end the connection.
"""

from __future__ import annotations

import json

import grpc

from .endpoint import Endpoint

UNARY_DEADLINE_S = 5.0
LINK_DEADLINE_S = 90.0  # the server opens and counts the file
ESTIMATE_DEADLINE_S = 30.0  # it looks through the passes
FRAME_DEADLINE_S = 30.0  # it decodes and packs a frame

# All of these may be repeated: the ones that change something name what they change. DeleteJob, DeleteMedia,
# DeleteAnalysis and RetryJob are left out: the second time they would be refused.
RETRIED = {
    "ServerService": ("GetServerInfo", "DrainServer"),
    "MediaService": ("LinkMedia", "CheckMedia", "GetMedia", "ListMedia"),
    "JobService": (
        *("CreateJob", "GetJob", "ListJobs", "EstimateJob"),
        *("CancelJob", "UpdateJob", "PauseJob", "ResumeJob"),
    ),
    "ResultService": ("ListSegments", "GetFrame", "GetManifest"),
    "TakeService": ("ListShots", "PromoteTake"),
    "ModelService": ("ListModels",),
    "AnalysisService": (
        *("CreateAnalysis", "GetAnalysis", "ListAnalyses", "UpdateAnalysis", "CancelAnalysis"),
        *("ListPeople", "GetPoints", "GetAnalysisPicture"),
    ),
}


def service_config() -> str:
    """Four tries, 0.2 s apart and then twice as long each time, and only while the server is unavailable."""
    methods = [
        {"service": f"understudy_api.v1.{service}", "method": method}
        for service, methods in RETRIED.items()
        for method in methods
    ]
    policy = {
        "maxAttempts": 4,
        "initialBackoff": "0.2s",
        "maxBackoff": "3s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    return json.dumps({"methodConfig": [{"name": methods, "retryPolicy": policy}]})


OPTIONS = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.enable_http_proxy", 0),  # a studio's http_proxy must not see calls to this machine
    ("grpc.use_local_subchannel_pool", 1),  # otherwise a new client inherits an old one's back-off
)


def open_channel(endpoint: Endpoint) -> grpc.Channel:
    options = (*OPTIONS, ("grpc.service_config", service_config()))
    return grpc.insecure_channel(
        endpoint.address, options=options, compression=grpc.Compression.NoCompression
    )


def call_metadata(endpoint: Endpoint) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {endpoint.token}"),)
