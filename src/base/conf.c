/* SPDX-License-Identifier: Apache-2.0 */
#include "base/conf.h"

#include <string.h>

#include "base/cpuset.h"
#include "base/cron.h"
#include "base/err.h"
#include "base/uri.h"
#include "base/util.h"

#define FILE_MAX_BYTES (1 << 20)
#define HOSTS_MAX 10000

enum key_type { KEY_STR, KEY_INT, KEY_DBL, KEY_BOOL, KEY_LIST, KEY_CHOICE, KEY_CPUS, KEY_CRON };

struct key {
	const char *section, *name;
	enum key_type type;
	size_t offset;
	const char *fallback; /* as written in the file; NULL: unset */
	double min, max;      /* checked when max > min */
	const char *choices;  /* KEY_CHOICE: "a|b|c" */
	const char *help;
	bool mutable;         /* SIGHUP changes it */
};

#define AT(field) offsetof(struct conf, field)

/* Names, defaults and limits are Nova's (nova.md 4.1) unless the help says "Drover". */
static const struct key keys[] = {
	{ "DEFAULT", "state_path", KEY_STR, AT(state_path), "/var/lib/drover", .help = "directory for the database, keys and credentials" },
	{ "DEFAULT", "osapi_compute_listen", KEY_STR, AT(listen), "127.0.0.1", .help = "address the API listens on; anything but loopback needs TLS, see [wsgi]" },
	{ "DEFAULT", "osapi_compute_listen_port", KEY_INT, AT(port), "8774", 0, 65535, .help = "port the API listens on; 0 picks a free one" },
	{ "DEFAULT", "cert", KEY_STR, AT(console_cert), NULL, .help = "certificate chain of the consoles, PEM; unset: no TLS. SIGHUP reads it and the key again" },
	{ "DEFAULT", "key", KEY_STR, AT(console_key), NULL, .help = "private key of it, PEM; unset: it is in cert" },
	{ "DEFAULT", "ssl_only", KEY_BOOL, AT(ssl_only), "false", .help = "do not start without cert, where consoles are served. With it they are served by TLS alone in any case, unlike Nova's" },
	{ "DEFAULT", "web", KEY_STR, AT(web), "/usr/share/novnc", .help = "folder of noVNC's files (core/rfb.js among them), which the consoles' proxy serves" },
	{ "DEFAULT", "debug", KEY_BOOL, AT(debug), "false", .help = "log at level DEBUG", .mutable = true },
	{ "DEFAULT", "log_format", KEY_CHOICE, AT(log_format), "auto", .choices = "auto|text|json|journal", .help = "Drover's: auto uses the journal under systemd and text otherwise" },
	{ "DEFAULT", "service_down_time", KEY_INT, AT(service_down_time), "15", 2, 86400, .help = "a host that has not answered for this many seconds is down; Nova's default is 60, but Drover polls hosts directly" },
	{ "DEFAULT", "report_interval", KEY_INT, AT(report_interval), "5", 1, 3600, .help = "seconds between polls of a host; Nova's default is 10" },
	{ "DEFAULT", "load_interval", KEY_INT, AT(load_interval), "0", 0, 3600, .help = "Drover's: seconds between two measurements of the CPU time that servers have had, which rebalancing by load needs; 0 disables them" },
	{ "DEFAULT", "address_refresh_interval", KEY_INT, AT(address_refresh_interval), "600", 0, 86400, .help = "Drover's: seconds between two questions for a server's IP addresses, once they are known; 0 disables them" },
	{ "DEFAULT", "address_sources", KEY_LIST, AT(address_sources), "lease,agent,arp", .help = "Drover's: where IP addresses of servers come from: leases of libvirt's networks, the guest agent, the host's ARP table" },
	{ "DEFAULT", "max_concurrent_live_migrations", KEY_INT, AT(max_concurrent_live_migrations), "1", 0, 1000, .help = "concurrent outbound live migrations per host; 0 is unlimited", .mutable = true },
	{ "DEFAULT", "max_concurrent_inbound_live_migrations", KEY_INT, AT(max_concurrent_inbound_live_migrations), "2", 0, 1000, .help = "Drover's: concurrent inbound live migrations per host; 0 is unlimited. A migration that finds only busy hosts waits in the queue", .mutable = true },
	{ "DEFAULT", "max_concurrent_fleet_live_migrations", KEY_INT, AT(max_concurrent_fleet_live_migrations), "0", 0, 100000, .help = "Drover's: concurrent live migrations in the whole fleet; 0 is unlimited", .mutable = true },
	{ "DEFAULT", "max_concurrent_cold_migrations", KEY_INT, AT(max_concurrent_cold_migrations), "2", 0, 1000, .help = "Drover's: concurrent outbound cold migrations per host, apart from live ones; 0 is unlimited", .mutable = true },
	{ "DEFAULT", "max_concurrent_inbound_cold_migrations", KEY_INT, AT(max_concurrent_inbound_cold_migrations), "2", 0, 1000, .help = "Drover's: concurrent inbound cold migrations per host; 0 is unlimited", .mutable = true },
	{ "DEFAULT", "max_concurrent_fleet_cold_migrations", KEY_INT, AT(max_concurrent_fleet_cold_migrations), "0", 0, 100000, .help = "Drover's: concurrent cold migrations in the whole fleet; 0 is unlimited", .mutable = true },
	{ "DEFAULT", "max_concurrent_evacuations", KEY_INT, AT(max_concurrent_evacuations), "0", 0, 1000, .help = "Drover's: concurrent evacuations from one host; 0 is unlimited", .mutable = true },
	{ "DEFAULT", "max_concurrent_inbound_evacuations", KEY_INT, AT(max_concurrent_inbound_evacuations), "10", 0, 1000, .help = "Drover's: concurrent evacuations to one host, each of which starts a guest there; 0 is unlimited", .mutable = true },
	{ "DEFAULT", "max_concurrent_fleet_evacuations", KEY_INT, AT(max_concurrent_fleet_evacuations), "200", 0, 100000, .help = "Drover's: concurrent evacuations in the whole fleet; 0 is unlimited", .mutable = true },
	{ "DEFAULT", "migrate_max_retries", KEY_INT, AT(migrate_max_retries), "-1", -1, 1000, .help = "how many other destinations to try; -1 tries all" },
	{ "DEFAULT", "shutdown_timeout", KEY_INT, AT(shutdown_timeout), "60", 0, 86400, .help = "seconds that a guest has to shut off by itself before it is stopped hard; 0 stops it hard at once. os_shutdown_timeout in a guest's metadata goes first", .mutable = true },
	{ "DEFAULT", "resize_confirm_window", KEY_INT, AT(resize_confirm_window), "0", 0, 1 << 30, .help = "seconds after which a cold migration is confirmed by itself; 0 is never", .mutable = true },
	{ "DEFAULT", "reserved_host_memory_mb", KEY_INT, AT(reserved_host_memory_mb), "512", 0, 1 << 30, .help = "memory of each host kept free of servers, MiB" },
	{ "DEFAULT", "reserved_host_cpus", KEY_INT, AT(reserved_host_cpus), "0", 0, 1 << 20, .help = "CPUs of each host kept free of servers" },
	{ "DEFAULT", "reserved_host_disk_mb", KEY_INT, AT(reserved_host_disk_mb), "0", 0, 1 << 30, .help = "disk of each host kept free of servers, MiB" },
	{ "DEFAULT", "cpu_allocation_ratio", KEY_DBL, AT(cpu_allocation_ratio), "4.0", 0.01, 1000, .help = "vCPUs allocated per physical CPU" },
	{ "DEFAULT", "ram_allocation_ratio", KEY_DBL, AT(ram_allocation_ratio), "1.0", 0.01, 1000, .help = "memory allocated per unit of physical memory" },
	{ "DEFAULT", "disk_allocation_ratio", KEY_DBL, AT(disk_allocation_ratio), "1.0", 0.01, 1000, .help = "disk allocated per unit of physical disk" },
	{ "DEFAULT", "default_availability_zone", KEY_STR, AT(default_availability_zone), "nova", .help = "availability zone of every host" },
	{ "api", "audit_log", KEY_STR, AT(audit_log), "log", .help = "Drover's: where the record of changes and logins goes: log (the daemon's, as event audit), off, or the path of a file that gets one JSON object a line" },
	{ "api", "host_schemes", KEY_LIST, AT(host_schemes), "qemu+tls,qemu+tcp,qemu+ssh,qemu+unix,qemu", .help = "Drover's: schemes of URIs of hosts that are added at run time, by the API; such URIs have no parameters. Empty: none can be added" },
	{ "api", "max_limit", KEY_INT, AT(max_limit), "1000", 1, 100000, .help = "maximum number of items in one page of a list" },
	{ "api", "public_url", KEY_STR, AT(public_url), NULL, .help = "Drover's: URL of the API as clients reach it, used in links and the service catalog; unset: taken from each request" },
	{ "api", "event_history", KEY_INT, AT(event_history), "8192", 16, 1 << 20, .help = "Drover's: number of events kept in memory; a client that falls further behind must re-read the lists" },
	{ "api", "event_streams_max", KEY_INT, AT(event_streams_max), "64", 0, 4096, .help = "Drover's: maximum number of clients subscribed to events" },
	{ "api", "metrics", KEY_CHOICE, AT(metrics), "totals", .choices = "off|token|totals|hosts", .help = "Drover's: access to GET /metrics. off: none; token: everything, for administrators only; totals: fleet-wide figures, without a token; hosts: per-host figures and host names too, without a token", .mutable = true },
	{ "compute", "cpu_shared_set", KEY_CPUS, AT(cpu_shared_set), NULL, .help = "host CPUs for guests without dedicated CPUs, such as 0-3,^2, applied at the destination; unset: the guest keeps its set. Can be set per host" },
	{ "compute", "cpu_dedicated_set", KEY_CPUS, AT(cpu_dedicated_set), NULL, .help = "host CPUs for vCPUs pinned to a CPU of their own; unset: all except the shared ones. Can be set per host" },
	{ "cron_archive_deleted_rows", "enabled", KEY_BOOL, AT(archive.enabled), "true", .help = "Drover's: move what belongs to servers that were deleted to shadow tables, on this schedule; docs/DATABASE.md. In brackets: the names of the parameters of Nova's deployments", .mutable = true },
	{ "cron_archive_deleted_rows", "all_cells", KEY_BOOL, AT(archive.all_cells), "true", .help = "of all cells: one database has all of Drover's, so this changes the names in the file alone (NovaCronArchiveDeleteAllCells)", .mutable = true },
	{ "cron_archive_deleted_rows", "age", KEY_INT, AT(archive.age), "90", 0, 36500, .help = "days since the deletion; 0 is before today (NovaCronArchiveDeleteRowsAge)", .mutable = true },
	{ "cron_archive_deleted_rows", "destination", KEY_STR, AT(archive.destination), NULL, .help = "file that gets what was archived, beside the log; unset: none. Nova's is /var/log/nova/nova-rowsflush.log (NovaCronArchiveDeleteRowsDestination)", .mutable = true },
	{ "cron_archive_deleted_rows", "hour", KEY_CRON, AT(archive.hour), "0", .help = "when it begins, as in a crontab, in the time zone of the controller (NovaCronArchiveDeleteRowsHour)", .mutable = true },
	{ "cron_archive_deleted_rows", "max_delay", KEY_INT, AT(archive.max_delay), "3600", 0, 86400, .help = "a random delay of up to this many seconds comes before it (NovaCronArchiveDeleteRowsMaxDelay)", .mutable = true },
	{ "cron_archive_deleted_rows", "max_rows", KEY_INT, AT(archive_max_rows), "1000", 1, 2147483647, .help = "how many rows are moved at most, at once with until_complete, in all without (NovaCronArchiveDeleteRowsMaxRows)", .mutable = true },
	{ "cron_archive_deleted_rows", "minute", KEY_CRON, AT(archive.minute), "1", .help = "when it begins (NovaCronArchiveDeleteRowsMinute)", .mutable = true },
	{ "cron_archive_deleted_rows", "monthday", KEY_CRON, AT(archive.monthday), "*", .help = "when it begins (NovaCronArchiveDeleteRowsMonthday)", .mutable = true },
	{ "cron_archive_deleted_rows", "month", KEY_CRON, AT(archive.month), "*", .help = "when it begins (NovaCronArchiveDeleteRowsMonth)", .mutable = true },
	{ "cron_archive_deleted_rows", "purge", KEY_BOOL, AT(archive_purge), "false", .help = "purge all shadow tables right after (NovaCronArchiveDeleteRowsPurge)", .mutable = true },
	{ "cron_archive_deleted_rows", "until_complete", KEY_BOOL, AT(archive_until_complete), "true", .help = "go on until nothing is left to move (NovaCronArchiveDeleteRowsUntilComplete)", .mutable = true },
	{ "cron_archive_deleted_rows", "user", KEY_STR, AT(archive.user), NULL, .help = "user that owns the file, where droverd may give it away; unset: droverd's own. Nova's is nova (NovaCronArchiveDeleteRowsUser)", .mutable = true },
	{ "cron_archive_deleted_rows", "weekday", KEY_CRON, AT(archive.weekday), "*", .help = "when it begins; a day is due by its number or by its name where both are given (NovaCronArchiveDeleteRowsWeekday)", .mutable = true },
	{ "cron_purge_shadow_tables", "enabled", KEY_BOOL, AT(purge.enabled), "true", .help = "Drover's: delete what was archived for good, on this schedule", .mutable = true },
	{ "cron_purge_shadow_tables", "age", KEY_INT, AT(purge.age), "14", 0, 36500, .help = "days since the deletion of the server; 0 is before today (NovaCronPurgeShadowTablesAge)", .mutable = true },
	{ "cron_purge_shadow_tables", "all_cells", KEY_BOOL, AT(purge.all_cells), "true", .help = "as above (NovaCronPurgeShadowTablesAllCells)", .mutable = true },
	{ "cron_purge_shadow_tables", "destination", KEY_STR, AT(purge.destination), NULL, .help = "file that gets what was purged; Nova's is /var/log/nova/nova-rowspurge.log (NovaCronPurgeShadowTablesDestination)", .mutable = true },
	{ "cron_purge_shadow_tables", "hour", KEY_CRON, AT(purge.hour), "5", .help = "when it begins (NovaCronPurgeShadowTablesHour)", .mutable = true },
	{ "cron_purge_shadow_tables", "max_delay", KEY_INT, AT(purge.max_delay), "3600", 0, 86400, .help = "a random delay of up to this many seconds comes before it (NovaCronPurgeShadowTablesMaxDelay)", .mutable = true },
	{ "cron_purge_shadow_tables", "minute", KEY_CRON, AT(purge.minute), "0", .help = "when it begins (NovaCronPurgeShadowTablesMinute)", .mutable = true },
	{ "cron_purge_shadow_tables", "month", KEY_CRON, AT(purge.month), "*", .help = "when it begins (NovaCronPurgeShadowTablesMonth)", .mutable = true },
	{ "cron_purge_shadow_tables", "monthday", KEY_CRON, AT(purge.monthday), "*", .help = "when it begins (NovaCronPurgeShadowTablesMonthday)", .mutable = true },
	{ "cron_purge_shadow_tables", "user", KEY_STR, AT(purge.user), NULL, .help = "user that owns the file, as above (NovaCronPurgeShadowTablesUser)", .mutable = true },
	{ "cron_purge_shadow_tables", "verbose", KEY_BOOL, AT(purge_verbose), "false", .help = "the file has the rows of each table, not their sum alone (NovaCronPurgeShadowTablesVerbose)", .mutable = true },
	{ "cron_purge_shadow_tables", "weekday", KEY_CRON, AT(purge.weekday), "*", .help = "when it begins (NovaCronPurgeShadowTablesWeekday)", .mutable = true },
	{ "console", "allowed_origins", KEY_LIST, AT(console_allowed_origins), "", .help = "hosts beside the proxy's own whose pages may open consoles (the host of a browser's Origin header)" },
	{ "console", "ssl_ciphers", KEY_STR, AT(console_ssl_ciphers), NULL, .help = "ciphers of TLS 1.2 for consoles, as OpenSSL writes them; unset: those with ephemeral keys (ECDHE) and authenticated encryption. A deployment's NovaVNCProxySSLCiphers" },
	{ "console", "ssl_minimum_version", KEY_CHOICE, AT(console_ssl_minimum_version), "default", .choices = "default|tlsv1_1|tlsv1_2|tlsv1_3", .help = "lowest version of TLS for consoles; default is tlsv1_2, tlsv1_1 is for clients that have nothing later. A deployment's NovaVNCProxySSLMinimumVersion" },
	{ "consoleauth", "token_ttl", KEY_INT, AT(console_token_ttl), "600", 1, 86400, .help = "seconds to a console token's first use; from then on it lasts as long as its session" },
	{ "database", "connection", KEY_STR, AT(connection), NULL, .help = "sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME; unset: drover.sqlite in state_path" },
	{ "evacuation", "storage_markers", KEY_BOOL, AT(storage_markers), "true", .help = "Drover's: keep an empty file of 512 bytes, drover-storage-HOST-UUID, in each folder where a host has disks of guests, by which it is proved after its death which hosts share the folder. Without, servers with disks in files can be evacuated only to rebuilt disks" },
	{ "fencing", "fence_timeout", KEY_INT, AT(fence_timeout), "60", 1, 3600, .help = "Drover's: seconds that one run of a fence agent may take, before it is killed" },
	{ "fencing", "fence_retries", KEY_INT, AT(fence_retries), "1", 0, 100, .help = "Drover's: how often a fence agent that failed is run again, before the fallback is" },
	{ "fencing", "max_concurrent_agents", KEY_INT, AT(max_concurrent_agents), "10", 1, 1000, .help = "Drover's: fence agents that run at once; those that switch hosts come before those that ask" },
	{ "fencing", "keep_autostart", KEY_BOOL, AT(keep_autostart), "true", .help = "Drover's: on hosts with a fence agent, switch libvirt's autostart off, keep it as a wish, and start the guests when the host boots: libvirt would start evacuated guests as well, before anyone can stop it. false: libvirt's flags are switched on again", .mutable = true },
	{ "filter_scheduler", "enabled_filters", KEY_LIST, AT(enabled_filters), "ComputeFilter,RamFilter,CoreFilter,DiskFilter,NumInstancesFilter", .help = "scheduler filters, in order. There are no server groups, and so no filters of affinity and anti-affinity" },
	{ "filter_scheduler", "max_instances_per_host", KEY_INT, AT(max_instances_per_host), "50", 1, 100000, .help = "limit of NumInstancesFilter" },
	{ "ha", "enabled", KEY_BOOL, AT(ha_enabled), "false", .help = "Drover's: evacuate the servers of a host that died without a person: when it was silent for delay, it is switched off by its fence agent, and its servers are evacuated" },
	{ "ha", "delay", KEY_INT, AT(ha_delay), "60", 5, 86400, .help = "Drover's: seconds that a host has to be silent, beyond service_down_time, before it is fenced" },
	{ "ha", "max_hosts", KEY_INT, AT(ha_max_hosts), "1", 1, 1000, .help = "Drover's: when more hosts than this, or than a tenth of all (but one at least), fell silent within window, or are silent still, nothing is fenced, and an alarm says so: it may be the controller that is cut off. A host that is down for good counts until it is disabled or removed" },
	{ "ha", "returning", KEY_CHOICE, AT(ha_returning), "fence", .choices = "fence|alarm", .help = "Drover's: what becomes of a host that is back, was not off in between for all that is known (an administrator said that it was down), and still runs a guest that was evacuated from it, or to it before it was given up. fence: it is switched off by its fence agent; alarm, and where it has no agent: nothing is touched. An alarm says so either way; it holds without [ha] enabled, too", .mutable = true },
	{ "ha", "window", KEY_INT, AT(ha_window), "600", 60, 86400, .help = "Drover's: seconds for which a host that fell silent counts, also when it is back, or fenced" },
	{ "libvirt", "live_migration_scheme", KEY_STR, AT(live_migration_scheme), NULL, .help = "scheme of the libvirt URI from the source to the destination (tcp, tls, ssh); unset: that of the controller's URI" },
	{ "libvirt", "live_migration_bandwidth", KEY_INT, AT(live_migration_bandwidth), "0", 0, 1 << 20, .help = "maximum bandwidth of a migration, MiB/s; 0 is the hypervisor's default" },
	{ "libvirt", "live_migration_policy", KEY_CHOICE, AT(live_migration_policy), "adaptive", .choices = "adaptive|nova", .help = "Drover's: how a migration is made to converge; nova follows Nova's steps of increasing downtime" },
	{ "libvirt", "live_migration_downtime", KEY_INT, AT(live_migration_downtime), "500", 100, 3600000, .help = "longest pause at switch-over, milliseconds" },
	{ "libvirt", "live_migration_downtime_steps", KEY_INT, AT(live_migration_downtime_steps), "10", 3, 1000, .help = "number of steps up to live_migration_downtime" },
	{ "libvirt", "live_migration_downtime_delay", KEY_INT, AT(live_migration_downtime_delay), "75", 3, 86400, .help = "seconds between steps, per GiB of memory and copied disk" },
	{ "libvirt", "live_migration_completion_timeout", KEY_INT, AT(live_migration_completion_timeout), "800", 0, 86400, .help = "seconds a migration may take, per GiB of memory and copied disk; 0 is unlimited", .mutable = true },
	{ "libvirt", "live_migration_timeout_action", KEY_CHOICE, AT(live_migration_timeout_action), "abort", .choices = "abort|force_complete", .help = "action when live_migration_completion_timeout expires", .mutable = true },
	{ "libvirt", "live_migration_progress_timeout", KEY_INT, AT(live_migration_progress_timeout), "0", 0, 86400, .help = "abort when the lowest remaining byte count has not improved for this many seconds; 0 disables it (Nova up to Ocata)" },
	{ "libvirt", "live_migration_permit_post_copy", KEY_BOOL, AT(live_migration_permit_post_copy), "false", .help = "allow post-copy; force-complete then switches to post-copy instead of pausing the guest" },
	{ "libvirt", "live_migration_permit_auto_converge", KEY_BOOL, AT(live_migration_permit_auto_converge), "false", .help = "allow QEMU to throttle the guest so that the copy converges" },
	{ "libvirt", "live_migration_with_native_tls", KEY_BOOL, AT(live_migration_with_native_tls), "false", .help = "encrypt the migration stream with QEMU's native TLS" },
	{ "libvirt", "live_migration_tunnelled", KEY_BOOL, AT(live_migration_tunnelled), "false", .help = "tunnel the migration through libvirtd's connection and its TLS; libvirt then supports no post-copy, no parallel connections and no disk copies" },
	{ "libvirt", "live_migration_parallel_connections", KEY_INT, AT(live_migration_parallel_connections), "1", 1, 255, .help = "connections per migration (multifd)" },
	{ "libvirt", "live_migration_monitor_interval", KEY_INT, AT(live_migration_monitor_interval), "5", 1, 3600, .help = "seconds between updates of a migration's progress in the database" },
	{ "libvirt", "cpu_mode", KEY_CHOICE, AT(cpu_mode), NULL, .choices = "host-model|host-passthrough|custom|none", .help = "guests keep the CPU they were adopted with; host-passthrough requires the source's exact CPU model at the destination, custom requires cpu_models as well, any other value or unset only what the guest's CPU needs" },
	{ "libvirt", "cpu_models", KEY_LIST, AT(cpu_models), "", .help = "with cpu_mode = custom: CPU models that every destination must support, so that guests can move to any host" },
	{ "libvirt", "shared_block_devices", KEY_LIST, AT(shared_block_devices), "", .help = "Drover's: paths of block devices that are the same device on every host, though no host gives it a serial, a WWN or a volume key; * matches any characters. A promise by the operator: if it is not true, a guest continues on another disk. Size and contents are still compared. Also network disks whose server is localhost or a socket of the host (PROTOCOL:NAME, as gluster:volume/*), where each host has a server of the same storage; of these nothing is compared" },
	{ "libvirt", "wait_soft_reboot_seconds", KEY_INT, AT(wait_soft_reboot_seconds), "120", 0, 86400, .help = "seconds that a guest has to shut off by itself for a soft reboot, before it is rebooted hard", .mutable = true },
	{ "oslo_middleware", "max_request_body_size", KEY_INT, AT(max_request_body_size), "114688", 1024, 1 << 26, .help = "maximum size of a request body, bytes" },
	{ "serial_console", "enabled", KEY_BOOL, AT(serial_enabled), "false", .help = "serve servers' serial consoles by WebSocket, on [vnc] novncproxy_host and novncproxy_port" },
	{ "serial_console", "base_url", KEY_STR, AT(serial_base_url), NULL, .help = "address of serial consoles as clients reach it, ws:// or wss://; unset: where it listens" },
	{ "spice", "server_listen", KEY_STR, AT(spice_server_listen), NULL, .help = "SPICE listen address of a guest at its destination; unset: the same as VNC's there" },
	{ "token", "expiration", KEY_INT, AT(token_expiration), "3600", 1, 31536000, .help = "lifetime of a token, seconds (Keystone's)" },
	{ "vnc", "enabled", KEY_BOOL, AT(vnc_enabled), "false", .help = "serve servers' screens by noVNC and WebSocket, on novncproxy_host and novncproxy_port; Nova's default is true" },
	{ "vnc", "auth_schemes", KEY_LIST, AT(vnc_auth_schemes), "none", .help = "what is offered to guests' VNC servers, the first that they have: none, vencrypt (TLS by X509None)" },
	{ "vnc", "novncproxy_base_url", KEY_STR, AT(novncproxy_base_url), NULL, .help = "address of the page that shows a screen, as browsers reach it, https:// or http://; unset: console.html where the proxy listens" },
	{ "vnc", "novncproxy_host", KEY_STR, AT(novncproxy_host), "127.0.0.1", .help = "address that consoles are served on; anything but loopback needs TLS, see cert" },
	{ "vnc", "novncproxy_port", KEY_INT, AT(novncproxy_port), "6080", 0, 65535, .help = "port of it; 0: any free one" },
	{ "vnc", "server_listen", KEY_STR, AT(vnc_server_listen), NULL, .help = "VNC listen address of a guest at its destination; unset: the guest's own. Can be set per host" },
	{ "vnc", "server_proxyclient_address", KEY_STR, AT(vnc_proxyclient), NULL, .help = "address of a host at which VNC servers are reached that listen on all of its addresses, or on loopback; unset: that of its libvirt. Can be set per host" },
	{ "vnc", "vencrypt_ca_certs", KEY_STR, AT(vencrypt_ca_certs), NULL, .help = "with auth_schemes = vencrypt: certificates of the CA of guests' VNC servers, PEM" },
	{ "vnc", "vencrypt_client_cert", KEY_STR, AT(vencrypt_client_cert), NULL, .help = "certificate that is shown to them, PEM; unset: none" },
	{ "vnc", "vencrypt_client_key", KEY_STR, AT(vencrypt_client_key), NULL, .help = "private key of it, PEM; unset: it is in vencrypt_client_cert" },
	{ "workarounds", "skip_cpu_compare_on_dest", KEY_BOOL, AT(skip_cpu_compare_on_dest), "false", .help = "skip the CPU comparison before a migration; libvirt still refuses an incompatible guest" },
	{ "workarounds", "allow_any_uri", KEY_BOOL, AT(allow_any_uri), "false", .help = "Drover's: allow URIs of hosts in this file that are for tests or start a program: sim, test, and the transport ext" },
	{ "workarounds", "skip_hypervisor_version_check_on_lm", KEY_BOOL, AT(skip_hypervisor_version_check_on_lm), "false", .help = "allow migration to an older hypervisor" },
	{ "workarounds", "enable_qemu_monitor_announce_self", KEY_BOOL, AT(enable_qemu_monitor_announce_self), "false", .help = "after a migration, have QEMU announce the guest's network interfaces again, for networks that are slow to learn the new location" },
	{ "workarounds", "qemu_monitor_announce_self_count", KEY_INT, AT(qemu_monitor_announce_self_count), "3", 1, 1000, .help = "number of announcements" },
	{ "workarounds", "qemu_monitor_announce_self_interval", KEY_INT, AT(qemu_monitor_announce_self_interval), "1", 1, 100, .help = "seconds between announcements" },
	{ "wsgi", "ssl_cert_file", KEY_STR, AT(ssl_cert_file), NULL, .help = "certificate chain of the API, PEM" },
	{ "wsgi", "ssl_key_file", KEY_STR, AT(ssl_key_file), NULL, .help = "private key of the certificate, PEM" },
	{ "wsgi", "ssl_ciphers", KEY_STR, AT(ssl_ciphers), NULL, .help = "ciphers of TLS 1.2, as OpenSSL writes them; unset: those with ephemeral keys (ECDHE) and authenticated encryption" },
	{ "wsgi", "ssl_minimum_version", KEY_CHOICE, AT(ssl_minimum_version), "tlsv1_2", .choices = "tlsv1_2|tlsv1_3", .help = "lowest version of TLS" },
	{ "wsgi", "allow_plaintext", KEY_BOOL, AT(allow_plaintext), "false", .help = "Drover's: allow listening beyond loopback without TLS, for use behind a TLS proxy" },
};

