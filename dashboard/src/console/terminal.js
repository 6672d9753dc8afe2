// SPDX-License-Identifier: Apache-2.0
// A server's serial console, by xterm.js. The WebSocket stays open through migrations; one that is lost is opened again with the same token.
import { Again } from '../../../src/console/page/again.js';
import { Terminal } from '../../vendor/xterm.js';

const PART = 16384; // bytes of a message

export class Serial {
	/** @param {{box: HTMLElement, address: string, say: (text: string, state: string) => void}} p */
	constructor({ box, address, say }) {
		this.address = address;
		this.say = say;
		this.again = new Again();
		/** @type {WebSocket|null} */
		this.socket = null;
		/* A guest's serial line knows no size: its own is this one, until it is told another. */
		this.terminal = new Terminal({ cols: 80, rows: 24, scrollback: 5000, fontFamily: 'ui-monospace, monospace', screenReaderMode: true });
		this.terminal.open(box);
		this.terminal.onData((text) => this.send(new TextEncoder().encode(text)));
		this.terminal.onBinary((text) => this.send(Uint8Array.from(text, (char) => char.charCodeAt(0))));
	}

	connect() {
		const socket = new WebSocket(this.address, ['binary']);
		socket.binaryType = 'arraybuffer';
		socket.addEventListener('open', () => {
			this.again.connected();
			this.say('Connected', 'connected');
			this.focus();
		});
		socket.addEventListener('message', (event) => this.terminal.write(typeof event.data === 'string' ? event.data : new Uint8Array(event.data)));
		socket.addEventListener('close', (event) => this.lost(event));
		this.socket = socket;
	}

	/** @param {CloseEvent} event */
	lost(event) {
		const wait = this.again.lost(event.code);
		this.socket = null;
		if (wait === null) {
			this.say(event.reason || 'The console cannot be reached', 'ended');
			return;
		}
		this.say(this.again.why(event.code), 'again');
		setTimeout(() => this.connect(), wait);
	}

	/** @param {Uint8Array} bytes */
	send(bytes) {
		for (let at = 0; this.socket?.readyState === WebSocket.OPEN && at < bytes.length; at += PART)
			this.socket.send(bytes.subarray(at, at + PART));
	}

	focus() {
		this.terminal.focus();
	}

	/** @param {string} text */
	type(text) {
		this.terminal.paste(text);
	}
}
