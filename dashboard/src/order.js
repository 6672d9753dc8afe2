// SPDX-License-Identifier: Apache-2.0
// The order of a queue, by priorities: higher goes first, of the same the older (the lower number).

/**
 * What has to change so that @wanted is the order: as little as can be, and only upwards.
 * @param {{id: number, priority: number}[]} wanted in that order
 * @returns {{id: number, priority: number}[]}
 */
export function priorities(wanted) {
	const changes = [];
	let next = null;
	for (const one of [...wanted].reverse()) {
		const least = next ? next.priority + (one.id < next.id ? 0 : 1) : one.priority;
		const priority = Math.max(one.priority, least);
		if (priority !== one.priority)
			changes.push({ id: one.id, priority });
		next = { id: one.id, priority };
	}
	return changes;
}

/**
 * @template T
 * @param {T[]} all
 * @param {number} from
 * @param {number} to its place then
 */
export function moved(all, from, to) {
	const next = [...all], [one] = next.splice(from, 1);
	next.splice(to, 0, one);
	return next;
}
