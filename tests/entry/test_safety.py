"""What the checks of the files of an entry let through, and the files of estimators that they refuse."""

import io
import json
import struct
import zipfile

import keras
import numpy as np
import pytest
from keras import layers

from medzoo.entry.safety import check_files
from medzoo.entry.safety.network import REFUSED, check_network, check_size
from medzoo.errors import IntegrityError
from medzoo.models import BUILDERS, build

ENCODER = {"name": "plain", "filters": (4, 4)}
# What keeps a builder small.
ARGUMENTS = {
    "resunet_plus_plus": {"filters": (8, 8, 8)},
    "ensemble": {"members": 2, "of": {"name": "classifier", "encoder": ENCODER}},
}


def write_config(network, folder):
    (folder / "config.json").write_text(json.dumps(keras.saving.serialize_keras_object(network)))
    return folder / "config.json"


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("shape", [(16, 16, 1), (8, 16, 16, 1)], ids=["image", "volume"])
def test_networks_of_every_builder_are_let_through(name, shape, tmp_path):
    network = build({"name": name, **ARGUMENTS.get(name, {"encoder": ENCODER})}, shape, 1, "sigmoid")
    path = write_config(network, tmp_path)
    check_size(path, check_network(path), network.count_params())


def test_other_stock_layers_are_let_through(tmp_path):
    image = keras.Input((4, 4, 2), name="image")
    x = layers.SeparableConv2D(3, 3, padding="same", activation="swish")(image)
    x = layers.Reshape((16, 3))(layers.RandomFlip(seed=1)(layers.Rescaling(2.0)(x)))
    x = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(layers.MultiHeadAttention(2, 4)(x, x))
    x = layers.TimeDistributed(layers.Dense(3, kernel_regularizer="l2", kernel_constraint="non_neg"))(x)
    network = keras.Model(image, keras.Sequential([layers.Flatten(), layers.PReLU(), layers.Dense(1)])(x))
    path = write_config(network, tmp_path)
    check_size(path, check_network(path), network.count_params())


def test_every_refused_layer_is_one_of_keras():
    assert set(REFUSED) <= set(dir(layers))


def test_checking_a_network_makes_no_values_then_or_later(tmp_path, monkeypatch):
    image = keras.Input((4,), name="image")
    path = write_config(keras.Model(image, layers.Dense(2, kernel_initializer="ones")(image)), tmp_path)
    config = check_network(path)
    monkeypatch.setattr(keras.initializers.Ones, "__call__", lambda *_, **__: pytest.fail("values were made"))
    check_size(path, config, 10)
    # At the end of such a scope Keras gives values to all that has none.
    with keras.StatelessScope():
        pass


def protobuf(number, value):
    """Return a field with a text in it; the key and the length are written longer than need be."""
    return b"".join(bytes([n & 0x7F | 0x80, n >> 7 | 0x80, 0]) for n in (number << 3 | 2, len(value))) + value


def test_an_external_tensor_is_found_however_its_numbers_are_written(tmp_path):
    tensor = protobuf(13, protobuf(1, b"location") + protobuf(2, b"weights"))
    (tmp_path / "model.onnx").write_bytes(protobuf(7, protobuf(5, tensor)))
    with pytest.raises(IntegrityError, match=r"model\.onnx .*another file"):
        check_files(tmp_path, ["model.onnx"])


def test_a_layer_may_be_called_dislocation(tmp_path):
    tensor = protobuf(8, b"dislocation external_data location data_location") + protobuf(9, b"\x6a\x00")
    (tmp_path / "model.onnx").write_bytes(protobuf(7, protobuf(5, tensor) + protobuf(2, b"dislocation")))
    check_files(tmp_path, ["model.onnx"])


def test_a_file_that_no_entry_holds_is_refused(tmp_path):
    with pytest.raises(IntegrityError, match=r"'model\.pkl' is no file that a zoo entry may hold"):
        check_files(tmp_path, ["model.pkl"])


