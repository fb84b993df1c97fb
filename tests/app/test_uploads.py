"""What comes to the page lies in one folder, or is refused."""

import stat
import zipfile

import pytest

from medzoo.app import uploads
from medzoo.app.uploads import lay_out

# Bytes of an upload, more than any archive here has.
LIMIT = 10_000


@pytest.fixture
def folder(tmp_path):
    """Return an empty folder for an upload."""
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def pack(tmp_path, members, name="a.zip"):
    """Write an archive of names and contents, and return its path."""
    with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return tmp_path / name


def test_files_are_linked_and_where_that_fails_copied(tmp_path, folder, monkeypatch):
    path = tmp_path / "ä scan.png"
    path.write_bytes(b"1")
    lay_out([path], folder, LIMIT)
    assert [file.name for file in folder.iterdir()] == ["ä scan.png"] and (folder / path.name).samefile(path)
    monkeypatch.setattr("os.link", _no_links)
    lay_out([path], folder, LIMIT)
    assert (folder / "2_ä scan.png").read_bytes() == b"1" and not (folder / "2_ä scan.png").samefile(path)


def _no_links(*_):
    raise OSError("no links here")


def test_all_files_together_have_a_limit(tmp_path, folder):
    for name in "ab":
        (tmp_path / name).write_bytes(bytes(60))
    with pytest.raises(ValueError, match="have 120 bytes; at most 100"):
        lay_out([tmp_path / "a", tmp_path / "b"], folder, 100)
    assert not any(folder.iterdir())


def test_an_archive_is_unpacked(tmp_path, folder):
    path = pack(tmp_path, {"study/1.dcm": b"1", "study/2.dcm": b"2", "__MACOSX/._1.dcm": b"x"})
    lay_out([path], folder, LIMIT)
    assert sorted(str(file.relative_to(folder)) for file in folder.rglob("*.dcm")) == ["study/1.dcm", "study/2.dcm"]


def test_slices_of_one_name_in_several_uploads_are_all_kept(tmp_path, folder):
    for place in "ab":
        (tmp_path / place).mkdir()
        (tmp_path / place / "IM1").write_bytes(place.encode())
    lay_out([tmp_path / "a/IM1", tmp_path / "b/IM1"], folder, LIMIT)
    assert {path.read_bytes() for path in folder.iterdir()} == {b"a", b"b"}


@pytest.mark.parametrize(
    "name", ["../evil.png", "a/../../evil.png", "/etc/evil.png", "..\\evil.png", "C:\\evil.png", "C:evil.png"]
)
def test_a_path_out_of_the_archive_is_refused(tmp_path, folder, name):
    with pytest.raises(ValueError, match="leads out of the archive"):
        lay_out([pack(tmp_path, {"good.png": b"1", name: b"2"})], folder, LIMIT)
    assert not any(folder.iterdir()) and not (tmp_path / "evil.png").exists()


def test_links_are_refused(tmp_path, folder):
    link = zipfile.ZipInfo("passwd")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(ValueError, match="a link or a device"):
        lay_out([pack(tmp_path, {link: b"/etc/passwd"})], folder, LIMIT)


@pytest.mark.parametrize("name", ["inner.zip", "inner.tar", "volume.gz"])
def test_archives_in_archives_are_refused(tmp_path, folder, name):
    with pytest.raises(ValueError, match="itself an archive"):
        lay_out([pack(tmp_path, {name: b"1"})], folder, LIMIT)


def test_compressed_nifti_is_no_archive(tmp_path, folder):
    lay_out([pack(tmp_path, {"volume.nii.gz": b"1"})], folder, LIMIT)
    assert (folder / "volume.nii.gz").exists()


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, folder):
    with pytest.raises(ValueError, match=r"unpacks to 1,000,000 bytes; at most 80,000"):
        lay_out([pack(tmp_path, {"zeros.dcm": bytes(1_000_000)})], folder, LIMIT)
    assert not any(folder.iterdir())


def test_an_archive_that_lies_about_sizes_is_refused(tmp_path, folder):
    path = pack(tmp_path, {"zeros.dcm": bytes(100_000)})
    content = path.read_bytes()
    path.write_bytes(content.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(ValueError, match=r"a\.zip"):
        lay_out([path], folder, LIMIT)
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) <= 8 * LIMIT


def test_too_many_files_are_refused(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_FILES", 3)
    with pytest.raises(ValueError, match="holds 4 files; at most 3"):
        lay_out([pack(tmp_path, {f"{number}.dcm": b"" for number in range(4)})], folder, LIMIT)


def test_passwords_damage_and_emptiness_are_told(tmp_path, folder):
    path = pack(tmp_path, {"a.dcm": b"1"})
    content = bytearray(path.read_bytes())
    for place in (content.find(b"PK\x03\x04") + 6, content.find(b"PK\x01\x02") + 8):
        content[place] |= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="has a password"):
        lay_out([path], folder, LIMIT)
    (tmp_path / "b.zip").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"b\.zip cannot be unpacked"):
        lay_out([tmp_path / "b.zip"], folder, LIMIT)
    with pytest.raises(ValueError, match="holds no files"):
        lay_out([pack(tmp_path, {"__MACOSX/x": b""}, "c.zip")], folder, LIMIT)
    with pytest.raises(ValueError, match="No file came"):
        lay_out([], folder, LIMIT)
