# SPDX-License-Identifier: Apache-2.0
"""A small OpenStack for the client's tests: Identity v3 and the parts of Compute that the client calls.

It listens on 127.0.0.1 on a port of the system's choice, answers from plain
Python structures that a test fills, and keeps a log of what it was asked.
Nothing happens by time: a live migration goes on by one step of its script each
time its progress is read.
"""
import http.server
import json
import re
import ssl
import threading
import urllib.parse

import recorded
import tap

PROJECT = '6f70656e737461636b20342065766572'


class Answer(Exception):
    """Ends a request with this answer."""

    def __init__(self, status, body=None, headers=None, raw=None):
        super().__init__(status)
        self.status, self.body, self.headers, self.raw = status, body, headers or {}, raw


def fault(status, name, message):
    return Answer(status, {name: {'code': status, 'message': message}})


class FakeNova:
    recorded = False                        # its answers are of the shape of a recorded Nova's, and it has nothing of Drover's own

    def __setattr__(self, name, value):
        if self.recorded and value and name in ('drovers', 'drovers_hosts', 'plans', 'check_last', 'fence_result'):
            raise tap.Skip("it is of Drover's own API")
        super().__setattr__(name, value)

    def __init__(self, tls=None):
        self.min_mv, self.max_mv = 1, 96
        self.page_size = 1000
        self.password = 'secret'
        self.roles = ['admin']
        self.tokens = 0
        self.valid_tokens = set()
        self.with_catalog = True
        self.expires_at = None              # of tokens; without it none is kept
        self.endpoint = None                # instead of the own address in the catalogue
        self.endpoint_tail = '/v2.1'
        self.servers = []
        self.migrations = []                # rows of os-migrations, the oldest first
        self.steps = {}                     # migration id -> list of dicts, one is taken at each look
        self.on_migrate = None              # called with the fake, the server, the request's arguments
        self.power_refused = False          # power actions, with 409
        self.power_after = None             # the status in which one ends, if not in what was asked for
        self.on_power = None                # called when one is accepted
        self.power_actions = []             # what the server's actions are then
        self.services = []
        self.hypervisors = []
        self.hosts = {}
        self.actions = {}                   # server id -> list of actions
        self.fence_looks, self.fence_result, self.fence_refused = 0, {}, None
        self.fence_power = {'state': 'on', 'reason': None}
        self.check_looks, self.check_last, self.check_refused = 0, None, None  # of Drover's own API; how often a check is seen to run
        self.evacuated = []
        self.drovers_hosts = []             # what Drover's own API tells of hosts; empty: this is a Nova
        self.drovers = {}                   # migration id -> what Drover's own API tells of it; empty: this is a Nova
        self.plans = None                   # FakePlans; None: this is a Nova, or an old Drover
        self.overrides = []                 # [method, regex, Answer, times left]
        self.log = []
        self.lock = threading.Lock()
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            wbufsize = -1                   # head and body in one packet

            def log_message(self, *args):
                pass

            def handle_one(self):
                with fake.lock:
                    fake.handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass                        # a client that goes away is no news here

        self.httpd = Server(('127.0.0.1', 0), Handler)
        self.scheme = 'http'
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.httpd.socket = context.wrap_socket(self.httpd.socket, server_side=True)
            self.scheme = 'https'
        self.port = self.httpd.server_address[1]
        self.url = '%s://127.0.0.1:%d' % (self.scheme, self.port)
        threading.Thread(target=self.httpd.serve_forever, kwargs={'poll_interval': 0.01}, daemon=True).start()

    def close(self):
        self.httpd.shutdown()
        self.httpd.server_close()

    def override(self, method, pattern, answer, times=1):
        """Answer the next requests that match with this instead; an Answer, or a function of the request."""
        self.overrides.append([method, pattern, answer, times])

    def asked(self, method, pattern=''):
        return [r for r in self.log if r['method'] == method and re.search(pattern, r['path'])]

    # ---- one request ----

    def handle(self, h):
        length = int(h.headers.get('Content-Length') or 0)
        text = h.rfile.read(length)
        parts = urllib.parse.urlsplit(h.path)
        r = {
            'method': h.command, 'path': parts.path, 'query': dict(urllib.parse.parse_qsl(parts.query)),
            'body': json.loads(text) if text else None, 'token': h.headers.get('X-Auth-Token'),
            'version': h.headers.get('OpenStack-API-Version'), 'last_event_id': h.headers.get('Last-Event-ID'),
        }
        r['mv'] = int(r['version'].split('.')[1]) if r['version'] else 1
        self.log.append(r)
        try:
            self.check_overrides(r)
            self.dispatch(r)
            raise Answer(404)
        except Answer as a:
            self.send(h, r, a)

    def check_overrides(self, r):
        for o in self.overrides:
            if o[3] > 0 and o[0] == r['method'] and re.search(o[1], r['path']):
                o[3] -= 1
                raise o[2] if isinstance(o[2], Answer) else o[2](r)

    def send(self, h, r, a):
        data = a.raw if a.raw is not None else json.dumps(a.body).encode() if a.body is not None else b''
        if a.status == 0:                   # hang up without a word
            h.close_connection = True
            return
        h.send_response(a.status)
        h.send_header('Content-Type', 'application/json')
        h.send_header('Content-Length', str(len(data)))
        h.send_header('x-openstack-request-id', 'req-%08d' % len(self.log))
        for name, value in a.headers.items():
            h.send_header(name, value)
        h.end_headers()
        h.wfile.write(data)

    def dispatch(self, r):
        if r['path'].startswith('/identity/'):
            self.identity(r)
        m = re.match('/v2.1(/' + PROJECT + ')?(/.*)?$', r['path'])
        if not m:
            if r['path'] in ('/', ''):
                raise Answer(300, {'versions': [self.version('v2.0', '', ''), self.version_21()]})
            if self.plans:
                self.plans.dispatch(r)
            self.drover_migration(r)
            self.drover_hosts(r)
            raise Answer(404)
        if r['token'] not in self.valid_tokens:
            raise Answer(401, {'error': {'code': 401, 'message': 'The request you have made requires authentication.'}})
        try:
            self.compute(r, m.group(2) or '/')
        except Answer as a:
            if self.recorded and a.status == 200 and a.raw is None and a.body:
                a.body = recorded.dress(r['method'], m.group(2) or '/', r['mv'], a.body)
            raise

    # ---- Identity ----

    def identity(self, r):
        if r['method'] != 'POST' or r['path'] != '/identity/v3/auth/tokens':
            raise Answer(404)
        how = r['body']['auth']['identity']
        if 'password' in how and how['password']['user']['password'] != self.password:
            raise Answer(401, {'error': {'code': 401, 'message': 'The request you have made requires authentication.',
                                         'title': 'Unauthorized'}})
        self.tokens += 1
        token = 'token-%d' % self.tokens
        self.valid_tokens.add(token)
        body = {'methods': how['methods'], 'user': {'id': 'u1', 'name': 'admin'},
                'roles': [{'id': n, 'name': n} for n in self.roles], 'project': {'id': PROJECT, 'name': 'admin'}}
        if self.expires_at:
            body['expires_at'] = self.expires_at
        if self.with_catalog:
            url = self.endpoint or self.url + self.endpoint_tail
            body['catalog'] = [
                {'type': 'identity', 'name': 'keystone', 'endpoints': []},
                {'type': 'compute', 'name': 'nova', 'endpoints': [
                    {'interface': i, 'region': g, 'region_id': g, 'url': url}
                    for g in ('RegionOne', 'RegionTwo') for i in ('admin', 'public')]},
            ]
        raise Answer(201, {'token': body}, {'X-Subject-Token': token})

    # ---- Compute ----

    def version(self, name, top, low):
        return {'id': name, 'status': 'CURRENT', 'version': top, 'min_version': low,
                'links': [{'rel': 'self', 'href': self.url + '/' + name + '/'}]}

    def version_21(self):
        return self.version('v2.1', '2.%d' % self.max_mv, '2.%d' % self.min_mv)

    def compute(self, r, path):
        if path == '/' and not r['version']:
            raise Answer(200, {'version': self.version_21()})
        if not self.min_mv <= r['mv'] <= self.max_mv:
            raise Answer(406, {'computeFault': {'code': 406, 'message': 'Version 2.%d is not supported by the API.' % r['mv']}})
        for method, pattern, since, until, handler in self.routes:
            m = re.fullmatch(pattern, path)
            if m and method == r['method'] and since <= r['mv'] <= until:
                handler(self, r, *[urllib.parse.unquote(g) for g in m.groups()])
        raise Answer(404, {'itemNotFound': {'code': 404, 'message': 'The resource could not be found.'}})

    def page(self, r, name, rows, key, paged):
        after = r['query'].get('marker')
        if after:
            rows = rows[[row[key] for row in rows].index(after) + 1:]
        body = {name: rows[:self.page_size] if paged else rows}
        if paged and len(rows) > self.page_size:
            body[name + '_links'] = [{'rel': 'next', 'href': 'http://elsewhere.example/never-followed'}]
        raise Answer(200, body)

    def server_list(self, r):
        q, rows = r['query'], self.servers
        if 'all_tenants' in q and 'admin' not in self.roles:
            raise fault(403, 'forbidden', "Policy doesn't allow os_compute_api:servers:detail:get_all_tenants to be performed.")
        for name, key in (('host', 'OS-EXT-SRV-ATTR:host'), ('status', 'status')):
            if name in q:
                rows = [s for s in rows if s[key] == q[name]]
        if 'name' in q:
            rows = [s for s in rows if re.search(q['name'], s['name'])]
        self.page(r, 'servers', rows, 'id', True)

    def find_server(self, sid):
        for s in self.servers:
            if s['id'] == sid:
                return s
        raise fault(404, 'itemNotFound', 'Instance %s could not be found.' % sid)

    POWER = {   # action: task_state, status after
        'os-start': ('powering-on', 'ACTIVE'), 'os-stop': ('powering-off', 'SHUTOFF'), 'reboot': ('rebooting', 'ACTIVE'), 'pause': ('pausing', 'PAUSED'),
        'unpause': ('unpausing', 'ACTIVE'), 'suspend': ('suspending', 'SUSPENDED'), 'resume': ('resuming', 'ACTIVE'),
    }

    def server_show(self, r, sid):
        s = self.find_server(sid)
        if s.get('looks'):                  # of a power action: it ends at the last of them
            s['looks'] -= 1
            if not s['looks']:
                s['OS-EXT-STS:task_state'], s['status'] = None, s['after']
        raise Answer(200, {'server': s})

    def power(self, r, server, name):
        if self.power_refused:
            raise fault(409, 'conflictingRequest', "Cannot '%s' instance %s while it is in vm_state stopped" % (name, server['id']))
        task, status = self.POWER[name]
        server.update({'OS-EXT-STS:task_state': task, 'looks': 3, 'after': self.power_after or status})
        self.actions[server['id']] = [dict(a, action=name, request_id='req-%08d' % len(self.log)) for a in self.power_actions]
        if self.on_power:
            self.on_power()
        raise Answer(202)

    def server_action(self, r, sid):
        server = self.find_server(sid)
        (name, args), = r['body'].items()
        if name in ('confirmResize', 'revertResize'):
            if server['status'] != 'VERIFY_RESIZE':
                raise fault(409, 'conflictingRequest', "Cannot '%s' instance %s while it is in vm_state active" % (name, sid))
            raise Answer(204 if name == 'confirmResize' else 202)
        if name in self.POWER:
            self.power(r, server, name)
        if name in ('lock', 'unlock', 'os-resetState'):
            raise Answer(202)
        if name == 'evacuate':
            raise Answer(200)
        if server['OS-EXT-STS:task_state']:
            raise fault(409, 'conflictingRequest', "Cannot 'os-migrateLive' instance %s while it is in task_state migrating" % sid)
        if self.on_migrate:
            self.on_migrate(self, server, args or {})
        raise Answer(202)

    def next_step(self, m):
        """The migration as it is at this look; the script's last step stays. Of a step "task_state" is its server's, "phase" what Drover tells."""
        steps = self.steps.get(m['id']) or [{}]
        step = dict(steps.pop(0) if len(steps) > 1 else steps[0])
        if 'task_state' in step:
            self.find_server(m['instance_uuid'])['OS-EXT-STS:task_state'] = step.pop('task_state')
        phase = step.pop('phase', None)
        m.update(step)
        if phase:
            self.drovers[m['id']] = drovers(m, phase, progress={name: value for name, value in m.items() if name.endswith('_bytes')})

    def in_progress(self, r, sid):
        self.find_server(sid)
        out = []
        for m in self.migrations:
            if m['instance_uuid'] == sid and m['id'] in self.steps:
                self.next_step(m)
            if m['instance_uuid'] == sid and m['status'] in ('queued', 'preparing', 'running', 'post-migrating'):
                out.append(dict(m, server_uuid=sid))
        raise Answer(200, {'migrations': out})

    def one_in_progress(self, r, sid, mid):
        for m in self.migrations:
            if m['instance_uuid'] == sid and str(m['id']) == mid and m['status'] in ('queued', 'preparing', 'running', 'post-migrating'):
                raise Answer(200, {'migration': dict(m, server_uuid=sid)})
        raise fault(404, 'itemNotFound', 'In-progress live migration %s is not found for server %s.' % (mid, sid))

    def migration_list(self, r):
        q = r['query']
        for m in self.migrations:           # a cold one is in no other list
            if m['migration_type'] == 'migration' and m['id'] in self.steps:
                self.next_step(m)
        rows = [{k: v for k, v in m.items() if not k.endswith('_bytes')} for m in reversed(self.migrations)]
        for name, keys in (('instance_uuid', ('instance_uuid',)), ('status', ('status',)), ('migration_type', ('migration_type',)),
                           ('host', ('source_compute', 'dest_compute'))):
            if name in q:
                rows = [m for m in rows if q[name] in [m[k] for k in keys]]
        self.page(r, 'migrations', rows, 'uuid', r['mv'] >= 59)

    def find_migration(self, sid, mid):
        for m in self.migrations:
            if m['instance_uuid'] == sid and str(m['id']) == mid:
                return m
        raise fault(404, 'itemNotFound', 'Migration %s not found for instance %s' % (mid, sid))

    def abort(self, r, sid, mid):
        m = self.find_migration(sid, mid)
        if m['status'] not in ('running', 'queued', 'preparing'):
            raise fault(400, 'badRequest', 'Migration %s state of instance %s is %s. Cannot abort live migration while the migration '
                        'is in this state.' % (mid, sid, m['status']))
        m['status'] = 'cancelled'
        self.steps.pop(m['id'], None)
        raise Answer(202)

    def force(self, r, sid, mid):
        self.find_migration(sid, mid)
        if r['body'] != {'force_complete': None}:
            raise fault(400, 'badRequest', 'no such action')
        raise Answer(202)

    def service_list(self, r):
        q = r['query']
        raise Answer(200, {'services': [dict(s, id=s['id'] if r['mv'] >= 53 else 7) for s in self.services
                                        if q.get('host') in (None, s['host']) and q.get('binary') in (None, s['binary'])]})

    def service_put(self, r, sid):
        for s in self.services:
            if s['id'] == sid:
                s.update(r['body'])
                raise Answer(200, {'service': s})
        raise fault(404, 'itemNotFound', 'Service %s not found.' % sid)

    def service_put_name(self, r, what):
        for s in self.services:
            if s['host'] == r['body']['host'] and s['binary'] == r['body']['binary']:
                s['status'] = 'enabled' if what == 'enable' else 'disabled'
                raise Answer(200, {'service': s})
        raise fault(404, 'itemNotFound', 'Host %s not found.' % r['body']['host'])

    def host_show(self, r, name):
        if name not in self.hosts:
            raise fault(404, 'itemNotFound', 'Compute host %s could not be found.' % name)
        raise Answer(200, {'host': [{'resource': dict(x, host=name)} for x in self.hosts[name]]})

    def hypervisor_list(self, r):
        self.page(r, 'hypervisors', self.hypervisors, 'id', r['mv'] >= 33)

    def action_list(self, r, sid):
        raise Answer(200, {'instanceActions': [{k: v for k, v in a.items() if k != 'events'} for a in self.actions.get(sid, [])]})

    def action_show(self, r, sid, rid):
        for a in self.actions.get(sid, []):
            if a['request_id'] == rid:
                raise Answer(200, {'instanceAction': a})
        raise fault(404, 'itemNotFound', 'Action for request_id %s on instance %s not found' % (rid, sid))

    # ---- Drover's own ----

    def drover_checks(self, r):
        """A check runs for two looks at it; its report is what the test says."""
        since = '2026-01-01T00:00:00.000000'
        if r['method'] == 'POST' and self.check_refused:
            raise self.check_refused
        if r['method'] == 'POST':
            self.check_looks = 2
        elif self.check_looks:
            self.check_looks -= 1
        last = self.check_last and {'began_at': since, **self.check_last}
        raise Answer(202 if r['method'] == 'POST' else 200, {'checks': {'running_since': since if self.check_looks else None, 'last': last}})

    def drover_hosts(self, r):
        if r['path'] == '/drover/v1/checks' and self.drovers_hosts:
            self.drover_checks(r)
        if r['path'] == '/drover/v1/hosts' and r['method'] == 'GET' and self.drovers_hosts:
            raise Answer(200, {'hosts': self.drovers_hosts})
        if r['path'] == '/drover/v1/hosts' and r['method'] == 'POST' and self.drovers_hosts:
            self.drovers_hosts.append(r['body']['host'])
            raise Answer(201, r['body'])
        m = re.fullmatch('/drover/v1/hosts/([^/]+)(?:/(fence|unfence|power|evacuate))?', r['path'])
        if m and self.drovers_hosts:
            self.drover_host(r, *m.groups())

    def drover_host(self, r, name, act):
        """One host: an agent works for two looks at it, and what it brings about is what the test says."""
        rows = [row for row in self.drovers_hosts if row['name'] == name]
        if not rows:
            raise fault(404, 'itemNotFound', 'Host %s could not be found.' % name)
        if r['method'] == 'DELETE':
            self.drovers_hosts.remove(rows[0])
            raise Answer(204)
        if act == 'evacuate':
            raise Answer(202, {'evacuate': {'host': name, 'servers': self.evacuated}})
        if act == 'power':
            raise Answer(200, {'power': self.fence_power})
        if act and self.fence_refused:
            raise self.fence_refused
        if act:
            self.fence_looks = 2
        elif self.fence_looks:
            self.fence_looks -= 1
        rows[0].update({'fencing': self.fence_looks > 0}, **({} if self.fence_looks else self.fence_result))
        raise Answer(202 if act else 200, {'host': rows[0]})

    def drover_migrations(self, r):
        """All that tests know of; drovers' rows."""
        rows = [row for row in self.drovers.values() if r['query'].get('status') in (None, row['status'])]
        raise Answer(200, {'migrations': rows})

    def drover_migration(self, r):
        if r['path'] == '/drover/v1/migrations' and self.drovers_hosts:
            self.drover_migrations(r)
        m = re.fullmatch('/drover/v1/migrations/([0-9]+)', r['path'])
        if not m or not self.drovers:
            return
        if r['token'] not in self.valid_tokens:
            raise Answer(401)
        row = self.drovers.get(int(m.group(1)))
        if not row:
            raise fault(404, 'itemNotFound', 'Migration %s could not be found.' % m.group(1))
        if r['method'] == 'POST' and row['final']:
            raise fault(409, 'conflictingRequest', 'Migration %s is %s; its priority can no longer be changed.' % (m.group(1), row['status']))
        if r['method'] == 'POST':
            row.update(r['body'])
        raise Answer(200, {'migration': row})

    ID = '([^/]+)'
    routes = [
        # method, path, since, until, handler
        ('GET', '/servers/detail', 1, 999, server_list),
        ('GET', '/servers/' + ID, 1, 999, server_show),
        ('POST', '/servers/' + ID + '/action', 1, 999, server_action),
        ('GET', '/servers/' + ID + '/migrations', 23, 999, in_progress),
        ('GET', '/servers/' + ID + '/migrations/' + ID, 23, 999, one_in_progress),
        ('DELETE', '/servers/' + ID + '/migrations/' + ID, 24, 999, abort),
        ('POST', '/servers/' + ID + '/migrations/' + ID + '/action', 22, 999, force),
        ('GET', '/servers/' + ID + '/os-instance-actions', 1, 999, action_list),
        ('GET', '/servers/' + ID + '/os-instance-actions/' + ID, 1, 999, action_show),
        ('GET', '/os-migrations', 1, 999, migration_list),
        ('GET', '/os-services', 1, 999, service_list),
        ('PUT', '/os-services/(enable|disable|disable-log-reason)', 1, 52, service_put_name),
        ('PUT', '/os-services/' + ID, 53, 999, service_put),
        ('GET', '/os-hosts/' + ID, 1, 42, host_show),
        ('GET', '/os-hypervisors/detail', 1, 999, hypervisor_list),
    ]


