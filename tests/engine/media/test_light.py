"""Curves into linear light, against the numbers of their standards."""

from __future__ import annotations

import numpy as np
import pytest

from understudy_engine.errors import UnsupportedMedia
from understudy_engine.media.light import linear_light

GREY = 0.18


@pytest.mark.parametrize(
    ("transfer", "signal", "light"),
    [
        ("bt709", 0.409, GREY),  # BT.709: 1.099 * 0.18 ** 0.45 - 0.099
        ("bt2020-10", 0.409, GREY),
        ("iec61966-2-1", 0.4613561, GREY),  # sRGB: 1.055 * 0.18 ** (1 / 2.4) - 0.055
        ("linear", GREY, GREY),
        ("gamma22", 0.5, 0.5**2.2),
        ("smpte2084", 0.508078, 1.0),  # BT.2408: 100 cd/m² is 50.8 % PQ
        ("smpte2084", 0.580689, 2.03),  # 203 cd/m² is 58.1 % PQ
        ("smpte2084", 1.0, 100.0),
        ("arib-std-b67", 0.5, 1 / 12),  # BT.2100: where the square root ends
        ("arib-std-b67", 0.75, 0.265),  # BT.2408: HLG reference white
        ("arib-std-b67", 1.0, 1.0),
    ],
)
def test_a_signal_is_the_light_that_its_standard_says(transfer: str, signal: float, light: float) -> None:
    found = linear_light(np.array([signal], np.float32), transfer, is_yuv=True)
    np.testing.assert_allclose(found, light, rtol=2e-3)


@pytest.mark.parametrize(
    "transfer", ["bt709", "bt2020-12", "smpte240m", "iec61966-2-1", "smpte2084", "arib-std-b67"]
)
def test_curves_rise_without_a_step_from_black_to_the_top(transfer: str) -> None:
    light = linear_light(np.linspace(0, 1, 4097, dtype=np.float32), transfer, is_yuv=True)
    assert light[0] == pytest.approx(0, abs=1e-6)
    assert (np.diff(light) >= 0).all()
    assert np.diff(light).max() < light[-1] * 0.01


def test_a_silent_clip_is_taken_as_what_its_kind_usually_is() -> None:
    signal = np.array([0.5], np.float32)
    assert linear_light(signal, "", is_yuv=True) == linear_light(signal, "bt709", is_yuv=True)
    assert linear_light(signal, "", is_yuv=False) == linear_light(signal, "iec61966-2-1", is_yuv=False)


def test_a_curve_that_is_not_inverted_is_refused_with_another_way() -> None:
    with pytest.raises(
        UnsupportedMedia, match=r"'log100' cannot be made linear here\. Export pictures as PNG"
    ):
        linear_light(np.zeros(1, np.float32), "log100", is_yuv=True)
