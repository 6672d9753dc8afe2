// SPDX-License-Identifier: Apache-2.0
// What asks before something is done. Each shows the command that does the same.
import { html, nothing } from '../vendor/lit-html.js';
import { signal } from '../vendor/signals-core';
import { act, ask, resource } from './api.js';
import { bytes, command, counted, duration, eta, problem, state } from './parts.js';
import { closeDialog, go, openDialog, say } from './state.js';

/**
 * What a dialog sends: once at a time, and what goes wrong is told in it.
 * @param {() => Promise<unknown>} run
 */
export function sending(run) {
	const error = signal(/** @type {Error|null} */ (null)), busy = signal(false);
	/** @param {Event} event */
	async function submit(event) {
		event.preventDefault();
		if (busy.value)
			return;
		busy.value = true;
		try {
			await run();
		} catch (why) {
			error.value = /** @type {Error} */ (why);
		}
		busy.value = false;
	}
	return { error, busy, submit };
}

/**
 * A question with one way on.
 * @param {{title: string, text: unknown, yes: string, words: () => (string|number|false|null)[], program?: string, danger?: boolean, fields?: () => unknown,
 *          run: () => Promise<unknown>, done?: (got: any) => void, said?: string}} q
 */
export function question(q) {
	const { error, busy, submit } = sending(async () => {
		const got = await q.run();
		closeDialog();
		say(q.said || `${q.title}: asked for`, true);
		q.done?.(got);
	});
	openDialog({ title: q.title, body: () => html`<form @submit=${submit}>
		<div>${q.text}</div>${q.fields ? q.fields() : nothing}${problem(error.value)}${command(q.words(), q.program)}
		<div class="buttons"><button type="button" @click=${closeDialog}>Cancel</button>
		<button type="submit" class=${q.danger ? 'danger' : 'main'} aria-disabled=${busy.value}>${q.yes}</button></div></form>` });
}

/* ---- moving a server ---- */

/** @param {any} h a host of a precheck @param {boolean} cold */
const wayOf = (h, cold) => cold ? h.cold : h;

/**
 * Each check that says no.
 * @param {any} way
 */
const reasons = (way) => way.checks.filter((/** @type {any} */ c) => c.result === 'failed');

