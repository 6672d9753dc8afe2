// SPDX-License-Identifier: Apache-2.0
import { html, nothing } from '../../vendor/lit-html.js';
import { signal } from '../../vendor/signals-core';
import { ask, get, resource } from '../api.js';
import { planAction } from '../dialogs.js';
import { changePlan, changeStep } from '../dialogs_hosts.js';
import { bar, duration, facts, hostLink, migrationLink, problem, serverLink, state, table, when } from '../parts.js';
import { afterDrawn, href, say } from '../state.js';

/** @param {any} counts */
const all = (counts) => Object.entries(counts).reduce((sum, [word, n]) => sum + (word === 'blocked' ? 0 : Number(n)), 0);
/** @param {any} p */
const progress = (p) => all(p.counts) ? html`${bar(p.counts.done, all(p.counts), `Plan ${p.id}`)} ${p.counts.done} of ${all(p.counts)}` : 'nothing to move';

/** @returns {import('../state.js').Page} */
export function plans() {
	const list = resource(async () => (await get('/drover/v1/plans?limit=100')).plans);
	/** @param {any} p */
	const row = (p) => html`<tr><td><a href=${href(`/plans/${p.id}`)}>${p.id}</a></td><td>${p.kind}</td><td>${p.options.hosts.join(', ')}</td><td>${state(p.state)}</td><td>${progress(p)}</td><td>${p.counts.blocked || ''}</td><td>${p.why || ''}</td><td>${when(p.updated_at)}</td></tr>`;
	return {
		title: 'Plans',
		load: list.load,
		event(event) {
			if (event.type === 'plan' || event.type === 'reset')
				list.soon();
		},
		stop: list.stop,
		view: () => html`<h1>Plans</h1><p>A plan is made by a host’s <em>Drain</em>, or by <code>drover host drain</code>, <code>plan bulk</code>, <code>plan apply</code>, <code>rebalance</code>.</p>${problem(list.error.value)}
			${list.data.value ? list.data.value.length ? table('Plans', ['Number', 'Kind', 'Hosts', 'State', 'Done', 'Blocked', 'Why', 'Changed'], list.data.value.map(row)) : html`<p>None.</p>` : nothing}`,
	};
}

