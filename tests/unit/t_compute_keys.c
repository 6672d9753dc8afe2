/* SPDX-License-Identifier: Apache-2.0
 *
 * Which members each answer has, at every microversion.
 *
 * The table was made from the sample bodies of Nova's API reference, not from
 * our field tables: it is what Nova's clients expect to find, no less and no more.
 */
#include <glib.h>
#include <jansson.h>
#include <string.h>

#include "compute_world.h"

enum {
	SHOWN_ADMIN = 1 << 0, SHOWN_MEMBER = 1 << 1, LISTED_ADMIN = 1 << 2, LISTED_MEMBER = 1 << 3,
	ADMIN = SHOWN_ADMIN | LISTED_ADMIN, MEMBER = SHOWN_MEMBER | LISTED_MEMBER,
	SHOWN = SHOWN_ADMIN | SHOWN_MEMBER, SERVER = ADMIN | MEMBER,
	SERVER_BRIEF = 1 << 4, FLAVOR_INSIDE = 1 << 5, FLAVOR = 1 << 6, FLAVOR_BRIEF = 1 << 7,
	MIG = 1 << 8, MIG_NOW = 1 << 9, MIG_OF_SERVER = 1 << 10, MIG_ANY = MIG | MIG_NOW | MIG_OF_SERVER,
	SERVICE = 1 << 11, HYPERVISOR = 1 << 12, HYPERVISOR_BRIEF = 1 << 13, HYPERVISOR_SERVICE = 1 << 14, CPU = 1 << 15, TOPOLOGY = 1 << 16,
	STATISTICS = 1 << 17, HOST = 1 << 18, RESOURCE = 1 << 19, ACTION = 1 << 20, EVENT = 1 << 21, EVENTS = 1 << 22,
	LIMITS = 1 << 23, ZONE = 1 << 24, INTERFACE = 1 << 25, LINK = 1 << 26, FAULT = 1 << 27,
};

#define NOW_PATH "/v2.1/servers/" WORLD_MOVED "/migrations"
#define ACTION_PATH "/v2.1/servers/" WORLD_WEB "/os-instance-actions"

/* @at: members and places in arrays, down to the object */
static const struct view {
	unsigned what;
	const char *target, *who, *at;
	int since, until;
} views[] = {
	{ SHOWN_ADMIN,        "/v2.1/servers/" WORLD_WEB, "admin", "server" },
	{ SHOWN_MEMBER,       "/v2.1/servers/" WORLD_DB, "member", "server" },
	{ LISTED_ADMIN,       "/v2.1/servers/detail?name=web", "admin", "servers/0" },
	{ LISTED_MEMBER,      "/v2.1/servers/detail?name=db", "member", "servers/0" },
	{ SERVER_BRIEF,       "/v2.1/servers", "member", "servers/0" },
	{ LINK,               "/v2.1/servers", "member", "servers/0/links/0" },
	{ FAULT,              "/v2.1/servers/" WORLD_LOST, "admin", "server/fault" },
	{ FLAVOR_INSIDE,      "/v2.1/servers/" WORLD_WEB, "admin", "server/flavor" },
	{ FLAVOR,             "/v2.1/flavors/d1.2c4096m10g", "member", "flavor" },
	{ FLAVOR,             "/v2.1/flavors/detail", "member", "flavors/0" },
	{ FLAVOR_BRIEF,       "/v2.1/flavors", "member", "flavors/0" },
	{ MIG,                "/v2.1/os-migrations?instance_uuid=" WORLD_WEB, "admin", "migrations/0" },
	{ MIG_NOW,            "/v2.1/os-migrations?instance_uuid=" WORLD_MOVED, "admin", "migrations/0" },
	{ MIG_OF_SERVER,      NOW_PATH, "admin", "migrations/0", 23 },
	{ MIG_OF_SERVER,      NOW_PATH "/3", "admin", "migration", 23 },
	{ SERVICE,            "/v2.1/os-services", "admin", "services/0" },
	{ SERVICE,            "/v2.1/os-services?binary=nova-compute", "admin", "services/0" },
	{ HYPERVISOR,         "/v2.1/os-hypervisors/detail", "admin", "hypervisors/0" },
	{ HYPERVISOR,         "/v2.1/os-hypervisors/1", "admin", "hypervisor", 1, 52 },
	{ HYPERVISOR,         "/v2.1/os-hypervisors/c0000000-0000-4000-8000-000000000001", "admin", "hypervisor", 53 },
	{ HYPERVISOR_BRIEF,   "/v2.1/os-hypervisors", "admin", "hypervisors/0" },
	{ HYPERVISOR_BRIEF,   "/v2.1/os-hypervisors/h1/search", "admin", "hypervisors/0", 1, 52 },
	{ HYPERVISOR_SERVICE, "/v2.1/os-hypervisors/detail", "admin", "hypervisors/0/service" },
	{ CPU,                "/v2.1/os-hypervisors/detail", "admin", "hypervisors/0/cpu_info", 28, 87 },
	{ TOPOLOGY,           "/v2.1/os-hypervisors/detail", "admin", "hypervisors/0/cpu_info/topology", 28, 87 },
	{ STATISTICS,         "/v2.1/os-hypervisors/statistics", "admin", "hypervisor_statistics", 1, 87 },
	{ HOST,               "/v2.1/os-hosts", "admin", "hosts/0", 1, 42 },
	{ RESOURCE,           "/v2.1/os-hosts/h1", "admin", "host/3/resource", 1, 42 },
	{ ACTION,             ACTION_PATH, "admin", "instanceActions/0" },
	{ ACTION | EVENTS,    ACTION_PATH "/req-aaaa0001", "admin", "instanceAction" },
	{ EVENT,              ACTION_PATH "/req-aaaa0001", "admin", "instanceAction/events/0" },
	{ LIMITS,             "/v2.1/limits", "member", "limits/absolute" },
	{ ZONE,               "/v2.1/os-availability-zone", "member", "availabilityZoneInfo/0" },
	{ ZONE,               "/v2.1/os-availability-zone/detail", "admin", "availabilityZoneInfo/1" },
	{ INTERFACE,          "/v2.1/servers/" WORLD_WEB "/os-interface", "admin", "interfaceAttachments/0" },
};