/* Of [host NAME]; offsets into struct conf_host. */
static const struct {
	const char *name;
	size_t offset;
	const char *help;
	const char *fallback;
	bool cpus, mutable;
} host_keys[] = {
	{ "uri", offsetof(struct conf_host, uri), "libvirt URI of the host as the controller reaches it, such as qemu+tls://HOST/system" },
	{ "live_migration_inbound_addr", offsetof(struct conf_host, inbound_addr), "address that receives migrations; unset: the host in uri" },
	{ "live_migration_uri", offsetof(struct conf_host, migration_uri), "libvirt URI of the host as the other hosts reach it; unset: uri" },
	{ "server_listen", offsetof(struct conf_host, vnc_listen), "VNC listen address of guests on this host; unset: [vnc] server_listen" },
	{ "server_proxyclient_address", offsetof(struct conf_host, vnc_proxyclient), "address at which VNC servers of guests on this host are reached; unset: [vnc] server_proxyclient_address" },
	{ "cpu_shared_set", offsetof(struct conf_host, cpu_shared_set), "CPUs for guests without dedicated CPUs; unset: [compute] cpu_shared_set", .cpus = true },
	{ "cpu_dedicated_set", offsetof(struct conf_host, cpu_dedicated_set), "CPUs for vCPUs pinned to a CPU of their own; unset: [compute] cpu_dedicated_set", .cpus = true },
	{ "cell", offsetof(struct conf_host, cell), "cell of the host; servers migrate within a cell only, live and cold", CONF_CELL, .mutable = true },
	{ "fence_agent", offsetof(struct conf_host, fence_agent), "Drover's: the fence agent that switches the host off and on, such as fence_ipmilan, or its path; unset: the host cannot be fenced" },
	{ "fence_options", offsetof(struct conf_host, fence_options), "file with the agent's options, NAME=VALUE a line as the agent reads them (ip, username, password); it must be mode 0600" },
	{ "fallback_fence_agent", offsetof(struct conf_host, fallback_fence_agent), "a second agent, such as that of a power distribution unit, for when the first one fails" },
	{ "fallback_fence_options", offsetof(struct conf_host, fallback_fence_options), "file with its options" },
};

