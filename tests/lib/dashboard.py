# SPDX-License-Identifier: Apache-2.0
"""The dashboard in a browser, as a test sees it and goes about in it by keyboard."""
from __future__ import annotations

import json
import os

from browser import Browser
from daemon import ROOT

# What the page must never do, kept from before its own script runs.
WATCH = """window.bad = [];
addEventListener('securitypolicyviolation', (e) => bad.push(`policy: ${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
addEventListener('error', (e) => bad.push(`error: ${e.message}`));
addEventListener('unhandledrejection', (e) => bad.push(`rejected: ${e.reason}`));
window.asked = 0;
const ask = window.fetch;
window.fetch = async (path, ...more) => {
	if (String(path).endsWith('/events'))
		return ask(path, ...more);
	asked++;
	try {
		const got = await ask(path, ...more);
		await got.clone().arrayBuffer();
		return got;
	} finally {
		setTimeout(() => asked--);
	}
};"""
AXE = (ROOT / "dashboard" / "test" / "axe.min.js").read_text()
TABS = 200  # of a page: so often the key Tab is pressed until it is given up
# Of what has the focus: the words that a user reads there, or hears.
FOCUSED = """(() => { const e = document.activeElement;
return !e.matches('a, button, input, select, textarea, summary') ? [] :
	[e.closest('label')?.innerText, e.innerText, e.getAttribute('aria-label')].map((text) => (text || '').trim()); })()"""
# How wide the page is, and what is out of it, with as much room between letters, words and lines as a user may set (WCAG 1.4.12),
# and with fields as wide as a font makes them.
SPACED = """(() => {
	const sheet = new CSSStyleSheet(), root = document.documentElement;
	sheet.replaceSync(`* { letter-spacing: .12em !important; word-spacing: .16em !important; line-height: 1.5 !important; }
		input:not([type=checkbox], [type=radio]), select { width: 40rem !important; }`);
	document.adoptedStyleSheets.push(sheet);
	const wide = root.scrollWidth, inside = '.scroll, figure, .reasons, #dialog, main.console';
	const out = [...document.body.querySelectorAll('*')].filter((e) => e.getBoundingClientRect().right > 321 && !e.parentElement.closest(inside));
	document.adoptedStyleSheets.pop();
	return wide > 320 ? [wide, ...out.map((e) => e.outerHTML.slice(0, 120))].join('\\n') : '';
})()"""
FACT = "[...document.querySelectorAll('.facts div')].find((e) => e.querySelector('dt').innerText === {name})?.querySelector('dd').innerText"


# Landmarks and the blocks that pages are made of. A block is "full" as wide as what is around it, or "beside" the one before it; a list of facts has columns.
OUTLINE = """(() => {
	const PARTS = 'header, nav, .who, main, h1, .filters, .buttons, .facts, section, .scroll, figure, .alarms, .counts, #dialog[open]', lines = [], wide = innerWidth;
	const shown = [...document.querySelectorAll(PARTS)].filter((e) => e.getClientRects().length && !e.closest('.unseen'));
	const name = (e) => e.id && !/^\\d/.test(e.id) ? `${e.localName}#${e.id}` : e.getAttribute('aria-label') && e.matches('.scroll, .buttons') ? `${e.localName} "${e.getAttribute('aria-label')}"` : e.localName + (e.className ? '.' + e.className.split(' ')[0] : '');
	const scrolls = (e) => e.parentElement?.closest('.scroll, figure, .reasons, #dialog');
	const last = new Map();
	for (const e of shown) {
		const box = e.getBoundingClientRect(), up = e.parentElement.closest(PARTS), style = up && getComputedStyle(up), before = last.get(up);
		const room = up ? up.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) : document.documentElement.clientWidth;
		let depth = 0;
		for (let p = up; p; p = p.parentElement.closest(PARTS))
			depth++;
		const says = [Math.abs(box.width - room) <= 2 && 'full', before && box.top < before.bottom - 1 && box.left >= before.right - 1 && 'beside',
			before && box.top < before.bottom - 1 && box.left < before.right - 1 && getComputedStyle(e).position === 'static' && 'OVER THE ONE BEFORE',
			e.matches('.facts') && `${getComputedStyle(e).gridTemplateColumns.split(' ').length} columns`,
			!scrolls(e) && (box.right > wide + 1 || box.left < -1) && 'OUT OF THE SCREEN'];
		lines.push(`${'  '.repeat(depth + 1)}${name(e)}${says.filter(Boolean).map((word) => ` ${word}`).join('')}`);
		last.set(up, box);
	}
	if (document.documentElement.scrollWidth > wide)
		lines.push('  THE PAGE SCROLLS SIDEWAYS');
	for (const e of document.querySelectorAll('button, input, select, summary')) {
		const box = (e.matches('.choice input') ? e.closest('label') : e).getBoundingClientRect();
		if (box.width && (box.width < 24 || box.height < 23.5))
			lines.push(`  TOO SMALL: ${e.outerHTML.slice(0, 80)} ${box.width} x ${box.height}`);
	}
	return lines.join('\\n');
})()"""


