# SPDX-License-Identifier: Apache-2.0
"""Runs the test programs of groups, reads their TAP, counts. ./check builds what they need before.

collect.py GROUP...            run them; the last line is "N passed, N failed[, N skipped]"
collect.py --groups [GROUP...] which groups that means
collect.py --builds [GROUP...] which builds they need
"""
from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import tap

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "build" / "logs"
SHOWN_LINES = 60  # of a failed program's output
LIST_LINES = 50   # of all failures at the end, so that the end of the output has them all
LIST_MOST = 10    # of one of them
LIST_WIDTH = 300
LIST_NAME = 100
RAISED = re.compile(r"(# *)?\w+(Error|Exception|Expired)\b")

SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:verify_asan_link_order=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "LSAN_OPTIONS": f"suppressions={ROOT}/tests/lib/lsan.supp:print_suppressions=0",
    "TSAN_OPTIONS": f"suppressions={ROOT}/tests/lib/tsan.supp:print_suppressions=0",
    "G_SLICE": "always-malloc",   # each sanitizer sees through malloc, not through GLib's own allocator
}


@dataclass
class Group:
    builds: tuple[str, ...]       # each meson test of this suite is run on each
    jobs: int = os.cpu_count() or 1
    scripts: tuple[tuple[str, str], ...] = ()  # program, the build that it uses
    alone: tuple[tuple[str, str], ...] = ()    # those that measure: after the others, one by one
    only: tuple[str, ...] = ()    # of meson's tests these too, of whatever suite
    beside: str = ""              # that group, at the same time: this one waits much, or takes what that one leaves
    nice: int = 0                 # of its programs; 19 beside two that work is a fiftieth of a processor, too little for what has limits in seconds


GROUPS = {
    "unit": Group(("gcc", "clang", "asan"), scripts=(("tests/lib/t_tree.py", "gcc"), ("tests/lib/t_tap.py", "gcc"),
                                                      ("tests/lib/t_service.py", "gcc"))),
    "store": Group(("gcc", "asan"), beside="unit", nice=4, scripts=(("tests/store/t_restore.py", "gcc"), ("tests/store/t_token_key.py", "gcc"),
                                                                      ("tests/store/t_manage.py", "gcc"))),
    "golden": Group(("gcc", "asan")),
    "scenarios": Group(("gcc", "asan")),
    "sweep": Group(("gcc", "asan"), jobs=1, beside="e2e", nice=19),
    # guests and faults wait most of the time, but not while guests boot: four labs at once; those that take longest come first
    "e2e": Group((), jobs=4, scripts=(
        ("tests/e2e/t_bench.py", "gcc"),
        ("tests/e2e/t_faults.sh", "gcc"),
        ("tests/e2e/t_table.py", "gcc"),
        ("tests/e2e/t_horizon.py", "gcc"),
        ("tests/e2e/t_cold_table.py", "gcc"),
        ("tests/e2e/t_cold_kills.py", "gcc"),
        ("tests/e2e/t_ha.py", "gcc"),
        ("tests/e2e/t_definitions.py", "gcc"),
        ("tests/e2e/t_dashboard_lab.py", "gcc"),
        ("tests/e2e/t_timeout.py", "asan"),
        ("tests/e2e/t_disks.py", "asan"),
        ("tests/e2e/t_evacuate.py", "gcc"),
        ("tests/e2e/t_cold_faults.py", "gcc"),
        ("tests/e2e/t_cold_text.py", "gcc"),
        ("tests/e2e/t_evacuate_kills.py", "gcc"),
        ("tests/e2e/t_postcopy.py", "gcc"),
        ("tests/e2e/t_power.py", "gcc"),
        ("tests/e2e/t_dashboard.py", "gcc"),
        ("tests/e2e/t_console.py", "gcc"),
        ("tests/e2e/t_carry.sh", "asan"),
        ("tests/e2e/t_libvirt.sh", "asan"),
        ("tests/e2e/t_transcript.py", "asan"),
        ("tests/e2e/t_stress.sh", "gcc"),
        ("tests/e2e/t_demo.py", "gcc"),
        ("tests/e2e/t_cold_disks.py", "gcc"),
        ("tests/e2e/t_many.py", "asan"),
        ("tests/e2e/t_restart.py", "gcc"),
        ("tests/e2e/t_volume.sh", "asan"),
        ("tests/e2e/t_autostart.py", "asan"),
        ("tests/e2e/t_broken.py", "gcc"),
        ("tests/e2e/t_commands.py", "gcc"),
        ("tests/e2e/t_dashboard_states.py", "gcc"),
        ("tests/e2e/t_drain.py", "gcc"),
        ("tests/e2e/t_devices.py", "asan"),
        ("tests/e2e/t_checks.py", "gcc"),
        ("tests/e2e/t_check.py", "gcc"),
        ("tests/e2e/t_power_text.py", "gcc"),
        ("tests/e2e/t_graphics.py", "asan"),
        ("tests/e2e/t_pins.py", "asan"),
        ("tests/e2e/t_markers.py", "asan"),
        ("tests/e2e/t_screen.py", "gcc"),
        ("tests/e2e/t_events.py", "asan"),
        ("tests/e2e/t_fence.py", "asan"),
        ("tests/e2e/t_plans.py", "asan"),
        ("tests/e2e/t_items.py", "gcc"),
        ("tests/e2e/t_held.py", "asan"),
        ("tests/e2e/t_clients.py", "asan"),
        ("tests/e2e/t_errors.py", "asan"),
        ("tests/e2e/t_two.py", "asan"),
        ("tests/e2e/t_metrics.py", "asan"),
        ("tests/e2e/t_edge.py", "asan"),
        ("tests/e2e/t_address.py", "asan"),
        ("tests/e2e/t_stalls.py", "asan"),
        ("tests/e2e/t_clock.py", "gcc"),
    ), alone=(("lab/test", "gcc"), ("tests/e2e/t_heartbeat.py", "gcc"))),
    # who touches what from which thread
    "tsan": Group(("tsan",), only=("t_local", "t_log", "t_pattern", "t_post")),
    "fuzz": Group(("fuzz",)),
}


