/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http/policy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

/* Sorted by name; Nova's live migration is its Zed release's. */
static const struct policy table[] = {
	{ "baremetal:node:get",                               POLICY_ADMIN },
	{ "baremetal:node:list",                              POLICY_ADMIN },
	{ "baremetal:node:set_power_state",                   POLICY_ADMIN },
	{ "compute:server:topology:index",                    POLICY_READER },
	{ "drover:checks:create",                             POLICY_ADMIN },
	{ "drover:checks:show",                               POLICY_ADMIN },
	{ "drover:config:show",                               POLICY_ADMIN },
	{ "drover:dashboard",                                 POLICY_PUBLIC },
	{ "drover:events:watch",                              POLICY_ADMIN },
	{ "drover:hosts:create",                              POLICY_ADMIN },
	{ "drover:hosts:delete",                              POLICY_ADMIN },
	{ "drover:hosts:evacuate",                            POLICY_ADMIN },
	{ "drover:hosts:fence",                               POLICY_ADMIN },
	{ "drover:hosts:list",                                POLICY_ADMIN },
	{ "drover:hosts:power",                               POLICY_ADMIN },
	{ "drover:hosts:show",                                POLICY_ADMIN },
	{ "drover:hosts:unfence",                             POLICY_ADMIN },
	{ "drover:metrics",                                   POLICY_PUBLIC }, /* or as [api] metrics says */
	{ "drover:migrations:list",                           POLICY_ADMIN },
	{ "drover:migrations:samples",                        POLICY_ADMIN },
	{ "drover:migrations:show",                           POLICY_ADMIN },
	{ "drover:migrations:update",                         POLICY_ADMIN },
	{ "drover:plans:cancel",                                POLICY_ADMIN },
	{ "drover:plans:create",                                POLICY_ADMIN },
	{ "drover:plans:delete",                                POLICY_ADMIN },
	{ "drover:plans:list",                                  POLICY_ADMIN },
	{ "drover:plans:pause",                                 POLICY_ADMIN },
	{ "drover:plans:resume",                                POLICY_ADMIN },
	{ "drover:plans:show",                                  POLICY_ADMIN },
	{ "drover:plans:start",                                 POLICY_ADMIN },
	{ "drover:plans:update",                                POLICY_ADMIN },
	{ "drover:servers:autostart",                         POLICY_ADMIN },
	{ "drover:servers:autostart:show",                    POLICY_ADMIN },
	{ "drover:servers:list",                              POLICY_READER },
	{ "drover:servers:precheck",                          POLICY_ADMIN },
	{ "drover:session:create",                            POLICY_PUBLIC },
	{ "drover:session:delete",                            POLICY_OWN },
	{ "drover:session:show",                              POLICY_OWN },
	{ "drover:summary",                                   POLICY_READER },
	{ "drover:versions",                                  POLICY_PUBLIC },
	{ "get_image",                                        POLICY_READER },
	{ "get_images",                                       POLICY_READER },
	{ "get_metadef_namespace",                            POLICY_READER },
	{ "get_metadef_namespaces",                           POLICY_READER },
	{ "get_network",                                      POLICY_READER }, /* of ports and subnets too */
	{ "get_project_quota",                                POLICY_READER },
	{ "get_quota",                                        POLICY_ADMIN },
	{ "get_schema",                                       POLICY_READER },
	{ "identity:authenticate",                            POLICY_PUBLIC },
	{ "identity:change_password",                         POLICY_OWN },
	{ "identity:check_grant",                             POLICY_ADMIN },
	{ "identity:create_application_credential",           POLICY_OWN },
	{ "identity:create_grant",                            POLICY_ADMIN },
	{ "identity:create_project",                          POLICY_ADMIN },
	{ "identity:create_user",                             POLICY_ADMIN },
	{ "identity:delete_application_credential",           POLICY_OWN },
	{ "identity:delete_project",                          POLICY_ADMIN },
	{ "identity:delete_user",                             POLICY_ADMIN },
	{ "identity:get_application_credential",              POLICY_OWN },
	{ "identity:get_auth_catalog",                        POLICY_OWN },
	{ "identity:get_auth_domains",                        POLICY_OWN },
	{ "identity:get_auth_projects",                       POLICY_OWN },
	{ "identity:get_credential",                          POLICY_OWN },
	{ "identity:get_domain",                              POLICY_READER },
	{ "identity:get_endpoint",                            POLICY_ADMIN },
	{ "identity:get_group",                               POLICY_ADMIN },
	{ "identity:get_limit",                               POLICY_OWN },
	{ "identity:get_policy",                              POLICY_ADMIN },
	{ "identity:get_project",                             POLICY_READER },
	{ "identity:get_region",                              POLICY_READER },
	{ "identity:get_registered_limit",                    POLICY_OWN },
	{ "identity:get_role",                                POLICY_READER },
	{ "identity:get_service",                             POLICY_ADMIN },
	{ "identity:get_user",                                POLICY_OWN },
	{ "identity:list_application_credentials",            POLICY_OWN },
	{ "identity:list_credentials",                        POLICY_OWN },
	{ "identity:list_domains",                            POLICY_READER },
	{ "identity:list_endpoints",                          POLICY_ADMIN },
	{ "identity:list_grants",                             POLICY_ADMIN },
	{ "identity:list_groups",                             POLICY_ADMIN },
	{ "identity:list_groups_for_user",                    POLICY_OWN },
	{ "identity:list_limits",                             POLICY_OWN },
	{ "identity:list_policies",                           POLICY_ADMIN },
	{ "identity:list_projects",                           POLICY_ADMIN },
	{ "identity:list_regions",                            POLICY_READER },
	{ "identity:list_registered_limits",                  POLICY_OWN },
	{ "identity:list_role_assignments",                   POLICY_ADMIN },
	{ "identity:list_roles",                              POLICY_READER },
	{ "identity:list_services",                           POLICY_ADMIN },
	{ "identity:list_user_projects",                      POLICY_OWN },
	{ "identity:list_users",                              POLICY_ADMIN },
	{ "identity:revoke_grant",                            POLICY_ADMIN },
	{ "identity:revoke_token",                            POLICY_OWN },
	{ "identity:update_project",                          POLICY_ADMIN },
	{ "identity:update_user",                             POLICY_ADMIN },
	{ "identity:validate_token",                          POLICY_OWN },
	{ "os_compute_api:extensions",                        POLICY_READER },
	{ "os_compute_api:flavors:detail",                    POLICY_READER },
	{ "os_compute_api:flavors:index",                     POLICY_READER },
	{ "os_compute_api:flavors:show",                      POLICY_READER },
	{ "os_compute_api:ips:index",                         POLICY_READER },
	{ "os_compute_api:ips:show",                          POLICY_READER },
	{ "os_compute_api:limits",                            POLICY_READER },
	{ "os_compute_api:os-admin-actions:reset_state",      POLICY_ADMIN },
	{ "os_compute_api:os-aggregates:index",               POLICY_ADMIN },
	{ "os_compute_api:os-aggregates:show",                POLICY_ADMIN },
	{ "os_compute_api:os-attach-interfaces:list",         POLICY_READER },
	{ "os_compute_api:os-attach-interfaces:show",         POLICY_READER },
	{ "os_compute_api:os-availability-zone:detail",       POLICY_ADMIN },
	{ "os_compute_api:os-availability-zone:list",         POLICY_READER },
	{ "os_compute_api:os-console-auth-tokens",            POLICY_ADMIN },
	{ "os_compute_api:os-console-output",                 POLICY_MEMBER },
	{ "os_compute_api:os-evacuate",                       POLICY_ADMIN },
	{ "os_compute_api:os-flavor-access",                  POLICY_ADMIN },
	{ "os_compute_api:os-flavor-extra-specs:index",       POLICY_READER },
	{ "os_compute_api:os-flavor-extra-specs:show",        POLICY_READER },
	{ "os_compute_api:os-hosts:list",                     POLICY_ADMIN },
	{ "os_compute_api:os-hosts:show",                     POLICY_ADMIN },
	{ "os_compute_api:os-hypervisors:list",               POLICY_ADMIN },
	{ "os_compute_api:os-hypervisors:list-detail",        POLICY_ADMIN },
	{ "os_compute_api:os-hypervisors:search",             POLICY_ADMIN },
	{ "os_compute_api:os-hypervisors:servers",            POLICY_ADMIN },
	{ "os_compute_api:os-hypervisors:show",               POLICY_ADMIN },
	{ "os_compute_api:os-hypervisors:statistics",         POLICY_ADMIN },
	{ "os_compute_api:os-hypervisors:uptime",             POLICY_ADMIN },
	{ "os_compute_api:os-instance-actions:list",          POLICY_READER },
	{ "os_compute_api:os-instance-actions:show",          POLICY_READER },
	{ "os_compute_api:os-keypairs:index",                 POLICY_OWN },
	{ "os_compute_api:os-keypairs:show",                  POLICY_OWN },
	{ "os_compute_api:os-lock-server:lock",               POLICY_MEMBER },
	{ "os_compute_api:os-lock-server:unlock",             POLICY_MEMBER },
	{ "os_compute_api:os-lock-server:unlock:unlock_override", POLICY_ADMIN },
	{ "os_compute_api:os-migrate-server:migrate",         POLICY_ADMIN },
	{ "os_compute_api:os-migrate-server:migrate_live",    POLICY_ADMIN },
	{ "os_compute_api:os-migrations:index",               POLICY_ADMIN },
	{ "os_compute_api:os-pause-server:pause",             POLICY_MEMBER },
	{ "os_compute_api:os-pause-server:unpause",           POLICY_MEMBER },
	{ "os_compute_api:os-quota-class-sets:show",          POLICY_ADMIN },
	{ "os_compute_api:os-quota-sets:defaults",            POLICY_READER },
	{ "os_compute_api:os-quota-sets:detail",              POLICY_READER },
	{ "os_compute_api:os-quota-sets:show",                POLICY_READER },
	{ "os_compute_api:os-remote-consoles",                POLICY_MEMBER },
	{ "os_compute_api:os-security-groups:get",            POLICY_READER },
	{ "os_compute_api:os-security-groups:list",           POLICY_READER },
	{ "os_compute_api:os-security-groups:show",           POLICY_READER },
	{ "os_compute_api:os-server-groups:index",            POLICY_READER },
	{ "os_compute_api:os-server-groups:show",             POLICY_READER },
	{ "os_compute_api:os-server-tags:index",              POLICY_READER },
	{ "os_compute_api:os-server-tags:show",               POLICY_READER },
	{ "os_compute_api:os-services:delete",                POLICY_ADMIN },
	{ "os_compute_api:os-services:list",                  POLICY_ADMIN },
	{ "os_compute_api:os-services:update",                POLICY_ADMIN },
	{ "os_compute_api:os-simple-tenant-usage:list",       POLICY_ADMIN },
	{ "os_compute_api:os-simple-tenant-usage:show",       POLICY_READER },
	{ "os_compute_api:os-suspend-server:resume",          POLICY_MEMBER },
	{ "os_compute_api:os-suspend-server:suspend",         POLICY_MEMBER },
	{ "os_compute_api:os-volumes-attachments:index",      POLICY_READER },
	{ "os_compute_api:os-volumes-attachments:show",       POLICY_READER },
	{ "os_compute_api:server-metadata:index",             POLICY_READER },
	{ "os_compute_api:server-metadata:show",              POLICY_READER },
	{ "os_compute_api:servers:confirm_resize",            POLICY_MEMBER },
	{ "os_compute_api:servers:detail",                    POLICY_READER },
	{ "os_compute_api:servers:index",                     POLICY_READER },
	{ "os_compute_api:servers:migrations:delete",         POLICY_ADMIN },
	{ "os_compute_api:servers:migrations:force_complete", POLICY_ADMIN },
	{ "os_compute_api:servers:migrations:index",          POLICY_ADMIN },
	{ "os_compute_api:servers:migrations:show",           POLICY_ADMIN },
	{ "os_compute_api:servers:reboot",                    POLICY_MEMBER },
	{ "os_compute_api:servers:revert_resize",             POLICY_MEMBER },
	{ "os_compute_api:servers:show",                      POLICY_READER },
	{ "os_compute_api:servers:start",                     POLICY_MEMBER },
	{ "os_compute_api:servers:stop",                      POLICY_MEMBER },
};

static const char *const names[] = {
	[POLICY_PUBLIC] = "public", [POLICY_OWN] = "own", [POLICY_READER] = "reader", [POLICY_MEMBER] = "member", [POLICY_ADMIN] = "admin",
};
static_assert(G_N_ELEMENTS(names) == POLICY_ACCESS_N, "an access has no name");

static int compare(const void *rule, const void *row)
{
	return strcmp(rule, ((const struct policy *)row)->rule);
}

const struct policy *policy_find(const char *rule)
{
	return bsearch(rule, table, G_N_ELEMENTS(table), sizeof *table, compare);
}

bool policy_allows(const struct policy *p, const struct auth *a)
{
	/* the least that each needs; ROLE_N: no role */
	static const enum role least[] = { [POLICY_OWN] = ROLE_N, [POLICY_READER] = ROLE_N, [POLICY_MEMBER] = ROLE_MEMBER, [POLICY_ADMIN] = ROLE_ADMIN };

	return p->access == POLICY_PUBLIC || (a && a->role <= least[p->access]);
}

const struct policy *policy_table(size_t *ret_n)
{
	*ret_n = G_N_ELEMENTS(table);
	return table;
}

const char *policy_access_name(enum policy_access a)
{
	return names[a];
}
