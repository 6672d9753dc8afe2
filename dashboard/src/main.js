// SPDX-License-Identifier: Apache-2.0
import { html, nothing, render } from '../vendor/lit-html.js';
import { computed, effect, signal, untracked } from '../vendor/signals-core';
import { ask, ended } from './api.js';
import { events } from './pages/events.js';
import { fleet } from './pages/fleet.js';
import { host, hosts } from './pages/hosts.js';
import { login } from './pages/login.js';
import { migration, migrations } from './pages/migrations.js';
import { plan, plans } from './pages/plans.js';
import { server } from './pages/server.js';
import { servers } from './pages/servers.js';
import { settings } from './pages/settings.js';
import { palette } from './palette.js';
import { duration } from './parts.js';
import { afterDrawn, closeDialog, dialog, go, href, isAdmin, letters, live, liveSince, onClick, openDialog, place, second, session } from './state.js';
import { follow, onEvent } from './stream.js';

/** @typedef {import('./state.js').Page} Page */

/** @type {Record<string, {name: string, key: string, admin?: boolean, list: () => Page, one?: (id: string) => Page}>} */
const PAGES = {
	'': { name: 'Fleet', key: 'f', list: fleet },
	servers: { name: 'Servers', key: 's', list: servers, one: server },
	hosts: { name: 'Hosts', key: 'h', admin: true, list: hosts, one: host },
	migrations: { name: 'Migrations', key: 'm', admin: true, list: migrations, one: migration },
	plans: { name: 'Plans', key: 'p', admin: true, list: plans, one: plan },
	events: { name: 'Events', key: 'e', admin: true, list: events },
	settings: { name: 'Settings', key: 'o', list: settings },
};

const shownPages = () => Object.entries(PAGES).filter(([, p]) => !p.admin || isAdmin());

/** @returns {Page} */
const absent = () => ({ title: 'Not found', view: () => html`<h1>There is no such page</h1><p><a href=${href('/')}>To the fleet</a></p>` });

/* ---- which page it is ---- */

const path = computed(() => place.value.split('?')[0]);
const page = signal(/** @type {Page|null} */ (null));

/** @returns {Page} */
function make() {
	const [, name = '', id = ''] = path.value.split('/'), p = PAGES[name];
	if (!p || (p.admin && !isAdmin()) || (id && !p.one))
		return absent();
	return id && p.one ? p.one(decodeURIComponent(id)) : p.list();
}

effect(() => {
	const known = session.value && path.value !== undefined;
	untracked(() => {
		page.value?.stop?.();
		page.value = known ? make() : null;
		document.title = `${page.value ? page.value.title : 'Log in'} · Drover`;
		if (!known)
			dialog.value = null;
	});
});
/* A filter is a part of the address: another one is read again. */
effect(() => { void place.value; const p = page.value; untracked(() => p?.load?.()); });

effect(() => { if (session.value) follow(); });

onEvent((event) => { page.value?.event?.(event); dialog.value?.event?.(event); });

/* ---- around it ---- */

async function logout() {
	try {
		await ask('DELETE', '/drover/v1/session');
	} catch { /* it ends here in any case */ }
	session.value = null;
}

function connection() {
	void second.value;
	const since = duration((Date.now() - liveSince.value) / 1000);
	if (live.value === 'lost')
		return html`<span class="state bad" role="alert" id="live">Not live: what is shown is ${since} old. Connecting again…</span>`;
	return html`<span class="state ${live.value ? 'good' : ''}" id="live">${live.value === 'live' ? 'Live' : live.value === 'polling' ? 'Read again each 5 s' : 'Connecting…'}</span>`;
}

const current = () => path.value.split('/')[1] || '';

