"""What one user of the page sent is nobody else's, and is deleted."""

import json
import os
import shutil

import cv2
import nibabel
import numpy as np
import pytest

from medzoo.app.sessions import Sessions, told
from medzoo.data.synthetic import make_scan
from tests.io.test_dicom_segmentation import write_series

MODEL = "brain-tumor-box-unet"


@pytest.fixture
def picture(tmp_path):
    """Return the path of a head scan, as it lies after an upload."""
    cv2.imwrite(str(tmp_path / "head.png"), make_scan()[0])
    return str(tmp_path / "head.png")


def test_a_picture_is_answered_and_its_files_are_there(tmp_path, picture):
    sessions = Sessions(tmp_path / "s")
    session = sessions.of("anna")
    session.receive([picture], 10**6)
    session.predict(MODEL)
    session.write_files("de")
    assert session.names == ["head.png"] and session.view is not None
    assert set(session.files) == {"mask", "json", "pdf"} and session.files["pdf"].name == "head_de.pdf"
    assert sessions.file(session.token, "mask") == session.files["mask"]
    assert sessions.file(session.token, "../head.png") is None and sessions.file("0" * 32, "mask") is None
    assert json.loads(session.files["json"].read_text())["source"] == "head"
    assert "Nur für die Forschung" in session.words("de").ui["notice"]


def test_users_do_not_share_files_and_nothing_is_left(tmp_path, picture):
    sessions = Sessions(tmp_path / "s")
    anna, ben = sessions.of("anna"), sessions.of("ben")
    shutil.copy(picture, tmp_path / "other.png")
    anna.receive([picture], 10**6)
    ben.receive([str(tmp_path / "other.png")], 10**6)
    anna.predict(MODEL)
    ben.predict(MODEL)
    ben.write_files("en")
    assert anna.names == ["head.png"] and ben.names == ["other.png"] and anna.token != ben.token
    token = ben.token
    sessions.close("ben")
    assert sessions.file(token, "mask") is None and sessions.of("anna") is anna
    sessions.close("anna")
    assert not any((tmp_path / "s").iterdir())


def test_two_users_may_drop_the_same_file_at_once(tmp_path, picture):
    sessions = Sessions(tmp_path / "s")
    anna, ben = sessions.of("anna"), sessions.of("ben")
    anna.receive([picture], 10**6)
    ben.receive([picture], 10**6)
    anna.close()
    ben.predict(MODEL)
    assert ben.names == ["head.png"] and not os.path.exists(picture)
    ben.close()


def test_a_file_that_another_user_dropped_since_stays_for_them(tmp_path, picture):
    anna = Sessions(tmp_path / "s").of("anna")
    anna.receive([picture], 10**6)
    shutil.copy(picture, tmp_path / "again.png")
    os.replace(tmp_path / "again.png", picture)
    anna.close()
    assert os.path.exists(picture)


def test_what_was_refused_is_deleted_too(tmp_path):
    path = tmp_path / "broken.zip"
    path.write_bytes(b"no archive")
    anna = Sessions(tmp_path / "s").of("anna")
    assert "cannot be unpacked" in told(lambda: anna.receive([str(path)], 10**6))
    anna.close()
    assert not path.exists()


def test_another_model_answers_the_scan_that_came(tmp_path, picture):
    session = Sessions(tmp_path / "s").of("anna")
    session.receive([picture], 10**6)
    for model in (MODEL, "breast-ultrasound-cnn"):
        session.predict(model)
        session.write_files("en")
    assert "mask" not in session.files and session.view.layers == {}


def test_scans_of_several_files_can_be_chosen(tmp_path, picture):
    shutil.copy(picture, tmp_path / "second.png")
    session = Sessions(tmp_path / "s").of("anna")
    session.receive([picture, str(tmp_path / "second.png")], 10**6)
    session.predict(MODEL, 1)
    assert session.names == ["head.png", "second.png"] and session.prediction.name == "second"


def test_an_error_is_a_sentence_without_a_path_of_the_machine(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    session = Sessions(tmp_path / "s").of("anna")
    session.receive([str(tmp_path / "text.png")], 10**6)
    text = told(lambda: session.predict(MODEL))
    assert text.startswith("text.png ") and str(tmp_path) not in text and "/" not in text
    assert session.view is None and not session.files


def test_a_picture_on_a_model_of_volumes_and_no_scan_at_all_are_told(tmp_path, picture):
    session = Sessions(tmp_path / "s").of("anna")
    assert "Drop a file first" in told(lambda: session.predict(MODEL))
    nibabel.Nifti1Image(np.zeros((4, 4, 4), "int16"), np.eye(4)).to_filename(tmp_path / "v.nii.gz")
    session.receive([str(tmp_path / "v.nii.gz")], 10**6)
    assert "v.nii.gz is a volume of 4 slices" in told(lambda: session.predict("breast-ultrasound-cnn"))


def test_a_fault_of_the_program_says_nothing_of_it(caplog):
    def broken():
        raise KeyError("secret")

    assert "log of the server" in told(broken) and "secret" not in told(broken)
    assert "secret" in caplog.text


def test_a_dicom_series_also_gets_a_segmentation(tmp_path):
    pytest.importorskip("highdicom")
    scan = write_series(tmp_path / "ct")
    session = Sessions(tmp_path / "s").of("anna")
    session.receive([file for file, _ in scan.frames], 10**6)
    session.predict(MODEL)
    session.write_files("en")
    assert set(session.files) == {"mask", "seg", "json", "pdf"} and session.files["seg"].is_file()
