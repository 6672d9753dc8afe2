/* SPDX-License-Identifier: Apache-2.0
 *
 * cpu_text: what to write where, so that guests have a CPU that all hosts have.
 */
#ifndef CPU_TEXT_H
#define CPU_TEXT_H

/**
 * cpu_text_advice() - for people.
 * @cpu: <cpu>, as libvirt writes it; NULL: there is none
 * @why: why there is none; NULL
 *
 * Return: owned.
 */
char *cpu_text_advice(const char *cpu, const char *why);
/** cpu_text_where() - which lines of which files have it: those of guests, and of nova.conf. Return: owned. */
char *cpu_text_where(const char *cpu);

#endif
