# SPDX-License-Identifier: Apache-2.0
"""Plans of Drover's API for the client's tests. A plan goes on by one step of one server each time it is looked at."""
import re

from fake_nova import Answer, fault

ENDS = ('done', 'partly', 'failed', 'cancelled')
STATES = ('blocked', 'waiting', 'running', 'done', 'failed', 'skipped', 'cancelled', 'left')


def use(servers=0, memory=0, vcpus=0):
    return {'servers': servers, 'memory_mb': memory, 'vcpus': vcpus, 'disk_gb': 0}


class FakePlans:
    def __init__(self, fake):
        self.fake = fake
        self.plans = {}
        self.mistakes = []        # of the next request
        self.cannot = []          # of each plan
        self.cycles = []
        self.fails = {}           # a server's name -> why its step fails
        self.stuck = set()        # servers whose steps run until the plan is cancelled
        self.strays = {}          # a server's name -> the host that it is on after its step, instead of the step's
        self.changed = False      # the fleet, since the plan was made
        fake.plans = self

    def dispatch(self, r):
        m = re.fullmatch('/drover/v1/plans(?:/([0-9]+)(/action)?)?', r['path'])
        if not m:
            return
        if r['token'] not in self.fake.valid_tokens:
            raise Answer(401)
        if not m.group(1):
            raise self.make(r['body']['plan']) if r['method'] == 'POST' else self.list(r['query'])
        plan = self.plans.get(int(m.group(1)))
        if not plan:
            raise fault(404, 'itemNotFound', 'Plan %s could not be found.' % m.group(1))
        if m.group(2):
            (action, args), = r['body'].items()
            raise getattr(self, action)(plan, args or {})
        raise {'GET': self.show, 'PATCH': self.patch, 'DELETE': self.delete}[r['method']](plan, r)

    def list(self, query):
        rows = [self.short(p) for p in reversed(list(self.plans.values())) if query.get('state') in (None, p['state']) and query.get('kind') in (None, p['kind'])]
        return Answer(200, {'plans': rows})

    def named(self, word):
        return [s for s in self.fake.servers if word in (s['id'], s['name'])][0]

    def wanted(self, request):
        """(server, to, why) of each that is to move."""
        host = 'OS-EXT-SRV-ATTR:host'
        if request['kind'] == 'map':
            for to, names in request['map'].items():
                for s in map(self.named, names):
                    if s[host] != to:
                        yield s, to, 'the map says so'
        elif request['kind'] == 'drain':
            others = sorted({s[host] for s in self.fake.servers} - set(request['hosts'])) or ['host9']
            for s in self.fake.servers:
                if s[host] in request['hosts']:
                    yield s, others[0], '%s is drained' % s[host]
        elif request['kind'] == 'bulk':
            for s in map(self.named, request['servers']):
                yield s, request['to'] or ('host2' if s[host] == 'host1' else 'host1'), 'asked for'
        elif request['kind'] == 'rebalance':
            yield self.fake.servers[0], 'host2', 'host1 is fuller'

    def make(self, request):
        if self.mistakes:
            mistakes, self.mistakes = self.mistakes, []
            return Answer(400, {'badRequest': {'code': 400, 'message': 'The plan has %d mistakes: ...' % len(mistakes), 'mistakes': mistakes}})
        if request.get('fleet_version', 'v1') != 'v1':
            return fault(409, 'conflictingRequest', 'The fleet is another one than %s: it is v1.' % request['fleet_version'])
        n = len(self.plans) + 1
        steps = [{'n': i, 'server_uuid': s['id'], 'server_name': s['name'], 'from': s['OS-EXT-SRV-ATTR:host'], 'to': to, 'how': 'live', 'why': why,
                  'after': [], 'wave': 1, 'detour': False, 'needs': {}, 'expected_s': 12, 'expected_bytes': 1 << 31, 'state': 'waiting', 'migration': None,
                  'attempts': 0, 'reason': None} for i, (s, to, why) in enumerate(self.wanted(request), 1)]
        plan = {'id': n, 'kind': request['kind'], 'state': 'draft', 'why': None, 'fleet_version': 'v1', 'options': {'parallel': request.get('parallel', 4)},
                'expected_s': 12 * len(steps), 'created_at': '2024-05-01T10:00:00.000000', 'started_at': None, 'ended_at': None, 'steps': steps,
                'cannot': self.cannot, 'cycles': self.cycles, 'spread': None, 'request': request,
                'hosts': [{'name': 'host1', 'now': use(3, 6144, 3), 'worst': use(3, 6144, 3), 'after': use(2, 4096, 2), 'capacity': use(99, 32768, 16)},
                          {'name': 'host2', 'now': use(3, 6144, 3), 'worst': use(4, 8192, 4), 'after': use(4, 8192, 4), 'capacity': use(99, 32768, 16)}]}
        if request['kind'] == 'rebalance':
            plan['spread'] = {'memory': {'now': 44.1, 'after': 18.0}, 'vcpus': {'now': 20, 'after': 12.5}}
        self.plans[n] = plan
        if request.get('start'):
            plan['state'] = 'running'
        return Answer(201, {'plan': self.whole(plan)})

    def counts(self, plan):
        return {state: sum(s['state'] == state for s in plan['steps']) for state in STATES}

    def whole(self, plan):
        return dict({k: v for k, v in plan.items() if k != 'request'}, counts=self.counts(plan))

    def short(self, plan):
        return {k: v for k, v in self.whole(plan).items() if k not in ('steps', 'cannot', 'hosts', 'cycles')}

    def end(self, step):
        name = step['server_name']
        step['state'], step['reason'] = ('failed', self.fails[name]) if name in self.fails else ('done', None)
        if step['state'] == 'done':
            self.named(step['server_uuid'])['OS-EXT-SRV-ATTR:host'] = self.strays.get(name, step['to'])

    def go_on(self, plan):
        running = [s for s in plan['steps'] if s['state'] == 'running' and s['server_name'] not in self.stuck]
        waiting = [s for s in plan['steps'] if s['state'] == 'waiting']
        if plan['state'] == 'cancelling':
            for s in waiting:
                s['state'] = 'cancelled'
        if running:
            self.end(running[0])
        elif waiting and plan['state'] == 'running' and not any(s['state'] == 'running' for s in plan['steps']):
            waiting[0].update(state='running', migration=100 + waiting[0]['n'])
        elif not any(s['state'] in ('running', 'waiting') for s in plan['steps']):
            done = sum(s['state'] == 'done' for s in plan['steps'])
            whole = done + sum(s['state'] == 'skipped' for s in plan['steps']) == len(plan['steps']) and not plan['cannot']
            plan['state'] = 'cancelled' if plan['state'] == 'cancelling' else 'done' if whole else 'partly' if done else 'failed'

    def show(self, plan, r):
        if plan['state'] in ('running', 'cancelling', 'paused'):
            self.go_on(plan)
        return Answer(200, {'plan': self.whole(plan)})

    def patch(self, plan, r):
        for change in r['body']['plan'].get('steps', []):
            step = plan['steps'][change['n'] - 1]
            if 'skip' in change:
                step.update(state='skipped', reason='left out') if change['skip'] else step.update(state='waiting', reason=None)
            if change.get('to'):
                step['to'] = change['to']
        plan['options'].update({k: v for k, v in r['body']['plan'].items() if k != 'steps'})
        return Answer(200, {'plan': self.whole(plan)})

    def delete(self, plan, r):
        if plan['state'] in ('running', 'paused', 'cancelling'):
            return fault(409, 'conflictingRequest', 'Plan %d is %s.' % (plan['id'], plan['state']))
        del self.plans[plan['id']]
        return Answer(204)

    def to_state(self, plan, before, after):
        if plan['state'] not in before:
            return fault(409, 'conflictingRequest', 'Plan %d is %s.' % (plan['id'], plan['state']))
        plan['state'] = after
        return Answer(202, {'plan': self.short(plan)})

    def start(self, plan, args):
        if self.changed and not args.get('adapt'):
            return fault(409, 'conflictingRequest', 'The fleet has changed since plan %d was made: host2 is down.' % plan['id'])
        return self.to_state(plan, ('draft',), 'running')

    def pause(self, plan, args):
        return self.to_state(plan, ('running',), 'paused')

    def resume(self, plan, args):
        return self.to_state(plan, ('paused',), 'running')

    def cancel(self, plan, args):
        if args.get('abort_running'):
            for s in plan['steps']:
                if s['state'] == 'running':
                    s.update(state='cancelled', reason='aborted')
        return self.to_state(plan, ('draft', 'running', 'paused'), 'cancelled' if plan['state'] == 'draft' else 'cancelling')
