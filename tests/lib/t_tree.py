#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Rules of docs/HACKING.md that a look at the files can prove."""
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tap
from modules import Modules, defines

ROOT = Path(__file__).resolve().parents[2]
# a folder includes itself and what is lower
LAYERS = {"base": 0, "store": 1, "hv": 1, "net": 1, "identity": 2, "fleet": 2, "fence": 3, "check": 3, "task": 3, "ha": 4, "move": 4, "live": 5, "cold": 5, "evacuate": 5, "power": 5, "plan": 6, "console": 6, "api": 7, "manage": 7}
PROGRAMS = 8  # the main files, in src itself
# The API reads the kinds' tables (task/kind.h) and includes none of their folders.
KINDS = ("live", "cold", "evacuate", "power")
# Folders of src/hv and what of it each may include; "" is src/hv itself, and None is what lies outside
HV = {"": {""}, "xml": {"", "xml"}, "libvirt": {"", "xml", "libvirt"}, "sim": {"", "xml", "sim"}, None: {"", "xml"}}
# What the sub-folders of a folder include of each other. They may become less, never more: what several need belongs into the lowest.
INSIDE = {
    "api": {"http": [], "identity": ["http"], "image": ["http"], "network": ["http"], "baremetal": ["http"], "compute": ["http", "network"], "drover": ["http", "compute"]},
}
LINES_MAX = 1200
# Tests wait for states, the clock is the tests' own, and speed is measured in bench/. What is listed may become less, never more.
WAITS = {
    r"\b(?:g_usleep|usleep|nanosleep|sleep)\s*\(|\btime\.sleep\b|^\s*sleep\s|[;&|]\s*sleep\s|\bdo sleep\s": {
        "tests/lib/wait.py": (1, "wait_for() asks again"),
        "tests/hv/reset": (1, "asks a new libvirtd until it answers"),
        "lab/test": (1, "asks libvirt until its measurement is over"),
        "demo": (1, "reads the log until it has the line"),
        "lab/agent.c": (2, "the guest's own ticks"),
    },
    r"\b(?:g_get_monotonic_time|clock_gettime|time\.monotonic|time\.time|perf_counter|process_time)\b|\bdate \+%s": {
        "tests/lib/wait.py": (4, "finds what hangs"),
        "tests/lib/collect.py": (4, "tells how long programs took"),
        "tests/unit/t_http.c": (3, "finds what hangs"),
        "tests/unit/t_loop.c": (1, "lets the loop stand"),
        "tests/store/t_store.c": (2, "with -m perf only"),
        "tests/sweep/sweep.c": (2, "tells how long it took"),
        "lab/test": (2, "a limited link is never faster than its limit"),
        "lab/agent.c": (2, "the guest's own ticks"),
        "lab/wire.c": (1, "delays frames"),
        "lab/init.c": (1, "tells how long the boot took"),
        "lab/heartbeat.c": (1, "measures gaps, which is for the notes of tests"),
    },
    r"(?:_ms|_seconds|_s)[\"']\] *[<>]|clock_now_ms\(\) - \w+, *[<>]": {},
}
# The subject is the client, the host or the migration (docs/HACKING.md); no words carried over from another language.
WORDS = re.compile(r"(?<!@)\b(?:who|whoever|whom|nobody|somebody|anybody|everybody|anew|he|him|his|himself|for ever)\b", re.IGNORECASE)
PACKAGES = ("glib-2.0", "gio-2.0", "gio-unix-2.0", "jansson", "libvirt", "libxml-2.0", "libcurl", "sqlite3", "libpq", "openssl")


def files(*patterns: str) -> list[Path]:
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern))


def layer_of(path: Path) -> int:
    folder = path.relative_to(ROOT / "src").parts
    return LAYERS[folder[0]] if len(folder) > 1 else PROGRAMS


def wrong_includes(path: Path) -> list[str]:
    wrong = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+"([a-z]+)/', line)
        if not match or match[1] not in LAYERS:
            continue
        folder = path.relative_to(ROOT / "src").parts[0]
        if match[1] != folder and LAYERS[match[1]] >= layer_of(path):
            wrong.append(f"{path.relative_to(ROOT)}:{number}: {folder} may not include {match[1]}")
    return wrong


