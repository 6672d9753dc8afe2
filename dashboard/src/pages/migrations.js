// SPDX-License-Identifier: Apache-2.0
import { html, nothing } from '../../vendor/lit-html.js';
import { signal } from '../../vendor/signals-core';
import { ask, get, resource } from '../api.js';
import { graph, rowsOf } from '../graph.js';
import { abort, force, POWER, power, priority } from '../dialogs.js';
import { bar, bytes, duration, eta, facts, hostLink, MIGRATION_HEADS, migrationLink, migrationRow, parseTime, percent, problem, serverLink, state, table, when } from '../parts.js';
import { moved, priorities } from '../order.js';
import { afterDrawn, go, query, say } from '../state.js';

const PRIORITY_MAX = 1000;
const STATUSES = ['', 'queued', 'preparing', 'running', 'post-migrating', 'finished', 'completed', 'error', 'failed', 'cancelled'];

/** @returns {import('../state.js').Page} */
export function migrations() {
	const list = resource(() => { const q = query(); q.set('limit', waiting() ? '1000' : '100'); return get(`/drover/v1/migrations?${q}`); });
	/** Of what waits, what goes first can be changed: so all of it is read, in its order. */
	const waiting = () => query().get('status') === 'queued';
	const sorted = () => [...list.data.value?.migrations || []].sort((a, b) => a.queue_position - b.queue_position);
	const wrong = signal(/** @type {Error|null} */ (null));
	let putting = Promise.resolve();

	/** @type {Record<string, [string, (place: number) => number]>} what a button is called -> its sign, the place that it gives */
	const ORDER = { first: ['⇈', () => 0], up: ['↑', (i) => i - 1], down: ['↓', (i) => i + 1] };

	/** @param {number} id @param {string} word of ORDER */
	async function put(id, word) {
		const all = sorted(), from = all.findIndex((m) => m.id === id), to = ORDER[word][1](from);
		if (from < 0 || to < 0 || to >= all.length)
			return;
		wrong.value = null;
		try {
			const changes = priorities(moved(all, from, to));
			if (changes.some((one) => one.priority > PRIORITY_MAX))
				throw new Error(`A priority over ${PRIORITY_MAX} would be needed: lower those of some that stay behind first.`);
			for (const one of changes)
				await ask('POST', `/drover/v1/migrations/${one.id}`, { priority: one.priority });
			say(`Migration ${id} is the ${to + 1}. of these now`, true);
		} catch (why) {
			wrong.value = /** @type {Error} */ (why);
		}
		await list.load();
	}

	/** The name of the button that has the focus. Its migration may move to another row: there the focus goes too, so that it can be pressed again. */
	let focused = '';
	function keepFocus() {
		if (focused && document.activeElement?.ariaLabel !== focused)
			/** @type {HTMLElement|null} */ (document.querySelector(`[aria-label="${focused}"]`))?.focus();
	}

	/** @param {any} m @param {string} word */
	const mover = (m, word, name = `Migration ${m.id} ${word}`) => html`<button type="button" aria-label=${name} @focus=${() => { focused = name; }} @blur=${() => { focused = ''; }}
		@click=${() => { putting = putting.then(() => put(m.id, word)); }}>${ORDER[word][0]}</button>`;

	/** @param {any} m @param {number} i */
	const queued = (m, i) => html`<tr><td>${m.queue_position}.</td><td>${migrationLink(m.id)}</td><td>${serverLink({ id: m.server_uuid, name: m.server_name })}</td><td>${m.type}</td><td>${hostLink(m.source)}</td><td>${hostLink(m.dest || m.requested_host)}</td><td>${m.priority}</td><td>${m.waits_for || ''}</td>
		<td class="nowrap">${Object.keys(ORDER).map((word) => mover(m, word))}</td></tr>`;

	/** @param {string} status */
	const filter = (status) => go(`/migrations${status ? `?status=${status}` : ''}`, true);
	const older = () => {
		const link = list.data.value?.migrations_links?.[0];
		return link ? new URL(link.href).searchParams.get('marker') : null;
	};
	return {
		title: 'Migrations',
		load: list.load,
		event(event) {
			if (event.type === 'migration' || event.type === 'progress' || event.type === 'reset')
				list.soon();
		},
		stop: list.stop,
		view() {
			if (waiting())
				afterDrawn(keepFocus);
			return html`<h1>Migrations</h1>
				<form class="filters" @submit=${(/** @type {Event} */ e) => e.preventDefault()}><label>Status <select @change=${(/** @type {any} */ e) => filter(e.target.value)}>${STATUSES.map((word) => html`<option value=${word} .selected=${(query().get('status') || '') === word}>${word || 'any'}</option>`)}</select></label></form>
				${problem(list.error.value)}
				${list.data.value ? list.data.value.migrations.length ? waiting() ? html`${problem(wrong.value)}${table('What waits, in its order', ['Place', 'Number', 'Server', 'Kind', 'From', 'To', 'Priority', 'Waits for', 'Order'], sorted().map(queued))}` : table('Migrations', MIGRATION_HEADS, list.data.value.migrations.map(migrationRow)) : html`<p>None.</p>` : nothing}
				${older() ? html`<p><button type="button" @click=${() => { const q = query(); q.set('marker', older() || ''); go(`/migrations?${q}`); }}>Older ones</button></p>` : nothing}`;
		},
	};
}

