# SPDX-License-Identifier: Apache-2.0
"""What the client's tests share: a case has a fake cloud, a directory, drover."""
import fcntl
import os
import pathlib
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / 'lib')]
import tap  # noqa: E402
from fake_nova import FakeNova, hypervisor, migration, server, service  # noqa: E402

GOLDEN = HERE.parent / 'golden' / 'cli'
LIMIT_S = 240  # what takes longer hangs


class Failed(Exception):
    pass


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err


class Case:
    """What a test has: a fake cloud, a directory, drover."""

    def __init__(self, drover):
        self.drover_path = drover
        self.droverd_path = str(pathlib.Path(drover).parent.parent / 'src' / 'droverd')
        self.manage_path = str(pathlib.Path(drover).parent.parent / 'src' / 'drover-manage')
        self.dir = tempfile.TemporaryDirectory(prefix='drover-cli-')
        self.home = pathlib.Path(self.dir.name)
        self.fakes = []
        self.fake = self.new_fake()
        self.env = {
            'PATH': os.environ['PATH'], 'HOME': str(self.home), 'XDG_CONFIG_HOME': str(self.home / 'config'), 'DROVER_POLL_MS': '1',
            'OS_AUTH_URL': self.fake.url + '/identity', 'OS_USERNAME': 'admin', 'OS_PASSWORD': 'secret', 'OS_PROJECT_NAME': 'admin',
        }
        for name in os.environ:
            if name.endswith('SAN_OPTIONS') or name == 'LLVM_PROFILE_FILE':
                self.env[name] = os.environ[name]

    def new_fake(self, **how):
        fake = FakeNova(**how)
        self.fakes.append(fake)
        return fake

    def close(self):
        for fake in self.fakes:
            fake.close()
        self.dir.cleanup()

    def set_env(self, **values):
        for name, value in values.items():
            if value is None:
                self.env.pop(name, None)
            else:
                self.env[name] = value

    def no_variables(self):
        for name in [n for n in self.env if n.startswith('OS_')]:
            del self.env[name]

    def argv(self, words):
        return [self.drover_path] + (words.split() if isinstance(words, str) else list(words))

    def drover(self, words, status=0, stdin=b''):
        """Run it; any other status than the one wanted fails the test."""
        p = subprocess.run(self.argv(words), env=self.env, cwd=self.home, input=stdin, capture_output=True, timeout=LIMIT_S)
        r = Result(p.returncode, p.stdout.decode(), p.stderr.decode())
        if r.status != status:
            raise Failed('drover %s: status %d, wanted %d\n%s%s' % (words, r.status, status, r.out, r.err))
        return r

    def neutral(self, text):
        for fake in self.fakes:
            text = text.replace('127.0.0.1:%d' % fake.port, '127.0.0.1:PORT')
        text = text.replace('127.0.0.1 port %d' % self.fake.port, '127.0.0.1 port PORT')
        return text.replace(str(self.home), 'HOME')

    def golden(self, name, text):
        path, text = GOLDEN / name, self.neutral(text)
        if os.environ.get('REGEN'):
            path.write_text(text)
        want = path.read_text() if path.exists() else ''
        if text != want:
            raise Failed('golden/cli/%s differs (REGEN=1 rewrites it)\n--- want\n%s--- got\n%s' % (name, want, text))

    def golden_run(self, name, words, status=0):
        r = self.drover(words, status)
        self.golden(name, '$ drover %s\n%s%s' % (words if isinstance(words, str) else ' '.join(words), r.out, r.err))
        return r


def check(condition, *what):
    if not condition:
        raise Failed('not so: %s' % ' '.join(repr(w) for w in what))


def has(text, *parts):
    for part in parts:
        if part not in text:
            raise Failed('%r is not in:\n%s' % (part, text))


