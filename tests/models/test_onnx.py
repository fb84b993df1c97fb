"""Networks as ONNX give the answer of Keras."""

import keras
import numpy as np
import pytest

from medzoo.models import build
from medzoo.zoo.export import export_onnx

if keras.backend.backend() != "tensorflow":
    pytest.skip("The export runs in TensorFlow.", allow_module_level=True)
pytest.importorskip("tf2onnx")
onnxruntime = pytest.importorskip("onnxruntime")

TINY = {"name": "resnet10", "width_per_group": 4}
# Groups need a bottleneck, of which 50 layers are the fewest.
GROUPED = {"name": "resnext50", "groups": 8, "width_per_group": 1}
NETWORKS = {
    "unet": ({"name": "unet", "encoder": {"name": "residual", "filters": (4, 8)}}, (16, 16, 2)),
    "resunet_plus_plus": ({"name": "resunet_plus_plus", "filters": (8, 8, 16)}, (16, 16, 1)),
    "grouped": ({"name": "classifier", "encoder": GROUPED, "hidden": (4,)}, (32, 32, 1)),
    "dilated volumes": ({"name": "unet", "encoder": TINY}, (16, 16, 16, 1)),
}


@pytest.mark.parametrize("case", NETWORKS)
def test_exported_network_gives_the_same_answer(case, tmp_path):
    builder, shape = NETWORKS[case]
    keras.utils.set_random_seed(0)
    network = build(builder, shape, 2, "linear")
    images = np.random.default_rng(0).random((1, *shape), np.float32)
    export_onnx(network, tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    answer = session.run(None, {session.get_inputs()[0].name: images})[0]
    expected = network.predict_on_batch(images)
    assert expected.std() > 1e-3
    assert answer == pytest.approx(expected, rel=1e-3, abs=1e-3)