# ---- what tests fill it with ----

def uuid(n):
    return '%08x-0000-4000-8000-%012x' % (n, n)


def server(n, name, host='host1', status='ACTIVE', **more):
    row = {
        'id': uuid(n), 'name': name, 'status': status, 'OS-EXT-SRV-ATTR:host': host,
        'OS-EXT-SRV-ATTR:hypervisor_hostname': host, 'OS-EXT-SRV-ATTR:instance_name': 'instance-%08x' % n,
        'OS-EXT-STS:task_state': None, 'OS-EXT-STS:vm_state': 'active', 'OS-EXT-STS:power_state': 1,
        'OS-EXT-AZ:availability_zone': 'nova', 'tenant_id': PROJECT, 'user_id': 'admin', 'progress': 0,
        'addresses': {'private': [{'addr': '192.168.1.%d' % n, 'version': 4}]},
        'flavor': {'original_name': 'm1.small', 'vcpus': 1, 'ram': 2048, 'disk': 20, 'ephemeral': 0, 'swap': 0, 'extra_specs': {}},
        'image': {'id': uuid(0x1000 + n)}, 'metadata': {}, 'tags': [], 'locked': False,
        'os-extended-volumes:volumes_attached': [], 'OS-SRV-USG:launched_at': '2024-05-01T10:00:00.000000',
        'created': '2024-05-01T09:59:00Z', 'updated': '2024-05-01T10:00:00Z',
    }
    row.update(more)
    return row


