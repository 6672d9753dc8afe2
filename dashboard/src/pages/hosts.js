// SPDX-License-Identifier: Apache-2.0
import { html, nothing } from '../../vendor/lit-html.js';
import { get, resource } from '../api.js';
import { disable, drain } from '../dialogs.js';
import { evacuate, fence, forceDown, undrain } from '../dialogs_hosts.js';
import { bar, facts, hostLink, memory, MIGRATION_HEADS, migrationRow, problem, serverLink, state, table, when } from '../parts.js';
import { href } from '../state.js';

/** @param {any} h @param {'memory_mb'|'vcpus'|'disk_gb'} of */
const use = (h, of) => h.used[of] + h.claimed[of];
/** @param {any} h */
const why = (h) => h.disabled ? `disabled${h.disabled_reason ? `: ${h.disabled_reason}` : ''}` : h.state === 'up' ? '' : h.state_reason;

/** @returns {import('../state.js').Page} */
export function hosts() {
	const all = resource(async () => (await get('/drover/v1/hosts')).hosts);
	/** @param {any} h */
	const row = (h) => html`<tr><td>${hostLink(h.name)}</td><td>${state(h.state)}</td><td>${why(h)}</td><td><a href=${href(`/servers?host=${encodeURIComponent(h.name)}`)}>${h.servers}</a></td>
		<td>${bar(use(h, 'memory_mb'), h.capacity.memory_mb, `Memory of ${h.name}`)} ${memory(use(h, 'memory_mb'))} of ${memory(h.capacity.memory_mb)}</td>
		<td>${bar(use(h, 'vcpus'), h.capacity.vcpus, `vCPUs of ${h.name}`)} ${use(h, 'vcpus')} of ${h.capacity.vcpus}</td></tr>`;
	return {
		title: 'Hosts',
		load: all.load,
		event(event) {
			if (event.type === 'host' || event.type === 'server' || event.type === 'reset')
				all.soon();
		},
		stop: all.stop,
		view: () => html`<h1>Hosts</h1>${problem(all.error.value)}${all.data.value ? table('Hosts', ['Name', 'State', 'Why', 'Servers', 'Memory', 'vCPUs'], all.data.value.map(row)) : nothing}`,
	};
}

/** @param {string} name @returns {import('../state.js').Page} */
export function host(name) {
	const path = encodeURIComponent(name);
	const one = resource(async () => (await get(`/drover/v1/hosts/${path}`)).host);
	const guests = resource(() => get(`/drover/v1/servers?host=${path}&limit=100&fields=name,status,vcpus,memory_mb`));
	const moves = resource(async () => (await get(`/drover/v1/migrations?host=${path}&limit=20`)).migrations);
	const soon = () => { one.soon(); guests.soon(); moves.soon(); };
	/** @param {any} h */
	const body = (h) => html`<div class="buttons" role="group" aria-label="Actions"><button type="button" class="main" @click=${() => drain(h)}>Drain…</button>
		${h.disabled ? html`<button type="button" @click=${() => undrain(h)}>Undrain…</button>` : nothing}
		${h.state === 'down' ? html`<button type="button" @click=${() => evacuate(h, soon)}>Evacuate…</button>` : nothing}
		${h.fence_agent && !h.fencing && !h.fenced_at ? html`<button type="button" @click=${() => fence(h, soon)}>Fence…</button>` : nothing}
		${h.forced_down ? html`<button type="button" @click=${() => forceDown(h, soon)}>It may be used again…</button>` : nothing}
		<button type="button" @click=${() => disable(h, soon)}>${h.disabled ? 'Enable…' : 'Disable…'}</button></div>
		${facts([['State', state(h.state)], ['Why', why(h)], ['Servers', h.servers], ['Memory', html`${bar(use(h, 'memory_mb'), h.capacity.memory_mb, 'Memory')} ${memory(use(h, 'memory_mb'))} of ${memory(h.capacity.memory_mb)}, ${memory(h.claimed.memory_mb)} of it claimed`], ['vCPUs', html`${bar(use(h, 'vcpus'), h.capacity.vcpus, 'vCPUs')} ${use(h, 'vcpus')} of ${h.capacity.vcpus}`], ['Disk', `${use(h, 'disk_gb')} of ${h.capacity.disk_gb} GB`], ['Cell', h.cell], ['Address', h.uri], ['Last answer', when(h.last_seen_at)]])}`;
	return {
		title: `Host ${name}`,
		load() { one.load(); guests.load(); moves.load(); },
		event(event) {
			if (event.type === 'reset' || event.host === name || event.host_was === name || event.source === name || event.dest === name)
				soon();
		},
		stop() { one.stop(); guests.stop(); moves.stop(); },
		view: () => html`<h1>Host ${name}</h1>${problem(one.error.value)}${one.data.value ? body(one.data.value) : nothing}
			<section aria-labelledby="guests"><h2 id="guests">Servers</h2>${problem(guests.error.value)}
			${guests.data.value ? html`${table('Servers', ['Name', 'Status', 'vCPUs', 'Memory'], guests.data.value.servers.map((/** @type {any} */ s) => html`<tr><td>${serverLink(s)}</td><td>${state(s.status)}</td><td>${s.vcpus}</td><td>${memory(s.memory_mb)}</td></tr>`))}
			<p><a href=${href(`/servers?host=${path}`)}>All ${guests.data.value.total} servers</a></p>` : nothing}</section>
			<section aria-labelledby="moves"><h2 id="moves">Migrations from and to it</h2>${problem(moves.error.value)}${moves.data.value?.length ? table('Migrations', MIGRATION_HEADS, moves.data.value.map(migrationRow)) : html`<p>None.</p>`}</section>`,
	};
}