const around = () => html`<a class="skip" href="#main" @click=${(/** @type {Event} */ e) => { e.preventDefault(); document.getElementById('main')?.focus(); }}>To the content</a>
	<header><nav aria-label="Pages"><strong>Drover</strong>${shownPages().map(([name, p]) => html`<a href=${href(`/${name}`)} aria-current=${current() === name ? 'page' : 'false'}>${p.name}</a>`)}</nav>
	<span class="who">${connection()} <span>${session.value?.user_name}${session.value?.project_name ? ` · ${session.value.project_name}` : ''}</span>
	<button type="button" @click=${goTo}>Go to…</button><button type="button" @click=${help} aria-label="Keys">?</button><button type="button" @click=${logout}>Log out</button></span></header>
	<main id="main" tabindex="-1">${page.value?.view()}</main>`;

const app = () => session.value ? around() : session.value === null ? login() : nothing;

/* ---- keys ---- */

function help() {
	const rows = [['/', 'search servers'], ...shownPages().map(([, p]) => [`g ${p.key}`, p.name]), ['j, k', 'next row, row before'], ['m', 'migrate the server'], ['x', 'choose the row'], ['p', 'hold events still'], ['Ctrl-K', 'go to anything by its name'], ['?', 'these keys']];
	openDialog({ title: 'Keys', body: () => html`<dl class="facts">${rows.map(([key, text]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${text}</dd></div>`)}</dl>
		<div class="buttons"><button type="button" class="main" @click=${closeDialog}>Close</button></div>` });
}

function goTo() {
	palette(shownPages().map(([name, p]) => ({ text: p.name, kind: 'page', path: `/${name}` })));
}

let goes = false;

/**
 * Letters are keys only where nothing is typed.
 * @param {KeyboardEvent} event
 */
function onKey(event) {
	const at = /** @type {HTMLElement} */ (event.target);
	if (session.value && !dialog.value && event.key === 'k' && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
		event.preventDefault();
		goTo();
		return;
	}
	if (!session.value || !letters.value || dialog.value || event.ctrlKey || event.metaKey || event.altKey || at.closest('input, select, textarea'))
		return;
	const to = goes && Object.entries(PAGES).find(([, p]) => p.key === event.key && (!p.admin || isAdmin()));
	goes = false;
	if (to)
		go(`/${to[0]}`);
	else if (event.key === 'g')
		goes = true;
	else if (event.key === '?')
		help();
	else if (event.key === '/')
		search();
	else if (page.value?.keys?.[event.key])
		page.value.keys[event.key]();
	else
		return;
	event.preventDefault();
}

function search() {
	if (path.value !== '/servers')
		go('/servers');
	afterDrawn(() => document.getElementById('search')?.focus());
}

addEventListener('keydown', onKey);
addEventListener('click', onClick);

/* ---- what is shown ---- */

const root = /** @type {HTMLElement} */ (document.getElementById('app'));
const box = /** @type {HTMLDialogElement} */ (document.getElementById('dialog'));
let frame = 0, forget = () => {};

function soon() {
	frame ||= document.hidden ? setTimeout(draw, 200) : requestAnimationFrame(draw);
}

/* Whatever has changed since the last frame is looked at and drawn once, however often it has. A tab in the background has no frames. */
function draw() {
	/** @type {unknown} */
	let shown = null;
	forget();
	frame = 0;
	forget = effect(() => {
		if (shown)
			soon();
		else
			shown = app();
	});
	render(shown, root);
}
soon();
document.addEventListener('visibilitychange', draw);

effect(() => {
	const d = dialog.value;
	render(d ? html`<h2 id="asks">${d.title}</h2>${d.body()}` : nothing, box);
	box.setAttribute('aria-labelledby', 'asks');
	if (d && !box.open)
		box.showModal();
	else if (!d && box.open)
		box.close();
});
/* It comes late: by then another dialog may be open. */
box.addEventListener('close', () => { if (dialog.value && !box.open) closeDialog(); });

/** The view has moved on: those who hear it are told where they are. */
effect(() => { void path.value; requestAnimationFrame(() => { if (session.value && !dialog.value && document.activeElement === document.body) document.getElementById('main')?.focus({ preventScroll: true }); }); });

ask('GET', '/drover/v1/session').then((got) => { session.value = got.session; }, () => ended(''));
