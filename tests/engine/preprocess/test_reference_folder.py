from understudy_engine.preprocess.reference_folder import read_reference_folder
from understudy_engine.types import PassFiles


def test_the_references_files_become_passes(tmp_path):
    for name in ("src_pose.mp4", "src_face.mp4", "src_ref.png", "src_bg.mp4", "src_mask.mp4"):
        (tmp_path / name).touch()
    found = read_reference_folder(tmp_path)
    assert found is not None
    assert found.character == tmp_path / "src_ref.png"
    assert found.passes == PassFiles(
        pose=tmp_path / "src_pose.mp4",
        face=tmp_path / "src_face.mp4",
        matte=tmp_path / "src_mask.mp4",
        background=tmp_path / "src_bg.mp4",
    )


def test_animates_folder_has_no_matte_and_may_hold_picture_folders(tmp_path):
    (tmp_path / "src_pose").mkdir()
    found = read_reference_folder(tmp_path)
    assert found is not None
    assert found.passes == PassFiles(pose=tmp_path / "src_pose")
    assert found.character is None


def test_any_other_folder_is_none(tmp_path):
    (tmp_path / "src_ref.png").touch()
    assert read_reference_folder(tmp_path) is None
    assert read_reference_folder(tmp_path / "absent") is None