def migration(n, server_row, status='completed', kind='live-migration', source='host1', dest='host2', **more):
    row = {
        'id': n, 'uuid': uuid(0x20000 + n), 'instance_uuid': server_row['id'], 'migration_type': kind, 'status': status,
        'source_compute': source, 'dest_compute': dest, 'source_node': source, 'dest_node': dest, 'dest_host': '10.0.0.2',
        'created_at': '2024-05-0%dT12:00:00.000000' % n, 'updated_at': '2024-05-0%dT12:01:00.000000' % n,
        'project_id': PROJECT, 'user_id': 'admin', 'old_instance_type_id': 1, 'new_instance_type_id': 1,
    }
    row.update(more)
    return row


def drovers(migration_row, phase, *events, **more):
    """What Drover tells of a migration. @events: from, to, why."""
    ended = phase in ('done', 'error', 'failed', 'cancelled')
    row = {
        'id': migration_row['id'], 'uuid': migration_row['uuid'], 'server_uuid': migration_row['instance_uuid'], 'server_name': 'web1',
        'type': migration_row['migration_type'], 'status': migration_row['status'], 'phase': phase, 'final': ended, 'priority': 0,
        'queue_position': None, 'waits_for': None, 'post_copy': False, 'eta': None, 'error': None,
        'progress': {'memory_total_bytes': 0, 'downtime_ms': 0, 'iteration': 0},
        'events': [{'at': '2024-05-04T12:00:%02d.000000' % i, 'from': a, 'to': b, 'why': why} for i, (a, b, why) in enumerate(events)],
    }
    row.update(more)
    return row


