# SPDX-License-Identifier: Apache-2.0
#
# The boot sector of a guest that is there in a moment: it counts its boots and its ticks on its disk, tells whether another copy of it
# has booted since, and powers off when a key is pressed, or the power button, but for a "deaf" one. ticker.py makes disks of it and
# reads them.
#
# Dozens of them run at once, without KVM. So it sleeps between a few instructions, and once it ticks nothing is written to a page that
# holds code: QEMU would look for what it has translated of it, under locks that its I/O thread spins on. The BIOS does so at each tick
# of the timer and each call for the disk; hence an IRQ0 of its own, and a driver for virtio's legacy ring of 256.
#
# Sector 1: how often this disk was booted. Sector 2: the last boot that ticked, and its ticks. Sector 3: the boot that saw a later one.

	.code16
	.set	count, 0x8000		# sector 1
	.set	ticks, 0x8200		# sector 2
	.set	other, 0x8400		# sector 3
	.set	packet, 0x8600		# of int 13h
	.set	asked, 0x8610		# of virtio: what is to be done where; the status follows
	.set	rest, 0x8622		# ticks of the timer until one of ours
	.set	stack, 0x9000
	.set	ring, 0xa000		# descriptors, 256 of them
	.set	avail, 0xb000
	.set	used, 0xc000
	.set	pm, 0x600		# where SeaBIOS has the PIIX4's ACPI registers
	.set	keys, 0x41a		# the BIOS's: where the next key is, where the one after the last will be

start:	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$stack, %sp
	cld
	mov	$count, %di		# all begins as zeroes
	mov	$(used + 0x1000 - count) / 2, %cx
	rep stosw
	movw	$16, packet
	movw	$1, packet + 2
	movw	$count, packet + 4
	movb	$1, packet + 8
	mov	$0x42, %ah		# boots += 1
	call	bios
	incl	count
	mov	count, %ebx
	mov	%ebx, ticks
	mov	$0x43, %ah
	call	bios
	mov	$pm + 2, %dx		# without this the button is not told of
	mov	$!deaf << 8 & 0x100, %ax
	out	%ax, %dx

	mov	$0x80000000, %eax	# the disk, from bus 0's first device on
find:	add	$0x800, %eax
	call	config
	cmp	$0x10011af4, %ecx
	jne	find
	mov	$0x10, %al		# its ports
	call	config
	and	$0xfffc, %cx
	mov	%cx, %bp
	mov	$0, %ax			# reset; a driver is there; no feature; the only queue; go
	call	status
	mov	$3, %ax
	call	status
	lea	4(%bp), %dx
	xor	%eax, %eax
	out	%eax, %dx
	lea	14(%bp), %dx
	out	%ax, %dx
	lea	8(%bp), %dx
	mov	$ring >> 12, %al
	out	%eax, %dx
	mov	$7, %ax
	call	status
	movw	$asked, ring
	movb	$16, ring + 8
	movb	$1, ring + 12		# another one follows
	movb	$1, ring + 14
	movb	$2, ring + 25		# 512 bytes
	movb	$2, ring + 30
	movw	$asked + 16, ring + 32
	movb	$1, ring + 40
	movb	$2, ring + 44		# the disk writes
	movb	$1, avail		# no interrupt
	movl	$irq0, 0x20
	movb	$1, rest

tick:	sti				# 18.2 a second
	hlt
	mov	$pm, %dx
	in	%dx, %ax
	test	$1, %ah
	jnz	off
	mov	keys, %ax
	cmp	%ax, keys + 2
	jne	off
	decb	rest
	jnz	tick
	movb	$16, rest		# the disk takes two or three more: once a second
	mov	$count, %di
	mov	$1, %cx
	mov	$3, %al			# the disk writes
	call	disk
	cmp	%ebx, count
	je	alone
	mov	%ebx, other
	mov	$other, %di
	mov	$3, %cx
	mov	$1, %al
	call	disk
alone:	incl	ticks + 4
	mov	$ticks, %di
	mov	$2, %cx
	mov	$1, %al
	call	disk
	jmp	tick

off:	mov	$pm + 4, %dx
	mov	$0x2000, %ax
	out	%ax, %dx
	hlt

disk:	mov	%di, ring + 16		# %di: from or to where; %cx: which sector; %al: flags of that descriptor, 3 to read, 1 to write
	mov	%al, ring + 28
	shr	$1, %al
	xor	$1, %al
	mov	%al, asked
	mov	%cx, asked + 8
	incw	avail + 2
	lea	16(%bp), %dx
	xor	%ax, %ax
	out	%ax, %dx
wait:	hlt
	mov	used + 2, %ax
	cmp	%ax, avail + 2
	jne	wait
	ret

irq0:	push	%ax
	mov	$0x20, %al
	out	%al, $0x20
	pop	%ax
	iret

config:	mov	$0xcf8, %dx		# %eax: which register; %ecx: what it holds
	out	%eax, %dx
	push	%eax
	mov	$0xcfc, %dx
	in	%dx, %eax
	mov	%eax, %ecx
	pop	%eax
	ret

status:	lea	18(%bp), %dx
	out	%al, %dx
	ret

bios:	mov	$0, %al
	mov	$packet, %si
	mov	$0x80, %dl
	push	%ebx
	int	$0x13
	pop	%ebx
	ret
	.org	510
	.word	0xaa55
