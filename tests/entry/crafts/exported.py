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


def not_a_number(kind):
    """Let the largest tensor hold NaN, as numbers of a kind."""

    def change(model, secret):
        from onnx import numpy_helper

        tensor = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
        value = numpy_helper.to_array(tensor).astype(kind)
        value.flat[-1] = np.nan
        tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))

    return change


def listed_nan(model, secret):
    from onnx import helper

    model.graph.initializer.append(helper.make_tensor("listed", 1, [2], [0.0, float("nan")]))


ONNX = {
    "NaN": (onnx(not_a_number("float32")), "not finite"),
    "NaN in half precision": (onnx(not_a_number("float16")), "not finite"),
    "NaN in a list of floats": (onnx(listed_nan), "not finite"),
    "a tensor in another file": (onnx(external_initializer), "in another file"),
    "a constant in another file": (onnx(external_constant), "in another file"),
    "half a file": (text("model.onnx", "\x3a\x7f"), "it ends within a field"),
}