@dataclass
class Program:
    group: str
    build: str
    name: str
    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)
    cwd: str = str(ROOT)
    timeout: int = 3600  # it hangs: waits inside have limits of their own (tests/lib/wait.py)

    @property
    def log(self) -> Path:
        return LOGS / f"{self.group}-{self.build}-{self.name.replace(' ', '-')}.log"


# Sessions share the processors as equals, whatever the niceness of what is in them: where the kernel does so, the session is told too.
NICE = ["/bin/sh", "-c", "nice=$1; shift; echo $nice 2>/dev/null >/proc/self/autogroup; exec nice -n $nice \"$@\"", "-"]
running: dict[int, subprocess.Popen] = {}
printing = threading.Lock()
failed: list[tuple[str, list[str]]] = []  # name, what its program said of it
stopping = threading.Event()


def group_of(test: dict) -> str:
    """Of one of meson's tests."""
    suite = test["suite"][0].split(":")[-1]
    return "golden" if suite == "cli" or test["name"].endswith("_golden") else suite


def meson_programs(group: str, build: str) -> list[Program]:
    text = subprocess.run(["meson", "introspect", "--tests", str(ROOT / "build" / build)], check=True, capture_output=True).stdout
    found = []
    for test in json.loads(text):
        if test["name"] not in GROUPS[group].only and group_of(test) != group:
            continue
        # GLib's test programs print TAP when told; those of protocol tap do unasked
        argv = test["cmd"] + ([] if test["protocol"] == "tap" else ["--tap", "-k"])
        found.append(Program(group, build, test["name"], argv, test["env"], test["workdir"] or str(ROOT / "build" / build)))
    return found


def fuzzers() -> list[Program]:
    once = str(ROOT / "tests/lib/fuzz_once")
    found = [path for path in sorted((ROOT / "build/fuzz/tests/fuzz").glob("fuzz_*")) if path.is_file()]
    return [Program("fuzz", "fuzz", path.name, [once, str(path)]) for path in found]


def script(group: str, path: str, build: str) -> Program:
    stem = Path(path).stem
    name = stem if stem.startswith("t_") else path.replace("/", "-")
    return Program(group, build, name, [str(ROOT / path)], {"DROVER_BUILD": str(ROOT / "build" / build)})


def programs(group: str) -> tuple[list[Program], list[Program]]:
    """Return: those that run beside each other, those that run alone."""
    if group == "fuzz":
        return fuzzers(), []
    g = GROUPS[group]
    found = [program for build in g.builds for program in meson_programs(group, build)]
    return found + [script(group, *row) for row in g.scripts], [script(group, *row) for row in g.alone]