#define CPUS_WANTED "a set of CPUs such as 0-3,^2,8"

struct reader {
	struct conf *conf;
	GPtrArray *mistakes;
	const char *file;
	int line;
	char *section;             /* as written; NULL before the first */
	struct conf_host *host;    /* in a [host NAME] section */
	bool skip;                 /* in an unknown section */
	GHashTable *seen;          /* "section/name" -> line */
};

static void mistake(struct reader *r, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

static void mistake(struct reader *r, const char *fmt, ...)
{
	g_autofree char *what = NULL;
	va_list ap;

	va_start(ap, fmt);
	what = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	g_ptr_array_add(r->mistakes, g_strdup_printf("%s:%d: %s", r->file, r->line, what));
}

static bool one_of(const char *value, const char *choices)
{
	g_auto(GStrv) all = g_strsplit(choices, "|", -1);

	return g_strv_contains((const char *const *)all, value);
}

static char **split_list(const char *value)
{
	g_autoptr(GStrvBuilder) b = g_strv_builder_new();
	g_auto(GStrv) parts = g_strsplit(value, ",", -1);

	for (char **p = parts; *p; p++)
		if (*g_strstrip(*p))
			g_strv_builder_add(b, *p);
	return g_strv_builder_end(b);
}

static bool parse_bool(const char *value, bool *ret)
{
	static const char *const yes[] = { "true", "1", "yes", "on", NULL }, *const no[] = { "false", "0", "no", "off", NULL };
	g_autofree char *low = g_ascii_strdown(value, -1);

	if (!g_strv_contains(yes, low) && !g_strv_contains(no, low))
		return false;
	*ret = g_strv_contains(yes, low);
	return true;
}

/* Set a key from text. Return: NULL, or what would be right (owned by the caller). */
static char *set_number(const struct key *k, const char *value, void *where)
{
	char *end;
	double d;
	int64_t i;

	if (k->type == KEY_INT) {
		if (util_parse_int(value, (int64_t)k->min, (int64_t)k->max, &i)) {
			*(int64_t *)where = i;
			return NULL;
		}
		return g_strdup_printf("a whole number from %.0f to %.0f", k->min, k->max);
	}
	d = g_ascii_strtod(value, &end);
	if (*value && !*end && d >= k->min && d <= k->max) {
		*(double *)where = d;
		return NULL;
	}
	return g_strdup_printf("a number from %g to %g", k->min, k->max);
}

static char *set_key(struct conf *c, const struct key *k, const char *value)
{
	void *where = (char *)c + k->offset;

	switch (k->type) {
	case KEY_STR:
		util_replace(where, *value ? value : NULL);
		return NULL;
	case KEY_CPUS:
		if (*value && !cpuset_parse(value, &(struct cpuset){ { 0 } }))
			return g_strdup(CPUS_WANTED);
		util_replace(where, *value ? value : NULL);
		return NULL;
	case KEY_CRON:
		if (cron_field(k->name, value))
			return g_strdup(cron_field(k->name, value));
		util_replace(where, value);
		return NULL;
	case KEY_CHOICE:
		if (!one_of(value, k->choices))
			return g_strdup_printf("one of %s", k->choices);
		util_replace(where, value);
		return NULL;
	case KEY_LIST:
		g_strfreev(*(char ***)where);
		*(char ***)where = split_list(value);
		return NULL;
	case KEY_BOOL:
		return parse_bool(value, where) ? NULL : g_strdup("true or false");
	case KEY_INT:
	case KEY_DBL:
		return set_number(k, value, where);
	}
	g_assert_not_reached();
}

static struct conf *with_defaults(void)
{
	struct conf *c = g_new0(struct conf, 1);

	c->hosts = g_ptr_array_new_with_free_func((GDestroyNotify)conf_host_free);
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		g_autofree char *wrong = keys[i].fallback ? set_key(c, &keys[i], keys[i].fallback) : NULL;

		g_assert(!wrong);
	}
	return c;
}

