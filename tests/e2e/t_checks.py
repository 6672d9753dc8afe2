#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
F10: a guest for each row of the prechecks about what libvirt and QEMU refuse. The row says it, and libvirt's own call refuses it, so the row
is true.

The guests are paused domains without an operating system, at most a few MiB each.
"""
import re
import signal
import sys
import uuid as uuids
from pathlib import Path
from typing import Callable, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from api import Api
from daemon import BUILD, Daemon, lab_hosts
from lab import Lab
from stock import Clients
from tap import Tap
from wait import wait_for


class Case(NamedTuple):
    name: str
    row: str                 # that fails; "": none does
    result: str              # of the row
    reason: str              # of the row, a pattern
    libvirt: str             # its words, a pattern; "": it migrates
    devices: str = ""
    os: str = ""
    more: str = ""
    machine: str = "pc"
    also: tuple[str, ...] = ()   # rows that fail with it
    before: Callable[[Lab, "Case"], object] = lambda lab, case: None
    after: Callable[[Lab, "Case"], object] = lambda lab, case: None  # once it is started
    moved: Callable[[Lab, "Case"], object] = lambda lab, case: None  # after libvirt's own migration, where it goes


def define(lab: Lab, host: str, what: str, xml: str, *words: str) -> None:
    path = lab.dir / f"{what}.xml"
    path.write_text(xml.replace("@h1@", lab("ip", "h1")))
    lab.virsh(host, what, str(path), *words)


def taken(lab: Lab, case: Case) -> None:
    """Another domain of its name at the destination, shut off."""
    define(lab, "h2", "define", xml_of(case._replace(devices="")))


def add_bridge(lab: Lab, case: Case) -> None:
    lab("exec", "h1", "ip", "link", "add", "br9", "type", "bridge")


def add_kernel(lab: Lab, case: Case) -> None:
    lab("exec", "h1", "sh", "-c", "mkdir -p /run/boot && head -c 4096 /dev/zero > /run/boot/vmlinuz")


def add_emulator(lab: Lab, case: Case) -> None:
    lab("exec", "h1", "sh", "-c", "ln -s /usr/bin/qemu-system-x86_64 /run/qemu-of-h1")


SHARED = "/var/lib/libvirt/drover/shared"  # in both hosts
MODULES = "/usr/lib/x86_64-linux-gnu/qemu"
SECRET = "5f1b3c6e-7d5c-4d39-9a37-6b1c2d3e4f50"


def add_disk(lab: Lab, case: Case) -> None:
    lab("exec", "h1", "qemu-img", "create", "-q", "-f", "qcow2", f"{SHARED}/{case.name}.img", "4M")


def snapshot(lab: Lab, case: Case) -> None:
    lab.virsh("h1", "snapshot-create-as", case.name, "before")


def mirror(lab: Lab, case: Case) -> None:
    """It stays in its second phase until it is ended."""
    lab.virsh("h1", "blockcopy", case.name, "vda", f"{SHARED}/{case.name}.copy", "--format", "qcow2", "--transient-job")


def checkpoint(lab: Lab, case: Case) -> None:
    lab.virsh("h1", "checkpoint-create-as", case.name, "before")


def forgotten(lab: Lab, case: Case) -> None:
    """libvirt has migrated it, and its checkpoints are nowhere."""
    assert lab.virsh("h2", "checkpoint-list", case.name, "--name").split() == []


def serve(lab: Lab, case: Case, *where: str) -> None:
    """A disk of one host's own, at its own NBD server."""
    path = f"/run/{case.name}.img"
    lab("exec", "h1", "qemu-img", "create", "-q", "-f", "raw", path, "1M")
    lab("exec", "h1", "qemu-nbd", "--fork", "--persistent", "--shared=4", "-f", "raw", *where, path)


def serve_socket(lab: Lab, case: Case) -> None:
    serve(lab, case, "-k", f"/run/{case.name}.sock")


def serve_localhost(lab: Lab, case: Case) -> None:
    serve(lab, case, "-b", "127.0.0.1")


def add_folder(lab: Lab, case: Case) -> None:
    lab("exec", "h1", "mkdir", "/run/logs")


def add_firmware(lab: Lab, case: Case) -> None:
    """The firmware at both hosts, what its variables are made of at one."""
    for host in "h1", "h2":
        lab("exec", host, "sh", "-c", "mkdir -p /run/fw && head -c 262144 /dev/zero > /run/fw/code.fd")
    lab("exec", "h1", "sh", "-c", "head -c 65536 /dev/zero > /run/fw/vars.fd")