def test_layers(t: tap.Tap) -> None:
    wrong = [line for path in files("src/**/*.[ch]") for line in wrong_includes(path)]
    t.ok(not wrong, "a file includes its own layer and lower ones", "\n".join(wrong))


def test_api_kinds(t: tap.Tap) -> None:
    wrong = [f"{path.relative_to(ROOT)} may not include {kind}: its row in the kind's table says it" for path in files("src/api/**/*.[ch]")
             for kind in re.findall(rf'^\s*#\s*include\s+"({"|".join(KINDS)})/', path.read_text(), re.M)]
    t.ok(not wrong, "the API includes no kind of task", "\n".join(wrong))


def test_inside(t: tap.Tap) -> None:
    used = {(*path.relative_to(ROOT / "src").parts[:2], other) for folder in INSIDE for path in files(f"src/{folder}/*/*.[ch]")
            for other in re.findall(rf'^\s*#\s*include\s+"{folder}/(?:([a-z0-9]+)/)?[a-z0-9_]+\.h"', path.read_text(), re.M)}
    used = {(folder, sub, other) for folder, sub, other in used if sub != other}
    may = {(folder, sub, other) for folder, subs in INSIDE.items() for sub, others in subs.items() for other in others}
    wrong = [f"{folder}/{sub} may not include {folder}/{other}" for folder, sub, other in sorted(used - may)]
    wrong += [f"{folder}/{sub} includes {folder}/{other} no more: take it out" for folder, sub, other in sorted(may - used)]
    t.ok(not wrong, "a sub-folder includes itself and those that it may", "\n".join(wrong))


def test_defines(t: tap.Tap) -> None:
    cases = {
        "int f(void)\n{\n": ["f"],
        "static int f(void)\n{\n": [],
        "const char *f(int a,\n\t      int b)\n{\n": ["f"],
        "GHashTable *f(void)\n{\n": ["f"],
        "GQuark f(void)\n{\n": ["f"],
        "json_t *f(void);\n": [],
        "FITS(has_id, s->id)\n\nbool f(void)\n{\n": ["f"],
        "int g = 1;\nstruct s f(struct s a)\n{\n": ["f"],
    }
    wrong = [f"{text!r}: {defines(text)}, want {want}" for text, want in cases.items() if defines(text) != want]
    t.ok(not wrong, "functions are known by their definitions", "\n".join(wrong))


def test_circles(t: tap.Tap) -> None:
    modules = Modules(ROOT)
    wrong = modules.wrong_circles()
    t.ok(not wrong, "no module needs one that needs it", "\n".join(wrong))
    wrong = modules.wrong_headers()
    t.ok(not wrong, "each module has a header of its own, but for those listed", "\n".join(wrong))


def hv_folder(path: Path) -> str | None:
    parts = path.relative_to(ROOT / "src").parts
    return "/".join(parts[1:-1]) if parts[0] == "hv" else None


def test_hv(t: tap.Tap) -> None:
    """The implementations of the hypervisor seam meet in it alone, and nothing but the program knows them."""
    wrong = [f"{path.relative_to(ROOT)}: {match[0]}" for path in files("src/*/**/*.[ch]")
             for match in re.finditer(r'#\s*include\s+"hv/(?:([a-z]+)/)?[a-z_]+\.h"', path.read_text()) if (match[1] or "") not in HV[hv_folder(path)]]
    t.ok(not wrong, "hv: libvirt and the simulator know hv and xml, and nothing else knows them", "\n".join(wrong))


def test_headers(t: tap.Tap) -> None:
    flags = subprocess.run(["pkg-config", "--cflags", *PACKAGES], check=True, capture_output=True, text=True).stdout.split()

    def compiles(path: Path) -> str:
        cmd = ["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", *flags,
               f"-I{ROOT}/src", "-include", str(path), "-xc", "/dev/null"]
        return subprocess.run(cmd, capture_output=True, text=True).stderr

    headers = files("src/**/*.h", "cli/**/*.h")
    with ThreadPoolExecutor() as pool:
        wrong = "".join(pool.map(compiles, headers))
    t.ok(not wrong, f"each of {len(headers)} headers compiles alone", wrong)


