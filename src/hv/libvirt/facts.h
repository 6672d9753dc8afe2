/* SPDX-License-Identifier: Apache-2.0
 *
 * facts: what a check of the set-up asks a host (hv/facts.h).
 */
#ifndef LV_FACTS_H
#define LV_FACTS_H

#include "hv/libvirt/call.h"

lv_work_f lv_facts_get, lv_cpu_baseline;

#endif
