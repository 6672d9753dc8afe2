// SPDX-License-Identifier: Apache-2.0
import { html, nothing } from '../../vendor/lit-html.js';
import { signal } from '../../vendor/signals-core';
import { get, resource } from '../api.js';
import { facts, parseTime, problem, state, table } from '../parts.js';
import { isAdmin, letters, setLetters } from '../state.js';

const SOON_MS = 30 * 86400e3;

/** @param {string|null} text */
const value = (text) => text === null ? 'unset' : text === '' ? 'empty' : text;

/** @returns {import('../state.js').Page} */
export function settings() {
	const conf = resource(async () => (isAdmin() ? (await get('/drover/v1/config')).config : null));
	const sum = resource(async () => (await get('/drover/v1/summary')).summary.controller);
	const changed = signal(true), text = signal('');

	/** @param {any} c */
	function certificate(c) {
		const left = parseTime(c.ends_at) - Date.now();
		return html`<tr><td>${c.of}</td><td>${c.file}</td><td>${left < SOON_MS ? state(left < 0 ? 'down' : 'failed') : nothing} ${left < 0 ? 'ended' : 'ends'} ${new Date(parseTime(c.ends_at)).toLocaleString()}</td></tr>`;
	}

	/** @param {any} o */
	const row = (o) => html`<tr><td>[${o.section}]</td><td>${o.name}</td><td>${o.changed ? html`<strong>${value(o.value)}</strong>` : value(o.value)}</td><td>${value(o.default)}</td><td>${o.at_run_time ? 'SIGHUP' : 'restart'}</td><td>${o.help}</td></tr>`;

	/** @param {any} c */
	function body(c) {
		const all = c.options.filter((/** @type {any} */ o) => (!changed.value || o.changed) && `${o.section} ${o.name} ${o.help}`.toLowerCase().includes(text.value.toLowerCase()));
		return html`<section aria-labelledby="tls"><h2 id="tls">Certificates</h2>${c.certificates.length ? table('Certificates', ['Of', 'File', 'Good until'], c.certificates.map(certificate)) : html`<p>None: neither the API nor consoles are served by TLS.</p>`}</section>
			<section aria-labelledby="options"><h2 id="options">Options</h2><p>They are read from the configuration file, by default <code>/etc/drover/drover.conf</code>; <code>docs/CONFIG.md</code> has all.</p>
			<form class="filters" @submit=${(/** @type {Event} */ e) => e.preventDefault()}>
			<label class="choice"><input type="checkbox" .checked=${changed.value} @change=${(/** @type {any} */ e) => { changed.value = e.target.checked; }}><span>Only those that are not as by default</span></label>
			<label>Search <input type="search" .value=${text.value} @input=${(/** @type {any} */ e) => { text.value = e.target.value; }}></label><span role="status">${all.length} of ${c.options.length}</span></form>
			${all.length ? table('Options', ['Section', 'Option', 'Value', 'Default', 'Changed by', 'What it is'], all.map(row)) : html`<p>None.</p>`}</section>`;
	}

	return {
		title: 'Settings',
		load() { conf.load(); sum.load(); },
		stop() { conf.stop(); sum.stop(); },
		view: () => html`<h1>Settings</h1>
			<section aria-labelledby="own"><h2 id="own">Of this browser</h2>
			<label class="choice"><input type="checkbox" id="letters" .checked=${letters.value} @change=${(/** @type {any} */ e) => setLetters(e.target.checked)}><span>Letters are keys (<kbd>?</kbd> shows which)</span></label></section>
			${problem(conf.error.value)}${sum.data.value ? facts([['Version', `Drover ${sum.data.value.version}`], ...(isAdmin() ? [/** @type {[string, unknown]} */ (['Figures', html`<a href="/metrics">/metrics</a>, for Prometheus`])] : []), ...(conf.data.value ? [/** @type {[string, unknown]} */ (['Records', `${conf.data.value.store.kind}, schema ${conf.data.value.store.schema ?? 'not known'}`])] : [])]) : nothing}
			${conf.data.value ? body(conf.data.value) : nothing}`,
	};
}