def furnish(c):
    """A small cloud."""
    f = c.fake
    f.servers = [
        server(1, 'web1'), server(2, 'db1', 'host2', 'SHUTOFF', **{'OS-EXT-STS:power_state': 4, 'OS-EXT-STS:vm_state': 'stopped'}),
        server(3, '\u65e5\u672c\u8a9e e\u0301', 'host2', addresses={'private': [{'addr': '10.0.0.3'}, {'addr': 'fd00::3'}], 'dmz': [{'addr': '192.0.2.3'}]}),
        server(4, 'dup'), server(5, 'dup', 'host2', 'PAUSED'), server(6, 'web.1+', image=''),
    ]
    web = f.servers[0]
    f.migrations = [migration(1, web), migration(2, web, 'error', dest=None), migration(3, f.servers[1], 'finished', 'resize', 'host2', 'host1')]
    f.services = [service(1, 'host1'), service(2, 'host2', status='disabled', reason='new disk'), service(3, 'ctl', 'nova-scheduler')]
    f.hypervisors = [hypervisor(1, 'host1'), hypervisor(2, 'host2', 'down', 0)]
    f.hosts = {'host1': [
        {'project': '(total)', 'cpu': 16, 'memory_mb': 32232, 'disk_gb': 878},
        {'project': '(used_now)', 'cpu': 22, 'memory_mb': 21284, 'disk_gb': 422},
    ]}
    f.actions = {web['id']: [
        action('live-migration', 'req-later', '2024-05-09T12:00:00.000000', event('Error', details='a later one')),
        action('live-migration', 'req-second', '2024-05-02T11:59:59.000000', event('Success'),
               event('Error', details='No valid host was found.\n  host2: not enough memory (1024 MiB free, 2048 MiB needed)\n  host3: disabled')),
        action('reboot', 'req-reboot', '2024-05-02T11:59:59.500000'),
        action('live-migration', 'req-first', '2024-05-01T11:59:59.000000'),
    ]}


def action(name, rid, start, *events, message=None):
    return {'action': name, 'request_id': rid, 'start_time': start, 'message': message, 'events': list(events)}


def event(result, details=None, trace=None):
    return {'event': 'compute_live_migration', 'result': result, 'details': details, 'traceback': trace}


def scripted(*steps, start='queued', number=7, kind='live-migration'):
    """An on_migrate that runs a script."""
    def go(fake, srv, args):
        m = migration(number, srv, start, kind=kind, source=srv['OS-EXT-SRV-ATTR:host'], dest=args.get('host'))
        fake.migrations.append(m)
        fake.steps[number] = [{'status': start}] + list(steps)
    return go


def on_terminal(c, words, rows=24, cols=80, interrupt_at=None):
    """Run it with a terminal as its error output; SIGINT when @interrupt_at has been drawn."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack('HHHH', rows, cols, 0, 0))
    p = subprocess.Popen(c.argv(words), env=dict(c.env, TERM='xterm'), cwd=c.home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=side)
    os.close(side)
    drawn = b''
    while True:
        ready, _, _ = select.select([main], [], [], LIMIT_S)
        if not ready:
            p.kill()
            raise Failed('nothing for %d s; so far: %r' % (LIMIT_S, drawn))
        try:
            data = os.read(main, 65536)
        except OSError:
            break                           # the other side is closed
        if not data:
            break
        drawn += data
        if interrupt_at and interrupt_at in drawn:
            interrupt_at = None
            p.send_signal(signal.SIGINT)
    os.close(main)
    out = p.stdout.read().decode()
    return Result(p.wait(LIMIT_S), out, drawn.decode())


def frames(text):
    return [part.split('\x1b[K')[0] for part in text.split('\r') if '\x1b[K' in part]


def terminal(c, words, script, rows=24, cols=80, env=None):
    """Run it on a terminal of its own. @script: (what is to be drawn first, what is then sent: keys, or a signal). Its output is all on the terminal."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack('HHHH', rows, cols, 0, 0))
    p = subprocess.Popen(c.argv(words), env=dict(c.env, TERM='xterm', **(env or {})), cwd=c.home, stdin=side, stdout=side, stderr=side)
    os.close(side)
    drawn, at, script = b'', 0, list(script)
    while True:
        if not select.select([main], [], [], LIMIT_S)[0]:
            p.kill()
            raise Failed('nothing for %d s; so far: %r' % (LIMIT_S, drawn))
        try:
            data = os.read(main, 65536)
        except OSError:
            break
        if not data:
            break
        drawn += data
        while script and (found := drawn.find(script[0][0], at)) >= 0:
            at = found + len(script[0][0])
            send = script.pop(0)[1]
            if isinstance(send, bytes):
                os.write(main, send)
            else:
                p.send_signal(send)
    os.close(main)
    if script:
        raise Failed('never drawn: %r; but: %s' % (script[0][0], drawn.decode()))
    return Result(p.wait(LIMIT_S), '', drawn.decode().replace('\r\n', '\n'))


def run_case(out, drover, name, fn):
    c = Case(drover)
    try:
        with out.test(name):
            fn(c)
    finally:
        c.close()


def main(tests):
    if len(sys.argv) < 2:
        sys.exit('usage: %s BUILD_DIR [NAME...]' % sys.argv[0])
    build, wanted, out = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:], tap.Tap()
    for name, fn in list(tests.items()):
        if name.startswith('test_') and (not wanted or any(w in name for w in wanted)):
            run_case(out, str(build / 'cli' / 'drover'), name[len('test_'):].replace('_', ' '), fn)
    sys.exit(out.done())
