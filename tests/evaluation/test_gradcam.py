import numpy as np
import pytest

from medzoo.evaluation.gradcam.maps import METHODS, grad_cam, grad_cam_plus_plus

SHAPES = [(2, 3, 4, 5), (2, 3, 4, 2, 5)]


def draw(shape):
    numbers = np.random.default_rng(0)
    return numbers.random(shape), numbers.standard_normal(shape)


def weigh(features, weights):
    """ReLU of the sum over channels k of weights[k] * features[..., k]."""
    return np.maximum(sum(weights[k] * features[..., k] for k in range(features.shape[-1])), 0)


@pytest.mark.parametrize("shape", SHAPES)
def test_grad_cam_is_the_formula_of_its_paper(shape):
    activation, gradient = draw(shape)
    for case, evidence in enumerate(grad_cam(activation, gradient)):
        weights = [gradient[case, ..., k].mean() for k in range(shape[-1])]
        np.testing.assert_allclose(evidence, weigh(activation[case], weights))


@pytest.mark.parametrize("shape", SHAPES)
def test_grad_cam_plus_plus_is_the_formula_of_its_paper(shape):
    activation, gradient = draw(shape)
    for case, evidence in enumerate(grad_cam_plus_plus(activation, gradient)):
        weights = []
        for k in range(shape[-1]):
            total = activation[case, ..., k].sum()
            weights.append(sum(g**2 / (2 * g**2 + total * g**3) * max(g, 0) for g in gradient[case, ..., k].ravel()))
        np.testing.assert_allclose(evidence, weigh(activation[case], weights))


@pytest.mark.parametrize("method", METHODS)
def test_evidence_against_is_zero(method):
    activation, gradient = draw(SHAPES[0])
    assert not METHODS[method](activation, -np.abs(gradient)).any()


@pytest.mark.parametrize("method", METHODS)
def test_no_gradient_is_no_evidence(method):
    activation, gradient = draw(SHAPES[0])
    assert not METHODS[method](activation, 0 * gradient).any()


def test_only_plus_plus_keeps_a_feature_that_speaks_at_one_place_and_against_at_another():
    activation = np.ones((1, 1, 2, 1))
    gradient = np.array([1.0, -1.0]).reshape(activation.shape)
    assert not grad_cam(activation, gradient).any()
    assert grad_cam_plus_plus(activation, gradient).all()
