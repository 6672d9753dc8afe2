/* SPDX-License-Identifier: Apache-2.0
 *
 * conf: the configuration file.
 *
 * An INI file with Nova's section and option names wherever the option exists
 * there. One key table (conf.c) holds each option's name, type, default and
 * limits; --check-config, the reader and the documentation come from it.
 */
#ifndef CONF_H
#define CONF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <glib.h>

/* The cell of hosts whose section names none. */
#define CONF_CELL "default"

struct conf_host {
	char *name;          /* [host NAME] */
	char *uri;           /* libvirt URI as the controller reaches it */
	char *inbound_addr;  /* live_migration_inbound_addr: where migrations come in; NULL: the URI's host */
	char *migration_uri; /* live_migration_uri: libvirt URI as the other hosts reach it; NULL: uri */
	char *vnc_listen;    /* server_listen; NULL: [vnc] server_listen */
	char *vnc_proxyclient; /* server_proxyclient_address; NULL: [vnc]'s, or where libvirt is reached */
	char *cpu_shared_set;    /* NULL: [compute] cpu_shared_set */
	char *cpu_dedicated_set; /* NULL: [compute] cpu_dedicated_set */
	char *cell;          /* which servers never leave; NULL: CONF_CELL */
	char *fence_agent, *fence_options;                   /* program, and the file of its options; NULL: none */
	char *fallback_fence_agent, *fallback_fence_options; /* asked when the first one fails */
	int line;
};

/* [cron_archive_deleted_rows], [cron_purge_shadow_tables]: valid for cron_parse() */
struct conf_schedule {
	bool enabled, all_cells;
	char *minute, *hour, *monthday, *month, *weekday;
	int64_t max_delay;   /* s */
	int64_t age;         /* days */
	char *destination;   /* a file; NULL: the log alone */
	char *user;          /* whose that file is; NULL: the daemon's */
};

struct conf {
	/* [DEFAULT] */
	char *state_path;
	char *listen;                 /* osapi_compute_listen */
	int64_t port;                 /* osapi_compute_listen_port */
	bool debug;
	char *log_format;             /* auto, text, json, journal */
	int64_t service_down_time;    /* s */
	int64_t address_refresh_interval; /* s; 0: addresses are not asked for */
	char **address_sources;       /* lease, agent, arp */
	unsigned address_source_bits; /* the same, one bit each in the order of hv/addr.h */
	int64_t load_interval;        /* s; 0: the load of servers is not measured */
	int64_t report_interval;      /* s: between polls of a host */
	int64_t max_concurrent_live_migrations, max_concurrent_inbound_live_migrations, max_concurrent_fleet_live_migrations;
	int64_t max_concurrent_cold_migrations, max_concurrent_inbound_cold_migrations, max_concurrent_fleet_cold_migrations;
	int64_t max_concurrent_evacuations, max_concurrent_inbound_evacuations, max_concurrent_fleet_evacuations;
	int64_t migrate_max_retries;
	int64_t shutdown_timeout;     /* s */
	int64_t resize_confirm_window; /* s; 0: never */
	int64_t reserved_host_memory_mb, reserved_host_cpus, reserved_host_disk_mb;
	double cpu_allocation_ratio, ram_allocation_ratio, disk_allocation_ratio;
	char *default_availability_zone;
	int64_t max_instances_per_host;
	/* [api] */
	int64_t max_limit;
	int64_t event_history;        /* events kept for subscribed clients */
	int64_t event_streams_max;
	char *audit_log;              /* "log", "off", or the path of a file */
	char *metrics;                /* off, token, totals, hosts */
	char **host_schemes;          /* of URIs of hosts that are added at run time */
	/* [compute] */
	char *cpu_shared_set, *cpu_dedicated_set; /* valid for cpuset_parse(); NULL: not said */
	/* [cron_archive_deleted_rows], [cron_purge_shadow_tables] */
	struct conf_schedule archive, purge;
	int64_t archive_max_rows;
	bool archive_purge, archive_until_complete, purge_verbose;
	/* [console], [consoleauth], [serial_console], and what of [vnc] and [DEFAULT] is the consoles' */
	bool serial_enabled;
	char *serial_base_url;        /* NULL: where it listens */
	char *web;                    /* noVNC's folder */
	bool vnc_enabled;
	char *novncproxy_base_url;    /* NULL: the page of the proxy itself */
	char *vnc_proxyclient;        /* NULL: where a host's libvirt is reached */
	char **vnc_auth_schemes;      /* of "none" and "vencrypt" */
	char *vencrypt_ca_certs, *vencrypt_client_cert, *vencrypt_client_key;
	char *novncproxy_host;
	int64_t novncproxy_port;
	char *console_cert, *console_key; /* NULL: no TLS; the key is in the other file */
	bool ssl_only;                /* ... of consoles */
	char *console_ssl_ciphers;    /* NULL: TLS_CIPHERS of net/tls.h */
	char *console_ssl_minimum_version;
	char **console_allowed_origins;
	int64_t console_token_ttl;    /* s */
	/* [database] */
	char *connection;             /* NULL: sqlite in state_path */
	/* [evacuation] */
	bool storage_markers;
	/* [fencing] */
	int64_t fence_timeout;        /* s: of one run of an agent */
	int64_t fence_retries;
	bool keep_autostart;
	int64_t max_concurrent_agents;
	bool fences;                  /* some host has a fence agent */
	/* [filter_scheduler] */
	char **enabled_filters;
	/* [ha] */
	bool ha_enabled;
	int64_t ha_delay, ha_window;  /* s */
	int64_t ha_max_hosts;
	char *ha_returning;           /* fence, alarm */
	/* [libvirt] */
	char *live_migration_scheme;
	int64_t live_migration_bandwidth;
	char *live_migration_policy;  /* nova, adaptive */
	int64_t live_migration_downtime, live_migration_downtime_steps, live_migration_downtime_delay;
	int64_t live_migration_completion_timeout; /* s per GiB */
	char *live_migration_timeout_action;       /* abort, force_complete */
	int64_t live_migration_progress_timeout;   /* s */
	bool live_migration_permit_post_copy;
	bool live_migration_permit_auto_converge;
	bool live_migration_with_native_tls;
	bool live_migration_tunnelled; /* then neither post-copy nor parallel connections, whatever they are set to */
	char *cpu_mode;                /* host-passthrough, ...; NULL */
	char **cpu_models;             /* of cpu_mode custom; empty: none */
	char **shared_block_devices;   /* patterns of paths */
	int64_t live_migration_parallel_connections;
	int64_t live_migration_monitor_interval; /* s: between writes of the progress */
	int64_t wait_soft_reboot_seconds;
	/* [oslo_middleware] */
	int64_t max_request_body_size;
	/* [token] */
	int64_t token_expiration;     /* s */
	/* [spice] */
	char *spice_server_listen;    /* NULL: as VNC's */
	/* [vnc] */
	char *vnc_server_listen;      /* NULL: leave the guest's address */
	/* [workarounds] */
	bool skip_cpu_compare_on_dest, skip_hypervisor_version_check_on_lm;
	bool allow_any_uri;           /* sim, test and ext in this file */
	bool enable_qemu_monitor_announce_self;
	int64_t qemu_monitor_announce_self_count, qemu_monitor_announce_self_interval; /* s */
	/* [wsgi] */
	char *ssl_cert_file, *ssl_key_file;
	char *ssl_ciphers;            /* NULL: TLS_CIPHERS of net/tls.h */
	char *ssl_minimum_version;
	bool allow_plaintext;         /* beyond loopback without TLS */
	char *public_url;             /* [api] public_url: how clients reach us; NULL: from the Host header */

