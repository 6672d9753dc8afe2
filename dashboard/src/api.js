// SPDX-License-Identifier: Apache-2.0
// The API, by the cookie of the session.
import { signal } from '../vendor/signals-core';
import { session, sessionWhy } from './state.js';

export class ApiError extends Error {
	/** @param {number} status @param {string} message */
	constructor(status, message) {
		super(message);
		this.status = status;
	}
}

/**
 * The sentence of a fault, in whichever service's words.
 * @param {any} body
 */
function messageOf(body) {
	const fault = body && typeof body === 'object' ? Object.values(body)[0] : null;
	return fault && typeof fault.message === 'string' ? fault.message : '';
}

/**
 * @param {string} method @param {string} path @param {unknown} [body] JSON
 * @returns {Promise<any>} null: the answer has no body
 */
export async function ask(method, path, body) {
	/** @type {Record<string, string>} */
	const headers = { 'Content-Type': 'application/json' };
	let got;
	if (path.startsWith('/v2.1'))
		headers['OpenStack-API-Version'] = 'compute 2.96';
	try {
		got = await fetch(path, { method, headers, cache: 'no-store', body: body === undefined ? undefined : JSON.stringify(body) });
	} catch {
		throw new ApiError(0, 'The controller cannot be reached. It is asked again as soon as it answers.');
	}
	const text = await got.text();
	let json = null;
	try {
		json = text ? JSON.parse(text) : null;
	} catch {
		throw new ApiError(got.status, `The answer is no JSON (${got.status}): is there a proxy that answers for the controller?`);
	}
	if (got.ok)
		return json;
	if (got.status === 401 && path !== '/drover/v1/session')
		ended('The session has ended. Log in again to go on where you are.');
	throw new ApiError(got.status, messageOf(json) || `The request was answered with ${got.status}.`);
}

/** @param {string} why */
export function ended(why) {
	if (session.value)
		sessionWhy.value = why;
	session.value = null;
}

/** @param {string} path */
export const get = (path) => ask('GET', path);
/** @param {string} id @param {string} action @param {unknown} [value] */
export const act = (id, action, value = null) => ask('POST', `/v2.1/servers/${id}/action`, { [action]: value });

/**
 * Something of the API that a page shows: its last value stays while it is read again.
 * @template T
 * @param {() => Promise<T>} read
 */
export function resource(read) {
	const data = signal(/** @type {T|null} */ (null));
	const error = signal(/** @type {Error|null} */ (null));
	let number = 0, timer = 0, reading = false, again = false, last = Promise.resolve();
	async function once() {
		const mine = ++number;
		reading = true;
		again = false;
		try {
			const value = await read();
			if (mine === number) {
				data.value = value;
				error.value = null;
			}
		} catch (why) {
			if (mine === number)
				error.value = /** @type {Error} */ (why);
		}
		if (mine === number) {
			reading = false;
			if (again)
				soon();
		}
	}
	/** Until what is shown was read after this was called: a reading that was overtaken shows nothing, but the one that overtook it. */
	async function load() {
		for (let mine = last = once();; mine = last) {
			await mine;
			if (mine === last)
				return;
		}
	}
	/** Something has changed: not more often than twice a second, and not while it is read. */
	function soon() {
		again = reading;
		if (!reading && !timer)
			timer = setTimeout(() => { timer = 0; load(); }, 500);
	}
	function stop() {
		clearTimeout(timer);
		number++;
	}
	return { data, error, load, soon, stop };
}
