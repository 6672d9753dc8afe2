// SPDX-License-Identifier: Apache-2.0
// The page of the proxy: a server's screen, and nothing else.
import { Screen } from './screen.js';

const shown = new URLSearchParams(location.search);
const path = shown.get('path') || sessionStorage.getItem('path') || '';

// The token neither stays in the address nor in the history; it is kept for this tab, which may be loaded again.
if (shown.has('path')) {
	sessionStorage.setItem('path', path);
	history.replaceState(null, '', location.pathname);
}

function say(text, state) {
	document.getElementById('said').textContent = text;
	document.body.dataset.state = state;
	if (screen) {
		document.body.dataset.connections = screen.again.connections;
		document.body.dataset.gaps = screen.again.gaps.join(', ');
	}
}

function open() {
	const base = new URL(path.replace(/^\/*/, '/'), location.href);
	base.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
	return new Screen({ screen: document.getElementById('screen'), still: document.getElementById('still'), address: base.href, say });
}

const screen = path ? open() : null;
document.getElementById('keys').addEventListener('click', () => { if (screen) screen.sendCtrlAltDel(); });
if (screen)
	screen.connect();
else
	say('There is no token in the address', 'ended');
