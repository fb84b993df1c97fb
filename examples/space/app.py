"""The page of `medzoo app` as a Space of the Hugging Face Hub."""

import os

from medzoo.app.serve import run

run(host="0.0.0.0", port=int(os.environ.get("GRADIO_SERVER_PORT", "7860")), max_upload=200)