static void check_duplicate(struct reader *r, const char *name)
{
	char *id = g_strdup_printf("%s/%s", r->section, name);
	int before = GPOINTER_TO_INT(g_hash_table_lookup(r->seen, id));

	if (before)
		mistake(r, "%s is set twice in [%s], first in line %d; keep one", name, r->section, before);
	g_hash_table_replace(r->seen, id, GINT_TO_POINTER(r->line));
}

static void suggest(struct reader *r, const char *name, const char *nearest, const char *nearest_section)
{
	if (nearest && strcmp(nearest, name) == 0)
		mistake(r, "option %s does not belong in [%s]; it belongs in [%s]", name, r->section, nearest_section);
	else if (nearest && util_distance(name, nearest) <= 1 + strlen(name) / 4)
		mistake(r, "unknown option %s in [%s]; did you mean %s?", name, r->section, nearest);
	else
		mistake(r, "unknown option %s in [%s]; droverd --print-config lists the known ones", name, r->section);
}

static void take_host_option(struct reader *r, const char *name, const char *value)
{
	const char *nearest = host_keys[0].name;

	for (size_t i = 0; i < G_N_ELEMENTS(host_keys); i++) {
		if (strcmp(host_keys[i].name, name) == 0) {
			if (host_keys[i].cpus && *value && !cpuset_parse(value, &(struct cpuset){ { 0 } })) {
				mistake(r, "%s = %s: must be " CPUS_WANTED, name, value);
				return;
			}
			util_replace((char **)((char *)r->host + host_keys[i].offset), *value ? value : NULL);
			return;
		}
	}
	for (size_t i = 1; i < G_N_ELEMENTS(host_keys); i++)
		if (util_distance(name, host_keys[i].name) < util_distance(name, nearest))
			nearest = host_keys[i].name;
	suggest(r, name, nearest, NULL);
}

