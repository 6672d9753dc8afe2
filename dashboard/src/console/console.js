// SPDX-License-Identifier: Apache-2.0
// A page of its own for one server's console: its screen, by noVNC's files as the proxy of consoles has them, or its serial console.
import { html, nothing, render } from '../../vendor/lit-html.js';
import { effect, signal } from '../../vendor/signals-core';
import { ask, get } from '../api.js';
import { href } from '../state.js';

/** @typedef {{again: {connections: number, gaps: number[]}, connect: () => void, focus: () => void, type: (text: string) => void, sendCtrlAltDel?: () => void}} Shown */

const SCRIPT = /** @type {HTMLScriptElement} */ (document.querySelector('script[data-terminal]'));
const id = decodeURIComponent(location.pathname.split('/')[3] || '');
const serial = new URLSearchParams(location.search).get('type') === 'serial';

const name = signal(''), said = signal('Connecting…'), state = signal('connecting');
/** @type {Shown|null} */
let shown = null;

/** @param {string} text @param {string} now */
function say(text, now) {
	said.value = text;
	state.value = now;
	document.body.dataset.state = now;
	if (shown) {
		document.body.dataset.connections = String(shown.again.connections);
		document.body.dataset.gaps = shown.again.gaps.join(', ');
	}
}

/**
 * Where the WebSocket is: a screen's address is that of a page, which has it in "path".
 * @param {string} text
 */
function addressOf(text) {
	const url = new URL(text), path = url.searchParams.get('path');
	const at = path === null ? url : new URL(path.replace(/^\/*/, '/'), url);
	at.protocol = at.protocol.replace('http', 'ws');
	return at.href;
}

/** @param {string} address @returns {Promise<Shown>} */
async function show(address) {
	const box = /** @type {HTMLElement} */ (document.getElementById(serial ? 'terminal' : 'screen'));
	if (serial) {
		const { Serial } = await import(SCRIPT.dataset.terminal || '');
		return new Serial({ box, address, say });
	}
	const module = '/dashboard/novnc/screen.js';
	const { Screen } = await import(module).catch(() => { throw new Error('noVNC’s files are not there: install the package novnc where droverd runs, or set [DEFAULT] web.'); });
	return new Screen({ screen: box, still: document.getElementById('still'), address, say });
}

async function begin() {
	say('Connecting…', 'connecting');
	try {
		name.value = (await get(`/v2.1/servers/${encodeURIComponent(id)}`)).server.name;
		document.title = `Console of ${name.value} · Drover`;
		const type = serial ? { protocol: 'serial', type: 'serial' } : { protocol: 'vnc', type: 'novnc' };
		const got = await ask('POST', `/v2.1/servers/${encodeURIComponent(id)}/remote-consoles`, { remote_console: type });
		document.getElementById(serial ? 'terminal' : 'screen')?.replaceChildren();
		shown = await show(addressOf(got.remote_console.url));
		shown.connect();
	} catch (why) {
		const { status = 0, message } = /** @type {any} */ (why);
		say(status === 401 ? 'There is no session: log in, then come again.' : /Unavailable console type/.test(message) ? `${message} Set ${serial ? '[serial_console]' : '[vnc]'} enabled.` : message, 'ended');
	}
}

/* ---- what is around it ---- */

const box = /** @type {HTMLDialogElement} */ (document.getElementById('dialog'));

function paste() {
	/** @param {SubmitEvent} event */
	function submit(event) {
		event.preventDefault();
		shown?.type(/** @type {HTMLTextAreaElement} */ (box.querySelector('textarea')).value);
		box.close();
	}
	render(html`<form @submit=${submit}><h2 id="asks">Type a text</h2><label>The guest gets it as if it were typed, in the keys of the US<textarea class="text" required></textarea></label>
		<div class="buttons"><button type="button" @click=${() => box.close()}>Cancel</button><button type="submit" class="main">Type it</button></div></form>`, box);
	box.setAttribute('aria-labelledby', 'asks');
	box.showModal();
}
box.addEventListener('close', () => { render(nothing, box); shown?.focus(); });

const page = () => html`<header><h1><a href=${href(`/servers/${id}`)}>${name.value || 'Server'}</a>: ${serial ? 'serial console' : 'screen'}</h1>
	<span role="status" id="state" class="state ${state.value === 'connected' ? 'good' : state.value === 'ended' ? 'bad' : ''}">${said.value}</span>
	<span class="buttons" role="group" aria-label="Console">
	${state.value === 'ended' ? html`<button type="button" class="main" @click=${begin}>Connect</button>` : nothing}
	${serial ? nothing : html`<button type="button" @click=${() => { shown?.sendCtrlAltDel?.(); shown?.focus(); }}>Ctrl-Alt-Del</button>`}
	<button type="button" @click=${paste}>Type a text…</button>
	<button type="button" @click=${() => document.querySelector('main')?.requestFullscreen()}>Full screen</button>
	<a href=${serial ? '?' : '?type=serial'}>${serial ? 'Screen' : 'Serial console'}</a></span>
	<span>All keys are the guest’s; <kbd>Ctrl-Alt-Home</kbd> comes back here.</span></header>
	<main class="console" aria-label="Console" tabindex="-1">${serial ? html`<div id="terminal"></div>` : html`<div id="screen"></div><canvas id="still" hidden></canvas>`}</main>`;

effect(() => { render(page(), /** @type {HTMLElement} */ (document.getElementById('app'))); });

/* Whatever has the focus takes every key but this one: no trap for a keyboard. */
addEventListener('keydown', (event) => {
	if (event.key !== 'Home' || !event.ctrlKey || !event.altKey)
		return;
	event.preventDefault();
	event.stopImmediatePropagation();
	/** @type {HTMLElement|null} */ (document.querySelector('header button'))?.focus();
}, true);

begin();
