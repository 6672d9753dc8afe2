/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

#include "api/baremetal/nodes.h"
#include "api/compute/compute.h"
#include "api/drover/drover.h"
#include "api/http/http.h"
#include "api/http/inner.h"
#include "api/http/metrics.h"
#include "api/http/route.h"
#include "api/http/versions.h"
#include "api/http/watch.h"
#include "api/identity/view.h"
#include "api/image/images.h"
#include "api/network/network.h"
#include "check/checks.h"

static const struct route_table *const tables[] = {
	&versions_routes,
	&session_routes, &token_routes, &identity_routes, &grant_routes, &app_routes, &empty_routes, &catalog_routes,
	&servers_routes, &server_actions_routes, &consoles_routes, &migrations_routes, &services_routes, &hypervisors_routes, &hosts_routes,
	&flavors_routes, &actions_routes, &limits_routes, &quotas_routes, &usage_routes, &interfaces_routes,
	&images_routes, &network_routes, &nodes_routes,
	&drover_routes, &autostart_routes, &checks_routes, &fencing_routes, &evacuating_routes, &plans_routes, &summary_routes, &server_rows_routes, &config_routes, &prechecks_routes, &events_routes, &metrics_routes,
#ifdef DROVER_DASHBOARD
	&dashboard_routes,
#endif
};

struct api *api_new(struct engine *e, struct fences *fences, struct identity *identity)
{
	struct fleet *f = engine_fleet(e);
	struct api parts = { .engine = e, .fences = fences, .fleet = f, .store = fleet_store(f), .conf = fleet_conf(f), .identity = identity, .kinds = engine_kinds(e) };

	parts.checks = checks_new(f);
	parts.metrics = metrics_new();
	parts.watches = watches_new(fleet_events(f), identity, (size_t)fleet_conf(f)->event_streams_max);
	return api_new_parts(&parts, tables, G_N_ELEMENTS(tables));
}

void api_watch_ha(struct api *a, const struct ha *ha)
{
	a->ha = ha;
}

void api_serve_plans(struct api *a, struct plans *plans)
{
	a->plans = plans;
}

void api_serve_consoles(struct api *a, struct consoles *consoles)
{
	a->consoles = consoles;
}

void api_free(struct api *a)
{
	if (!a)
		return;
	http_free(a);
	checks_free(a->checks);
	watches_free(a->watches);
	metrics_free(a->metrics);
	api_free_parts(a);
}

const struct route_table *const *api_tables(size_t *ret_n)
{
	*ret_n = G_N_ELEMENTS(tables);
	return tables;
}
