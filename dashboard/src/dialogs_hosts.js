// SPDX-License-Identifier: Apache-2.0
// What is asked of hosts that are dead, or that were drained.
import { html, nothing } from '../vendor/lit-html.js';
import { signal } from '../vendor/signals-core';
import { ask, get, resource } from './api.js';
import { question, sending } from './dialogs.js';
import { command, counted, migrationLink, problem, serverLink, state, table, when } from './parts.js';
import { closeDialog, go, openDialog, say } from './state.js';

/**
 * What cannot be taken back is confirmed by the host's name.
 * @param {any} h
 */
function typed(h) {
	const name = signal('');
	return {
		field: () => html`<label>Type <strong>${h.name}</strong> to confirm <input required autocomplete="off" spellcheck="false" .value=${name.value} @input=${(/** @type {any} */ e) => { name.value = e.target.value; }}></label>`,
		check() {
			if (name.value.trim() !== h.name)
				throw new Error(`That is not ${h.name}.`);
		},
	};
}

/** @param {any} h @param {() => void} done */
export function fence(h, done) {
	const sure = typed(h), force = h.state === 'up';
	question({ title: `Fence ${h.name}`, text: html`Its fence agent, ${h.fence_agent}, switches the machine off. ${force ? 'It answers: its servers die with it.' : 'It does not answer; if it still runs servers, these die with it, and can be evacuated then.'}`,
		yes: 'Switch it off', danger: true, fields: sure.field, words: () => ['host', 'fence', h.name, force && '--force'],
		async run() {
			sure.check();
			return ask('POST', `/drover/v1/hosts/${encodeURIComponent(h.name)}/fence`, { fence: { force } });
		}, done });
}

/** @param {any} h @param {() => void} done */
export function forceDown(h, done) {
	const sure = typed(h), down = !h.forced_down;
	question({ title: down ? `${h.name} is off` : `${h.name} may be used again`, yes: down ? 'I have seen that it is off' : 'Use it again', danger: down,
		text: down ? 'Look at the machine first. Its servers can then be evacuated: if it still ran them, each would run twice, on the same disks.' : 'Your word that it is off is taken back.',
		fields: down ? sure.field : undefined, program: 'openstack', words: () => ['compute', 'service', 'set', down ? '--down' : '--up', h.name, 'nova-compute'],
		async run() {
			if (down)
				sure.check();
			return ask('PUT', `/v2.1/os-services/${h.uuid}`, { forced_down: down });
		}, done });
}

