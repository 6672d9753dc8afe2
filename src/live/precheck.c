/* SPDX-License-Identifier: Apache-2.0 */
#include "live/precheck.h"

#include "live/checks.h"
#include "move/service.h"

void live_precheck(struct engine *e, const struct check_request *r, check_all_f *done, void *user)
{
	struct check_request req = *r;

	req.table = &live_checks;
	check_all(service_of(e)->checks, &req, done, user);
}
