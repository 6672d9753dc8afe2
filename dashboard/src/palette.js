// SPDX-License-Identifier: Apache-2.0
// Ctrl-K: to a page, a server, a host, a migration or a plan by its name, by keyboard alone (ARIA's combobox with a list).
import { html, nothing } from '../vendor/lit-html.js';
import { signal } from '../vendor/signals-core';
import { get } from './api.js';
import { closeDialog, go, isAdmin, openDialog } from './state.js';

const PART = 8, WAIT_MS = 150;

/** @typedef {{text: string, kind: string, path: string}} Found */

/** @param {Found[]} pages */
export function palette(pages) {
	const text = signal(''), at = signal(0), servers = signal(/** @type {Found[]} */ ([])), hosts = signal(/** @type {Found[]} */ ([]));
	let timer = 0, number = 0;

	async function look() {
		const mine = ++number, word = text.value.trim();
		const got = word ? await get(`/drover/v1/servers?limit=${PART}&fields=name,status&q=${encodeURIComponent(word)}`).catch(() => null) : null;
		if (mine === number)
			servers.value = got ? got.servers.map((/** @type {any} */ s) => ({ text: s.name, kind: `server, ${s.status}`, path: `/servers/${s.id}` })) : [];
	}
	if (isAdmin())
		get('/drover/v1/hosts').then((got) => { hosts.value = got.hosts.map((/** @type {any} */ h) => ({ text: h.name, kind: `host, ${h.state}`, path: `/hosts/${encodeURIComponent(h.name)}` })); }, () => {});

	/** @returns {Found[]} */
	function found() {
		const word = text.value.trim().toLowerCase();
		/** @param {Found[]} all */
		const of = (all) => all.filter((one) => one.text.toLowerCase().includes(word)).slice(0, PART);
		const numbers = isAdmin() && /^\d+$/.test(word) ? [{ text: word, kind: 'migration', path: `/migrations/${word}` }, { text: word, kind: 'plan', path: `/plans/${word}` }] : [];
		return word ? [...numbers, ...of(pages), ...of(hosts.value), ...servers.value] : pages;
	}

	/** @param {Found|undefined} one */
	function choose(one) {
		if (!one)
			return;
		closeDialog();
		go(one.path);
	}

	/** @param {any} event */
	function typed(event) {
		text.value = event.target.value;
		at.value = 0;
		clearTimeout(timer);
		timer = setTimeout(look, WAIT_MS);
	}

	/** @param {KeyboardEvent} event */
	function key(event) {
		const n = found().length, step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
		if (step && n) {
			at.value = (at.value + step + n) % n;
			requestAnimationFrame(() => document.getElementById(`found${at.value}`)?.scrollIntoView({ block: 'nearest' }));
		} else if (event.key === 'Enter') {
			choose(found()[at.value]);
		} else {
			return;
		}
		event.preventDefault();
	}

	/** @param {Found} one @param {number} i */
	const option = (one, i) => html`<li role="option" id="found${i}" aria-selected=${i === at.value} @click=${() => choose(one)}>${one.text} <small>${one.kind}</small></li>`;

	openDialog({ title: 'Go to', body: () => {
		const all = found();
		return html`<input type="text" role="combobox" aria-label="Name of a page, server, host, migration or plan" aria-expanded=${all.length > 0} aria-controls="found" aria-autocomplete="list" autocomplete="off"
			aria-activedescendant=${all.length ? `found${Math.min(at.value, all.length - 1)}` : nothing} autofocus .value=${text.value} @input=${typed} @keydown=${key}>
			<ul role="listbox" id="found" aria-label="What is found" class="found">${all.map(option)}</ul>${all.length ? nothing : html`<p role="status">Nothing has that in its name.</p>`}`;
	} });
}