/** @param {any} host @param {() => void} done */
export function evacuate(host, done) {
	const one = resource(async () => (await get(`/drover/v1/hosts/${encodeURIComponent(host.name)}`)).host);
	const all = resource(async () => (await get('/drover/v1/hosts')).hosts);
	const to = signal(''), force = signal(false), verdicts = signal(/** @type {any[]|null} */ (null));
	one.load();
	all.load();
	const { error, busy, submit } = sending(async () => {
		const got = await ask('POST', `/drover/v1/hosts/${encodeURIComponent(host.name)}/evacuate`, { evacuate: to.value ? { host: to.value, force: force.value } : {} });
		verdicts.value = got.evacuate.servers;
		const refused = got.evacuate.servers.filter((/** @type {any} */ v) => v.error).length;
		say(`${got.evacuate.servers.length - refused} evacuations are asked for, ${refused} were refused`, true);
		done();
	});

	/** @param {boolean} good @param {unknown} text */
	const need = (good, text) => html`<li>${state(good ? 'passed' : 'failed')} ${text}</li>`;
	/** @param {any} h */
	const needs = (h) => html`<ul class="plain">
		${need(h.state === 'down', h.state === 'down' ? `It is down: ${h.state_reason || 'it does not answer'}.` : 'It answers. What runs on it can be migrated.')}
		${need(h.fenced_at || h.forced_down, h.fenced_at ? html`It is off: fenced ${when(h.fenced_at)}${h.fence_reason ? `, ${h.fence_reason}` : ''}.` : h.forced_down ? 'It is off: an administrator has said so.'
			: html`It is certain to be off. ${h.fencing ? 'It is being fenced…' : nothing}
				<span class="buttons">${h.fence_agent && !h.fencing ? html`<button type="button" @click=${() => fence(h, () => evacuate(host, done))}>Fence it…</button>` : nothing}
				<button type="button" @click=${() => forceDown(h, () => evacuate(host, done))}>I have seen that it is off…</button></span>`)}</ul>`;

	/** @param {any} v */
	const verdict = (v) => html`<tr><td>${serverLink({ id: v.server_uuid, name: v.name })}</td><td>${v.priority}</td><td>${v.migration ? html`migration ${migrationLink(v.migration)}` : '–'}</td><td>${v.error ? html`${state('failed')} ${v.error}` : state('passed')}</td></tr>`;

	/** @param {any} h */
	const form = (h) => html`<p>${h.servers === 1 ? 'Its one server is started again at another host' : `Each of its ${h.servers} servers is started again at another host, those of the highest priority first`}, from its disks as they are: what was in its memory is gone.</p>
		<h3>What is required</h3>${needs(h)}
		<label>Where to <select @change=${(/** @type {any} */ e) => { to.value = e.target.value; }}><option value="">the host that fits each best</option>
		${(all.data.value || []).filter((/** @type {any} */ x) => x.name !== h.name && x.state === 'up').map((/** @type {any} */ x) => html`<option value=${x.name} .selected=${to.value === x.name}>${x.name}</option>`)}</select></label>
		${to.value ? html`<label class="choice"><input type="checkbox" .checked=${force.value} @change=${(/** @type {any} */ e) => { force.value = e.target.checked; }}><span>Even where the scheduler’s filters say no</span></label>` : nothing}
		${problem(error.value)}${command(['host', 'evacuate', h.name, to.value && '--to', to.value, to.value && force.value && '--force'])}
		<div class="buttons"><button type="button" @click=${closeDialog}>Cancel</button>
		<button type="submit" class="danger" aria-disabled=${busy.value || h.state !== 'down' || !(h.fenced_at || h.forced_down)}>Evacuate</button></div>`;

	openDialog({ title: `Evacuate ${host.name}`, event(event) {
		if (event.type === 'host' || event.type === 'reset') {
			one.soon();
			all.soon();
		}
	}, body: () => verdicts.value
		? html`${verdicts.value.length ? table('Verdicts', ['Server', 'Priority', 'Goes by', 'Verdict'], verdicts.value.map(verdict)) : html`<p>It has no servers.</p>`}
			<p>What was refused is as it was, and can be asked for again.</p><div class="buttons"><button type="button" class="main" @click=${closeDialog}>Close</button></div>`
		: html`<form @submit=${submit}>${problem(one.error.value)}${one.data.value ? form(one.data.value) : html`<p>The host is looked at…</p>`}</form>` });
}

/** @param {any} h */
export function undrain(h) {
	const back = signal(true), cold = signal(false);
	question({ title: `Undrain ${h.name}`, text: 'A plan is made: the host is used again, and the servers that its last drain took away may come back. Nothing happens before you start it.', yes: 'Make the plan',
		fields: () => html`<label class="choice"><input type="checkbox" .checked=${back.value} @change=${(/** @type {any} */ e) => { back.value = e.target.checked; }}><span>Bring its servers back</span></label>
			${back.value ? html`<label class="choice"><input type="checkbox" .checked=${cold.value} @change=${(/** @type {any} */ e) => { cold.value = e.target.checked; }}><span>Those that cannot go live may go cold: they are shut off for it</span></label>` : nothing}`,
		words: () => ['host', 'undrain', h.name, '--dry-run', back.value && '--bring-back', back.value && cold.value && '--cold'],
		run: () => ask('POST', '/drover/v1/plans', { plan: { kind: 'undrain', hosts: [h.name], bring_back: back.value, ...(back.value && cold.value ? { cold: true } : {}) } }),
		done: (got) => go(`/plans/${got.plan.id}`), said: 'The plan is made' });
}

