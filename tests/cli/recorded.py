# SPDX-License-Identifier: Apache-2.0
"""Answers of a Nova as it was recorded (recorded_nova.json: Nova's own API samples, as they are), for the world of a fake.

An answer has the members that the recorded one of the newest version up to the request's has: those of the fake that are not in it are left out, those
that the fake has not are as recorded. So a client meets what a real Nova of that version sends, no more and no less. Nothing of Drover's own is there.
"""
import json
import pathlib
import re

SAMPLES = json.loads((pathlib.Path(__file__).parent / 'recorded_nova.json').read_text())['samples']
ADMINS = 'servers/v2.73/servers-details-resp.json'  # the newest that was recorded with an administrator's members

# method, path below Compute's, the sample
ROUTES = (
    ('GET', '/servers/detail', 'servers', 'servers-details-resp.json'),
    ('GET', '/servers/[^/]+', 'servers', 'server-get-resp.json'),
    ('GET', '/servers/[^/]+/migrations', 'server-migrations', 'migrations-index.json'),
    ('GET', '/servers/[^/]+/migrations/[^/]+', 'server-migrations', 'migrations-get.json'),
    ('GET', '/servers/[^/]+/os-instance-actions', 'os-instance-actions', 'instance-actions-list-resp.json'),
    ('GET', '/servers/[^/]+/os-instance-actions/[^/]+', 'os-instance-actions', 'instance-action-get-resp.json'),
    ('GET', '/os-migrations', 'os-migrations', 'migrations-get.json'),
    ('GET', '/os-services', 'os-services', 'services-list-get-resp.json'),
    ('PUT', '/os-services/disable-log-reason', 'os-services', 'service-disable-log-put-resp.json'),
    ('PUT', '/os-services/[^/]+', 'os-services', 'service-enable-put-resp.json'),
    ('GET', '/os-hypervisors/detail', 'os-hypervisors', 'hypervisors-detail-resp.json'),
    ('GET', '/os-hosts/[^/]+', 'os-hosts', 'host-get-resp.json'),
    ('GET', '/', 'versions', 'v21-version-get-resp.json'),
)
OPEN = ('addresses', 'metadata', 'extra_specs')  # their members are names
SOMETIMES = ('fault',)                           # what the sample of a server that is well has not


def newest(folder, name, mv):
    """The sample of the newest version up to @mv."""
    found = {}
    for path, body in SAMPLES.items():
        m = re.fullmatch('compute/%s/(?:v2\\.([0-9]+)/)?%s' % (re.escape(folder), re.escape(name)), path)
        if m and int(m.group(1) or 1) <= mv:
            found[int(m.group(1) or 1)] = body
    return found[max(found)] if found else None


def fit(sample, ours, name=None):
    """What is ours, with the members of the sample; Nova's counters of bytes are null until the copy has begun."""
    if isinstance(sample, dict) and isinstance(ours, dict) and name not in OPEN:
        fitted = {key: fit(value, ours[key], key) if key in ours else None if key.endswith('_bytes') else value for key, value in sample.items()}
        return {**fitted, **{key: ours[key] for key in SOMETIMES if key in ours}}
    if isinstance(sample, list) and isinstance(ours, list) and sample:
        return [fit(sample[0], row) for row in ours]
    if name == 'addresses':
        entry = next(iter(sample.values()))[0]
        return {network: [fit(entry, row) for row in rows] for network, rows in ours.items()}
    return ours


def server_sample(sample):
    """Those of late versions were recorded without what an administrator sees."""
    admins = SAMPLES['compute/' + ADMINS]['servers'][0]
    return {**{key: value for key, value in admins.items() if key.startswith('OS-EXT-SRV-ATTR:')}, **sample}


def dress(method, path, mv, body):
    """Return: the body as a recorded Nova of that version would have it."""
    route = next((r for r in ROUTES if r[0] == method and re.fullmatch(r[1], path)), None)
    sample = route and newest(route[2], route[3], mv)
    if not sample:
        return body
    if route[2] == 'servers':
        sample = {key: [server_sample(row) for row in value] if key == 'servers' else server_sample(value) if key == 'server' else value for key, value in sample.items()}
    return {key: fit(sample.get(key), value) for key, value in body.items() if key in sample or key.endswith('_links')}