def hide_module(lab: Lab, case: Case) -> None:
    """The destination's QEMU was built without it, as far as its libvirtd sees."""
    lab("exec", "h2", "sh", "-ec", f"cp -a {MODULES} /run/modules; rm /run/modules/hw-display-qxl.so; mount --bind /run/modules {MODULES}")


def add_neighbour(lab: Lab, case: Case) -> None:
    """A guest of the destination that has what is there only once."""
    other = case._replace(name=f"{case.name}-there")
    define(lab, "h2", "define", xml_of(other))
    lab.virsh("h2", "start", other.name, "--paused")


def add_network(lab: Lab, case: Case) -> None:
    define(lab, "h1", "net-define", "<network><name>of-h1</name><forward mode='bridge'/><bridge name='br0'/></network>")
    lab.virsh("h1", "net-start", "of-h1")


def add_filter(lab: Lab, case: Case) -> None:
    define(lab, "h1", "nwfilter-define", "<filter name='of-h1'/>")


def add_secret(lab: Lab, case: Case) -> None:
    define(lab, "h1", "secret-define", f"<secret ephemeral='no' private='yes'><uuid>{SECRET}</uuid></secret>")
    # qemu-img measures how fast the CPU is, and gives up where other processes have it.
    lab("exec", "h1", "sh", "-ec", "printf secret > /run/of-h1; n=0; until qemu-img create -q -f luks --object secret,id=s,file=/run/of-h1"
        f" -o key-secret=s,iter-time=10 {SHARED}/{case.name}.img 1M; do n=$((n + 1)); [ $n -lt 100 ]; done")
    lab.virsh("h1", "secret-set-value", SECRET, "c2VjcmV0")


def disk_of(name: str, format: str = "qcow2", more: str = "") -> str:
    return (f"<disk type='file' device='disk'><driver name='qemu' type='{format}' cache='none'/><source file='{SHARED}/{name}.img'>{more}</source>"
            "<target dev='vda' bus='virtio'/></disk>")


def nbd_of(server: str) -> str:
    return (f"<disk type='network' device='disk'><driver name='qemu' type='raw' cache='none'/><source protocol='nbd'><host {server}/></source>"
            "<target dev='vda' bus='virtio'/></disk>")


NIC = "<interface type='{}'><source {}='{}'/>{}<model type='virtio'/></interface>"

CASES = [
    Case("good", "", "passed", "", "", NIC.format("bridge", "bridge", "br0", "")),
    Case("samename", "name", "failed", "h2 has another domain of the name samename", "already exists with uuid", before=taken),
    Case("nobridge", "networks", "failed", "h2 has no network interface br9", "br9", NIC.format("bridge", "bridge", "br9", ""), before=add_bridge),
    Case("noemulator", "machine", "failed", "h2 has no machine type pc.*qemu-of-h1", "qemu-of-h1",
         "<emulator>/run/qemu-of-h1</emulator>", also=("cpu",), before=add_emulator),
    Case("nokernel", "boot_files", "failed", "h2 has no /run/boot/vmlinuz", "vmlinuz", os="<kernel>/run/boot/vmlinuz</kernel>", before=add_kernel),
    Case("shmem", "unmigratable", "failed", "its shared memory mem cannot be migrated", "shmem",
         "<shmem name='mem'><model type='ivshmem-plain'/><size unit='M'>1</size></shmem>"),
    Case("snapshots", "snapshots", "failed", "it has 1 snapshots, which libvirt does not move", "snapshot", disk_of("snapshots"), before=add_disk,
         after=snapshot),
    Case("blockjob", "block_jobs", "failed", "vda", "block job|active block", disk_of("blockjob"), before=add_disk, after=mirror),
    Case("nonetwork", "networks", "failed", "h2 has no network of-h1", "of-h1", NIC.format("network", "network", "of-h1", ""), before=add_network),
    Case("nofilter", "networks", "failed", "h2 has no network filter of-h1", "of-h1",
         NIC.format("bridge", "bridge", "br0", "<filterref filter='of-h1'/>"), before=add_filter),
    Case("nosecret", "secrets", "failed", f"h2 has no secret {SECRET}", SECRET,
         disk_of("nosecret", "raw", f"<encryption format='luks'><secret type='passphrase' uuid='{SECRET}'/></encryption>"), before=add_secret),
    Case("checkpoint", "checkpoints", "failed", "it has 1 checkpoints, which libvirt would forget", "", disk_of("checkpoint"), before=add_disk,
         after=checkpoint, moved=forgotten),
    Case("nbdsocket", "block_devices", "failed", "a network disk whose server is its host itself", "nbdsocket.sock",
         nbd_of("transport='unix' socket='/run/nbdsocket.sock'"), before=serve_socket),
    Case("nbdhere", "block_devices", "failed", "a network disk whose server is its host itself", "onnection refused",
         nbd_of("name='localhost' port='10809'"), before=serve_localhost),
    Case("vnchere", "consoles", "failed", "its vnc console listens on .* which is an address of h1", "Cannot assign requested address|bind",
         "<graphics type='vnc' autoport='yes' listen='@h1@'/>"),
    Case("vncport", "consoles", "failed", "its vnc console has the fixed port 5999, which vncport-there has at h2", "port 5999",
         "<graphics type='vnc' port='5999' autoport='no' listen='127.0.0.1'/>", before=add_neighbour),
    Case("noqxl", "device_kinds", "failed", "h2 has no QEMU with video model qxl", "qxl", "<video><model type='qxl'/></video>", before=hide_module),
    Case("taptaken", "networks", "failed", "h2 has an interface tap-taken already", "tap-taken|busy",
         NIC.format("bridge", "bridge", "br0", "<target dev='tap-taken'/>"), before=add_neighbour),
    Case("nonvram", "nvram", "failed", "h2 has neither the file .* nor the template /run/fw/vars.fd", "vars.fd",
         os="<loader readonly='yes' type='pflash'>/run/fw/code.fd</loader><nvram template='/run/fw/vars.fd'>/run/fw/nonvram.fd</nvram>",
         before=add_firmware),
    Case("nosocket", "host_paths", "skipped", "whether h2 has /run/nosocket.sock cannot be found out", "nosocket.sock",
         "<serial type='unix'><source mode='connect' path='/run/nosocket.sock'/></serial>", before=serve_socket),
    Case("nofolder", "folders", "failed", "h2 has no folder /run/logs, in which /run/logs/serial.log is made", "/run/logs",
         "<serial type='file'><source path='/run/logs/serial.log'/></serial>", before=add_folder),
    Case("ttys", "host_paths", "skipped", "whether h2 has /dev/null cannot be found out", "", "<serial type='dev'><source path='/dev/null'/></serial>"),
]


