// SPDX-License-Identifier: Apache-2.0
// A server's screen. When the server was moved to another host, or the connection is lost, the page connects again by itself with the same token,
// over the last picture.
import RFB from './core/rfb.js';

const AGAIN_MS = [0, 100, 300, 1000, 3000]; // the last one for all that follow
const GIVES_UP_MS = 60000;                  // a token that was in use is good for as long
const FRESH_MS = 5000;                      // an old picture goes then in any case
const MOVED = 4001;

const said = document.getElementById('said');
const screen = document.getElementById('screen');
const still = document.getElementById('still');
const shown = new URLSearchParams(location.search);
const path = shown.get('path') || sessionStorage.getItem('path') || '';
let rfb = null, canvas = null, tries = 0, lostAt = 0, code = 0, reason = '';

// The token neither stays in the address nor in the history; it is kept for this tab, which may be loaded again.
if (shown.has('path')) {
	sessionStorage.setItem('path', path);
	history.replaceState(null, '', location.pathname);
}

function say(text, state) {
	said.textContent = text;
	document.body.dataset.state = state;
}

function keepPicture() {
	if (!canvas || !canvas.width || !canvas.height)
		return;
	still.width = canvas.width;
	still.height = canvas.height;
	still.getContext('2d').drawImage(canvas, 0, 0);
	still.hidden = false;
}

function isBlank(of) {
	const probe = document.createElement('canvas');
	probe.width = probe.height = 32;
	const context = probe.getContext('2d');
	context.drawImage(of, 0, 0, 32, 32);
	return !context.getImageData(0, 0, 32, 32).data.some((value, i) => i % 4 !== 3 && value);
}

// The old picture goes when the new one has something to show.
function dropPicture(since) {
	if (still.hidden || !rfb)
		return;
	if (performance.now() - since > FRESH_MS || !isBlank(canvas))
		still.hidden = true;
	else
		requestAnimationFrame(() => dropPicture(since));
}

function onConnect() {
	canvas = screen.querySelector('canvas');
	if (lostAt)
		document.body.dataset.gaps = [document.body.dataset.gaps, Math.round(performance.now() - lostAt)].filter(Boolean).join(', ');
	tries = 0;
	lostAt = 0;
	document.body.dataset.connections = Number(document.body.dataset.connections || 0) + 1;
	say('Connected', 'connected');
	rfb.focus();
	dropPicture(performance.now());
}

function onDisconnect() {
	const wanted = code === MOVED || code < 4000 && code !== 1008 && code !== 1011;
	keepPicture();
	rfb = null;
	lostAt = lostAt || performance.now();
	if (!wanted || performance.now() - lostAt > GIVES_UP_MS) {
		say(reason || 'The console cannot be reached; ask for a new address', 'ended');
		return;
	}
	say(code === MOVED ? 'The server was moved; connecting again' : 'The connection is lost; connecting again', 'again');
	setTimeout(connect, AGAIN_MS[Math.min(tries++, AGAIN_MS.length - 1)]);
}

function connect() {
	const base = new URL(path.replace(/^\/*/, '/'), location.href);
	base.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
	const socket = new WebSocket(base.href, ['binary']);
	code = 0;
	reason = '';
	socket.addEventListener('close', (event) => { code = event.code; reason = event.reason; });
	screen.replaceChildren();
	rfb = new RFB(screen, socket, { shared: true });
	rfb.scaleViewport = true;
	rfb.addEventListener('connect', onConnect);
	rfb.addEventListener('disconnect', onDisconnect);
}

document.getElementById('keys').addEventListener('click', () => { if (rfb) rfb.sendCtrlAltDel(); });
if (path)
	connect();
else
	say('There is no token in the address', 'ended');