def is_script(path: Path, program: str) -> bool:
    with open(path, "rb") as file:
        first = file.readline()
    return first.startswith(b"#!") and program.encode() in first


def sources() -> list[Path]:
    """Tracked files; all of the tree's where git is not there."""
    got = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True)
    names = got.stdout.split("\0") if got.returncode == 0 else []
    return [path for name in names if name and (path := ROOT / name).is_file() and not path.is_symlink()]


def test_scripts(t: tap.Tap) -> None:
    shell = [path for path in sources() if path.suffix in (".sh", "") and is_script(path, "sh")]
    got = subprocess.run(["shellcheck", "-x", "-P", "SCRIPTDIR", "-e", "SC2187", *map(str, shell)], cwd=ROOT, capture_output=True, text=True)
    t.ok(got.returncode == 0, f"shellcheck is content with {len(shell)} scripts", got.stdout + got.stderr)


def test_lines(t: tap.Tap) -> None:
    code = files("src/**/*.[ch]", "cli/**/*.[ch]", "lab/*.c", "tests/**/*.[ch]", "tests/**/*.py", "bench/**/*.py")
    long = [f"{path.relative_to(ROOT)}: {n}" for path in code if (n := len(path.read_text().splitlines())) > LINES_MAX]
    t.ok(not long, f"no file is longer than {LINES_MAX} lines", "\n".join(long))
    bare = [str(path.relative_to(ROOT)) for path in code if "SPDX-License-Identifier: Apache-2.0" not in path.read_text()[:400]]
    t.ok(not bare, "each source names its licence", "\n".join(bare))


def test_events(t: tap.Tap) -> None:
    """Event names are an interface: docs/LOG.md has each, and no other."""
    listed = set(re.findall(r"^\| `([a-z_]+)`", (ROOT / "docs/LOG.md").read_text(), re.M))
    logged = {name for path in files("src/**/*.c") for name in re.findall(r'\b(?:log_(?:debug|info|warning|error|at)|make_record)\([^"\n]*"([a-z_]+)"', path.read_text())}
    wrong = [f"not in docs/LOG.md: {name}" for name in sorted(logged - listed)] + [f"never logged: {name}" for name in sorted(listed - logged)]
    t.ok(bool(logged) and not wrong, f"docs/LOG.md lists the {len(logged)} events", "\n".join(wrong))


def test_restart(t: tap.Tap) -> None:
    """docs/ARCHITECTURE.md names the function of each verdict in each phase, and of each phase that a restart enters."""
    page = (ROOT / "docs/ARCHITECTURE.md").read_text()
    words = dict(re.findall(r'\[PROBE_(\w+)\] = "([\w-]+)"', (ROOT / "src/live/probe.c").read_text()))
    acts = re.findall(r"\[PROBE_(\w+)\]\s*=\s*\{\s*\w+,\s*(?:EACH\((\w+)\)|(\w+),\s*(\w+),\s*(\w+))\s*\}", (ROOT / "src/live/settle.c").read_text())
    code = {words[verdict]: (each,) * 3 if each else (copy, undo, finish) for verdict, each, copy, undo, finish in acts}
    told = {verdict: functions for verdict, *functions in re.findall(r"^\| `([\w-]+)` \| `(\w+)\(\)` \| `(\w+)\(\)` \| `(\w+)\(\)` \|$", page, re.M)}
    wrong = [f"{verdict}: the code has {code.get(verdict)}, the page {told.get(verdict)}" for verdict in sorted(code.keys() | told.keys())
             if code.get(verdict) != tuple(told.get(verdict, ()))]
    wrong += [f"no row of answers has the verdict {verdict}" for verdict in words.values() if not re.search(rf"^\|.*\| `{verdict}`[^|]*\|[^|]*\|$", page, re.M)]
    stages = (ROOT / "src/live/live.c").read_text()
    enters = re.findall(r"\[MIG_(\w+)\] = \{(?:(?!\[MIG_).)*?\.enter = (\w+)", stages, re.S)
    wrong += [f"{stage.lower()} is entered by {enter}(), which the page does not say" for stage, enter in enters
              if f"| `{stage.lower()}` | `{enter}()` |" not in page]
    t.ok(len(code) == len(words) > 0 and bool(enters) and not wrong, "the page names what each verdict and phase does", "\n".join(wrong))


