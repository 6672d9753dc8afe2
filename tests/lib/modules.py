# SPDX-License-Identifier: Apache-2.0
"""Which module needs which. x.c and x.h are one module, named by its path; a module needs those whose headers it includes.

A header also stands for the modules that define what it declares: otherwise one that speaks for eleven would hide every circle.
"""
import re
from pathlib import Path

# .c files without a header of their own. They may become less, never more.
NO_HEADER: list[str] = []
ONE_HEADER = ("task", "move", "live", "fleet", "cold", "power", "evacuate", "build", "plan", "check")  # folders of which NO_HEADER is kept


def bare(text: str) -> str:
    return re.sub(r'/\*.*?\*/|"(?:[^"\\\n]|\\.)*"', " ", text, flags=re.DOTALL)


def defines(text: str) -> list[str]:
    """Functions that are not static."""
    return re.findall(r"^(?!static\b|typedef\b)[A-Za-z_][\w \*]*?\b(\w+)\([^;{}=]*\)\n\{", bare(text), re.M)


class Modules:
    def __init__(self, root: Path) -> None:
        self.needs: dict[str, set[str]] = {}
        self.files: dict[Path, str] = {}
        for path in sorted([*root.glob("src/**/*.[ch]"), *root.glob("cli/**/*.[ch]")]):
            self.files[path] = str(path.relative_to(root).with_suffix("")).removeprefix("src/")
            self.needs.setdefault(self.files[path], set())
        defined = {name: module for path, module in self.files.items() if path.suffix == ".c" for name in defines(path.read_text())}
        for path, module in self.files.items():
            text = path.read_text()
            wanted = {self.find(module, name) for name in re.findall(r'^\s*#\s*include\s+"([^"]+)\.h"', text, re.M)}
            if path.suffix == ".h":
                wanted |= {defined.get(word) for word in re.findall(r"\w+", bare(text))}
            self.needs[module] |= wanted - {None, module}

    def find(self, module: str, name: str) -> str | None:
        beside = f"{module.rpartition('/')[0]}/{name}"
        return next((found for found in (name, beside) if found in self.needs), None)

    def circles(self) -> list[set[str]]:
        """Tarjan's strongly connected components, of more than one module."""
        index: dict[str, int] = {}
        low: dict[str, int] = {}
        stack: list[str] = []
        found = []

        def visit(module: str) -> None:
            index[module] = low[module] = len(index)
            stack.append(module)
            for other in sorted(self.needs[module]):
                if other not in index:
                    visit(other)
                    low[module] = min(low[module], low[other])
                elif other in stack:
                    low[module] = min(low[module], index[other])
            if low[module] == index[module]:
                at = stack.index(module)
                found.append(set(stack[at:]))
                del stack[at:]

        for module in sorted(self.needs):
            if module not in index:
                visit(module)
        return [part for part in found if len(part) > 1]

    def wrong_circles(self) -> list[str]:
        return [f"a circle: {', '.join(sorted(part))}" + "".join(f"\n  {module} needs {', '.join(sorted(self.needs[module] & part))}" for module in sorted(part))
                for part in self.circles()]

    def wrong_headers(self) -> list[str]:
        bare_ones = {module for path, module in self.files.items() if path.suffix == ".c" and module.split("/")[0] in ONE_HEADER
                     and path.with_suffix(".h") not in self.files}
        return [f"{module}.c has no {module}.h" for module in sorted(bare_ones - set(NO_HEADER))] + \
            [f"{module} has a header, or is gone: take it out of NO_HEADER" for module in sorted(set(NO_HEADER) - bare_ones)]
