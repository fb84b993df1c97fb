import os
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from medzoo.weights.checkpoints import read_checkpoint

TENSORS = {"conv1.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "bn1.num_batches_tracked": np.array(7)}


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.fixture
def torch_tensors(torch):
    return {name: torch.from_numpy(array) for name, array in TENSORS.items()}


def assert_are_the_tensors(read):
    assert read.keys() == TENSORS.keys()
    for name, array in TENSORS.items():
        assert np.array_equal(read[name], array)
        assert read[name].dtype == np.float32


def test_safetensors_are_read_without_torch(tmp_path):
    save_file(TENSORS, tmp_path / "model.safetensors")
    assert_are_the_tensors(read_checkpoint(tmp_path / "model.safetensors"))


def test_file_of_another_kind_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"Expected a file of these: .pth, .pt, .safetensors. Received: .*model.bin"):
        read_checkpoint(tmp_path / "model.bin")


def test_half_precision_becomes_float32(tmp_path):
    save_file({"weight": np.ones(2, np.float16)}, tmp_path / "model.safetensors")
    assert read_checkpoint(tmp_path / "model.safetensors")["weight"].dtype == np.float32


@pytest.mark.parametrize("content", [b"", b"<html>Not found</html>", b"\x10\0\0\0\0\0\0\0{}"])
def test_file_that_is_no_safetensors_is_named(tmp_path, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="model.safetensors is not read as a safetensors file"):
        read_checkpoint(path)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("suffix", [".pth", ".pt"])
@pytest.mark.parametrize("words", [(), ("state_dict",), ("model_state_dict",), ("model",), ("model", "state_dict")])
def test_torch_file_is_read_bare_or_wrapped_in_both_formats(torch, torch_tensors, tmp_path, words, suffix, legacy):
    content = torch_tensors
    for word in words:
        content = {"epoch": 9, word: content}
    path = (tmp_path / "model").with_suffix(suffix)
    # MedicalNet's files are of the format of torch before 1.6.
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    assert_are_the_tensors(read_checkpoint(path))


class Code:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_pickle_with_code_is_refused_and_not_run(torch, torch_tensors, tmp_path):
    torch.save({**torch_tensors, "extra": Code(tmp_path / "was_here")}, tmp_path / "model.pth")
    with pytest.raises(
        ValueError, match=r"model.pth is not read .* GLOBAL \S*mkdir.* a pickle can run code"
    ) as refused:
        read_checkpoint(tmp_path / "model.pth")
    assert "\n" not in str(refused.value)
    assert "weights_only" not in str(refused.value)
    assert not (tmp_path / "was_here").exists()


@pytest.mark.parametrize("content", [b"", b"hello world", b"<html>Not found</html>"])
def test_file_that_is_no_pth_is_named_in_one_line(torch, tmp_path, content):
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"model.pth is not read as a torch checkpoint: .+\. Expected") as refused:
        read_checkpoint(path)
    assert "\n" not in str(refused.value)


def test_half_downloaded_pth_is_refused(torch, torch_tensors, tmp_path):
    torch.save(torch_tensors, tmp_path / "model.pth")
    content = (tmp_path / "model.pth").read_bytes()
    (tmp_path / "model.pth").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="model.pth is not read as a torch checkpoint"):
        read_checkpoint(tmp_path / "model.pth")


def test_pth_without_names_is_refused(torch, tmp_path):
    torch.save([torch.zeros(2)], tmp_path / "model.pth")
    with pytest.raises(ValueError, match="expected tensors by name. Received: list"):
        read_checkpoint(tmp_path / "model.pth")


def test_pth_with_other_things_than_tensors_is_refused(torch, tmp_path):
    torch.save({"epoch": 3}, tmp_path / "model.pth")
    with pytest.raises(ValueError, match="expected a tensor as 'epoch'. Received: int"):
        read_checkpoint(tmp_path / "model.pth")


def test_pth_without_torch_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"pip install \"medzoo\[convert\]\""):
        read_checkpoint(tmp_path / "model.pth")
