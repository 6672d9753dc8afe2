// SPDX-License-Identifier: Apache-2.0
// When a console's connection is opened again by itself, with the same token; docs/CONSOLES.md has the codes of its ends.
const AGAIN_MS = [0, 100, 300, 1000, 3000]; // the last one for all that follow
const GIVES_UP_MS = 60000;                  // a token that was in use is good for as long
const MOVED = 4001;

export class Again {
	tries = 0;
	lostAt = 0;
	/** How often it was connected, and for how many ms each time not. */
	connections = 0;
	/** @type {number[]} */
	gaps = [];

	connected() {
		if (this.lostAt)
			this.gaps.push(Math.round(performance.now() - this.lostAt));
		this.tries = 0;
		this.lostAt = 0;
		this.connections++;
	}

	/**
	 * @param {number} code of the WebSocket's end
	 * @returns {number|null} ms until it is tried again; null: it is over
	 */
	lost(code) {
		this.lostAt = this.lostAt || performance.now();
		if (performance.now() - this.lostAt > GIVES_UP_MS || code !== MOVED && (code >= 4000 || code === 1008 || code === 1011))
			return null;
		return AGAIN_MS[Math.min(this.tries++, AGAIN_MS.length - 1)];
	}

	/** @param {number} code */
	why(code) {
		return code === MOVED ? 'The server was moved; connecting again' : 'The connection is lost; connecting again';
	}
}