def xml_of(case: Case) -> str:
    return (f"<domain type='qemu'><name>{case.name}</name><uuid>{uuids.uuid4()}</uuid><memory unit='MiB'>8</memory><vcpu>1</vcpu>"
            f"<os><type arch='x86_64' machine='{case.machine}'>hvm</type>{case.os}</os><features><acpi/></features>{case.more}"
            f"<devices>{case.devices}<memballoon model='none'/><controller type='usb' model='none'/></devices></domain>")


def begin(lab: Lab, case: Case) -> str:
    """Return: its UUID."""
    case.before(lab, case)
    define(lab, "h1", "define", xml_of(case))
    lab.virsh("h1", "start", case.name, "--paused")
    case.after(lab, case)
    return lab.virsh("h1", "domuuid", case.name).strip()


def precheck(api: Api, uuid: str) -> dict:
    """Of h2."""
    got = api.call("POST", f"/drover/v1/servers/{uuid}/precheck", {"precheck": {"host": "h2"}})
    assert got.status == 200, got.fault
    return got.json["precheck"]["hosts"][0]


def rows(api: Api, uuid: str) -> dict[str, dict]:
    return {check["name"]: check for check in precheck(api, uuid)["checks"]}


def says(api: Api, case: Case, uuid: str) -> str:
    checks = rows(api, uuid)
    failed = {name: check["reason"] for name, check in checks.items() if check["result"] == "failed"}
    assert set(failed) == ({case.row, *case.also} if case.result == "failed" else set()), failed
    if case.row:
        check = checks[case.row]
        assert check["result"] == case.result and re.search(case.reason, check["reason"]), check
    return failed.get(case.row) or checks.get(case.row, {"reason": "all passed"})["reason"]