/** @param {Map<string, string>} chosen ids and names */
export function bulk(chosen) {
	const hosts = resource(async () => (await get('/drover/v1/hosts')).hosts);
	const to = signal(''), cold = signal(false), ids = [...chosen.keys()], names = [...chosen.values()];
	hosts.load();
	question({ title: `Move ${counted(ids.length, 'server')}`, yes: 'Make the plan',
		text: html`<p>A plan is made: which goes where, in which order, and what cannot go. Nothing moves before you start it.</p><p>${names.slice(0, 8).join(', ')}${names.length > 8 ? ` and ${names.length - 8} more` : ''}</p>`,
		fields: () => html`<label>Where to <select @change=${(/** @type {any} */ e) => { to.value = e.target.value; }}><option value="">the host that fits each best</option>
			${(hosts.data.value || []).map((/** @type {any} */ h) => html`<option value=${h.name} .selected=${to.value === h.name}>${h.name}</option>`)}</select></label>${problem(hosts.error.value)}
			<label class="choice"><input type="checkbox" .checked=${cold.value} @change=${(/** @type {any} */ e) => { cold.value = e.target.checked; }}><span>Those that cannot go live may go cold: they are shut off for it</span></label>`,
		words: () => ['plan', 'bulk', ...(ids.length > 8 ? [...ids.slice(0, 8), '...'] : ids), '--dry-run', to.value && '--to', to.value, cold.value && '--cold'],
		run: () => ask('POST', '/drover/v1/plans', { plan: { kind: 'bulk', servers: ids, ...(to.value ? { to: to.value } : {}), ...(cold.value ? { cold: true } : {}) } }),
		done: (got) => go(`/plans/${got.plan.id}`), said: 'The plan is made' });
}

/* ---- a plan that is a draft ---- */

/** @param {any} p @param {any} s a step of it @param {() => void} done */
export function changeStep(p, s, done) {
	const hosts = resource(async () => (await get('/drover/v1/hosts')).hosts);
	const to = signal(s.to || ''), out = signal(false);
	hosts.load();
	question({ title: `Step ${s.n}: ${s.server_name}`, text: `It goes from ${s.from} to ${s.to || 'no host'}, ${s.how}.`, yes: 'Change it',
		fields: () => html`<label class="choice"><input type="radio" name="what" .checked=${!out.value} @change=${() => { out.value = false; }}><span>It goes to <select aria-label="Host" ?disabled=${out.value} @change=${(/** @type {any} */ e) => { to.value = e.target.value; }}>
			${(hosts.data.value || []).filter((/** @type {any} */ h) => h.name !== s.from).map((/** @type {any} */ h) => html`<option value=${h.name} .selected=${to.value === h.name}>${h.name}</option>`)}</select></span></label>${problem(hosts.error.value)}
			<label class="choice"><input type="radio" name="what" .checked=${out.value} @change=${() => { out.value = true; }}><span>It is left out of the plan</span></label>`,
		words: () => ['plan', 'set', p.id, ...(out.value ? ['--skip', s.n] : ['--to', `${s.n}=${to.value}`])],
		run: () => ask('PATCH', `/drover/v1/plans/${p.id}`, { plan: { steps: [out.value ? { n: s.n, skip: true } : { n: s.n, to: to.value }] } }), done });
}

/** @param {any} p @param {() => void} done */
export function changePlan(p, done) {
	const of = { parallel: signal(p.options.parallel), priority: signal(p.options.priority ?? 0) };
	question({ title: `Options of plan ${p.id}`, text: 'They count from its start on.', yes: 'Change them',
		fields: () => html`<label>Migrations at once <input type="number" required min="1" max="1000" .value=${String(of.parallel.value)} @input=${(/** @type {any} */ e) => { of.parallel.value = Number(e.target.value); }}></label>
			<label>Their priority in the queue <input type="number" required min="-1000" max="1000" .value=${String(of.priority.value)} @input=${(/** @type {any} */ e) => { of.priority.value = Number(e.target.value); }}></label>`,
		words: () => ['plan', 'set', p.id, '--parallel', of.parallel.value, '--priority', of.priority.value],
		run: () => ask('PATCH', `/drover/v1/plans/${p.id}`, { plan: { parallel: of.parallel.value, priority: of.priority.value } }), done });
}
