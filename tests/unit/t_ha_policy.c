/* SPDX-License-Identifier: Apache-2.0
 *
 * When a host is fenced without a person: a table of cases, and what is true of every combination.
 */
#include <string.h>

#include <glib.h>

#include "ha/policy.h"

#define DELAY 60000

/* A row names a field again, after all that is good. */
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma clang diagnostic ignored "-Winitializer-overrides"
#endif

/* A host that would be fenced; each row changes one thing. */
#define GOOD .phase = HA_SILENT, .has_servers = true, .has_agent = true, .silent_ms = DELAY, .sight = HA_DARK
#define FLEET .settled = true, .hosts = 20, .fell = 1, .answering = 19

static const struct ha_limits limits = { .delay_ms = DELAY, .max_hosts = 1 }, many = { .delay_ms = DELAY, .max_hosts = 100 };

static const struct {
	const char *name;
	struct ha_host h;
	struct ha_fleet f;
	enum ha_act want;
	const char *why;
	bool many;          /* max_hosts is 100 */
} cases[] = {
	{ "dead", { GOOD }, { FLEET }, HA_FENCE },
	{ "unsettled", { GOOD }, { FLEET, .settled = false }, HA_NOTHING },
	{ "just fell", { GOOD, .phase = HA_WATCHED, .silent_ms = 0 }, { FLEET }, HA_NOTE },
	{ "not for long", { GOOD, .silent_ms = DELAY - 1 }, { FLEET }, HA_NOTHING },
	{ "no servers", { GOOD, .has_servers = false }, { FLEET }, HA_NOTHING },
	{ "no agent", { GOOD, .has_agent = false }, { FLEET }, HA_GIVE_UP, "no fence agent" },
	{ "answers", { GOOD, .answers = true }, { FLEET }, HA_FORGET },
	{ "answered all the time", { GOOD, .phase = HA_WATCHED, .answers = true }, { FLEET }, HA_NOTHING },
	{ "a person's", { GOOD, .left_alone = true }, { FLEET }, HA_FORGET },
	{ "a person's all the time", { GOOD, .phase = HA_WATCHED, .left_alone = true }, { FLEET }, HA_NOTHING },
	{ "not looked yet", { GOOD, .sight = HA_UNSEEN }, { FLEET }, HA_LOOK },
	{ "no carrier", { GOOD, .sight = HA_BLIND }, { FLEET }, HA_HOLD, "carrier" },
	{ "its kernel answers", { GOOD, .sight = HA_LIVES }, { FLEET }, HA_HOLD, "its servers may run" },
	{ "nothing else answers", { GOOD }, { FLEET, .answering = 0 }, HA_HOLD, "no other host" },
	{ "two fell", { GOOD }, { FLEET, .fell = 2 }, HA_HOLD, "too many" },
	{ "two fell, of many that may", { GOOD }, { FLEET, .fell = 2 }, HA_FENCE, .many = true },
	{ "more than a tenth", { GOOD }, { FLEET, .fell = 3 }, HA_HOLD, "too many", .many = true },
	{ "a tenth of few is one", { GOOD }, { FLEET, .hosts = 3, .answering = 2 }, HA_FENCE, .many = true },
	{ "two of few", { GOOD }, { FLEET, .hosts = 3, .fell = 2, .answering = 1 }, HA_HOLD, "too many", .many = true },
	{ "not looked yet, for a moment", { GOOD, .sight = HA_UNSEEN, .silent_ms = 0 }, { FLEET }, HA_LOOK },
	{ "its kernel answers, for a moment", { GOOD, .sight = HA_LIVES, .silent_ms = 0 }, { FLEET }, HA_HOLD, "its servers may run" },
	{ "being fenced", { GOOD, .phase = HA_FENCING, .fencing = true }, { FLEET }, HA_NOTHING },
	{ "being fenced, and not looked again", { GOOD, .phase = HA_FENCING, .fencing = true, .sight = HA_UNSEEN }, { FLEET }, HA_LOOK },
	{ "being fenced, and its kernel answers", { GOOD, .phase = HA_FENCING, .fencing = true, .sight = HA_LIVES }, { FLEET }, HA_SPARE },
	{ "being fenced, and it answers", { GOOD, .phase = HA_FENCING, .fencing = true, .answers = true }, { FLEET }, HA_FORGET },
	{ "being fenced by a person, and its kernel answers", { GOOD, .fencing = true, .sight = HA_LIVES }, { FLEET }, HA_NOTHING },
	{ "being fenced by a person", { GOOD, .fencing = true }, { FLEET }, HA_NOTHING },
	{ "not fenced", { GOOD, .phase = HA_FENCING }, { FLEET }, HA_GIVE_UP, "could not be fenced" },
	{ "fenced", { GOOD, .phase = HA_FENCING, .fenced = true }, { FLEET }, HA_EVACUATE },
	{ "fenced, and more fell since", { GOOD, .phase = HA_FENCING, .fenced = true }, { FLEET, .fell = 9 }, HA_EVACUATE },
	{ "fenced by a person", { GOOD, .phase = HA_WATCHED, .fenced = true }, { FLEET }, HA_EVACUATE },
	{ "fenced by a person a moment ago", { GOOD, .fenced = true, .silent_ms = 0 }, { FLEET }, HA_NOTHING },
	{ "fenced by a person, without servers", { GOOD, .fenced = true, .has_servers = false }, { FLEET }, HA_NOTHING },
	{ "evacuating", { GOOD, .phase = HA_EVACUATING, .fenced = true, .silent_ms = 0 }, { FLEET }, HA_EVACUATE },
	{ "evacuated", { GOOD, .phase = HA_EVACUATING, .fenced = true, .all_told = true, .has_servers = false }, { FLEET }, HA_END },
	{ "not fenced any more", { GOOD, .phase = HA_EVACUATING }, { FLEET }, HA_GIVE_UP, "not fenced any more" },
	{ "back while evacuating", { GOOD, .phase = HA_EVACUATING, .answers = true }, { FLEET }, HA_FORGET },
	{ "done", { GOOD, .phase = HA_DONE, .fenced = true }, { FLEET }, HA_NOTHING },
	{ "done, and unfenced", { GOOD, .phase = HA_DONE }, { FLEET }, HA_NOTHING },
	{ "given up", { GOOD, .phase = HA_GIVEN_UP }, { FLEET }, HA_NOTHING },
	{ "given up, and then fenced by a person", { GOOD, .phase = HA_GIVEN_UP, .fenced = true }, { FLEET }, HA_EVACUATE },
	{ "given up, and back", { GOOD, .phase = HA_GIVEN_UP, .answers = true }, { FLEET }, HA_FORGET },
};