def stop(proc: subprocess.Popen) -> None:
    """Let it clean up; then end what is left."""
    for sig, seconds in ((signal.SIGTERM, 30), (signal.SIGKILL, 5)):
        try:
            os.killpg(proc.pid, sig)
            proc.wait(seconds)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def run(program: Program) -> tuple[Program, tap.Result, float]:
    started, why = time.monotonic(), ""
    env = {**os.environ, **SANITIZER_ENV, **program.env, "PYTHONUNBUFFERED": "1"}
    with open(program.log, "wb") as log:
        if stopping.is_set():
            return program, tap.Result(failures=["interrupted"]), 0
        try:
            proc = subprocess.Popen(program.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=env,
                                    cwd=program.cwd, start_new_session=True)
        except OSError as e:  # it was not built
            return program, tap.Result(failures=[str(e)]), 0
        running[proc.pid] = proc
        try:
            proc.wait(program.timeout)
        except subprocess.TimeoutExpired:
            why = f"still running after {program.timeout} s"
            stop(proc)
        del running[proc.pid]
    result = tap.read(program.log.read_text(errors="replace"), proc.returncode, why)
    return program, result, time.monotonic() - started


def report(program: Program, result: tap.Result, seconds: float) -> None:
    with printing:
        show(program, result, seconds)


def show(program: Program, result: tap.Result, seconds: float) -> None:
    print(f"{program.group:9} {program.build:5} {program.name:18} {result}, {seconds:.1f} s", flush=True)
    for skip in result.skips:
        print(f"    skipped: {skip}")
    for failure in result.failures:
        print(f"    FAILED: {failure}")
    if result.failures:
        text = program.log.read_text(errors="replace")
        failed.extend((f"{program.group} {program.build} {program.name}: {failure}", tap.brief(tap.said(text, failure))) for failure in result.failures)
        for line in text.splitlines()[-SHOWN_LINES:]:
            print(f"    | {line}")
        print(f"    whole log: {program.log}", flush=True)


def run_all(jobs: int, todo: list[Program], total: tap.Result) -> None:
    with ThreadPoolExecutor(jobs) as pool:
        for program, result, seconds in pool.map(run, todo):
            report(program, result, seconds)
            total.add(result)


def run_group(group: str, beside: list[str]) -> tap.Result:
    """@beside: groups that get what this one leaves; those that run alone come after them, too."""
    total, started = tap.Result(), time.monotonic()
    together, alone = programs(group)
    if GROUPS[group].nice:
        together = [replace(program, argv=[*NICE, str(GROUPS[group].nice), *program.argv]) for program in together]
    with ThreadPoolExecutor(len(beside) + 1) as pool:
        others = [pool.submit(run_group, other, []) for other in beside]
        run_all(GROUPS[group].jobs, together, total)
    run_all(1, alone, total)
    if not together:
        total.failures.append("no tests")
        failed.append((f"{group}: no tests", []))
    print(f"== {group}: {total}, {time.monotonic() - started:.0f} s", flush=True)
    for other in others:
        total.add(other.result())
    return total


def list_failed() -> list[str]:
    """Each with as much of what was said as all of them have room for; then all by name, where the end alone is seen."""
    each = max(1, min(LIST_MOST, LIST_LINES // max(len(failed), 1)))
    lines = []
    for name, told in failed[:LIST_LINES]:
        lines += [f"FAILED: {name}"] + [f"    {line}" for line in told[:each - 1]]
    if len(failed) > LIST_LINES:
        lines.append(f"and {len(failed) - LIST_LINES} more: {LOGS}")
    lines = [line if len(line) <= LIST_WIDTH else line[:LIST_WIDTH] + "..." for line in lines]
    return lines + [f"failed: {name[:LIST_NAME]}{reason(told)}" for name, told in failed[:LIST_LINES]]


def reason(told: list[str]) -> str:
    """What was raised, of a traceback."""
    found = [line.lstrip("# ") for line in told if RAISED.match(line)]
    return f": {found[0][:LIST_NAME]}" if found else ""


def interrupted(_signal: int, _frame: object) -> None:
    stopping.set()
    for proc in list(running.values()):
        stop(proc)
    print("interrupted", flush=True)
    os._exit(130)


def main(words: list[str]) -> int:
    names = [word for word in words if not word.startswith("--")] or list(GROUPS)
    for name in names:
        if name not in GROUPS:
            print(f"check: no group '{name}'; there are {' '.join(GROUPS)}", file=sys.stderr)
            return 2
    if "--groups" in words:
        print(*names)
        return 0
    if "--builds" in words:
        print(*dict.fromkeys(b for n in names for b in GROUPS[n].builds + tuple(s[1] for s in GROUPS[n].scripts + GROUPS[n].alone)))
        return 0
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, interrupted)
    LOGS.mkdir(parents=True, exist_ok=True)
    total = tap.Result()
    for name in names:
        beside = [other for other in names if GROUPS[other].beside == name]
        if GROUPS[name].beside not in names:
            total.add(run_group(name, beside))
    print(*list_failed(), total, sep="\n")
    return int(bool(total.failures))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