static const struct key *nearest_key(const char *name)
{
	const struct key *nearest = &keys[0];
	unsigned least = util_distance(name, nearest->name);

	for (size_t i = 1; i < G_N_ELEMENTS(keys); i++) {
		unsigned d = util_distance(name, keys[i].name);

		if (d >= least)
			continue;
		nearest = &keys[i];
		least = d;
	}
	return nearest;
}

static void take_option(struct reader *r, const char *name, const char *value)
{
	const struct key *nearest;

	if (r->skip)
		return;
	if (!r->section) {
		mistake(r, "option %s comes before the first [section]; move it into one, such as [DEFAULT]", name);
		return;
	}
	check_duplicate(r, name);
	if (r->host) {
		take_host_option(r, name, value);
		return;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		if (strcmp(keys[i].name, name) == 0 && strcmp(keys[i].section, r->section) == 0) {
			g_autofree char *right = set_key(r->conf, &keys[i], value);

			if (right)
				mistake(r, "%s = %s: must be %s", name, value, right);
			return;
		}
	}
	nearest = nearest_key(name);
	suggest(r, name, nearest->name, nearest->section);
}

static struct conf_host *add_host(struct reader *r, const char *name)
{
	struct conf_host *h = g_new0(struct conf_host, 1);

	h->name = g_strdup(name);
	h->line = r->line;
	if (!util_hostname_valid(name))
		mistake(r, "Invalid characters in hostname '%s'; letters, digits, '-', '.' and '_' are allowed", name);
	for (guint i = 0; i < r->conf->hosts->len; i++) {
		struct conf_host *o = g_ptr_array_index(r->conf->hosts, i);

		if (strcmp(o->name, name) == 0)
			mistake(r, "host %s is defined twice, first in line %d; keep one", name, o->line);
	}
	if (r->conf->hosts->len < HOSTS_MAX)
		g_ptr_array_add(r->conf->hosts, h);
	else
		mistake(r, "more than %d hosts", HOSTS_MAX);
	return h;
}