/** @param {string} id @returns {import('../state.js').Page} */
export function plan(id) {
	const one = resource(async () => (await get(`/drover/v1/plans/${encodeURIComponent(id)}`)).plan);
	const CAN = /** @type {Record<string, [string, string][]>} */ ({
		draft: [['start', 'Start…'], ['cancel', 'Cancel…']], running: [['pause', 'Pause…'], ['cancel', 'Cancel…']], paused: [['resume', 'Resume…'], ['cancel', 'Cancel…']],
	});
	const wrong = signal(/** @type {Error|null} */ (null));
	let busy = false;

	/**
	 * One step of a draft, at once. The focus goes with the step, not with its place.
	 * @param {any} p @param {any} change @param {string} said
	 */
	async function put(p, change, said) {
		if (busy)
			return;
		busy = true;
		wrong.value = null;
		try {
			await ask('PATCH', `/drover/v1/plans/${p.id}`, { plan: { steps: [change] } });
			say(said, true);
		} catch (why) {
			wrong.value = /** @type {Error} */ (why);
		}
		busy = false;
		const label = document.activeElement?.getAttribute('aria-label');
		await one.load();
		afterDrawn(() => {
			const again = /** @type {HTMLElement|null} */ (document.querySelector(`[aria-label="${label}"]:not([disabled])`) || document.querySelector(`[aria-label="Change step ${change.n}"]`));
			again?.focus();
		});
	}

	/** @param {any} p @returns {any[]} as they begin */
	const inOrder = (p) => [...p.steps].sort((a, b) => (a.place || a.n) - (b.place || b.n));

	/** @param {any} p @param {any} s @param {any} other @param {'before'|'after'} where */
	const mover = (p, s, other, where) => html`<button type="button" aria-label="Step ${s.n} ${where === 'before' ? 'up' : 'down'}" ?disabled=${!other} @click=${() => put(p, { n: s.n, [where]: other.n }, `Step ${s.n} begins ${where} step ${other.n} now`)}>${where === 'before' ? '↑' : '↓'}</button>`;

	/** @param {any} p @param {any} s @param {number} i @param {any[]} all */
	const change = (p, s, i, all) => html`<td class="nowrap">${mover(p, s, all[i - 1], 'before')}${mover(p, s, all[i + 1], 'after')}${s.state === 'skipped'
		? html`<button type="button" aria-label="Take in step ${s.n}" @click=${() => put(p, { n: s.n, skip: false }, `Step ${s.n} is in the plan again`)}>Take in</button>`
		: html`<button type="button" aria-label="Change step ${s.n}" @click=${() => changeStep(p, s, one.load)}>Change…</button>`}</td>`;

	/** @param {any} p @param {any} s @param {number} i @param {any[]} all */
	const step = (p, s, i, all) => html`<tr><td>${s.n}</td><td>${serverLink({ id: s.server_uuid, name: s.server_name })}</td><td>${hostLink(s.from)}</td><td>${hostLink(s.to)}</td><td>${s.how}</td><td>${state(s.state)}</td><td>${s.migration ? migrationLink(s.migration) : ''}</td><td>${duration(s.expected_s)}</td><td>${s.reason || s.why || ''}</td>${p.state === 'draft' ? change(p, s, i, all) : nothing}</tr>`;
	/** @param {any} c */
	const blocked = (c) => html`<tr><td>${serverLink({ id: c.server_uuid, name: c.server_name })}</td><td>${hostLink(c.host)}</td><td>${c.reason}</td></tr>`;
	/** @param {any} p */
	const body = (p) => html`<div class="buttons" role="group" aria-label="Actions">${(CAN[p.state] || []).map(([what, name], i) => html`<button type="button" class=${i ? '' : 'main'} @click=${() => planAction(p, what, one.load)}>${name}</button>`)}${p.state === 'draft' ? html`<button type="button" @click=${() => changePlan(p, one.load)}>Options…</button>` : nothing}</div>
		${facts([['Kind', p.kind], ['Hosts', p.options.hosts.map((/** @type {string} */ h, /** @type {number} */ i) => html`${i ? ', ' : ''}${hostLink(h)}`)], ['State', state(p.state)], ['Why', p.why], ['Done', progress(p)], ['Expected', duration(p.expected_s)], ['At once', p.options.parallel], ['Made', when(p.created_at)]])}
		${p.cannot.length ? html`<section aria-labelledby="cannot"><h2 id="cannot">${p.cannot.length} cannot move</h2>${table('Servers that cannot move', ['Server', 'Host', 'Why'], p.cannot.map(blocked))}</section>` : nothing}
		<section aria-labelledby="steps"><h2 id="steps">Steps</h2>${problem(wrong.value)}${p.steps.length ? table('Steps', ['No.', 'Server', 'From', 'To', 'How', 'State', 'Migration', 'Expected', 'Why', ...(p.state === 'draft' ? ['Change'] : [])], inOrder(p).slice(0, 500).map((s, i, all) => step(p, s, i, all))) : html`<p>None.</p>`}
		${p.steps.length > 500 ? html`<p>The first 500 of ${p.steps.length}; <code>drover plan show ${p.id}</code> has all.</p>` : nothing}</section>`;
	return {
		title: `Plan ${id}`,
		load: one.load,
		event(event) {
			if (event.type === 'reset' || (event.type === 'plan' && String(event.plan) === id))
				one.soon();
		},
		stop: one.stop,
		view: () => html`<h1>Plan ${id}</h1>${problem(one.error.value)}${one.data.value ? body(one.data.value) : nothing}`,
	};
}