def goes(lab: Lab, daemon: Daemon, there: dict[str, str]) -> str:
    """What goes live, what cold only, and what neither way; and why."""
    api, clients = daemon.api(), Clients(daemon.openrc)
    for name in "shmem", "samename":  # a paused guest goes live alone
        lab.virsh("h1", "resume", name)
        wait_for(lambda name=name: api.server(there[name])["status"] == "ACTIVE", 60, f"{name} runs")
    for name, way, why in ("good", "live", None), ("shmem", "cold", "unmigratable"), ("samename", None, "name"):
        said = precheck(api, there[name])
        assert (said["goes"], said["check"]) == (way, why) and bool(said["reason"]) == bool(why), said
    assert precheck(api, there["good"])["cold"]["check"] == "state", "a paused guest is not asked for a cold migration"
    assert precheck(api, there["samename"])["cold"]["check"] == "name"
    line = clients.must(f"{BUILD}/cli/drover server precheck shmem --host h2 -f value")
    assert re.fullmatch(r"h2 no yes unmigratable .*its shared memory mem cannot be migrated.*", line), line
    line = clients.must(f"{BUILD}/cli/drover server precheck {there['samename']} --host h2 -f value -c live -c cold -c check")
    assert line == "no no name", line
    told = clients.must(f"{BUILD}/cli/drover server migrate shmem --cold --host h2 --wait")
    assert re.search(r"^[a-z-]+ \((check|schedule|stop|carry|land|start)\): h1 -> ", told, re.MULTILINE), told
    assert lab.state("h2", "shmem") == "running" and lab.state("h1", "shmem") == "shut off", "what went cold runs there"
    clients.must(f"{BUILD}/cli/drover server revert shmem")
    wait_for(lambda: api.server(there["shmem"])["status"] == "ACTIVE", 60, "it is back")
    for name in "shmem", "samename":
        lab.virsh("h1", "suspend", name)
    return line


def stays_in_its_cell(daemon: Daemon, there: dict[str, str]) -> str:
    """h2, the last host of the file, is in a cell of its own from SIGHUP on. Stock clients, live forced and named, and cold."""
    api, clients, uuid = daemon.api(), Clients(daemon.openrc), there["good"]
    with (daemon.dir / "drover.conf").open("a") as conf:
        conf.write("cell = west\n")
    daemon.signal(signal.SIGHUP)
    daemon.wait_event("host_cell", 10, host="h2", to="west")
    assert {host["name"]: host["cell"] for host in api.get("/drover/v1/hosts", None)["hosts"]} == {"h1": "default", "h2": "west"}
    status, forced = clients.run(f"nova --os-compute-api-version 2.29 live-migration {uuid} h2")
    assert status and f"Unable to force live migrate instance {uuid} across cells." in forced and "HTTP 400" in forced, forced
    clients.run(f"openstack --os-compute-api-version 2.30 server migrate --live-migration --host h2 --wait {uuid}")
    wait_for(lambda: api.migrations(uuid)[0]["status"] == "error" and len(api.migrations(uuid)) == 2, 30, "it is refused")
    record = api.get(f"/drover/v1/migrations/{api.migrations(uuid)[0]['id']}", None)["migration"]
    assert record["error"] == "No valid host was found. h2: CellFilter: the host is in cell west, the server in cell default", record
    assert precheck(api, uuid)["goes"] is None and rows(api, uuid)["cell"]["result"] == "failed"
    assert api.server(uuid)["status"] == "PAUSED" and api.server(uuid)["OS-EXT-SRV-ATTR:host"] == "h1"
    return forced


def refuses(lab: Lab, case: Case) -> str:
    """libvirt's own call, without the daemon."""
    ip = lab("ip", "h2")
    line = f"virsh -q -c {lab.uri('h1')} migrate --live --p2p --persistent {case.name} {lab.uri('h2')} tcp://{ip} 2>&1"
    text = lab("exec", "ctl", "sh", "-c", line, check=False)
    if case.libvirt:
        assert "error:" in text and re.search(case.libvirt, text), text
        assert lab.state("h1", case.name) == "paused"
    else:
        assert "error:" not in text, text
        case.moved(lab, case)
    return text


def main() -> int:
    t = Tap()
    with Lab(2, "e2e-checks") as lab:
        there = {}
        for case in CASES:
            with t.test(f"F10: {case.name} stands"):
                there[case.name] = begin(lab, case)
        with Daemon(lab_hosts(lab), lab, {"DEFAULT": {"shutdown_timeout": 1}}, "checks") as daemon:
            daemon.wait_hosts_up(2)
            api = daemon.api()
            wait_for(lambda: {server["id"] for server in api.servers()} >= set(there.values()), 60, "the guests are adopted")
            for case in [case for case in CASES if case.name in there]:
                with t.test(f"F10: {case.name}") as notes:
                    notes.append(says(api, case, there[case.name]))
            with t.test("what goes live, what cold only, and why") as notes:
                notes.append(goes(lab, daemon, there))
            with t.test("a server stays in its cell") as notes:
                notes.append(stays_in_its_cell(daemon, there))
            daemon.stop()
        for case in [case for case in CASES if case.name in there]:
            with t.test(f"F10: libvirt and {case.name}") as notes:
                notes.append(refuses(lab, case))
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
