"""A stand-in for the Hub on the loopback: `python -m tests.hub_server SOCKET FOLDER TOKEN=USER ...`.

It is ours and not the Hub: what `huggingface_hub` asks for, answered from git repositories, written after the source of
that client (2.4, Xet off). It shows that our side of the protocol works, not that the Hub agrees; it knows no Xet, no
multipart uploads, no merges but by fast-forward, no organisations, no discussions but pull requests. Repositories lie
in FOLDER/git as the server `olah` reads them, which nobody here wrote.

SOCKET is the number of an inherited socket on 127.0.0.1. FOLDER/requests.log says what was asked for; as long as
FOLDER/mode.json is there, the stand-in misbehaves: `{"down": true}`, or of downloads `{"drop": SEED}` or
`{"kill": PROCESS}`.
"""

import sys
import threading
from pathlib import Path

from tests.hub_server.server import Server

server = Server(int(sys.argv[1]), Path(sys.argv[2]), dict(user.split("=") for user in sys.argv[3:]))
threading.Thread(target=server.serve_forever, daemon=True).start()
print("ready", flush=True)
# It ends with the process that started it, however that one ends.
sys.stdin.read()
