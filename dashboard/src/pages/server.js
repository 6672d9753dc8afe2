// SPDX-License-Identifier: Apache-2.0
import { html, nothing } from '../../vendor/lit-html.js';
import { get, resource } from '../api.js';
import { abort, migrate, POWER, power } from '../dialogs.js';
import { bar, eta, facts, hostLink, memory, MIGRATION_HEADS, migrationLink, migrationRow, percent, problem, state, table, when } from '../parts.js';
import { href, isAdmin, isMember } from '../state.js';

/** @param {string} id @returns {import('../state.js').Page} */
export function server(id) {
	const one = resource(async () => (await get(`/v2.1/servers/${encodeURIComponent(id)}`)).server);
	const moves = resource(async () => (isAdmin() ? (await get(`/drover/v1/migrations?server=${encodeURIComponent(id)}&limit=20`)).migrations : []));
	const actions = resource(async () => (await get(`/v2.1/servers/${encodeURIComponent(id)}/os-instance-actions`)).instanceActions);
	const soon = () => { one.soon(); moves.soon(); actions.soon(); };
	const plain = () => {
		const s = one.data.value;
		return s && { id: s.id, name: s.name, host: s['OS-EXT-SRV-ATTR:host'] || null, status: s.status };
	};

	/** @param {any} s */
	const buttons = (s) => html`<div class="buttons" role="group" aria-label="Actions">
		${isAdmin() ? html`<button type="button" class="main" ?disabled=${!s['OS-EXT-SRV-ATTR:host']} @click=${() => migrate(plain())}>Migrate…</button>` : nothing}
		${isMember() && ['active', 'paused'].includes(s['OS-EXT-STS:vm_state']) ? html`<a class="button" target="_blank" rel="noopener" href=${href(`/console/${s.id}`)}>Screen</a><a class="button" target="_blank" rel="noopener" href=${href(`/console/${s.id}?type=serial`)}>Serial console</a>` : nothing}
		${isMember() ? POWER.filter((p) => /** @type {readonly string[]} */ (p.of).includes(s.status)).map((p) => html`<button type="button" @click=${() => power(s, p, soon)}>${p.name}…</button>`) : nothing}</div>`;

	/** @param {any} m */
	const under = (m) => html`<section aria-labelledby="now"><h2 id="now">Migration ${migrationLink(m.id)}: ${state(m.status)}</h2>
		${percent(m) === null ? nothing : html`<p>${bar(percent(m) || 0, 100, 'Share of the work')} ${percent(m)} %, left: ${eta(m.eta)}</p>`}
		<p>${hostLink(m.source)} → ${hostLink(m.dest || m.requested_host)} ${m.waits_for ? `It waits for ${m.waits_for}.` : ''}</p>
		${m.type === 'live-migration' ? html`<button type="button" @click=${() => abort(m, soon)}>Abort…</button>` : nothing}</section>`;

	/** @param {any} s */
	const body = (s) => html`${buttons(s)}
		${s.fault ? html`<p class="problem">${s.fault.message}</p>` : nothing}
		${facts([['Status', state(s.status)], ['Task', s['OS-EXT-STS:task_state']], ...(isAdmin() ? [/** @type {[string, unknown]} */ (['Host', hostLink(s['OS-EXT-SRV-ATTR:host'])])] : []), ['vCPUs', s.flavor.vcpus], ['Memory', memory(s.flavor.ram)], ['Disk', `${s.flavor.disk} GB`], ['Project', s.tenant_id], ['Locked', s.locked ? s.locked_reason || 'yes' : 'no'], ['Created', when(s.created)], ['Id', s.id]])}
		${(moves.data.value || []).filter((/** @type {any} */ m) => !m.final).map(under)}
		${isAdmin() ? html`<section aria-labelledby="moves"><h2 id="moves">Migrations</h2>${problem(moves.error.value)}
			${moves.data.value?.length ? table('Migrations', MIGRATION_HEADS, moves.data.value.map(migrationRow)) : html`<p>None.</p>`}</section>` : nothing}
		<section aria-labelledby="actions"><h2 id="actions">What was asked of it</h2>${problem(actions.error.value)}
			${actions.data.value?.length ? table('Actions', ['Action', 'Result', 'Request', 'When'], actions.data.value.map((/** @type {any} */ a) => html`<tr><td>${a.action}</td><td>${a.message || ''}</td><td>${a.request_id}</td><td>${when(a.start_time)}</td></tr>`)) : html`<p>Nothing.</p>`}</section>`;

	return {
		title: 'Server',
		load() { one.load(); moves.load(); actions.load(); },
		event(event) {
			if (event.type === 'reset' || event.server === id)
				soon();
		},
		stop() { one.stop(); moves.stop(); actions.stop(); },
		keys: { m() { const s = plain(); if (s?.host && isAdmin()) migrate(s); } },
		view: () => html`<h1>${one.data.value?.name || 'Server'}</h1>${problem(one.error.value)}${one.data.value ? body(one.data.value) : nothing}`,
	};
}