class Dashboard:
    """@page: is set before anything is done."""

    page: Browser
    url: str  # of the daemon, as the browser sees it

    # ---- where it is ----

    def visit(self, path: str, sign: str) -> None:
        """By its address, loaded; until it shows @sign, a selector."""
        self.page.call("Page.navigate", url=f"{self.url}/dashboard{path}")
        self.page.until(f"location.pathname + location.search === {json.dumps('/dashboard' + path)} && !!document.querySelector({json.dumps(sign)})", f"{path} shows {sign}")

    def at(self, path: str, sign: str) -> None:
        """Another page, as by a link; until it shows @sign, a selector."""
        self.page.ask(f"history.pushState(null, '', '/dashboard{path}'); dispatchEvent(new PopStateEvent('popstate'))")
        self.page.until(f"!!document.querySelector({json.dumps(sign)})", f"{path} shows {sign}")

    def front(self, tab: str) -> None:
        self.page.session = tab
        self.page.call("Page.bringToFront")

    # ---- what it shows ----

    def has(self, text: str, where: str = "document.body") -> None:
        self.page.until(f"!!{where}?.innerText.includes({json.dumps(text)})", f"the page shows {text!r}")

    def fact(self, name: str) -> str:
        """Of the list of facts, what it shows now."""
        return str(self.page.ask(FACT.format(name=json.dumps(name))) or "")

    def fact_is(self, name: str, text: str) -> None:
        self.page.until(f"{FACT.format(name=json.dumps(name))} === {json.dumps(text)}", f"{name} is {text}")

    def rows(self, where: str = "main") -> list[list[str]]:
        """Cells of the table there, as they are read."""
        return self.page.ask(f"[...document.querySelectorAll({json.dumps(where + ' tbody tr')})].map((e) => [...e.children].map((cell) => cell.innerText.trim()))")

    def asks(self, text: str) -> None:
        """A dialog is open, which says this."""
        self.page.until(f"document.querySelector('#dialog').open && document.querySelector('#dialog').innerText.includes({json.dumps(text)})", f"a dialog says {text!r}")

    def asked(self) -> None:
        """It is closed: what it asked for was taken."""
        self.page.until("!document.querySelector('#dialog').open", "the dialog is closed")

    def command(self) -> str:
        """What the dialog shows as the command that does the same."""
        return str(self.page.ask("document.querySelector('#dialog .command code')?.innerText"))

    def live(self) -> None:
        self.page.until("document.querySelector('#live')?.textContent === 'Live'", "the page is live")

    def settled(self) -> None:
        """All that the page asked for is there, and drawn."""
        self.page.until("asked === 0", "the page has its answers")
        self.page.ask("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))", wait=True)

    # ---- how it is laid out ----

    def outline(self) -> list[str]:
        """
        Of what is on the page, in its order: how it lies to what is around and before it. No pixels and no words: fonts differ from machine to machine, and what a
        fleet has from run to run. What runs out of the screen, lies over another or is too small to be hit (WCAG 2.5.8) is named.
        """
        return str(self.page.ask(OUTLINE)).splitlines()

    # ---- by keyboard ----

    def log_in(self, user: str, password: str) -> None:
        self.page.until("!!document.querySelector('[name=user]')", "the page asks who it is")
        self.fill("User", user)
        self.fill("Password", password)
        self.page.keys("Enter")

    def tab_to(self, name: str, back: bool = False) -> None:
        """The key Tab, until the focus is on what is named so, or begins so."""
        for _ in range(TABS):
            if any(words.startswith(name) for words in self.page.ask(FOCUSED)):
                return
            self.page.chord("Tab", shift=back)
        raise AssertionError(f"Tab comes to no {name}")

    def fill(self, name: str, text: str) -> None:
        """A field, whatever is in it."""
        self.tab_to(name)
        self.page.chord("a", ctrl=True)
        self.page.write(text)

    def press(self, name: str, answer: str = "") -> None:
        """A button by Tab and Enter. @answer: then the one of the dialog, which is taken."""
        self.tab_to(name)
        self.page.keys("Enter")
        if answer:
            self.asks("")
            self.tab_to(answer)
            self.page.keys("Enter")
            self.asked()

    # ---- what is true of every page ----

    def check(self, what: str) -> None:
        """axe-core in both schemes, and no sideways scroll at 320 pixels, whatever its letters are like (WCAG 1.4.10, 1.4.12)."""
        for scheme in "light", "dark":
            self.page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            if not self.page.ask("typeof axe === 'object'"):
                self.page.ask(AXE)
            found = self.page.ask("axe.run().then((r) => JSON.stringify(r.violations.map((v) => [v.id, v.help, v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + ' ' + n.failureSummary)])))", wait=True)
            assert found == "[]", f"{what}, {scheme}: {found}"
        self.page.call("Emulation.setDeviceMetricsOverride", width=320, height=640, deviceScaleFactor=1, mobile=False)
        wide = self.page.ask("document.documentElement.scrollWidth")
        spaced = self.page.ask(SPACED)
        self.page.call("Emulation.clearDeviceMetricsOverride")
        assert wide <= 320, f"{what} is {wide} wide on a screen of 320"
        assert not spaced, f"{what} is wider than a screen of 320 with wider letters: {spaced}"
        assert self.page.ask("JSON.stringify(bad)") == "[]", self.page.ask("JSON.stringify(bad)")

    def picture(self, name: str) -> None:
        """For README.md, with REGEN=1."""
        if not os.environ.get("REGEN"):
            return
        self.page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}])
        self.page.call("Emulation.setDeviceMetricsOverride", width=1200, height=900, deviceScaleFactor=1, mobile=False)
        self.settled()
        self.page.picture(str(ROOT / "docs" / f"dashboard-{name}.png"))
        self.page.call("Emulation.clearDeviceMetricsOverride")
