"""Exported networks whose numbers are elsewhere."""

import numpy as np

from tests.entry.crafts.sealing import seal, text


def onnx(change):
    """An exported network that `change` changed."""

    def craft(folder, secret, marker):
        import onnx

        secret.write_bytes(bytes(1_000_000))
        model = onnx.load(folder / "model.onnx")
        change(model, secret)
        (folder / "model.onnx").write_bytes(model.SerializeToString())
        seal(folder)

    return craft


def elsewhere(tensor, secret):
    """Let a tensor have its numbers in another file."""
    tensor.data_location = type(tensor).EXTERNAL
    for key, value in (("location", str(secret)), ("offset", "0"), ("length", "4")):
        tensor.external_data.add(key=key, value=value)
    tensor.ClearField("raw_data")


def external_initializer(model, secret):
    elsewhere(model.graph.initializer[0], secret)


def external_constant(model, secret):
    from onnx import helper, numpy_helper

    tensor = numpy_helper.from_array(np.zeros(1, "float32"), "constant")
    elsewhere(tensor, secret)
    model.graph.node.append(helper.make_node("Constant", [], ["unused"], value=tensor))


ONNX = {
    "a tensor in another file": (onnx(external_initializer), "in another file"),
    "a constant in another file": (onnx(external_constant), "in another file"),
    "half a file": (text("model.onnx", "\x3a\x7f"), "it ends within a field"),
}
