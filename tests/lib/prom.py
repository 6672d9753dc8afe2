# SPDX-License-Identifier: Apache-2.0
"""Prometheus' text format 0.0.4, read strictly: what a scraper might let pass is an error here."""
from __future__ import annotations

import math
import re

_name = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_help = re.compile(rf"# HELP ({_name}) ((?:[^\\\n]|\\\\|\\n)*)")
_type = re.compile(rf"# TYPE ({_name}) (counter|gauge|histogram)")
_sample = re.compile(rf"({_name})(?:\{{(.*)\}})? (\S+)")
_label = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,(?=[a-zA-Z_])|$)')
_number = re.compile(r"[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN")

Labels = tuple[tuple[str, str], ...]


class Wrong(Exception):
    pass


def check(good: object, why: str) -> None:
    if not good:
        raise Wrong(why)


def _labels(text: str) -> Labels:
    found, at = [], 0
    while at < len(text):
        match = _label.match(text, at)
        check(match, f"labels {text}")
        raw = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], match[2])
        found.append((match[1], raw))
        at = match.end()
    check(len({name for name, _ in found}) == len(found), f"a label stands twice in {text}")
    return tuple(found)


class Metrics:
    """@text: the whole answer. Raises Wrong."""

    def __init__(self, text: str) -> None:
        self.types: dict[str, str] = {}
        self.values: dict[tuple[str, Labels], float] = {}
        self.family = ""
        check(text.endswith("\n"), "the last line has no end")
        lines = text[:-1].split("\n")
        at = 0
        while at < len(lines):
            if lines[at].startswith("#"):
                self._begin(lines[at], lines[at + 1])
                at += 2
            else:
                self._take(lines[at])
                at += 1
        for name, kind in self.types.items():
            if kind == "histogram":
                self._histogram(name)

    def _begin(self, first: str, second: str) -> None:
        head, kind = _help.fullmatch(first), _type.fullmatch(second)
        check(head and kind and head[1] == kind[1], f"{first} / {second}")
        name = head[1]
        check(name not in self.types, f"{name} begins twice")
        check(head[2].strip(), f"{name} has no help")
        check((kind[2] == "counter") == name.endswith("_total"), f"{name} is a {kind[2]}")
        check(kind[2] != "histogram" or name.endswith(("_seconds", "_bytes")), f"{name} has no unit")
        check(not re.search(r"_(ms|us|kb|mb|gb|milliseconds|percent)(_|$)", name), f"{name} is in no base unit")
        self.types[name] = kind[2]
        self.family = name

    def _take(self, line: str) -> None:
        match = _sample.fullmatch(line)
        check(match and _number.fullmatch(match[3]), f"no sample: {line!r}")
        name, labels = match[1], _labels(match[2] or "")
        suffixes = ("_bucket", "_sum", "_count") if self.types.get(self.family) == "histogram" else ("",)
        check(name in [self.family + suffix for suffix in suffixes], f"{name} stands under {self.family}")
        check((name, labels) not in self.values, f"twice: {line}")
        check(("le" in dict(labels)) == name.endswith("_bucket"), line)
        self.values[name, labels] = float(match[3])
        check(self.types[self.family] == "gauge" or self.values[name, labels] >= 0, line)

    def _histogram(self, name: str) -> None:
        series: dict[Labels, list[tuple[float, float]]] = {}
        for (sample, labels), value in self.values.items():
            if sample == name + "_bucket":
                check(labels[-1][0] == "le", f"{name}: le is not the last label")
                series.setdefault(labels[:-1], []).append((float(labels[-1][1]), value))
        for labels, buckets in series.items():
            les, counts = [le for le, _ in buckets], [count for _, count in buckets]
            check(les == sorted(set(les)) and les[-1] == math.inf, f"{name}{labels}: limits {les}")
            check(counts == sorted(counts), f"{name}{labels}: not cumulative {counts}")
            check(self.values[name + "_count", labels] == counts[-1], f"{name}{labels}: _count")
            check((name + "_sum", labels) in self.values, f"{name}{labels}: no _sum")

    def get(self, name: str, **labels: str) -> float:
        """The one sample of that name with these labels among its own."""
        found = [value for (sample, have), value in self.values.items() if sample == name and labels.items() <= dict(have).items()]
        check(len(found) == 1, f"{len(found)} samples {name} {labels}")
        return found[0]

    def sum(self, name: str, **labels: str) -> float:
        return sum(value for (sample, have), value in self.values.items() if sample == name and labels.items() <= dict(have).items())