/** @param {{id: string, name: string, host: string|null, status: string}} s */
export function migrate(s) {
	const can = resource(() => ask('POST', `/drover/v1/servers/${s.id}/precheck`, { precheck: { host: null } }));
	const hosts = resource(() => ask('GET', '/drover/v1/hosts'));
	const off = s.status === 'SHUTOFF';
	const cold = signal(off), host = signal(''), block = signal('auto'), first = signal(0), deadline = signal(0);
	/** What a migration itself has no field for, a plan of this one server has. */
	const planned = () => !cold.value && Boolean(first.value || deadline.value);
	can.load();
	hosts.load();

	/** @param {string} name */
	function room(name) {
		const h = hosts.data.value?.hosts.find((/** @type {any} */ one) => one.name === name);
		return h ? `${bytes((h.capacity.memory_mb - h.used.memory_mb - h.claimed.memory_mb) * 1048576)} and ${h.capacity.vcpus - h.used.vcpus - h.claimed.vcpus} vCPUs free` : '';
	}

	const { error, busy, submit } = sending(async () => {
		if (planned()) {
			const got = await ask('POST', '/drover/v1/plans', { plan: { kind: 'bulk', servers: [s.id], start: true, priority: first.value, deadline: deadline.value, ...(host.value ? { to: host.value } : {}) } });
			closeDialog();
			go(`/plans/${got.plan.id}`);
			return;
		}
		if (cold.value)
			await act(s.id, 'migrate', { host: host.value || null });
		else
			await act(s.id, 'os-migrateLive', { host: host.value || null, block_migration: block.value === 'auto' ? 'auto' : block.value === 'yes' });
		closeDialog();
		say(`The migration of ${s.name} is asked for`, true);
		go(`/servers/${s.id}`);
	});

	/** Memory alone: what of its disks is copied, the destination says. */
	function expected() {
		const x = can.data.value?.precheck.expected;
		if (!x || cold.value)
			return nothing;
		return html`<p>Expected: ${x.measured ? eta(x) : `about ${duration(x.ms / 1000)}, if it writes little; how fast it writes is not known before its first migration`}, for ${bytes(x.bytes)} of memory; copied disks come on top.</p>`;
	}

	const all = () => (can.data.value?.precheck.hosts || []).filter((/** @type {any} */ h) => h.host !== s.host);
	const able = () => all().filter((/** @type {any} */ h) => wayOf(h, cold.value).fits);
	const unable = () => all().filter((/** @type {any} */ h) => !wayOf(h, cold.value).fits);

	/** @param {any} h */
	const choice = (h) => html`<label class="choice"><input type="radio" name="host" value=${h.host} .checked=${host.value === h.host} @change=${() => { host.value = h.host; }}>
		<span>${h.host} <small>${room(h.host)}</small></span></label>`;
	/** @param {any} h */
	const refused = (h) => html`<li><strong>${h.host}</strong><ul>${reasons(wayOf(h, cold.value)).map((/** @type {any} */ c) => html`<li>${c.name}: ${c.reason}</li>`)}</ul></li>`;

	openDialog({ title: `Migrate ${s.name}`, body: () => html`<form @submit=${submit}>
		<p>It is on ${s.host || 'no host'}, ${state(s.status)}.</p>
		<fieldset><legend>How</legend>
			<label class="choice"><input type="radio" name="how" value="live" .checked=${!cold.value} @change=${() => { cold.value = false; host.value = ''; }}><span>Live: it runs on meanwhile</span></label>
			<label class="choice"><input type="radio" name="how" value="cold" .checked=${cold.value} @change=${() => { cold.value = true; host.value = ''; }}><span>Cold: it is shut off for it; confirm or revert it then</span></label>
		</fieldset>
		<fieldset><legend>Where to</legend>
			<label class="choice"><input type="radio" name="host" value="" .checked=${!host.value} @change=${() => { host.value = ''; }}><span>The host that fits best</span></label>
			${problem(can.error.value)}
			${can.data.value ? able().map(choice) : can.error.value ? nothing : html`<p>Each host is being asked…</p>`}
			${can.data.value && !able().length ? html`<p class="problem">No host can take it now.</p>` : nothing}
		</fieldset>
		${can.data.value && unable().length ? html`<details><summary>${counted(unable().length, 'host that cannot', 'hosts that cannot')}, and why</summary><div class="reasons" tabindex="0" role="group" aria-label="Hosts that cannot, and why"><ul>${unable().map(refused)}</ul></div></details>` : nothing}
		${cold.value ? nothing : html`<details><summary>Options</summary>
			<label>Priority in the queue <input type="number" min="-1000" max="1000" .value=${String(first.value)} @input=${(/** @type {any} */ e) => { first.value = Number(e.target.value); }}></label>
			<label>Give up after seconds, 0: never <input type="number" min="0" max="2592000" .value=${String(deadline.value)} @input=${(/** @type {any} */ e) => { deadline.value = Number(e.target.value); }}></label>
			${planned() ? html`<p>It goes by a plan, which begins at once and shows how it ended.</p>` : nothing}
			<p>Whether the copy may end by post-copy is for all migrations alike: <code>[libvirt] live_migration_permit_post_copy</code>.</p>
			<label>Copy local disks <select ?disabled=${planned()} @change=${(/** @type {any} */ e) => { block.value = e.target.value; }}>
			${['auto', 'yes', 'no'].map((word) => html`<option value=${word} .selected=${block.value === word}>${word}</option>`)}</select></label></details>`}
		${expected()}${problem(error.value)}
		${planned() ? command(['plan', 'bulk', s.id, '--yes', host.value && '--to', host.value, first.value && '--priority', first.value, deadline.value && '--deadline', deadline.value])
			: command(['server', 'migrate', s.id, cold.value ? '--cold' : '--live', host.value && '--host', host.value, !cold.value && block.value === 'yes' && '--block-migration', !cold.value && block.value === 'no' && '--shared-migration'])}
		<div class="buttons"><button type="button" @click=${closeDialog}>Cancel</button><button type="submit" class="main" aria-disabled=${busy.value}>Migrate</button></div>
	</form>` });
}

/* ---- power, confirm and revert ---- */

/** By the API's word: what is asked, and in which statuses. */
export const POWER = /** @type {const} */ ([
	{ name: 'Start', action: 'os-start', word: 'start', of: ['SHUTOFF'], text: 'It is started on its host.' },
	{ name: 'Shut off', action: 'os-stop', word: 'stop', of: ['ACTIVE', 'ERROR'], text: 'The guest is asked to shut off, and switched off if it does not in time.' },
	{ name: 'Reboot', action: 'reboot', value: { type: 'SOFT' }, word: 'reboot', of: ['ACTIVE'], text: 'The guest is asked to, and reset if it does not in time.' },
	{ name: 'Pause', action: 'pause', word: 'pause', of: ['ACTIVE'], text: 'It stands still, and stays in its host’s memory.' },
	{ name: 'Unpause', action: 'unpause', word: 'unpause', of: ['PAUSED'], text: 'It goes on.' },
	{ name: 'Suspend', action: 'suspend', word: 'suspend', of: ['ACTIVE'], text: 'Its memory is saved to its host’s disk.' },
	{ name: 'Resume', action: 'resume', word: 'resume', of: ['SUSPENDED'], text: 'It goes on from its saved memory.' },
	{ name: 'Confirm', action: 'confirmResize', word: 'confirm', of: ['VERIFY_RESIZE'], text: 'It stays where it is now; what its old host has of it is removed.' },
	{ name: 'Revert', action: 'revertResize', word: 'revert', of: ['VERIFY_RESIZE'], text: 'It is shut off here and goes back to its old host, with the disks as they were there.' },
]);

