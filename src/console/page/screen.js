// SPDX-License-Identifier: Apache-2.0
// A server's screen, by noVNC. When the server was moved to another host, or the connection is lost, it connects again by itself with the same token,
// over the last picture.
import RFB from './core/rfb.js';
import { Again } from './again.js';

const FRESH_MS = 5000; // an old picture goes then in any case

function isBlank(of) {
	const probe = document.createElement('canvas');
	probe.width = probe.height = 32;
	const context = probe.getContext('2d');
	context.drawImage(of, 0, 0, 32, 32);
	return !context.getImageData(0, 0, 32, 32).data.some((value, i) => i % 4 !== 3 && value);
}

/** Of a character, as X has them. */
function keysym(char) {
	const point = char.codePointAt(0);
	if (char === '\n' || char === '\r')
		return 0xff0d;
	if (char === '\t')
		return 0xff09;
	return point < 0x100 ? point : 0x01000000 + point;
}

export class Screen {
	/**
	 * @param screen an element that the screen is shown in
	 * @param still a canvas over it, for the last picture
	 * @param address of the WebSocket, with the token
	 * @param say told what it does: a text, and "connected", "again" or "ended"
	 */
	constructor({ screen, still, address, say }) {
		Object.assign(this, { screen, still, address, say, again: new Again(), rfb: null, canvas: null, code: 0, reason: '' });
	}

	connect() {
		const socket = new WebSocket(this.address, ['binary']);
		this.code = 0;
		this.reason = '';
		socket.addEventListener('close', (event) => { this.code = event.code; this.reason = event.reason; });
		this.screen.replaceChildren();
		this.rfb = new RFB(this.screen, socket, { shared: true });
		this.rfb.scaleViewport = true;
		this.rfb.addEventListener('connect', () => this.connected());
		this.rfb.addEventListener('disconnect', () => this.lost());
	}

	connected() {
		this.canvas = this.screen.querySelector('canvas');
		this.again.connected();
		this.say('Connected', 'connected');
		this.rfb.focus();
		this.dropPicture(performance.now());
	}

	lost() {
		const wait = this.again.lost(this.code);
		this.keepPicture();
		this.rfb = null;
		if (wait === null) {
			this.say(this.reason || 'The console cannot be reached; ask for a new address', 'ended');
			return;
		}
		this.say(this.again.why(this.code), 'again');
		setTimeout(() => this.connect(), wait);
	}

	keepPicture() {
		if (!this.canvas || !this.canvas.width || !this.canvas.height)
			return;
		this.still.width = this.canvas.width;
		this.still.height = this.canvas.height;
		this.still.getContext('2d').drawImage(this.canvas, 0, 0);
		this.still.hidden = false;
	}

	// The old picture goes when the new one has something to show.
	dropPicture(since) {
		if (this.still.hidden || !this.rfb)
			return;
		if (performance.now() - since > FRESH_MS || !isBlank(this.canvas))
			this.still.hidden = true;
		else
			requestAnimationFrame(() => this.dropPicture(since));
	}

	sendCtrlAltDel() {
		if (this.rfb)
			this.rfb.sendCtrlAltDel();
	}

	focus() {
		if (this.rfb)
			this.rfb.focus();
	}

	// As if it were typed: a guest needs nothing for that.
	type(text) {
		for (const char of this.rfb ? text.replaceAll('\r\n', '\n') : '')
			this.rfb.sendKey(keysym(char));
	}
}