def service(n, host, binary='nova-compute', status='enabled', state='up', reason=None):
    return {'id': uuid(0x30000 + n), 'binary': binary, 'host': host, 'zone': 'nova' if binary == 'nova-compute' else 'internal',
            'status': status, 'state': state, 'disabled_reason': reason, 'forced_down': False,
            'updated_at': '2024-05-01T12:00:00.000000'}


def hypervisor(n, host, state='up', vms=3):
    return {'id': uuid(0x40000 + n), 'hypervisor_hostname': host + '.example', 'hypervisor_type': 'QEMU', 'hypervisor_version': 7002000,
            'host_ip': '10.0.0.%d' % n, 'state': state, 'status': 'enabled', 'vcpus': 16, 'vcpus_used': vms, 'memory_mb': 32768,
            'memory_mb_used': 2048 * vms + 512, 'local_gb': 900, 'local_gb_used': 20 * vms, 'running_vms': vms,
            'service': {'id': uuid(0x30000 + n), 'host': host, 'disabled_reason': None}}


def running(done_mib, total_mib, **more):
    """A step of a migration's script."""
    m = 1024 * 1024
    step = {'status': 'running', 'memory_total_bytes': total_mib * m, 'memory_processed_bytes': done_mib * m,
            'memory_remaining_bytes': (total_mib - done_mib) * m, 'disk_total_bytes': 0, 'disk_processed_bytes': 0,
            'disk_remaining_bytes': 0}
    step.update(more)
    return step
