// SPDX-License-Identifier: Apache-2.0
// What the whole page shares: the session, where it is, the open dialog, what was said.
import { signal } from '../vendor/signals-core';

/**
 * @typedef {{user_id: string, user_name: string, project_id: string|null, project_name: string|null, roles: string[], expires_at: string}} Session
 * @typedef {{title: string, view: () => unknown, load?: () => void, event?: (event: Event_) => void, keys?: Record<string, () => void>, stop?: () => void}} Page
 * @typedef {{type: string, id?: string, server?: string|null, migration?: number|null, [more: string]: any}} Event_
 * @typedef {{title: string, body: () => unknown, event?: (event: Event_) => void}} Dialog
 */

/** @type {import('../vendor/signals-core').Signal<Session|null|undefined>} undefined: it is not known yet */
export const session = signal(/** @type {Session|null|undefined} */ (undefined));
/** Why there is none any more. */
export const sessionWhy = signal('');
export const place = signal(here());
/** @type {import('../vendor/signals-core').Signal<Dialog|null>} */
export const dialog = signal(/** @type {Dialog|null} */ (null));
/** "live", "lost", "polling"; "" before the first try. */
export const live = signal('');
export const liveSince = signal(Date.now());
/** It counts up once a second, for what shows a time. */
export const second = signal(0);

/** Single letters are keys: a choice of the browser's (WCAG 2.1.4). */
export const letters = signal(localStorage.getItem('letters') !== 'off');
/** @param {boolean} on */
export function setLetters(on) {
	letters.value = on;
	if (on)
		localStorage.removeItem('letters');
	else
		localStorage.setItem('letters', 'off');
}

const BASE = '/dashboard';

function here() {
	return location.pathname.slice('/dashboard'.length).replace(/\/$/, '') + location.search;
}

export const isAdmin = () => Boolean(session.value?.roles.includes('admin'));
/** May change what its project owns. */
export const isMember = () => isAdmin() || Boolean(session.value?.roles.includes('member'));

/** @param {string} path "/servers?q=web" */
export function href(path) {
	return BASE + (path === '/' ? '/' : path);
}

/** @param {string} path @param {boolean} [replace] the place in the history is the same */
export function go(path, replace = false) {
	history[replace ? 'replaceState' : 'pushState'](null, '', href(path));
	place.value = here();
	if (!replace)
		window.scrollTo(0, 0);
}

/** What stands behind the place's '?'. */
export const query = () => new URLSearchParams(place.value.split('?')[1] || '');

/**
 * The same page with another filter, in the same place of the history.
 * @param {string} name @param {string} value '': none
 */
export function setFilter(name, value) {
	const q = query();
	if (value)
		q.set(name, value);
	else
		q.delete(name);
	go(`${place.value.split('?')[0]}${String(q) ? `?${q}` : ''}`, true);
}

addEventListener('popstate', () => { place.value = here(); });

/**
 * Links of ours change the place without loading the page again.
 * @param {MouseEvent} event
 */
export function onClick(event) {
	const link = /** @type {HTMLElement} */ (event.target).closest?.('a');
	if (!link || link.target || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
		return;
	const url = new URL(link.href);
	if (url.origin !== location.origin || !url.pathname.startsWith(BASE) || link.hash)
		return;
	event.preventDefault();
	go(url.pathname.slice(BASE.length) + url.search);
}

/** @type {HTMLElement|null} */
let before = null;

/** @param {Dialog} wanted */
export function openDialog(wanted) {
	before = dialog.value ? before : /** @type {HTMLElement} */ (document.activeElement);
	dialog.value = wanted;
}

export function closeDialog() {
	dialog.value = null;
	if (before?.isConnected)
		before.focus();
	else
		document.querySelector('main')?.focus();
	before = null;
}

/**
 * What has changed is drawn in the next frame: this comes behind it.
 * @param {() => void} fn
 */
export const afterDrawn = (fn) => requestAnimationFrame(() => requestAnimationFrame(fn));

let saidAt = 0;
/**
 * For those who hear the page: a sentence, not more often than each 5 s.
 * @param {string} text
 * @param {boolean} [now]
 */
export function say(text, now = false) {
	const said = document.getElementById('said');
	if (!said || (!now && Date.now() - saidAt < 5000))
		return;
	saidAt = Date.now();
	said.textContent = text;
}
