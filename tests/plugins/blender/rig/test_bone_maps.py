"""Which bones stand for which joints, by their names alone."""

from __future__ import annotations

import pytest

from tests.plugins.blender.rig.skeletons import mixamo, rigify
from tests.plugins.blender.support.extension import load

bone_names = load("rig.bone_names")
bone_maps = load("rig.bone_maps")


@pytest.mark.parametrize(
    ("name", "stem", "side"),
    [
        ("mixamorig:LeftForeArm", "forearm", "left"),
        ("mixamorig2:RightHandIndex3", "handindex3", "right"),
        ("mixamorig_LeftUpLeg", "upleg", "left"),
        ("DEF-forearm.L", "forearm", "left"),
        ("ORG-heel.02.R", "heel02", "right"),
        ("lip.T.L.001", "lipt001", "left"),
        ("upper_arm_L", "upperarm", "left"),
        ("upper_arm.r", "upperarm", "right"),
        ("l_upperarm", "upperarm", "left"),
        ("L UpperArm", "upperarm", "left"),
        ("Armature|thigh.R", "thigh", "right"),
        ("forearm_left", "forearm", "left"),
        ("calf_r", "calf", "right"),
        ("spine.006", "spine006", ""),
        ("lowerback", "lowerback", ""),
    ],
)
def test_a_bones_name_says_part_and_side(name: str, stem: str, side: str) -> None:
    found = bone_names.parse(name)
    assert (found.stem, found.side) == (stem, side)


def test_machinery_stands_for_nothing() -> None:
    assert bone_names.parse("MCH-forearm.L") is None
    assert bone_names.parse("WGT-hand.L") is None


def test_words_that_all_bones_share_are_left_out() -> None:
    names = [
        "Hero_LeftArm_jnt",
        "Hero_LeftForeArm_jnt",
        "Hero_Head_jnt",
        "Hero_Hips_jnt",
        "Hero_Spine_jnt",
        "root",
    ]
    assert list(bone_names.without_common(names).values()) == [
        "LeftArm", "LeftForeArm", "Head", "Hips", "Spine", "root"
    ]  # fmt: skip


def test_a_layers_mark_is_no_shared_word() -> None:
    names = [f"DEF-{bone}" for bone in ("hand.L", "hand.R", "foot.L", "foot.R")]
    assert list(bone_names.without_common(names)) == names
    assert bone_names.without_common(names)["DEF-hand.L"] == "DEF-hand.L"


@pytest.mark.parametrize(
    ("bones", "family"),
    [
        (rigify(), "Rigify"),
        (rigify("DEF-"), "Rigify"),
        (rigify("ORG-"), "Rigify"),
        (mixamo(), "Mixamo"),
        (mixamo(""), "Mixamo"),
        (mixamo("mixamorig1:"), "Mixamo"),
        (mixamo("Hero_"), "Mixamo"),
    ],
)
def test_all_joints_and_fingers_are_found(bones: dict[str, object], family: str) -> None:
    found = bone_maps.match(bones)
    assert (found.family, found.missing, found.limb_joints) == (family, [], 12)
    fingers = [part for part in found.bones if "finger" in part or "thumb" in part]
    assert len(fingers) == 2 * 5 * 3


def test_unreals_names_are_known() -> None:
    limbs = ("upperarm", "lowerarm", "hand", "thigh", "calf", "foot", "ball", "index_01", "thumb_02")
    names = [f"{limb}_{side}" for limb in limbs for side in "lr"] + ["head", "neck_01", "pelvis", "spine_01"]
    found = bone_maps.match(names)
    assert found.limb_joints == 12
    assert found.get("left_knee") == "calf_l"
    assert found.get("left_forefinger1") == "index_01_l"


def test_of_a_generated_rig_the_bones_that_deform_count() -> None:
    found = bone_maps.match([*rigify("ORG-"), *rigify("DEF-"), *rigify("MCH-"), "head", "hand_ik.L"])
    assert found.get("left_elbow") == "DEF-forearm.L"
    assert found.get("head") == "DEF-spine.006"


def test_twist_bones_are_not_the_joint() -> None:
    found = bone_maps.match([*rigify("DEF-"), "DEF-upper_arm.L.001", "DEF-forearm.L.001"])
    assert found.get("left_shoulder") == "DEF-upper_arm.L"
    assert found.get("left_elbow") == "DEF-forearm.L"


def test_a_mixamo_leg_is_a_shin() -> None:
    assert bone_maps.match(mixamo()).get("left_knee") == "mixamorig:LeftLeg"
    assert bone_maps.match(mixamo()).get("left_hip") == "mixamorig:LeftUpLeg"


def test_what_is_missing_is_told_by_name() -> None:
    names = [name for name in rigify() if not name.startswith(("hand.L", "spine"))]
    assert bone_maps.match(names).missing == ["left wrist", "head"]


def test_a_dog_is_no_performer() -> None:
    assert bone_maps.match(["tail.001", "paw.L", "paw.R", "snout"]).limb_joints < bone_maps.LEAST_JOINTS
