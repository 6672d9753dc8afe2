// SPDX-License-Identifier: Apache-2.0
// How a copy went: what is left, how fast it goes, what it may pause; with what was decided, and when. As SVG, without a library.
import { html, nothing, svg } from '../vendor/lit-html.js';
import { bytes, duration, parseTime } from './parts.js';

const WIDTH = 720, LEFT = 76, RIGHT = 8, GAP = 22, FOOT = 14;

/** @typedef {{at_ms: number, [column: string]: number}} Row */
/** @typedef {{name: string, column: string, class: string, text: (n: number) => string, factor?: number}} Line */

/** @param {number} n */
const rate = (n) => `${bytes(n)}/s`;

/** @type {{height: number, lines: Line[]}[]} */
const PANELS = [
	{ height: 130, lines: [{ name: 'Left to send', column: 'remaining_bytes', class: 'left', text: bytes }] },
	{ height: 100, lines: [{ name: 'Sent a second', column: 'bytes_per_second', class: 'sent', text: rate }, { name: 'Written by the guest a second', column: 'dirty_bytes_per_second', class: 'dirty', text: rate }] },
	{ height: 50, lines: [{ name: 'Permitted pause', column: 'permitted_downtime_ms', class: 'pause', text: (n) => `${Math.round(n)} ms` }] },
	{ height: 50, lines: [{ name: 'Slowed down by', column: 'throttle_percent', class: 'slow', text: (n) => `${Math.round(n)} %` }] },
];

/**
 * The answer's rows by their columns' names.
 * @param {{columns: string[], rows: number[][]}} samples
 * @returns {Row[]}
 */
export const rowsOf = (samples) => samples.rows.map((row) => /** @type {Row} */ (Object.fromEntries(samples.columns.map((name, i) => [name, row[i]]))));

/** @param {Row[]} rows @param {{lines: Line[]}} panel */
const most = (rows, panel) => Math.max(0, ...panel.lines.flatMap((line) => rows.map((row) => row[line.column])));

/**
 * @param {Row[]} rows
 * @param {{began: number, events: any[]}} what when the first row was (ms), and the migration's history
 */
export function graph(rows, { began, events }) {
	if (rows.length < 2)
		return nothing;
	const end = Math.max(rows[rows.length - 1].at_ms, 1);
	/** @param {number} ms */
	const x = (ms) => LEFT + (WIDTH - LEFT - RIGHT) * ms / end;
	const marks = events.map((e) => ({ at: parseTime(e.at) - began, why: e.why || '', decided: e.from === e.to, to: e.to })).filter((one) => one.at >= 0 && one.at <= end);
	const decisions = marks.filter((one) => one.decided), shown = PANELS.filter((panel) => most(rows, panel) > 0);
	let top = GAP;

	/** @param {typeof PANELS[0]} panel */
	function draw(panel) {
		const max = most(rows, panel), from = top, bottom = top + panel.height;
		top = bottom + GAP;
		/** @param {Line} line */
		const path = (line) => rows.map((row, i) => `${i ? 'L' : 'M'}${x(row.at_ms).toFixed(1)} ${(bottom - panel.height * row[line.column] / max).toFixed(1)}`).join('');
		return svg`<rect class="field" x=${LEFT} y=${from} width=${WIDTH - LEFT - RIGHT} height=${panel.height}></rect>
			<text x=${LEFT - 6} y=${from + 10} text-anchor="end">${panel.lines[0].text(max)}</text><text x=${LEFT - 6} y=${bottom} text-anchor="end">0</text>
			<text x=${LEFT} y=${from - 6}>${panel.lines.map((line, i) => `${i ? ', ' : ''}${line.name}${panel.lines.length > 1 ? i ? ' (dashed)' : ' (solid)' : ''}`).join('')}</text>
			${panel.lines.map((line) => svg`<path class="line ${line.class}" d=${path(line)}></path>`)}`;
	}
	const panels = shown.map(draw), height = top + FOOT;
	const mark = svg`${marks.map((one) => svg`<line class=${one.decided ? 'mark' : 'phase'} x1=${x(one.at)} x2=${x(one.at)} y1=${GAP} y2=${height - GAP - FOOT}></line>`)}
		${decisions.map((one, i) => svg`<text class="number" x=${x(one.at)} y=${height - GAP - FOOT + 13} text-anchor="middle">${i + 1}</text>`)}`;
	const last = rows[rows.length - 1], said = `In ${duration(end / 1000)}, what is left went from ${bytes(rows[0].remaining_bytes)} to ${bytes(last.remaining_bytes)}, at ${rate(last.bytes_per_second)} in the end; ${decisions.length === 1 ? 'one decision' : `${decisions.length} decisions`}.`;
	return html`<figure><figcaption>${said}</figcaption>
		<div class="scroll" tabindex="0" role="group" aria-label="Graph"><svg class="graph" role="img" aria-label="${said}" viewBox="0 0 ${WIDTH} ${height}">${panels}${mark}
		<text x=${LEFT} y=${height - 4}>0 s</text><text x=${WIDTH - RIGHT} y=${height - 4} text-anchor="end">${duration(end / 1000)}</text></svg></div>
		${decisions.length ? html`<ol class="decisions">${decisions.map((one) => html`<li>after ${duration(one.at / 1000)}: ${one.why}</li>`)}</ol>` : nothing}</figure>`;
}