static void test_cases(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct ha_verdict v = ha_decide(cases[i].many ? &many : &limits, &cases[i].f, &cases[i].h);

		g_test_message("%s: %s", cases[i].name, ha_act_name(v.act));
		g_assert_cmpstr(ha_act_name(v.act), ==, ha_act_name(cases[i].want));
		if (cases[i].why)
			g_assert_nonnull(strstr(v.why, cases[i].why));
		else
			g_assert_null(v.why);
	}
}

/* What must be true whenever a host is fenced, or evacuated, of all that there can be. */
static void check_one(const struct ha_fleet *f, const struct ha_host *h)
{
	enum ha_act act = ha_decide(&limits, f, h).act;

	if (act != HA_NOTHING)
		g_assert_true(f->settled);
	if (act == HA_FENCE) {
		g_assert_true(h->phase == HA_SILENT && h->has_agent && h->has_servers && h->sight == HA_DARK);
		g_assert_false(h->answers || h->left_alone || h->fencing || h->fenced);
		g_assert_cmpint(h->silent_ms, >=, DELAY);
		g_assert_cmpint(f->answering, >, 0);
		g_assert_cmpint(f->fell, <=, 1);
	}
	if (act == HA_EVACUATE) {
		g_assert_true(h->fenced);
		g_assert_false(h->answers || h->left_alone);
	}
}

static void test_all(void)
{
	for (int bits = 0; bits < 1 << 8; bits++) {
		for (int phase = 0; phase < HA_PHASE_N; phase++) {
			for (int rest = 0; rest < HA_SIGHT_N * 2 * 3 * 2; rest++) {
				const struct ha_host h = {
					.phase = (enum ha_phase)phase, .answers = bits & 1, .left_alone = bits & 2, .has_servers = bits & 4, .has_agent = bits & 8,
					.fencing = bits & 16, .fenced = bits & 32, .all_told = bits & 64, .sight = (enum ha_sight)(rest % HA_SIGHT_N),
					.silent_ms = rest / HA_SIGHT_N % 2 ? DELAY : DELAY - 1,
				};
				const struct ha_fleet f = {
					.settled = bits & 128, .hosts = 30, .fell = rest / HA_SIGHT_N / 2 % 3, .answering = rest / HA_SIGHT_N / 6 ? 29 : 0,
				};

				check_one(&f, &h);
			}
		}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ha-policy/cases", test_cases);
	g_test_add_func("/ha-policy/all", test_all);
	return g_test_run();
}