	GPtrArray *hosts;             /* struct conf_host * */
};

/**
 * conf_load() - read a file.
 * @path: the file; NULL gives the defaults
 * @mistakes: gets one string "PATH:LINE: what is wrong, and what would be right" for each mistake
 *
 * Return: the configuration, owned by the caller, also when there are mistakes
 * (what was wrong has its default then); NULL only if the file cannot be read.
 */
struct conf *conf_load(const char *path, GPtrArray *mistakes);

/** conf_parse() - the same from text; @name stands for the path in messages. */
struct conf *conf_parse(const char *text, size_t len, const char *name, GPtrArray *mistakes);

/** conf_cell_ok() - it can be a cell's name. */
bool conf_cell_ok(const char *cell);

/**
 * conf_reload() - take over what may change at run time.
 * @fresh: what the file says now
 * @changed, @fixed: get the names, with commas between, of the options that were taken over and of those that differ and need a restart
 */
void conf_reload(struct conf *c, const struct conf *fresh, GString *changed, GString *fixed);

void conf_free(struct conf *c);
void conf_host_free(struct conf_host *h);

/** conf_print_defaults() - write a commented sample file, made from the key table. */
void conf_print_defaults(FILE *out);

/* A row of the key table, for docs/CONFIG.md. */
struct conf_option {
	const char *section;  /* "host NAME" for those of one host */
	const char *name, *help;
	const char *fallback; /* as written in the file; NULL: unset */
	char values[80];      /* what it takes: "0 to 65535", "true, false", "a, b, c", "text" ... */
	bool mutable;         /* SIGHUP changes it */
};

/** conf_option() - the option with that number, from 0, in the order of --print-config. Return: false past the last. */
bool conf_option(size_t i, struct conf_option *ret);
/** conf_value() - what that option is, as it would be written in the file, without a password in it. Return: owned; NULL: unset, or a host's. */
char *conf_value(const struct conf *c, size_t i);

#endif