def restart_table(t: tap.Tap, heading: str, folder: str, prefix: str, stages_file: str) -> None:
    """docs/ARCHITECTURE.md names, for each phase and verdict of a kind, the function that holds it and its file."""
    page = (ROOT / "docs/ARCHITECTURE.md").read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    probe, settle, stages = ((ROOT / f"src/{folder}/{name}.c").read_text() for name in ("probe", "settle", stages_file))
    words = dict(re.findall(rf'\[{prefix}_(?![HC]_)(\w+)\]\s*= "([\w-]+)"', probe))
    acts = dict(re.findall(rf"\[{prefix}_(\w+)\]\s*=\s*\{{\s*\w+,\s*(\w+)\s*\}}", settle))
    where = {name: path.name for path in files(f"src/{folder}/*.c")
             for name in re.findall(r"^(?:static )?enum \w+_next (\w+)\(struct mig \*m\)\n\{", path.read_text(), re.M)}
    every = re.findall(rf"\[{prefix}_P_\w+\] = {prefix}_(\w+)", settle)
    code = {(stage.lower(), words[verdict], acts[verdict], where.get(acts[verdict])) for stages_of, verdict in
            re.findall(rf"^\t\{{ ((?:S\(\w+\)(?: \| )?)+|ANY),.*\.verdict = {prefix}_(\w+) \}},$", probe, re.M)
            for stage in (every if stages_of == "ANY" else re.findall(r"S\((\w+)\)", stages_of))}
    told = {(stage, *rest) for names, *rest in
            re.findall(r"^\| ([a-z, ]+) \|[^|]*\|[^|]*\| `([\w-]+)` \|[^|]*\| `(\w+)\(\)`, `(\w+\.c)` \|$", page, re.M)
            for stage in ([name.lower() for name in every] if names == "any" else names.split(", "))}
    wrong = [f"the page lacks {row}" for row in sorted(code - told)] + [f"the code lacks {row}" for row in sorted(told - code)]
    wrong += [f"no row has the verdict {words[verdict]}" for verdict in acts if verdict != "WAIT" and not any(row[1] == words[verdict] for row in code)]
    entered = {(stage.lower(), enter) for stage, enter in re.findall(rf"\[{prefix}_P_(\w+)\] = \{{(?:(?!\[{prefix}_P_).)*?\.enter = (\w+)", stages, re.S)}
    enters = {(stage, enter) for names, enter in re.findall(r"^\| (`[`a-z, ]+`) \| `(\w+)\(\)` \|$", page, re.M) for stage in re.findall(r"\w+", names)}
    wrong += [f"{stage}: {enter}() is of the {'code' if (stage, enter) in entered else 'page'} alone" for stage, enter in sorted(entered ^ enters)]
    t.ok(len(acts) == len(words) > 0 and bool(code) and bool(entered) and not wrong, f"the page names what holds each row of {heading.lower()}", "\n".join(wrong))


def test_cold_restart(t: tap.Tap) -> None:
    restart_table(t, "A cold migration", "cold", "COLD", "cold")


def test_evacuation_restart(t: tap.Tap) -> None:
    restart_table(t, "An evacuation", "evacuate", "EVAC", "evacuate")


def test_check_tables(t: tap.Tap) -> None:
    shared = dict(re.findall(r'\bcheck_row_(\w+)\s*= \{ "(\w+)"', (ROOT / "src/move/check_rows.c").read_text()))
    code = {(shared.get(row, own), kind) for kind in ("live", "cold", "evacuate")
            for row, own in re.findall(r'^\t(?:&check_row_(\w+)|CHECK_ROW\("(\w+)")', (ROOT / f"src/{kind}/checks.c").read_text(), re.M)}
    page = (ROOT / "docs" / "ARCHITECTURE.md").read_text().split("## The prechecks")[1].split("\n## ")[0]
    told = {(row, kind) for names, kinds in re.findall(r"^\| ([a-z_, ]+) \| (all|(?:(?:both|live|cold|evacuate)(?:, )?)+) \|", page, re.M)
            for row in names.split(", ") for word in kinds.split(", ")
            for kind in {"all": ("live", "cold", "evacuate"), "both": ("live", "cold")}.get(word, (word,))}
    wrong = [f"{row} of {kind}: in the {'code' if (row, kind) in code else 'page'} alone" for row, kind in sorted(code ^ told)]
    t.ok(bool(code) and not wrong, "the page has each check, and of which kinds it is", "\n".join(wrong))