/* A view has the members of every row that names it and holds at the microversion. */
static const struct {
	unsigned what;
	int since, until;
	const char *names;
} members[] = {
	{ SERVER, 1, 0, "OS-DCF:diskConfig OS-EXT-AZ:availability_zone OS-EXT-STS:power_state OS-EXT-STS:task_state OS-EXT-STS:vm_state "
	  "OS-SRV-USG:launched_at OS-SRV-USG:terminated_at accessIPv4 accessIPv6 addresses config_drive created flavor hostId id image "
	  "key_name links metadata name os-extended-volumes:volumes_attached security_groups status tenant_id updated user_id" },
	{ ADMIN, 1, 0, "progress" }, /* of what is active; the member's is paused */
	{ ADMIN, 1, 0, "OS-EXT-SRV-ATTR:host OS-EXT-SRV-ATTR:hypervisor_hostname OS-EXT-SRV-ATTR:instance_name" },
	{ ADMIN, 3, 0, "OS-EXT-SRV-ATTR:hostname OS-EXT-SRV-ATTR:kernel_id OS-EXT-SRV-ATTR:launch_index OS-EXT-SRV-ATTR:ramdisk_id "
	  "OS-EXT-SRV-ATTR:reservation_id OS-EXT-SRV-ATTR:root_device_name OS-EXT-SRV-ATTR:user_data" },
	{ SERVER, 9, 0, "locked" },
	{ ADMIN, 16, 0, "host_status" },
	{ SERVER, 19, 0, "description" },
	{ SERVER, 26, 0, "tags" },
	{ SERVER, 63, 0, "trusted_image_certificates" },
	{ SHOWN, 71, 0, "server_groups" },
	{ SERVER, 73, 0, "locked_reason" },
	{ MEMBER, 90, 0, "OS-EXT-SRV-ATTR:hostname" },
	{ SERVER, 96, 0, "pinned_availability_zone" },
	{ SERVER_BRIEF, 1, 0, "id links name" },
	{ LINK, 1, 0, "href rel" },
	{ FAULT, 1, 0, "code created message" },
	{ FLAVOR_INSIDE, 1, 46, "id links" },
	{ FLAVOR_INSIDE, 47, 0, "disk ephemeral extra_specs original_name ram swap vcpus" },
	{ FLAVOR, 1, 0, "OS-FLV-DISABLED:disabled OS-FLV-EXT-DATA:ephemeral disk id links name os-flavor-access:is_public ram rxtx_factor "
	  "swap vcpus" },
	{ FLAVOR, 55, 0, "description" },
	{ FLAVOR, 61, 0, "extra_specs" },
	{ FLAVOR_BRIEF, 1, 0, "id links name" },
	{ FLAVOR_BRIEF, 55, 0, "description" },
	{ MIG_ANY, 1, 0, "created_at dest_compute dest_host dest_node id source_compute source_node status updated_at" },
	{ MIG | MIG_NOW, 1, 0, "instance_uuid new_instance_type_id old_instance_type_id" },
	{ MIG | MIG_NOW, 23, 0, "migration_type" },
	{ MIG_NOW, 23, 0, "links" },
	{ MIG_OF_SERVER, 23, 0, "disk_processed_bytes disk_remaining_bytes disk_total_bytes memory_processed_bytes memory_remaining_bytes "
	  "memory_total_bytes server_uuid" },
	{ MIG_ANY, 59, 0, "uuid" },
	{ MIG_ANY, 80, 0, "project_id user_id" },
	{ SERVICE, 1, 0, "binary disabled_reason host id state status updated_at zone" },
	{ SERVICE, 11, 0, "forced_down" },
	{ HYPERVISOR | HYPERVISOR_BRIEF, 1, 0, "hypervisor_hostname id state status" },
	{ HYPERVISOR, 1, 0, "host_ip hypervisor_type hypervisor_version service" },
	{ HYPERVISOR, 1, 87, "cpu_info current_workload disk_available_least free_disk_gb free_ram_mb local_gb local_gb_used memory_mb "
	  "memory_mb_used running_vms vcpus vcpus_used" },
	{ HYPERVISOR, 88, 0, "uptime" },
	{ HYPERVISOR_SERVICE, 1, 0, "disabled_reason host id" },
	{ CPU, 28, 87, "arch features model topology vendor" },
	{ TOPOLOGY, 28, 87, "cores sockets threads" },
	{ STATISTICS, 1, 87, "count current_workload disk_available_least free_disk_gb free_ram_mb local_gb local_gb_used memory_mb "
	  "memory_mb_used running_vms vcpus vcpus_used" },
	{ HOST, 1, 42, "host_name service zone" },
	{ RESOURCE, 1, 42, "cpu disk_gb host memory_mb project" },
	{ ACTION, 1, 0, "action instance_uuid message project_id request_id start_time user_id" },
	{ ACTION, 58, 0, "updated_at" },
	{ EVENTS, 1, 0, "events" },
	{ EVENT, 1, 0, "event finish_time result start_time traceback" },
	{ EVENT, 62, 0, "host hostId" },
	{ EVENT, 84, 0, "details" },
	{ LIMITS, 1, 0, "maxServerGroupMembers maxServerGroups maxServerMeta maxTotalCores maxTotalInstances maxTotalKeypairs "
	  "maxTotalRAMSize totalCoresUsed totalInstancesUsed totalRAMUsed totalServerGroupsUsed" },
	{ LIMITS, 1, 35, "maxSecurityGroupRules maxSecurityGroups maxTotalFloatingIps totalFloatingIpsUsed totalSecurityGroupsUsed" },
	{ LIMITS, 1, 38, "maxImageMeta" },
	{ LIMITS, 1, 56, "maxPersonality maxPersonalitySize" },
	{ ZONE, 1, 0, "hosts zoneName zoneState" },
	{ INTERFACE, 1, 0, "fixed_ips mac_addr net_id port_id port_state" },
	{ INTERFACE, 70, 0, "tag" },
};