/** @param {string} id @returns {import('../state.js').Page} */
export function migration(id) {
	const one = resource(async () => (await get(`/drover/v1/migrations/${encodeURIComponent(id)}`)).migration);
	const samples = resource(async () => (await get(`/drover/v1/migrations/${encodeURIComponent(id)}/samples`)).samples);
	let most = 0; // a bar never goes back

	/**
	 * What an event says of the copy is the next sample; what it does not say is as it was.
	 * @param {any} progress
	 */
	function sampled(progress) {
		const s = samples.data.value, at = s?.rows.length ? Date.now() - parseTime(s.began_at) : 0;
		if (!s || !s.rows.length || s.rows.length > 1000) {
			samples.soon();
			return;
		}
		const last = Object.fromEntries(s.columns.map((/** @type {string} */ name, /** @type {number} */ i) => [name, s.rows[s.rows.length - 1][i]]));
		const now = { ...last, ...progress, at_ms: Math.max(at, last.at_ms), sent_bytes: progress.memory_processed_bytes + progress.disk_processed_bytes, remaining_bytes: progress.memory_remaining_bytes + progress.disk_remaining_bytes };
		samples.data.value = { ...s, rows: [...s.rows, s.columns.map((/** @type {string} */ name) => now[name])] };
	}

	/** @param {any} m */
	const bars = (m) => {
		const now = percent(m);
		most = m.phase === 'copy' && now !== null ? Math.max(most, now) : 0;
		const p = m.progress, left = p.memory_remaining_bytes + p.disk_remaining_bytes;
		return now === null ? nothing : html`<section aria-labelledby="copy"><h2 id="copy">The copy</h2><p>${bar(most, 100, 'Share of the work')} ${most} %</p>
			${facts([['Time left', eta(m.eta)], ['Sent', bytes(p.memory_processed_bytes + p.disk_processed_bytes)], ['Left', bytes(left)], ['Rate', `${bytes(p.bytes_per_second)}/s`], ['Dirtied', `${bytes(p.dirty_bytes_per_second)}/s${p.dirty_bytes_per_second > p.bytes_per_second && p.bytes_per_second ? ': faster than it is sent, so it does not end by itself now' : ''}`], ['Round', p.iteration]])}</section>`;
	};

	/** @param {any} m */
	const buttons = (m) => m.final ? nothing : html`<div class="buttons" role="group" aria-label="Actions">
		${m.type === 'live-migration' ? html`<button type="button" @click=${() => abort(m, one.load)}>Abort…</button>` : nothing}
		${m.type === 'live-migration' && m.status === 'running' ? html`<button type="button" @click=${() => force(m, one.load)}>Force to complete…</button>` : nothing}
		${m.queue_position ? html`<button type="button" @click=${() => priority(m, one.load)}>Priority…</button>` : nothing}
		${m.status === 'finished' ? POWER.filter((p) => p.action === 'confirmResize' || p.action === 'revertResize').map((p) => html`<button type="button" @click=${() => power({ id: m.server_uuid, name: m.server_name || m.server_uuid }, p, one.load)}>${p.name}…</button>`) : nothing}</div>`;

	/**
	 * Every change of phase and every decision, with the time that the phase took.
	 * @param {any} e
	 * @param {number} i
	 * @param {any[]} all
	 */
	const line = (e, i, all) => html`<tr><td>${when(e.at)}</td><td>${e.from === e.to ? 'decided' : state(e.to)}</td><td>${e.why || ''}</td><td>${i + 1 < all.length ? duration((parseTime(all[i + 1].at) - parseTime(e.at)) / 1000) : ''}</td></tr>`;

	/** @param {any} m */
	const body = (m) => html`${buttons(m)}${m.error ? html`<p class="problem">${m.error}</p>` : nothing}
		${facts([['Server', serverLink({ id: m.server_uuid, name: m.server_name })], ['Kind', m.type], ['Status', state(m.status)], ['Phase', m.phase], ['From', hostLink(m.source)], ['To', hostLink(m.dest || m.requested_host)], ['In the queue', m.queue_position ? `${m.queue_position}., with priority ${m.priority}` : 'no'], ['Waits for', m.waits_for], ['Attempt', m.attempt], ['Asked for', when(m.created_at)], ['Request', m.request_id]])}
		${bars(m)}
		${samples.data.value?.rows.length > 1 ? html`<section aria-labelledby="graph"><h2 id="graph">How it went</h2>${graph(rowsOf(samples.data.value), { began: parseTime(samples.data.value.began_at), events: m.events })}</section>` : nothing}
		<section aria-labelledby="events"><h2 id="events">What happened, and why</h2>${table('Events', ['When', 'What', 'Why', 'Took'], m.events.map(line))}</section>`;

	return {
		title: `Migration ${id}`,
		load() { one.load(); samples.load(); },
		event(event) {
			const m = one.data.value;
			if (event.type === 'reset' || (m && event.migration === m.id && event.type !== 'progress')) {
				one.soon();
				samples.soon();
			} else if (m && event.migration === m.id && event.type === 'progress') {
				one.data.value = { ...m, status: event.status, progress: event.progress, eta: event.eta };
				sampled(event.progress);
			}
		},
		stop() { one.stop(); samples.stop(); },
		view: () => html`<h1>Migration ${id}</h1>${problem(one.error.value)}${one.data.value ? body(one.data.value) : nothing}`,
	};
}