static void begin_section(struct reader *r, char *name)
{
	util_replace(&r->section, g_strstrip(name));
	r->host = NULL;
	r->skip = false;
	if (g_str_has_prefix(name, "host ")) {
		r->host = add_host(r, g_strstrip(name + strlen("host ")));
		return;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		if (strcmp(keys[i].section, name) == 0)
			return;
	r->skip = true;
	mistake(r, "unknown section [%s]; its options are ignored", name);
}

static void take_line(struct reader *r, char *line)
{
	char *equals, *end;

	g_strstrip(line);
	if (*line == '\0' || *line == '#' || *line == ';')
		return;
	if (*line == '[') {
		end = strchr(line, ']');
		if (!end || end[1]) {
			mistake(r, "a section line is [NAME] with nothing after it: %s", line);
			r->skip = true;
			return;
		}
		*end = '\0';
		begin_section(r, line + 1);
		return;
	}
	equals = strchr(line, '=');
	if (!equals || equals == line) {
		mistake(r, "expected [SECTION] or NAME = VALUE: %s", line);
		return;
	}
	*equals = '\0';
	take_option(r, g_strstrip(line), g_strstrip(equals + 1));
}

/* It is run: by its name, where Debian's agents are, or by its whole path. */
static bool agent_name_valid(const char *agent)
{
	if (*agent == '/')
		return true;
	return g_str_has_prefix(agent, "fence_") && strspn(agent, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(agent);
}

/* A CPU cannot be both, as in Nova. */
static void check_cpus(struct reader *r, const char *shared, const char *dedicated)
{
	struct cpuset s, d;
	g_autofree char *both = NULL;

	if (!shared || !dedicated || !cpuset_parse(shared, &s) || !cpuset_parse(dedicated, &d))
		return;
	cpuset_meet(&s, &d);
	both = cpuset_text(&s);
	if (*both)
		mistake(r, "cpu_shared_set and cpu_dedicated_set both contain CPU %s; keep it in one of them", both);
}

static void check_uri(struct reader *r, const char *name, const char *uri)
{
	g_autoptr(GError) why = NULL;

	if (uri && !(r->conf->allow_any_uri ? uri_check(uri, &why) : uri_check_host(uri, &why)))
		mistake(r, "%s: %s", name, why->message);
}

static void check_address(struct reader *r, const char *name, const char *addr)
{
	g_autoptr(GError) why = NULL;

	if (addr && !uri_check_address(addr, &why))
		mistake(r, "%s: %s", name, why->message);
}

/* It becomes part of a URI. */
static void check_scheme(struct reader *r)
{
	g_autofree char *uri = r->conf->live_migration_scheme ? g_strdup_printf("qemu+%s://host/system", r->conf->live_migration_scheme) : NULL;

	check_uri(r, "live_migration_scheme", uri);
}

static void check_audit(struct reader *r)
{
	const char *where = r->conf->audit_log ? r->conf->audit_log : "";

	if (strcmp(where, "log") != 0 && strcmp(where, "off") != 0 && *where != '/')
		mistake(r, "audit_log = %s: must be log, off, or a path that begins with /", where);
}

static void check_schemes(struct reader *r)
{
	static const char *const known[] = { "qemu", "qemu+unix", "qemu+tls", "qemu+tcp", "qemu+ssh", NULL };

	for (char **s = r->conf->host_schemes; s && *s; s++)
		if (!g_strv_contains(known, *s) && !(r->conf->allow_any_uri && strcmp(*s, "sim") == 0))
			mistake(r, "host_schemes has %s; it can have qemu, qemu+unix, qemu+tls, qemu+tcp and qemu+ssh", *s);
}

static void check_sources(struct reader *r)
{
	static const char *const names[] = { "lease", "agent", "arp" };

	for (char **s = r->conf->address_sources; s && *s; s++) {
		size_t i = 0;

		while (i < G_N_ELEMENTS(names) && strcmp(names[i], *s) != 0)
			i++;
		if (i == G_N_ELEMENTS(names))
			mistake(r, "address_sources has %s; its words are lease, agent and arp", *s);
		else
			r->conf->address_source_bits |= 1u << i;
	}
}

static void check_cell(struct reader *r, const char *cell)
{
	if (cell && !conf_cell_ok(cell))
		mistake(r, "cell = %s: must be 1 to 255 characters, without spaces", cell);
}

static void check_agent(struct reader *r, const char *name, const char *agent, const char *options)
{
	if (agent && !agent_name_valid(agent))
		mistake(r, "%s = %s: must be the name of a fence agent, such as fence_ipmilan, or a path that begins with /", name, agent);
	if (options && *options != '/')
		mistake(r, "the options of %s are %s: must be a path that begins with /", name, options);
	if (options && !agent)
		mistake(r, "%s is not set, and its options are; set both, or the agent alone", name);
}

static void check_agents(struct reader *r, const struct conf_host *h)
{
	check_agent(r, "fence_agent", h->fence_agent, h->fence_options);
	check_agent(r, "fallback_fence_agent", h->fallback_fence_agent, h->fallback_fence_options);
	r->conf->fences |= h->fence_agent != NULL;
	if (h->fallback_fence_agent && !h->fence_agent)
		mistake(r, "fallback_fence_agent is set, and fence_agent is not; the first one is fence_agent");
}

static void check_schedule(struct reader *r, const char *section, const struct conf_schedule *s)
{
	const struct cron_text text = { s->minute, s->hour, s->monthday, s->month, s->weekday };

	if (!cron_parse(&text, &(struct cron){ .minutes = 0 }))
		mistake(r, "[%s] monthday = %s and month = %s: that day never comes", section, s->monthday, s->month);
	if (s->destination && *s->destination != '/')
		mistake(r, "[%s] destination = %s: must be a path that begins with /", section, s->destination);
}

static void check_vnc(struct reader *r)
{
	const struct conf *c = r->conf;
	bool tls = false;

	for (char **s = c->vnc_auth_schemes; *s; s++) {
		tls |= strcmp(*s, "vencrypt") == 0;
		if (strcmp(*s, "vencrypt") != 0 && strcmp(*s, "none") != 0)
			mistake(r, "[vnc] auth_schemes = %s: must be of none, vencrypt", *s);
	}
	if (!c->vnc_auth_schemes[0])
		mistake(r, "[vnc] auth_schemes is empty: must be of none, vencrypt");
	if (tls && !c->vencrypt_ca_certs)
		mistake(r, "[vnc] auth_schemes has vencrypt, so vencrypt_ca_certs must be set");
}

static void check_whole(struct reader *r)
{
	struct conf *c = r->conf;

	for (guint i = 0; i < c->hosts->len; i++) {
		struct conf_host *h = g_ptr_array_index(c->hosts, i);

		r->line = h->line;
		check_cpus(r, h->cpu_shared_set ? h->cpu_shared_set : c->cpu_shared_set, h->cpu_dedicated_set ? h->cpu_dedicated_set : c->cpu_dedicated_set);
		if (!h->uri)
			mistake(r, "[host %s] has no uri; set one, such as qemu+tls://%s/system", h->name, h->name);
		check_uri(r, "uri", h->uri);
		check_uri(r, "live_migration_uri", h->migration_uri);
		check_address(r, "live_migration_inbound_addr", h->inbound_addr);
		check_address(r, "server_listen", h->vnc_listen);
		check_address(r, "server_proxyclient_address", h->vnc_proxyclient);
		check_cell(r, h->cell);
		check_agents(r, h);
	}
	r->line = 0;
	check_address(r, "[vnc] server_listen", c->vnc_server_listen);
	check_address(r, "[vnc] server_proxyclient_address", c->vnc_proxyclient);
	check_vnc(r);
	check_address(r, "[spice] server_listen", c->spice_server_listen);
	check_scheme(r);
	check_schemes(r);
	check_audit(r);
	check_sources(r);
	check_schedule(r, "cron_archive_deleted_rows", &c->archive);
	check_schedule(r, "cron_purge_shadow_tables", &c->purge);
	if (c->live_migration_tunnelled) {
		/* libvirt refuses the migration otherwise. */
		c->live_migration_permit_post_copy = false;
		c->live_migration_parallel_connections = 1;
	}
	if (!c->ssl_cert_file != !c->ssl_key_file)
		mistake(r, "[wsgi] ssl_cert_file and ssl_key_file go together; set both or none");
	if (c->service_down_time <= c->report_interval)
		mistake(r, "service_down_time (%d) must be greater than report_interval (%d)", (int)c->service_down_time, (int)c->report_interval);
}

bool conf_cell_ok(const char *cell)
{
	size_t len = strlen(cell);

	if (len < 1 || len > 255)
		return false;
	for (const char *c = cell; *c; c++)
		if (g_ascii_isspace(*c) || g_ascii_iscntrl(*c))
			return false;
	return true;
}

struct conf *conf_parse(const char *text, size_t len, const char *name, GPtrArray *mistakes)
{
	struct reader r = { .conf = with_defaults(), .mistakes = mistakes, .file = name };
	g_autofree char *copy = g_strndup(text, len);
	g_auto(GStrv) lines = NULL;

	r.seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (strlen(copy) != len || !g_utf8_validate(copy, (gssize)len, NULL)) {
		mistake(&r, "the file is not UTF-8 text");
	} else {
		lines = g_strsplit(copy, "\n", -1);
		for (char **l = lines; *l; l++) {
			r.line++;
			take_line(&r, *l);
		}
		check_whole(&r);
	}
	g_hash_table_unref(r.seen);
	g_free(r.section);
	return r.conf;
}

struct conf *conf_load(const char *path, GPtrArray *mistakes)
{
	g_autofree char *text = NULL;
	g_autoptr(GError) why = NULL;
	gsize len = 0;

	if (!path)
		return conf_parse("", 0, "-", mistakes);
	if (!g_file_get_contents(path, &text, &len, &why)) {
		g_ptr_array_add(mistakes, g_strdup_printf("%s: %s", path, why->message));
		return NULL;
	}
	if (len > FILE_MAX_BYTES) {
		g_ptr_array_add(mistakes, g_strdup_printf("%s: it is larger than %d bytes", path, FILE_MAX_BYTES));
		return NULL;
	}
	return conf_parse(text, len, path, mistakes);
}

static bool same(const struct key *k, const void *a, const void *b)
{
	switch (k->type) {
	case KEY_STR:
	case KEY_CPUS:
	case KEY_CRON:
	case KEY_CHOICE:
		return g_strcmp0(*(char *const *)a, *(char *const *)b) == 0;
	case KEY_INT:
		return *(const int64_t *)a == *(const int64_t *)b;
	case KEY_DBL:
		return *(const double *)a == *(const double *)b;
	case KEY_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case KEY_LIST:
		return g_strv_equal(*(const char *const *const *)a, *(const char *const *const *)b);
	}
	g_assert_not_reached();
}

/* A mutable list would need its own copy; there is none. */
static void copy(const struct key *k, void *to, const void *from)
{
	if (k->type == KEY_STR || k->type == KEY_CHOICE || k->type == KEY_CPUS || k->type == KEY_CRON)
		util_replace(to, *(char *const *)from);
	else if (k->type == KEY_BOOL)
		*(bool *)to = *(const bool *)from;
	else if (k->type == KEY_INT)
		*(int64_t *)to = *(const int64_t *)from;
	else if (k->type == KEY_DBL)
		*(double *)to = *(const double *)from;
	else
		g_assert_not_reached();
}

/* A host that is new, or is none any more, waits for a restart. */
static void reload_host(struct conf_host *h, const struct conf_host *fresh, GString *changed, GString *fixed)
{
	for (size_t i = 0; i < G_N_ELEMENTS(host_keys); i++) {
		char **old = (char **)((char *)h + host_keys[i].offset), *const *new = (char *const *)((const char *)fresh + host_keys[i].offset);
		GString *list = host_keys[i].mutable ? changed : fixed;

		if (g_strcmp0(*old, *new) == 0)
			continue;
		g_string_append_printf(list, "%s[host %s] %s", list->len ? "," : "", h->name, host_keys[i].name);
		if (host_keys[i].mutable)
			util_replace(old, *new);
	}
}

static void reload_hosts(struct conf *c, const struct conf *fresh, GString *changed, GString *fixed)
{
	for (guint i = 0; i < c->hosts->len; i++) {
		struct conf_host *h = g_ptr_array_index(c->hosts, i);

		for (guint k = 0; k < fresh->hosts->len; k++)
			if (strcmp(h->name, ((const struct conf_host *)g_ptr_array_index(fresh->hosts, k))->name) == 0)
				reload_host(h, g_ptr_array_index(fresh->hosts, k), changed, fixed);
	}
}

void conf_reload(struct conf *c, const struct conf *fresh, GString *changed, GString *fixed)
{
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		void *old = (char *)c + keys[i].offset;
		const void *new = (const char *)fresh + keys[i].offset;
		GString *list = keys[i].mutable ? changed : fixed;

		if (same(&keys[i], old, new))
			continue;
		g_string_append_printf(list, "%s%s", list->len ? "," : "", keys[i].name);
		if (keys[i].mutable)
			copy(&keys[i], old, new);
	}
	reload_hosts(c, fresh, changed, fixed);
}

void conf_host_free(struct conf_host *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(host_keys); i++)
		g_free(*(char **)((char *)h + host_keys[i].offset));
	g_free(h->name);
	g_free(h);
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		void *where = (char *)c + keys[i].offset;

		if (keys[i].type == KEY_STR || keys[i].type == KEY_CHOICE || keys[i].type == KEY_CPUS || keys[i].type == KEY_CRON)
			g_free(*(char **)where);
		else if (keys[i].type == KEY_LIST)
			g_strfreev(*(char ***)where);
	}
	g_ptr_array_unref(c->hosts);
	g_free(c);
}

