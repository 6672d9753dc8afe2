# SPDX-License-Identifier: Apache-2.0
"""Host maps, right and wrong, of three hosts: the same ones for the lab and for simulated hosts."""
from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass
class Place:
    """Two servers are at home, one is at third, and there is room everywhere."""
    home: str
    to: str
    third: str
    a: str    # at home
    b: str    # ... too
    c: str    # at third
    uuid_a: str


# As it stands in the seed.
SEED = """{
    "compute001": ["kswenm01-vnflaf-services-0"],
    "compute002": ["BMASenm01-haproxy-0"],
    "compute003": ["kswenm01-haproxy-0", "CbrsENM01-vnflaf-services-0"]
}
"""


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


def wrong(p: Place) -> list[tuple[str, object, list[str]]]:
    """What is wrong, the map, and words of each mistake that must be told."""
    return [
        ("nothing", "", ["not JSON"]),
        ("blanks", "  \n\n", ["not JSON"]),
        ("no object", f'["{p.a}"]', ["an object"]),
        ("a text", f'"{p.a}"', ["not JSON"]),
        ("a comma too many", f'{{"{p.to}": ["{p.a}",]}}', [":1:", "not JSON"]),
        ("a comment", f'{{\n// so\n"{p.to}": []}}', [":2:1"]),
        ("no end", f'{{"{p.to}": ["{p.a}"', ["not JSON"]),
        ("two objects", f'{{"{p.to}": []}} {{}}', ["not JSON"]),
        ("not UTF-8", b'{"%s": ["\xff"]}' % p.to.encode(), ["not JSON"]),
        ("no list", {p.to: p.a}, ["a list"]),
        ("lists in a list", {p.to: [[p.a]]}, ["a server is named"]),
        ("a number as a server", {p.to: [7]}, ["a server is named"]),
        ("a host named twice", f'{{"{p.to}": ["{p.a}"], "{p.to}": ["{p.b}"]}}', [f'host "{p.to}" stands here a second time']),
        ("a server named twice", {p.to: [p.a], p.third: [p.a]}, [p.a, "named twice"]),
        ("a server named twice at its host", {p.to: [p.a, p.a]}, [p.a, "named twice"]),
        ("a server by its name and by its UUID", {p.to: [p.a], p.third: [p.uuid_a]}, [p.uuid_a, "named twice"]),
        ("no such server", {p.to: ["s1-9999"]}, ["no server s1-9999"]),
        ("no such host", {"s77": [p.a]}, ["no host s77"]),
        ("no such host, and nothing for it", {"s77": []}, ["no host s77"]),
        ("an empty name", {p.to: [""]}, ["the name of a server is empty"]),
        ("an empty name of a host", {"": [p.a]}, ["the name of a host is empty"]),
        ("all at once", f'{{"s77": ["{p.a}"],\n "{p.to}": ["nothing", "{p.b}", "{p.b}"]}}', ["s77", "nothing", p.b, "3 mistakes"]),
        ("a thousand mistakes", {p.to: [f"none-{n}" for n in range(1000)]}, ["none-0", "none-999"]),
        ("another version", {"version": 2, "servers": {}}, ["version"]),
        ("a server twice, by version", f'{{"version": 1, "servers": {{"{p.a}": "{p.to}", "{p.a}": "{p.third}"}}}}', ["stands here a second time"]),
        ("the rest somewhere", {"version": 1, "servers": {p.a: p.to}, "rest": "somewhere"}, ['"rest" is "leave"']),
        ("the seed's example, of another cloud", SEED, ["compute001", "compute002", "compute003", "kswenm01-haproxy-0", "CbrsENM01-vnflaf-services-0", "7 mistakes"]),
    ]


def right(p: Place) -> list[tuple[str, object, int]]:
    """What is in the map, the map, and how many moves come of it."""
    return [
        ("nothing", {}, 0),
        ("hosts, and no servers", {p.home: [], p.to: [], p.third: []}, 0),
        ("where they are", {p.home: [p.a, p.b], p.third: [p.c]}, 0),
        ("one", {p.to: [p.a]}, 1),
        ("one goes, one stays", {p.home: [p.b], p.to: [p.a]}, 1),
        ("the seed's three hosts", {p.home: [p.c], p.to: [p.a], p.third: [p.b]}, 3),
        ("servers that change places", {p.home: [p.c], p.third: [p.a]}, 2),
        ("of two hosts to one", {p.to: [p.a, p.c]}, 2),
        ("by UUID", {p.to: [p.uuid_a]}, 1),
        ("by version", {"version": 1, "servers": {p.a: p.to, p.b: p.third}}, 2),
        ("by version, the rest stays", {"version": 1, "servers": {p.a: p.to}, "rest": "leave"}, 1),
        ("by version, the rest may be anywhere", {"version": 1, "servers": {p.a: p.to}, "rest": "anywhere"}, 1),
        ("escapes", f'{{"{escaped(p.to)}": ["{escaped(p.a)}"]}}', 1),
        ("a byte order mark", f'\ufeff{{"{p.to}": ["{p.a}"]}}', 1),
        ("tabs, and lines of another system", json.dumps({p.to: [p.a]}, indent="\t").replace("\n", "\r\n"), 1),
    ]


def data(content: object) -> bytes:
    """What is in the file."""
    return content if isinstance(content, bytes) else (content if isinstance(content, str) else json.dumps(content)).encode()
