# SPDX-License-Identifier: Apache-2.0
#
# The boot sector of a guest that is there in a moment: it counts its boots and its ticks on its disk, tells whether another copy of it
# has booted since, and powers off when a key is pressed, or the power button, but for a "deaf" one. ticker.py makes disks of it and
# reads them.
#
# Sector 1: how often this disk was booted. Sector 2: the last boot that ticked, and its ticks. Sector 3: the boot that saw a later one.

	.code16
	.set	count, 0x8000		# sector 1
	.set	ticks, 0x8200		# sector 2
	.set	other, 0x8400		# sector 3
	.set	pm, 0x600		# where SeaBIOS has the PIIX4's ACPI registers
	.set	keys, 0x41a		# the BIOS's: where the next key is, where the one after the last will be

start:	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$start, %sp
	cld
	mov	$count, %di		# sectors begin as zeroes
	mov	$0x300, %cx
	rep stosw
	mov	$0x42, %ah		# boots += 1
	call	sector1
	incl	count
	mov	count, %ebx
	mov	%ebx, ticks
	mov	$0x43, %ah
	call	sector1
	mov	$pm + 2, %dx		# without this the button is not told of
	mov	$!deaf << 8 & 0x100, %ax
	out	%ax, %dx

tick:	sti				# 18.2 a second; the BIOS spins while a disk works, so it does once a second
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
	movb	$18, rest
	mov	$0x42, %ah
	call	sector1
	cmp	%ebx, count
	je	alone
	mov	%ebx, other
	mov	$other, %di
	mov	$3, %cx
	mov	$0x43, %ah
	call	disk
alone:	incl	ticks + 4
	mov	$ticks, %di
	mov	$2, %cx
	mov	$0x43, %ah
	call	disk
	jmp	tick

off:	mov	$pm + 4, %dx
	mov	$0x2000, %ax
	out	%ax, %dx
	hlt

sector1:
	mov	$count, %di
	mov	$1, %cx
disk:	mov	%di, packet + 4		# %ah: 0x42 reads, 0x43 writes; %di: where; %cx: which sector
	mov	%cx, packet + 8
	mov	$0, %al
	mov	$packet, %si
	mov	$0x80, %dl
	push	%ebx
	int	$0x13
	pop	%ebx
	ret

rest:	.byte	1
packet:	.byte	16, 0
	.word	1, 0, 0
	.quad	0
	.org	510
	.word	0xaa55
