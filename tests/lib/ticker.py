# SPDX-License-Identifier: Apache-2.0
"""
Guests that are there in a moment and cost nothing: their BIOS boots 512 bytes (ticker.S), which count boots and ticks on the guest's
disk, see a second copy that has booted from the same disk since, and heed the power button and any key.
"""
from __future__ import annotations

import os
import struct
import subprocess
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

from domains import Domains
from lab import ROOT, Lab

SOURCE = ROOT / "tests" / "lib" / "ticker.S"
OFFSET_MASK, COMPRESSED = 0x00fffffffffffe00, 1 << 62  # of entries of L1 and L2 tables
DOMAIN = """
<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>16</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
  <features><acpi/></features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none' discard='unmap'/>
      <source file='{disk}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
"""


@dataclass
class Ticks:
    """What a disk has of its guest."""
    boots: int
    ticked: int  # the boot that ticked last
    ticks: int   # of that
    two: int     # the boot that saw a later one; 0: none did


@dataclass
class New:
    """
    One that is to be made
    @pool: of its disk: "shared", "instances", or a folder in that; @noise_mib: on it; @deaf: it does not heed the power button
    """
    name: str
    pool: str = "shared"
    noise_mib: int = 1
    deaf: bool = False
    runs: bool = True


class Tickers:
    """Of a lab."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.sectors = [self._assemble(deaf) for deaf in (0, 1)]
        self.domains = {host: Domains(lab, host) for host in lab.hosts}

    def _assemble(self, deaf: int) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            made, linked = Path(folder) / "ticker.o", Path(folder) / "ticker"
            subprocess.run(["as", "--32", "--defsym", f"deaf={deaf}", "-o", made, SOURCE], check=True)
            subprocess.run(["ld", "-m", "elf_i386", "-Ttext", "0x7c00", "-e", "0x7c00", "--oformat", "binary", "-o", linked, made], check=True)
            sector = linked.read_bytes()
        assert len(sector) == 512, "a boot sector"
        return sector

    def make(self, host: str, wanted: list[New]) -> list[str]:
        """Defined there, and started if they are to run; not waited for. Return: their UUIDs."""
        uuids = [str(uuid.uuid4()) for _ in wanted]
        folder = self.lab.dir / host / "instances" / ".new"
        folder.mkdir()
        for new, made in zip(wanted, uuids):
            path = f"/var/lib/libvirt/drover/{new.pool}/{new.name}.qcow2"
            raw = folder / "raw"
            raw.write_bytes(self.sectors[new.deaf] + bytes((1 << 20) - 512) + os.urandom(new.noise_mib << 20))
            subprocess.run(["qemu-img", "convert", "-O", "qcow2", raw, self.folder(host, new.pool) / f"{new.name}.qcow2"], check=True)
            raw.unlink()
            (folder / new.name).write_text(DOMAIN.format(name=new.name, uuid=made, disk=path))
        # one virsh for all: they are dozens
        commands = [f"define {new.name}" for new in wanted] + [f"start {new.name}" for new in wanted if new.runs]
        self.lab("exec", host, "sh", "-ec", 'cd /var/lib/libvirt/drover/instances/.new; virsh -q "$1"; rm -r ../.new', "-", "; ".join(commands))
        return uuids

    def define_xml(self, host: str, xml: str) -> None:
        self.lab("exec", host, "sh", "-c", 'printf %s "$1" | virsh -q define /dev/stdin', "-", xml)

    def folder(self, host: str, pool: str) -> Path:
        return self.lab.dir / "shared" if pool == "shared" else self.lab.dir / host / pool

    def read(self, host: str, name: str, pool: str = "shared") -> Ticks:
        data = first_cluster(self.folder(host, pool) / f"{name}.qcow2")
        return Ticks(*struct.unpack_from("<I", data, 512), *struct.unpack_from("<II", data, 1024), *struct.unpack_from("<I", data, 1536))


def first_cluster(image: Path) -> bytes:
    """
    What a guest sees of the first cluster of a qcow2 without a base. It was written when the image was made, so that a guest writes it in place. To start a
    program for each look costs more than the guest does.
    """
    with image.open("rb") as file:
        def be64(at: int) -> int:
            file.seek(at)
            return struct.unpack(">Q", file.read(8))[0]
        file.seek(0)
        magic, _version, _base, _base_len, bits = struct.unpack(">4sIQII", file.read(24))
        assert magic == b"QFI\xfb", image
        table = be64(be64(40)) & OFFSET_MASK
        entry = be64(table) if table else 0
        assert not entry & COMPRESSED, image
        if not entry & OFFSET_MASK:
            return bytes(1 << bits)
        file.seek(entry & OFFSET_MASK)
        return file.read(1 << bits)
