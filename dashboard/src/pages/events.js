// SPDX-License-Identifier: Apache-2.0
// What has happened since the page was loaded, the newest first: kept from there on, whatever is on the screen.
import { html, nothing } from '../../vendor/lit-html.js';
import { signal } from '../../vendor/signals-core';
import { counted, hostLink, migrationLink, serverLink, table, when } from '../parts.js';
import { href, query, say, setFilter } from '../state.js';
import { onEvent } from '../stream.js';

const KEPT = 1000, SHOWN = 100;
const SHOWN_MS = 500; // a list that changes more often cannot be read
const TYPES = ['', 'migration', 'decision', 'progress', 'server', 'plan', 'host', 'reset'];

/** @type {{at: string, event: import('../state.js').Event_}[]} the newest last */
const kept = [];
const count = signal(0);
let counting = 0;

onEvent((event) => {
	kept.push({ at: new Date().toISOString(), event });
	if (kept.length > 2 * KEPT)
		kept.splice(0, kept.length - KEPT);
	counting ||= setTimeout(() => { counting = 0; count.value++; }, SHOWN_MS);
});

/** @param {any} e */
function what(e) {
	if (e.type === 'progress')
		return `${e.status}, round ${e.progress.iteration}`;
	if (e.from && e.to)
		return `${e.from} → ${e.to}`;
	return [e.event || e.what || e.change, e.step_state ? `step: ${e.step_state}` : e.state || e.status, e.host].filter(Boolean).join(', ');
}

/** @param {any} e */
const about = (e) => html`${e.migration ? html`migration ${migrationLink(e.migration)} ` : nothing}${e.plan ? html`plan <a href=${href(`/plans/${e.plan}`)}>${e.plan}</a> ` : nothing}
	${e.server ? serverLink({ id: e.server, name: e.server_name || e.name || null }) : e.type === 'host' ? hostLink(e.name || e.host) : nothing}`;

/** @returns {import('../state.js').Page} */
export function events() {
	/** @type {import('../../vendor/signals-core').Signal<typeof kept|null>} what was there when it was halted */
	const halted = signal(/** @type {typeof kept|null} */ (null));

	function matching() {
		void count.value;
		const type = query().get('type'), text = (query().get('q') || '').toLowerCase();
		return (halted.value || kept.slice(-KEPT)).filter(({ event }) => (type ? event.type === type : event.type !== 'progress') && (!text || JSON.stringify(event).toLowerCase().includes(text)));
	}

	async function copy() {
		const all = matching();
		try {
			await navigator.clipboard.writeText(all.map((one) => JSON.stringify({ seen_at: one.at, ...one.event })).join('\n'));
			say(`${counted(all.length, 'event is', 'events are')} copied`, true);
		} catch {
			say('The browser does not let the page copy', true);
		}
	}

	return {
		title: 'Events',
		keys: { p() { halted.value = halted.value ? null : kept.slice(-KEPT); } },
		view() {
			const all = matching(), q = query();
			return html`<h1>Events</h1><form class="filters" @submit=${(/** @type {Event} */ e) => e.preventDefault()}>
				<label>Type <select @change=${(/** @type {any} */ e) => setFilter('type', e.target.value)}>${TYPES.map((word) => html`<option value=${word} .selected=${(q.get('type') || '') === word}>${word || 'all but progress'}</option>`)}</select></label>
				<label>Search <input type="search" placeholder="server, host, reason" .value=${q.get('q') || ''} @input=${(/** @type {any} */ e) => setFilter('q', e.target.value)}></label>
				<button type="button" aria-pressed=${Boolean(halted.value)} @click=${() => { halted.value = halted.value ? null : kept.slice(-KEPT); }}>Hold still</button>
				<button type="button" @click=${copy}>Copy as JSON</button>
				<span role="status">${halted.value ? 'Held still; what comes meanwhile is kept.' : ''}</span></form>
				${all.length ? table('Events', ['Seen', 'Type', 'About', 'What', 'Why'], all.slice(-SHOWN).reverse().map(({ at, event }) => html`<tr><td>${when(at)}</td><td>${event.type}</td><td>${about(event)}</td><td>${what(event)}</td><td>${event.why || event.reason || event.state_reason || event.disabled_reason || ''}</td></tr>`), 'log')
					: html`<p>None since this page was loaded. <code>drover event watch</code> shows them in a terminal.</p>`}
				${all.length > SHOWN ? html`<p>The newest ${SHOWN} of ${all.length}; <em>Copy as JSON</em> copies all.</p>` : nothing}`;
		},
	};
}
