"""What the API's kinds are called in sentences for the artist."""

from __future__ import annotations

from typing import TypeAlias

from understudy_api.v1 import media_pb2

Kind: TypeAlias = media_pb2.MediaKind.ValueType

KIND_WORDS: dict[Kind, str] = {
    media_pb2.MEDIA_KIND_VIDEO: "a movie",
    media_pb2.MEDIA_KIND_IMAGE_SEQUENCE: "a folder of pictures",
    media_pb2.MEDIA_KIND_IMAGE: "a picture",
    media_pb2.MEDIA_KIND_KEYPOINTS: "keypoints in JSON",
}

MASKS = ("garbage", "keep")


def input_words(role: str) -> str:
    """What an input is called: "face clip", "keep mask", "matte-1"."""
    name, dash, number = role.partition("-")
    return f"{name.replace('_', ' ')}{' mask' if name in MASKS else ''}{dash}{number}"
