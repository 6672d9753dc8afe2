// SPDX-License-Identifier: Apache-2.0
// Pieces that several pages share.
import { html, nothing } from '../vendor/lit-html.js';
import { href } from './state.js';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** @param {number} n bytes */
export function bytes(n) {
	let i = 0;
	for (; n >= 1024 && i < UNITS.length - 1; i++)
		n /= 1024;
	return `${i && n < 10 ? n.toFixed(1) : Math.round(n)} ${UNITS[i]}`;
}

/** @param {number} mb */
export const memory = (mb) => bytes(mb * 1048576);

/** @param {number} s seconds */
export function duration(s) {
	if (s < 1)
		return 'less than 1 s';
	if (s < 90)
		return `${Math.round(s)} s`;
	if (s < 5400)
		return `${Math.round(s / 60)} min`;
	return s < 172800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} d`;
}

/**
 * The API's times are UTC, without saying so.
 * @param {string} text
 */
export const parseTime = (text) => Date.parse(/Z|[+-]\d\d:?\d\d$/.test(text) ? text : `${text}Z`);

/** @param {string|null|undefined} text */
export function when(text) {
	if (!text)
		return '–';
	const at = parseTime(text), ago = (Date.now() - at) / 1000;
	const iso = new Date(at).toISOString();
	return html`<time datetime=${iso} title=${new Date(at).toLocaleString()}>${ago < 0 ? new Date(at).toLocaleString() : `${duration(ago)} ago`}</time>`;
}

const GOOD = new Set(['ACTIVE', 'up', 'completed', 'done', 'finished', 'confirmed', 'passed']);
const BAD = new Set(['ERROR', 'error', 'failed', 'down', 'blocked', 'partly', 'left']);

/**
 * A state, by its word and a colour.
 * @param {string|null} word
 */
export const state = (word) => html`<span class="state ${GOOD.has(word || '') ? 'good' : BAD.has(word || '') ? 'bad' : ''}">${word || '–'}</span>`;

/** @param {Error|null} error */
export const problem = (error) => error ? html`<p class="problem" role="alert">${error.message}</p>` : nothing;

/** @param {{id: string, name: string|null}} s */
export const serverLink = (s) => html`<a href=${href(`/servers/${s.id}`)}>${s.name || s.id}</a>`;
/** @param {string|null} name */
export const hostLink = (name) => name ? html`<a href=${href(`/hosts/${encodeURIComponent(name)}`)}>${name}</a>` : '–';
/** @param {number} id */
export const migrationLink = (id) => html`<a href=${href(`/migrations/${id}`)}>${id}</a>`;

/** @param {number} value @param {number} max @param {string} label */
export const bar = (value, max, label) => html`<progress aria-label=${label} max=${Math.max(max, 1)} .value=${Math.max(0, Math.min(value, Math.max(max, 1)))}></progress>`;

/**
 * "1 server", "2 servers".
 * @param {number} n @param {string} one @param {string} many
 */
export const counted = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

/**
 * Facts as a list of names and values.
 * @param {[string, unknown][]} rows
 */
export const facts = (rows) => html`<dl class="facts">${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value ?? '–'}</dd></div>`)}</dl>`;

/** @param {string} word */
const quoted = (word) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
/**
 * What a shell takes for the same.
 * @param {(string|number|false|null|undefined)[]} words
 * @param {string} [program]
 */
export const command = (words, program = 'drover') => html`<p class="command">As a command: <code tabindex="0">${[program, ...words.filter((w) => w !== false && w !== null && w !== undefined && w !== '').map((w) => quoted(String(w)))].join(' ')}</code></p>`;

/**
 * A table that scrolls sideways by itself.
 * @param {string} label
 * @param {string[]} heads
 * @param {unknown} rows
 * @param {string} [kind] a class of the table
 */
export const table = (label, heads, rows, kind = '') => html`<div class="scroll" tabindex="0" role="group" aria-label=${label}>
	<table class=${kind}><caption class="unseen">${label}</caption><thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead><tbody>${rows}</tbody></table></div>`;

/** @param {any} m */
export function percent(m) {
	const p = m.progress;
	if (m.final)
		return null;
	const sent = p.memory_processed_bytes + p.disk_processed_bytes, left = p.memory_remaining_bytes + p.disk_remaining_bytes;
	return sent + left > 0 && sent > 0 ? Math.floor(100 * sent / (sent + left)) : null;
}

/**
 * The time left, as a range.
 * @param {{ms: number, low_ms: number|null, high_ms: number|null}|null} eta
 */
export function eta(eta) {
	if (!eta)
		return 'not known yet';
	const low = duration((eta.low_ms ?? eta.ms) / 1000);
	return eta.high_ms === null ? `at least ${low}; at this rate perhaps never` : `about ${duration(eta.ms / 1000)} (${low} to ${duration(eta.high_ms / 1000)})`;
}

/**
 * A row of a list of migrations.
 * @param {any} m
 */
export const migrationRow = (m) => html`<tr>
	<td>${migrationLink(m.id)}</td><td>${serverLink({ id: m.server_uuid, name: m.server_name })}</td><td>${m.type}</td>
	<td>${state(m.status)}${percent(m) === null ? nothing : html` ${bar(percent(m) || 0, 100, `Migration ${m.id}`)} ${percent(m)} %`}</td>
	<td>${hostLink(m.source)}</td><td>${hostLink(m.dest || m.requested_host)}</td>
	<td>${m.queue_position ? `${m.queue_position}. in the queue` : ''} ${m.waits_for || m.error || ''}</td><td>${when(m.updated_at)}</td></tr>`;
export const MIGRATION_HEADS = ['Number', 'Server', 'Kind', 'Status', 'From', 'To', 'Why', 'Changed'];
