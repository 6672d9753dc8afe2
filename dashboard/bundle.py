#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bundle.py ESBUILD SOURCE OUT DEPFILE: the dashboard's files, bundled, compressed, as initializers of C's (src/api/drover/dashboard.c)."""
from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
from pathlib import Path

ROW = 32  # bytes of a line
ENTRIES = ("src/main.js", "src/style.css", "src/icon.svg", "src/console/console.js", "src/console/console.css", "src/console/terminal.js")
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


def bundle(esbuild: str, entry: Path) -> bytes:
    options = ["--bundle", "--minify", "--target=es2022", "--format=esm", "--charset=utf8", "--legal-comments=inline", "--log-level=warning"]
    return subprocess.run([esbuild, str(entry), *options], check=True, stdout=subprocess.PIPE).stdout


def row(name: str, type_: str, data: bytes) -> str:
    packed = gzip.compress(data, 9, mtime=0)  # the same input, the same bytes
    lines = ["".join(f"\\{byte:03o}" for byte in packed[at:at + ROW]) for at in range(0, len(packed), ROW)]
    text = "\n".join(f'\t\t"{line}"' for line in lines)
    return f'\t{{ "{name}", "{type_}",\n{text},\n\t  {len(packed)} }},\n'


def main(esbuild: str, source: str, out: str, depfile: str) -> None:
    folder = Path(source)
    rows, pages = "", {name: (folder / name).read_text() for name in ("index.html", "console.html")}
    for entry in ENTRIES:
        type_ = TYPES[Path(entry).suffix]
        data = (folder / entry).read_bytes() if entry.endswith(".svg") else bundle(esbuild, folder / entry)
        stem, suffix = Path(entry).stem, Path(entry).suffix
        name = f"{stem}-{hashlib.sha256(data).hexdigest()[:10]}{suffix}"
        pages = {page: text.replace(f"@{stem}{suffix}@", f"/dashboard/static/{name}") for page, text in pages.items()}
        rows += row(name, type_, data)
    for page, text in pages.items():
        rows += row(page, "text/html; charset=utf-8", text.encode())
    Path(out).write_text(rows)
    files = sorted(str(path) for path in [*folder.rglob("*"), folder.parent / "src/console/page/again.js"] if path.is_file())
    Path(depfile).write_text(f"{out}: {' '.join(files)}\n")


main(*sys.argv[1:])
