// SPDX-License-Identifier: Apache-2.0
// All servers: a table of fixed height whose rows are read where it is looked at, a hundred at once. What is not in sight is not in the page.
import { html, nothing } from '../../vendor/lit-html.js';
import { signal } from '../../vendor/signals-core';
import { get } from '../api.js';
import { migrate } from '../dialogs.js';
import { bulk } from '../dialogs_hosts.js';
import { bar, counted, hostLink, memory, problem, serverLink, state } from '../parts.js';
import { afterDrawn, isAdmin, query, setFilter } from '../state.js';

const ROW_PX = 34;
const BEYOND = 8;     // rows above and below what is seen
const PART = 100;
const PARTS_KEPT = 12;
const CHOSEN_MAX = 2500; // a body of a request has no more
const STATUSES = ['', 'ACTIVE', 'SHUTOFF', 'PAUSED', 'SUSPENDED', 'MIGRATING', 'RESIZE', 'VERIFY_RESIZE', 'REBOOT', 'ERROR'];

/** @returns {import('../state.js').Page} */
export function servers() {
	/** @type {Map<number, any[]>} the number of a part -> its rows; the one that was used last is the last */
	const parts = new Map(), asked = new Set();
	const total = signal(/** @type {number|null} */ (null)), error = signal(/** @type {Error|null} */ (null)), version = signal(0);
	const first = signal(0), seen = signal(30);
	/** Ids and names; they stay when the rows are out of sight. */
	const chosen = signal(/** @type {Map<string, string>} */ (new Map()));
	let generation = 0, typing = 0, again = 0;

	const columns = () => /** @type {[string, string][]} */ ([['name', 'Name'], ['status', 'Status'], ...(isAdmin() ? [['host', 'Host']] : []), ['vcpus', 'vCPUs'], ['memory_mb', 'Memory'], ['disk_gb', 'Disk GB'], ['project_id', 'Project']]);

	/** @param {number} part */
	async function read(part) {
		const mine = generation, q = query();
		q.set('offset', String(part * PART));
		q.set('limit', String(PART));
		asked.add(part);
		try {
			const got = await get(`/drover/v1/servers?${q}`);
			if (mine !== generation)
				return;
			parts.delete(part);
			parts.set(part, got.servers);
			for (const old of parts.keys())
				if (parts.size > PARTS_KEPT && old !== part)
					parts.delete(old);
			total.value = got.total;
			error.value = null;
		} catch (why) {
			if (mine === generation)
				error.value = /** @type {Error} */ (why);
		} finally {
			if (mine === generation)
				asked.delete(part);
		}
		version.value++;
	}

	const wanted = () => {
		const from = Math.floor(Math.max(0, first.value - BEYOND) / PART), to = Math.floor((first.value + seen.value + BEYOND) / PART), all = [];
		for (let part = from; part <= to && (part === 0 || part * PART < (total.value || 0)); part++)
			all.push(part);
		return all;
	};

	/** What is in sight, and not there. */
	function fill() {
		for (const part of wanted())
			if (!parts.has(part) && !asked.has(part))
				read(part);
	}

	/** @param {Event} event */
	function scrolled(event) {
		const at = /** @type {HTMLElement} */ (event.target);
		first.value = Math.floor(at.scrollTop / ROW_PX);
		seen.value = Math.ceil(at.clientHeight / ROW_PX);
		fill();
	}

	/** How many rows the window has, once it is there, and when it grows. */
	function measure() {
		const box = document.querySelector('.window');
		if (!box)
			return;
		seen.value = Math.ceil(box.clientHeight / ROW_PX);
		fill();
	}
	addEventListener('resize', measure);

	function load() {
		generation++;
		asked.clear();
		wanted().forEach(read);
		afterDrawn(measure);
	}

	/** @param {string} name @param {string} value */
	function filter(name, value) {
		parts.clear();
		first.value = 0;
		document.querySelector('.window')?.scrollTo(0, 0);
		setFilter(name, value);
	}

	/** @param {any} s */
	function toggle(s) {
		const next = new Map(chosen.value);
		if (!next.delete(s.id) && next.size < CHOSEN_MAX)
			next.set(s.id, s.name);
		chosen.value = next;
	}

	async function chooseAll() {
		const next = new Map(), q = query();
		q.set('fields', 'name');
		q.set('limit', '500');
		try {
			for (let offset = 0; offset < Math.min(total.value || 0, CHOSEN_MAX); offset += 500) {
				q.set('offset', String(offset));
				for (const s of (await get(`/drover/v1/servers?${q}`)).servers)
					next.set(s.id, s.name);
			}
			chosen.value = next;
		} catch (why) {
			error.value = /** @type {Error} */ (why);
		}
	}

	const choice = () => html`<div class="buttons" role="group" aria-label="Of the chosen servers"><span role="status">${chosen.value.size} chosen</span>
		<button type="button" class="main" ?disabled=${!chosen.value.size} @click=${() => bulk(chosen.value)}>Move…</button>
		<button type="button" ?disabled=${!total.value || total.value > CHOSEN_MAX} title=${(total.value || 0) > CHOSEN_MAX ? `Not more than ${CHOSEN_MAX}: search or filter first` : ''} @click=${chooseAll}>Choose all ${total.value || 0}</button>
		<button type="button" ?disabled=${!chosen.value.size} @click=${() => { chosen.value = new Map(); }}>Choose none</button></div>`;

	/** @param {number} n */
	const at = (n) => parts.get(Math.floor(n / PART))?.[n % PART];

	/** @param {string} id */
	function known(id) {
		for (const rows of parts.values())
			for (const row of rows)
				if (row.id === id)
					return row;
		return null;
	}

	/** An answer that is on its way is waited for: else a slow one would never be shown while things happen. */
	function reread() {
		again = asked.size ? setTimeout(reread, 500) : 0;
		if (!again)
			load();
	}

	/**
	 * What an event says of a row that is there; a row less or more is read again, not more often than each second.
	 * @param {import('../state.js').Event_} event
	 */
	function event(event) {
		const row = event.server ? known(event.server) : null;
		if (event.type === 'reset') {
			load();
		} else if (event.type === 'progress' && row?.migration) {
			const p = event.progress, sent = p.memory_processed_bytes + p.disk_processed_bytes, left = p.memory_remaining_bytes + p.disk_remaining_bytes;
			row.migration.percent = Math.max(row.migration.percent, Math.floor(100 * sent / Math.max(1, sent + left)));
			version.value++;
		} else if (event.type === 'server' || (event.type === 'migration' && row)) {
			if (row && event.type === 'server')
				Object.assign(row, { name: event.name, status: event.status, ...(isAdmin() ? { host: event.host } : {}) });
			if (row)
				version.value++;
			again ||= setTimeout(reread, 1000);
		}
	}

	/** @param {[string, string]} column */
	function head([name, text]) {
		const sort = query().get('sort') || 'name', down = sort === `-${name}`, up = sort === name;
		return html`<th scope="col" aria-sort=${up ? 'ascending' : down ? 'descending' : 'none'}><button type="button" @click=${() => filter('sort', up ? `-${name}` : name)}>${text}${up ? ' ▲' : down ? ' ▼' : ''}</button></th>`;
	}

	/** @param {any} s @param {string} name */
	function cell(s, name) {
		if (name === 'name')
			return serverLink(s);
		if (name === 'status')
			return html`${state(s.status)}${s.migration ? html` ${bar(s.migration.percent, 100, `Migration of ${s.name}`)}${s.migration.dest ? ` to ${s.migration.dest}` : ''}` : nothing}`;
		if (name === 'host')
			return hostLink(s.host);
		return name === 'memory_mb' ? memory(s.memory_mb) : s[name];
	}

	/** @param {number} n */
	function row(n) {
		const s = at(n);
		return html`<tr aria-rowindex=${n + 2} data-row=${n} data-id=${s ? s.id : ''}>${isAdmin() ? html`<td class="tick">${s ? html`<input type="checkbox" aria-label="Choose ${s.name}" .checked=${chosen.value.has(s.id)} @change=${() => toggle(s)}>` : nothing}</td>` : nothing}${columns().map(([name]) => html`<td>${s ? cell(s, name) : name === 'name' ? '…' : ''}</td>`)}</tr>`;
	}

	/**
	 * A row as high as all that are not there.
	 * @param {number} n
	 */
	const space = (n) => n > 0 ? html`<tr aria-hidden="true"><td colspan=${columns().length + (isAdmin() ? 1 : 0)} height=${n * ROW_PX}></td></tr>` : nothing;

	function rows() {
		void version.value;
		const n = total.value || 0, from = Math.min(Math.max(0, first.value - BEYOND), Math.max(0, n - 1)), to = Math.min(n, first.value + seen.value + BEYOND), all = [];
		for (let i = from; i < to; i++)
			all.push(row(i));
		return html`${space(from)}${all}${space(n - to)}`;
	}

	/** @param {number} step */
	function focus(step) {
		const here = document.activeElement?.closest('tr')?.dataset.row, to = here === undefined ? first.value : Number(here) + step, box = document.querySelector('.window');
		if (to < 0 || to >= (total.value || 0) || !box)
			return;
		if (to < first.value + 2 || to > first.value + seen.value - 4)
			box.scrollTo(0, Math.max(0, (to - Math.floor(seen.value / 2)) * ROW_PX));
		afterDrawn(() => /** @type {HTMLElement|null} */ (document.querySelector(`tr[data-row="${to}"] a`))?.focus());
	}

	return {
		title: 'Servers',
		load, event,
		stop() { removeEventListener('resize', measure); clearTimeout(typing); clearTimeout(again); generation++; },
		keys: {
			j: () => focus(1), k: () => focus(-1),
			x() {
				const id = document.activeElement?.closest('tr')?.dataset.id, s = id && known(id);
				if (s && isAdmin())
					toggle(s);
			},
			m() {
				const id = document.activeElement?.closest('tr')?.dataset.id, s = id && known(id);
				if (s && isAdmin())
					migrate(s);
			},
		},
		view() {
			const q = query();
			return html`<h1>Servers</h1>
				<form class="filters" role="search" @submit=${(/** @type {Event} */ e) => e.preventDefault()}>
					<label>Search <input id="search" type="search" placeholder="name or id" .value=${q.get('q') || ''} @input=${(/** @type {any} */ e) => { clearTimeout(typing); typing = setTimeout(() => filter('q', e.target.value), 250); }}></label>
					<label>Status <select @change=${(/** @type {any} */ e) => filter('status', e.target.value)}>${STATUSES.map((word) => html`<option value=${word} .selected=${(q.get('status') || '') === word}>${word || 'any'}</option>`)}</select></label>
					${q.get('host') ? html`<button type="button" @click=${() => filter('host', '')}>Host ${q.get('host')} ✕</button>` : nothing}
					<span role="status">${total.value === null ? '' : counted(total.value, 'server')}</span>
				</form>${isAdmin() ? choice() : nothing}${problem(error.value)}
				<div class="scroll window" tabindex="0" role="group" aria-label="Servers" @scroll=${scrolled}>
				<table class="fixed" aria-rowcount=${(total.value || 0) + 1}><caption class="unseen">Servers</caption>
				<thead><tr aria-rowindex="1">${isAdmin() ? html`<th scope="col" class="tick"><span class="unseen">Chosen</span></th>` : nothing}${columns().map(head)}</tr></thead><tbody>${rows()}</tbody></table></div>`;
		},
	};
}
