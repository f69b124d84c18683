"""Makes the recording that `rocket demo` sends, out of the requests of a real Moodle.

The source is a file of tests/fixtures/moodle/; kept are the bodies, byte for byte in the order of their
arrival, and their content type. Host names, addresses and tokens of the recording stay behind. The same
source gives the same file.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

ROOT = Path(__file__).parent.parent
STREAM = ROOT / "tests" / "fixtures" / "moodle" / "stream.rich-template.jsonl"
RECORDING = ROOT / "src" / "rocket_server" / "demo" / "morning.jsonl.gz"


def recording(stream: str) -> bytes:
    """The bundled form of recorded requests, one JSON object a line. Those that were refused are left out."""
    lines = []
    for line in stream.splitlines():
        request = json.loads(line)
        if request["method"] == "POST" and request["answered"] == 200:
            kept = {"content_type": request["headers"]["Content-Type"], "body": request["body"]}
            lines.append(json.dumps(kept, ensure_ascii=False) + "\n")
    # Without a time in its head, so that the file only changes when its content does.
    return gzip.compress("".join(lines).encode(), compresslevel=9, mtime=0)


def main() -> None:
    content = recording(STREAM.read_text(encoding="utf-8"))
    RECORDING.write_bytes(content)
    print(f"{RECORDING.relative_to(ROOT)}: {len(content)} bytes")


if __name__ == "__main__":
    main()