/** @param {any} s @param {(typeof POWER)[number]} p @param {() => void} done */
export function power(s, p, done) {
	question({ title: `${p.name}: ${s.name}`, text: p.text, yes: p.name, danger: p.action === 'os-stop' || p.action === 'revertResize',
		words: () => ['server', p.word, s.id], run: () => act(s.id, p.action, 'value' in p ? p.value : null), done });
}

/* ---- a migration that runs ---- */

/** @param {any} m @param {() => void} done */
export function abort(m, done) {
	const sent = m.progress.memory_processed_bytes + m.progress.disk_processed_bytes;
	const text = m.queue_position ? 'It has not begun; nothing is lost.'
		: `What was sent is lost: ${bytes(sent)}${m.progress.bytes_per_second ? `, about ${duration(sent / m.progress.bytes_per_second)} of copying` : ''}. The server stays on ${m.source}.`;
	question({ title: `Abort migration ${m.id}`, text, yes: 'Abort it', danger: true, words: () => ['migration', 'abort', m.id],
		run: () => ask('DELETE', `/v2.1/servers/${m.server_uuid}/migrations/${m.id}`), done });
}

/** @param {any} m @param {() => void} done */
export function force(m, done) {
	const left = m.progress.memory_remaining_bytes + m.progress.disk_remaining_bytes, rate = m.progress.bytes_per_second;
	const text = html`<p>The copy is brought to its end now: by a pause of the guest${rate && left ? html` of about <strong>${duration(left / rate)}</strong>` : nothing} until the rest is sent;
		or, where [libvirt] live_migration_permit_post_copy is set, by running it at ${m.dest || 'its destination'} at once. With post-copy the guest is lost if either host fails before the rest is there.</p>`;
	question({ title: `Force migration ${m.id} to complete`, text, yes: 'Complete it now', danger: true, words: () => ['migration', 'force-complete', m.id],
		run: () => ask('POST', `/v2.1/servers/${m.server_uuid}/migrations/${m.id}/action`, { force_complete: null }), done });
}

/** @param {any} m @param {() => void} done */
export function priority(m, done) {
	const value = signal(m.priority);
	question({ title: `Priority of migration ${m.id}`, text: 'Higher goes first; of the same, the older.', yes: 'Set it',
		fields: () => html`<label>Priority <input type="number" min="-1000" max="1000" required .value=${String(value.value)} @input=${(/** @type {any} */ e) => { value.value = Number(e.target.value); }}></label>`,
		words: () => ['migration', 'set', m.id, '--priority', value.value], run: () => ask('POST', `/drover/v1/migrations/${m.id}`, { priority: value.value }), done });
}

/* ---- hosts and plans ---- */

/** @param {any} h @param {() => void} done */
export function disable(h, done) {
	const reason = signal('');
	const off = !h.disabled;
	question({ title: `${off ? 'Disable' : 'Enable'} ${h.name}`, text: off ? 'No new servers come to it; those that are on it stay.' : 'The scheduler may use it again.', yes: off ? 'Disable' : 'Enable',
		fields: () => off ? html`<label>Reason <input maxlength="255" .value=${reason.value} @input=${(/** @type {any} */ e) => { reason.value = e.target.value; }}></label>` : nothing,
		words: () => ['host', off ? 'disable' : 'enable', h.name, off && reason.value && '--reason', off && reason.value],
		run: () => ask('PUT', `/v2.1/os-services/${h.uuid}`, off ? { status: 'disabled', ...(reason.value ? { disabled_reason: reason.value } : {}) } : { status: 'enabled' }), done });
}

/** @param {any} h */
export function drain(h) {
	const cold = signal(false);
	question({ title: `Drain ${h.name}`, text: 'A plan is made: which server goes where, in which order, and what cannot go. Nothing moves before you start it.', yes: 'Make the plan',
		fields: () => html`<label class="choice"><input type="checkbox" .checked=${cold.value} @change=${(/** @type {any} */ e) => { cold.value = e.target.checked; }}><span>Those that cannot go live may go cold: they are shut off for it</span></label>`,
		words: () => ['host', 'drain', h.name, '--dry-run', cold.value && '--cold'],
		run: () => ask('POST', '/drover/v1/plans', { plan: { kind: 'drain', hosts: [h.name], ...(cold.value ? { cold: true } : {}) } }),
		done: (got) => go(`/plans/${got.plan.id}`), said: 'The plan is made' });
}

const PLAN_WORDS = /** @type {Record<string, [string, string]>} */ ({
	start: ['Start', 'The first steps begin now.'], pause: ['Pause', 'No step begins any more; what runs comes to its end.'],
	resume: ['Resume', 'It goes on where it stopped.'], cancel: ['Cancel', 'No step begins any more, and the plan is over. What runs comes to its end.'],
});

/** @param {any} plan @param {string} what @param {() => void} done */
export function planAction(plan, what, done) {
	const [name, text] = PLAN_WORDS[what];
	question({ title: `${name} plan ${plan.id}`, text, yes: name, danger: what === 'cancel', words: () => ['plan', what, plan.id],
		run: () => ask('POST', `/drover/v1/plans/${plan.id}/action`, { [what]: null }), done });
}