/* What a key takes, in words. */
static void describe_values(const struct key *k, char *to, size_t size)
{
	g_auto(GStrv) choices = k->type == KEY_CHOICE ? g_strsplit(k->choices, "|", -1) : NULL;
	g_autofree char *joined = choices ? g_strjoinv(", ", choices) : NULL;
	static const char *const words[] = {
		[KEY_STR] = "text", [KEY_BOOL] = "true, false", [KEY_LIST] = "a list with commas", [KEY_CPUS] = "CPUs, such as 0-3,^2,8",
		[KEY_CRON] = "as in a crontab",
	};

	if (k->type == KEY_INT)
		g_snprintf(to, size, "%.0f to %.0f", k->min, k->max);
	else if (k->type == KEY_DBL)
		g_snprintf(to, size, "%g to %g", k->min, k->max);
	else
		g_strlcpy(to, joined ? joined : words[k->type], size);
}

bool conf_option(size_t i, struct conf_option *ret)
{
	const struct key host = { .type = KEY_STR }, cpus = { .type = KEY_CPUS };
	size_t at = i - G_N_ELEMENTS(keys);

	if (i < G_N_ELEMENTS(keys)) {
		*ret = (struct conf_option){ .section = keys[i].section, .name = keys[i].name, .help = keys[i].help, .fallback = keys[i].fallback,
					     .mutable = keys[i].mutable };
		describe_values(&keys[i], ret->values, sizeof ret->values);
		return true;
	}
	if (at >= G_N_ELEMENTS(host_keys))
		return false;
	*ret = (struct conf_option){ .section = "host NAME", .name = host_keys[at].name, .help = host_keys[at].help,
				     .fallback = host_keys[at].fallback, .mutable = host_keys[at].mutable };
	describe_values(host_keys[at].cpus ? &cpus : &host, ret->values, sizeof ret->values);
	return true;
}