static int by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *join_sorted(GPtrArray *names)
{
	g_ptr_array_sort(names, by_name);
	g_ptr_array_add(names, NULL);
	return g_strjoinv(" ", (char **)names->pdata);
}

static char *expected(unsigned what, int mv)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

	for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
		g_autofree char **some = NULL;

		if (!(members[i].what & what) || mv < members[i].since || (members[i].until && mv > members[i].until))
			continue;
		some = g_strsplit(members[i].names, " ", -1);
		for (char **one = some; *one; one++)
			g_ptr_array_add(names, *one);
	}
	return join_sorted(names);
}

static char *found(const json_t *object)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
		g_ptr_array_add(names, (gpointer)name);
	return join_sorted(names);
}

static const json_t *descend(const json_t *v, const char *at)
{
	g_auto(GStrv) steps = g_strsplit(at, "/", -1);

	for (char **step = steps; *step; step++)
		v = g_ascii_isdigit(**step) ? json_array_get(v, (size_t)atoi(*step)) : json_object_get(v, *step);
	return v;
}

static void check(struct world *w, const struct view *v, int mv)
{
	g_autofree char *want = expected(v->what, mv), *have = NULL;
	g_autoptr(json_t) root = NULL;
	struct answer a;

	world_ask(w, "GET", v->target, mv, v->who, NULL, &a);
	root = json_loads(a.body, 0, NULL);
	have = found(descend(root, v->at));
	if (strcmp(have, want) != 0)
		g_error("%s at 2.%d: %s has\n%s\nand should have\n%s", v->target, mv, v->at, have, want);
	answer_clear(&a);
}

static void every_microversion(void)
{
	struct world *w = world_new();

	for (size_t i = 0; i < G_N_ELEMENTS(views); i++)
		for (int mv = MAX(views[i].since, API_MV_MIN); mv <= (views[i].until ? views[i].until : API_MV_MAX); mv++)
			check(w, &views[i], mv);
	world_free(w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/compute/keys/every_microversion", every_microversion);
	return g_test_run();
}