def test_waits(t: tap.Tap) -> None:
    """No sleep, no clock and no timed assertion in tests, but for those listed."""
    paths = [path for path in sources() if path.relative_to(ROOT).parts[0] in ("tests", "lab", "demo") and path.suffix not in (".md", ".txt")
             and "corpus" not in path.parts and path != Path(__file__).resolve()]
    wrong = []
    for pattern, listed in WAITS.items():
        found = {str(path.relative_to(ROOT)): n for path in paths if (n := len(re.findall(pattern, path.read_text(errors="replace"), re.MULTILINE)))}
        wrong += [f"{name}: {n} of {pattern}, listed are {listed.get(name, (0,))[0]}: wait for a state, or measure in bench/"
                  for name, n in found.items() if n > listed.get(name, (0,))[0]]
        wrong += [f"{name}: {found.get(name, 0)} left of {n}: lower the number" for name, (n, _) in listed.items() if found.get(name, 0) < n]
    t.ok(not wrong, "no test sleeps or reads a clock, but for those listed", "\n".join(wrong))


def test_errors(t: tap.Tap) -> None:
    """D20: what a host says of an error is read in one place, which bounds it. The other two speak of the library itself."""
    may = {f"src/hv/libvirt/{name}.c" for name in ("err", "libvirt", "event")}
    wrong = [str(path.relative_to(ROOT)) for path in files("src/**/*.c") if str(path.relative_to(ROOT)) not in may and "virGetLastErrorMessage" in path.read_text()]
    t.ok(not wrong, "a host's error texts go through lv_why()", "\n".join(wrong))


def test_rows(t: tap.Tap) -> None:
    """A column is a line of store/columns.h: what reads a row does it by the same list (store/row.h), and counts no cells."""
    wrong = [f"{path.relative_to(ROOT)}:{text[:match.start()].count(chr(10)) + 1}: {match[0]}...: read it by row_read()" for path in files("src/**/*.[ch]")
             if "store" not in path.relative_to(ROOT / "src").parts[:-1] for text in [path.read_text()] for match in re.finditer(r"\bstore_(?:int|text)\(", text)]
    t.ok(not wrong, "no row is read by the number of a column", "\n".join(wrong))


def prose(path: Path) -> list[tuple[int, str]]:
    """What of a file is read as a text, with its lines: a page, the comments and the messages in code."""
    text = path.read_text()
    if path.suffix == ".md":
        found = [(0, text)]
    else:
        code = re.sub(r"/\*.*?\*/", lambda match: re.sub(r"[^\n]", " ", match[0]), text, flags=re.DOTALL)
        found = [(match.start(), match[0]) for match in re.finditer(r"/\*.*?\*/", text, re.DOTALL)]
        found += [(match.start(), match[0]) for match in re.finditer(r'"(?:[^"\\\n]|\\.)*"', code) if match[0].count(" ") >= 2]
    return [(text[:at].count("\n") + 1, part) for at, part in found]


def test_words(t: tap.Tap) -> None:
    pages = [path for path in sources() if path.suffix == ".md"]
    wrong = [f"{path.relative_to(ROOT)}:{line + part[:match.start()].count(chr(10))}: {match[0]}: name the client, the host, the migration"
             for path in pages + files("src/**/*.[ch]", "cli/**/*.[ch]") for line, part in prose(path) for match in WORDS.finditer(part)]
    t.ok(not wrong, "docs, comments and messages have none of the refused words", "\n".join(wrong))


def main() -> int:
    t = tap.Tap()
    for test in (test_layers, test_api_kinds, test_inside, test_defines, test_circles, test_hv, test_headers, test_scripts, test_lines, test_events, test_words, test_restart, test_cold_restart, test_evacuation_restart, test_check_tables, test_waits, test_errors, test_rows):
        test(t)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
