"""What can go wrong in the engine, as one tree.

    EngineError
    ├── MediaError                 a file cannot be used
    │   ├── MediaNotFound          no such file
    │   ├── UnsupportedMedia       a file, but not of a kind that is read here
    │   ├── CorruptMedia           begins well, then breaks
    │   └── MediaTooLarge          over a stated limit
    ├── RequestError               the request contradicts itself or the media
    │   ├── FrameRangeOutside      frames the clip does not have
    │   ├── PassMismatch           a pass of another length or size than the clip
    │   ├── PassMissing            a pass that this mode needs was not supplied
    │   └── MatteEmpty             the matte selects nothing in any frame
    ├── WeightsError               a weight file that does not fit
    │   ├── WeightsMissing         tensors or files are absent
    │   ├── WeightsMismatch        tensors of another shape, or left over
    │   └── ModelUnknown           no such model, or a model that is recognised and not supported
    ├── DeviceMissing              a device that was asked for cannot be used
    ├── KernelFailed               a fast path that was asked for does not work on this device
    ├── OutOfMemory                the device is too small for this plan
    ├── DiskFull                   the result cannot be stored
    └── EngineNaN                  the model produced values that are no numbers

Every message says what happened, with the number, and what to do next. Facts that a program may want are
attributes as well as words.
"""

from __future__ import annotations


class EngineError(Exception):
    """Base of all errors the engine raises on purpose. ``facts`` holds the message's values by name."""

    def __init__(self, message: str, **facts: str | float) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts


class MediaError(EngineError): ...


class MediaNotFound(MediaError): ...


class UnsupportedMedia(MediaError): ...


class CorruptMedia(MediaError): ...


class MediaTooLarge(MediaError): ...


class RequestError(EngineError): ...


class FrameRangeOutside(RequestError): ...


class PassMismatch(RequestError): ...


class PassMissing(RequestError): ...


class MatteEmpty(RequestError): ...


class WeightsError(EngineError): ...


class WeightsMissing(WeightsError): ...


class WeightsMismatch(WeightsError): ...


class ModelUnknown(WeightsError): ...


class DeviceMissing(EngineError): ...


class KernelFailed(EngineError): ...


class OutOfMemory(EngineError): ...


class DiskFull(EngineError): ...


class EngineNaN(EngineError): ...
