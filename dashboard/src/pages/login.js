// SPDX-License-Identifier: Apache-2.0
import { html, nothing } from '../../vendor/lit-html.js';
import { signal } from '../../vendor/signals-core';
import { ask } from '../api.js';
import { problem } from '../parts.js';
import { session, sessionWhy } from '../state.js';

const error = signal(/** @type {Error|null} */ (null)), busy = signal(false);

/** @param {SubmitEvent} event */
async function submit(event) {
	event.preventDefault();
	if (busy.value)
		return;
	const form = /** @type {HTMLFormElement} */ (event.target), data = new FormData(form);
	busy.value = true;
	try {
		const got = await ask('POST', '/drover/v1/session', { session: { user: data.get('user'), password: data.get('password'), project: data.get('project') || null } });
		error.value = null;
		sessionWhy.value = '';
		session.value = got.session;
	} catch (why) {
		const refused = /** @type {any} */ (why).status === 401;
		error.value = refused ? new Error('The name, the password or the project is wrong.') : /** @type {Error} */ (why);
		/** @type {HTMLInputElement} */ (form.elements.namedItem('password')).value = '';
	}
	busy.value = false;
}

export const login = () => html`<main class="login" tabindex="-1"><h1>Drover</h1>
	${sessionWhy.value ? html`<p role="status">${sessionWhy.value}</p>` : nothing}
	<form @submit=${submit}>
		<label>User <input name="user" autocomplete="username" required></label>
		<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
		<label>Project, if not your own <input name="project" autocomplete="off"></label>
		${problem(error.value)}
		<button type="submit" class="main" aria-disabled=${busy.value}>Log in</button>
	</form></main>`;
