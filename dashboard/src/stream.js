// SPDX-License-Identifier: Apache-2.0
// What happens, as it happens. A browser opens six connections to one place: so one tab reads the stream for all of them. Which one, a lock decides,
// which the next tab gets when that one is closed; a channel carries what it reads.
import { ended, get } from './api.js';
import { isAdmin, live, liveSince, second, session } from './state.js';

const STALE_MS = 20000;  // the stream says each 15 s that it is there
const AGAIN_MS = [500, 1000, 2000, 5000];
const POLL_MS = 5000;

const channel = new BroadcastChannel('drover-events');
/** @type {((event: import('./state.js').Event_) => void)[]} */
const listeners = [];
let heardAt = Date.now(), lastId = '', leading = false;

/** @param {(event: import('./state.js').Event_) => void} fn */
export function onEvent(fn) {
	listeners.push(fn);
}

/** @param {string} state */
function set(state) {
	if (live.value === state)
		return;
	live.value = state;
	liveSince.value = Date.now();
}

/** @param {{state?: string, event?: import('./state.js').Event_, id?: string}} message */
function take(message) {
	heardAt = Date.now();
	lastId = message.id || lastId;
	if (message.state)
		set(message.state);
	if (message.event)
		for (const fn of listeners)
			fn(message.event);
}

channel.addEventListener('message', (event) => {
	const message = /** @type {MessageEvent} */ (event).data;
	if (!message.asks)
		take(message);
	else if (leading && live.value)
		channel.postMessage({ state: live.value, id: lastId });
});

/** @param {Parameters<typeof take>[0]} message */
function tell(message) {
	take(message);
	channel.postMessage(message);
}

/**
 * One block of a stream (WHATWG HTML 9.2).
 * @param {string} block
 */
function takeBlock(block) {
	let type = '', data = '', id = '';
	for (const line of block.split('\n')) {
		const at = line.indexOf(':'), name = line.slice(0, at), value = line.slice(at + 1).replace(/^ /, '');
		if (name === 'event')
			type = value;
		else if (name === 'id')
			id = value;
		else if (name === 'data')
			data += value;
	}
	const event = data ? JSON.parse(data) : null;
	tell({ state: 'live', id, event: event ? { ...event, type, server: event.server_uuid, migration: event.migration_id } : undefined });
}

/**
 * Until it ends.
 * @param {AbortSignal} signal
 */
async function read(signal) {
	const got = await fetch('/drover/v1/events', { signal, cache: 'no-store', headers: lastId ? { 'Last-Event-ID': lastId } : {} });
	if (got.status === 401)
		ended('The session has ended. Log in again to go on where you are.');
	if (!got.ok || !got.body)
		throw new Error(`events: ${got.status}`);
	const reader = got.body.pipeThrough(new TextDecoderStream()).getReader();
	for (let rest = '';;) {
		const { value, done } = await reader.read();
		if (done)
			return;
		const blocks = (rest + value).split('\n\n');
		rest = /** @type {string} */ (blocks.pop());
		blocks.forEach(takeBlock);
	}
}

/** @param {number} ms */
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function lead() {
	leading = true;
	for (let tries = 0; session.value; tries++) {
		const cut = new AbortController(), begun = Date.now();
		const beat = setInterval(() => { if (Date.now() - Math.max(heardAt, begun) > STALE_MS) cut.abort(); }, 1000);
		const before = heardAt;
		try {
			await read(cut.signal);
		} catch { /* it is told below, and tried again */ }
		clearInterval(beat);
		if (heardAt !== before)
			tries = 0;
		if (session.value)
			tell({ state: 'lost' });
		await pause(AGAIN_MS[Math.min(tries, AGAIN_MS.length - 1)]);
	}
	leading = false;
}

/** Whoever may not see events, and browsers without locks: what is shown is read again. */
async function poll() {
	while (session.value) {
		await pause(POLL_MS);
		try {
			await get('/drover/v1/session');
			take({ state: 'polling', event: { type: 'reset' } });
		} catch (why) {
			if (/** @type {any} */ (why).status === 401)
				ended('The session has ended. Log in again to go on where you are.');
			set('lost');
		}
	}
}

let running = false;
/** Follow as long as there is a session. */
export async function follow() {
	if (running)
		return;
	running = true;
	heardAt = Date.now();
	channel.postMessage({ asks: true });
	if (isAdmin() && navigator.locks)
		await navigator.locks.request('drover-events', lead);
	else
		await poll();
	running = false;
	set('');
}

/** A tab that hears nothing of the one that reads. */
setInterval(() => {
	second.value++;
	if (live.value === 'live' && Date.now() - heardAt > STALE_MS)
		set('lost');
}, 1000);