def test_a_large_card_is_refused_before_it_is_read(tmp_path):
    with open(tmp_path / "README.md", "wb") as file:
        file.truncate(2_000_000)
    with pytest.raises(IntegrityError, match=r"README\.md is too large: expected at most 1,000,000 bytes"):
        check_files(tmp_path, ["README.md"])


@pytest.mark.parametrize(
    ("member", "content", "message"),
    [
        ("1.npy", npy(np.zeros(3))[:-1], "not as large as its shape"),
        ("1.npy", npy(np.zeros(3, "V0")), "not as large as its shape"),
        ("1.npy", b"\x93NUMPY\x03\x00", "of a version"),
        ("code.py", b"", "code.py"),
        ("schema.json", b"[" * 5_000, "nested too deep"),
    ],
)
def test_an_estimator_with_other_members_is_refused(member, content, message, tmp_path):
    with zipfile.ZipFile(tmp_path / "estimator.skops", "w") as archive:
        archive.writestr(member, content)
    with pytest.raises(IntegrityError, match=rf"estimator\.skops.*{message}"):
        check_files(tmp_path, ["estimator.skops"])


@pytest.fixture(scope="module")
def booster(tmp_path_factory):
    """A model of XGBoost with three small trees."""
    xgboost = pytest.importorskip("xgboost")
    path = tmp_path_factory.mktemp("booster") / "estimator.ubj"
    features = np.random.default_rng(0).random((50, 4))
    model = xgboost.XGBClassifier(n_estimators=3, max_depth=3, n_jobs=1).fit(features, features[:, 0] > 0.5)
    model.save_model(path)
    return path.read_bytes()


# Where a model of three trees says which label the first of them is for.
FIRST_LABEL = b"tree_info[#L" + struct.pack(">q", 3) + b"i"

LEAF_SIZE = b"size_leaf_vectorSL" + struct.pack(">q", 1)


def replaced(name, value):
    """Change the 32-bit numbers of all arrays of a name."""

    def change(data):
        parts = data.split(name + b"[$l#L")
        for index, part in enumerate(parts[1:], 1):
            (count,) = struct.unpack(">q", part[:8])
            parts[index] = part[:8] + struct.pack(">i", value) * count + part[8 + 4 * count :]
        return (name + b"[$l#L").join(parts)

    return change


def test_an_estimator_of_xgboost_is_let_through(booster, tmp_path):
    (tmp_path / "estimator.ubj").write_bytes(booster)
    check_files(tmp_path, ["estimator.ubj"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (replaced(b"left_children", 99_999_999), "a damaged tree"),
        (replaced(b"right_children", 0), "a damaged tree"),
        (replaced(b"left_children", 1), "a damaged tree"),
        (replaced(b"split_indices", 2_000_000_000), "a damaged tree"),
        (replaced(b"parents", 55_040), "a damaged tree"),
        (lambda data: data.replace(LEAF_SIZE + b"1", LEAF_SIZE + b"3"), "a damaged tree"),
        (
            lambda data: data.replace(b"tree_info[#L\0\0\0\0\0\0\0\x03i\0", b"tree_info[#L\0\0\0\0\0\0\0\x03i\x63"),
            "label",
        ),
        (lambda data: data.replace(b"gbtree", b"dancer"), "no model of XGBoost|'dancer'"),
        (lambda data: b"{L" + struct.pack(">q", 1) + b"a" + b"[" * 100_000, "nested too deep"),
        (lambda data: b"{L" + struct.pack(">q", 1) + b"aSL" + struct.pack(">q", 2**40), "a length of"),
        (lambda data: b"{L" + struct.pack(">q", 1) + b"a[$d#L" + struct.pack(">q", 2**40), "a length of"),
        (lambda data: data[: len(data) // 2], "no model of XGBoost"),
        (lambda data: b"", "no model of XGBoost"),
    ],
)
def test_a_booster_that_would_read_foreign_memory_is_refused(booster, change, message, tmp_path):
    changed = change(booster)
    assert changed != booster
    (tmp_path / "estimator.ubj").write_bytes(changed)
    with pytest.raises(IntegrityError, match=rf"estimator\.ubj.*({message})"):
        check_files(tmp_path, ["estimator.ubj"])