/* Of an address, what stands before its host may be a password, and so may what stands behind '?'. */
static char *without_secrets(const char *url)
{
	const char *from = strstr(url, "://"), *host = from ? strrchr(from, '@') : NULL;
	char *text = host ? g_strdup_printf("%.*s://...%s", (int)(from - url), url, host) : g_strdup(url);
	char *query = from ? strchr(text, '?') : NULL;

	if (query)
		*query = '\0';
	return text;
}

char *conf_value(const struct conf *c, size_t i)
{
	const struct key *k = i < G_N_ELEMENTS(keys) ? &keys[i] : NULL;
	const void *at = k ? (const char *)c + k->offset : NULL;
	const char *text;

	if (!k)
		return NULL;
	switch (k->type) {
	case KEY_STR:
	case KEY_CPUS:
	case KEY_CRON:
	case KEY_CHOICE:
		text = *(char *const *)at;
		return text ? without_secrets(text) : NULL;
	case KEY_INT:
		return g_strdup_printf("%" G_GINT64_FORMAT, *(const int64_t *)at);
	case KEY_DBL:
		return g_strdup_printf("%g", *(const double *)at);
	case KEY_BOOL:
		return g_strdup(*(const bool *)at ? "true" : "false");
	case KEY_LIST:
		return g_strjoinv(",", *(char **const *)at);
	}
	g_assert_not_reached();
}

void conf_print_defaults(FILE *out)
{
	const char *section = "";
	struct conf_option o;

	for (size_t i = 0; conf_option(i, &o); i++) {
		bool host = i >= G_N_ELEMENTS(keys);

		if (strcmp(section, o.section) != 0)
			fprintf(out, "%s%s[%s]\n", *section ? "\n" : "", host ? "# One section per host:\n#" : "", o.section);
		section = o.section;
		fprintf(out, "# %s%s\n#%s =%s%s\n", o.help, o.mutable ? " (changed at run time by SIGHUP)" : "", o.name,
			host ? "" : " ", o.fallback ? o.fallback : "");
	}
}
