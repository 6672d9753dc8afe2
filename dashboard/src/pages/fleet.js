// SPDX-License-Identifier: Apache-2.0
// A fleet at one look: what is wrong first, then what runs.
import { html, nothing } from '../../vendor/lit-html.js';
import { get, resource } from '../api.js';
import { counted, duration, facts, hostLink, MIGRATION_HEADS, migrationLink, migrationRow, problem, serverLink, state, table, when } from '../parts.js';
import { href, isAdmin } from '../state.js';

/** @returns {import('../state.js').Page} */
export function fleet() {
	const sum = resource(() => get('/drover/v1/summary'));
	const running = resource(async () => (isAdmin() ? (await get('/drover/v1/migrations?status=running&limit=20')).migrations : []));

	/** @param {any} s */
	const alarms = (s) => {
		const a = s.alarms, lines = [];
		if (a.lost)
			lines.push(`${counted(a.lost, 'server has', 'servers have')} been lost by a task: see each server’s fault, and decide.`);
		if (a.duplicates)
			lines.push(`${counted(a.duplicates, 'server runs', 'servers run')} on two hosts, as these say. Nothing is touched: find out which copy is used before one is stopped.`);
		if (a.hosts_held || a.hosts_given_up)
			lines.push(`${counted(a.hosts_held + a.hosts_given_up, 'silent host is', 'silent hosts are')} left to you, neither fenced nor evacuated unless you ask for it.`);
		if (s.hosts.down)
			lines.push(html`${counted(s.hosts.down, 'host is', 'hosts are')} down: <a href=${href('/hosts')}>which, and why</a>.`);
		if (s.checks?.errors)
			lines.push(`The last check of the set-up found ${s.checks.errors} errors.`);
		return lines.length ? html`<section aria-labelledby="alarms" class="alarms"><h2 id="alarms">Needs you</h2><ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>
			${a.servers.length ? table('Servers with alarms', ['Server', 'Status', 'Host', 'Also on', 'Fault'], a.servers.map((/** @type {any} */ one) => html`<tr><td>${serverLink(one)}</td><td>${state(one.status)}</td><td>${hostLink(one.host)}</td><td>${hostLink(one.also_on)}</td><td>${one.fault || ''}</td></tr>`)) : nothing}</section>` : nothing;
	};

	/** @param {any} s */
	const servers = (s) => html`<section aria-labelledby="servers"><h2 id="servers"><a href=${href('/servers')}>${counted(s.servers.total, 'server')}</a></h2>
		<ul class="counts">${Object.entries(s.servers.by_status).map(([word, n]) => html`<li><a href=${href(`/servers?status=${word}`)}>${state(word)} <strong>${n}</strong></a></li>`)}</ul></section>`;

	/** @param {any} s */
	const whole = (s) => html`<section aria-labelledby="hosts"><h2 id="hosts"><a href=${href('/hosts')}>${counted(s.hosts.total, 'host')}</a></h2>
		${facts([['Up', s.hosts.up], ['Down', s.hosts.down], ['Forced down', s.hosts.forced_down], ['Disabled', s.hosts.disabled], ['Fenced', s.hosts.fenced]])}</section>
		<section aria-labelledby="tasks"><h2 id="tasks"><a href=${href('/migrations')}>Tasks</a></h2>
		${table('Tasks by kind', ['Kind', 'Queued', 'Running', 'Waiting for you'], Object.entries(s.tasks).map(([kind, n]) => html`<tr><td>${kind}</td><td>${n.queued}</td><td>${n.running}</td><td>${n.resting}</td></tr>`))}
		${running.data.value?.length ? table('Migrations that run', MIGRATION_HEADS, running.data.value.map(migrationRow)) : nothing}</section>
		<section aria-labelledby="failures"><h2 id="failures">Last failures</h2>
		${s.failures.length ? table('Last failures', ['Migration', 'Server', 'Kind', 'From', 'To', 'Why', 'When'], s.failures.map((/** @type {any} */ f) => html`<tr><td>${migrationLink(f.id)}</td><td>${serverLink({ id: f.server_uuid, name: f.server_name })}</td><td>${f.type}</td><td>${hostLink(f.source)}</td><td>${hostLink(f.dest)}</td><td>${f.error}</td><td>${when(f.ended_at)}</td></tr>`))
			: html`<p>None since the controller’s start.</p>`}</section>`;

	return {
		title: 'Fleet',
		load() { sum.load(); running.load(); },
		event(event) {
			sum.soon();
			if (event.type !== 'server' && event.type !== 'host')
				running.soon();
		},
		stop() { sum.stop(); running.stop(); },
		view() {
			const s = sum.data.value?.summary;
			return html`<h1>Fleet</h1>${problem(sum.error.value)}
				${s ? html`${s.alarms ? alarms(s) : nothing}${servers(s)}${s.hosts ? whole(s) : nothing}
				<footer>Drover ${s.controller.version}${s.controller.uptime_s === null ? nothing : `, up for ${duration(s.controller.uptime_s)}`}</footer>` : nothing}`;
		},
	};
}
