/* SPDX-License-Identifier: Apache-2.0
 *
 * seam: the implementations of the hypervisor seam, which the program alone knows, for its commands that ask hosts.
 */
#ifndef MANAGE_SEAM_H
#define MANAGE_SEAM_H

#include <stdbool.h>

#include "hv/hv.h"

struct seam {
	const struct hv_ops *const *ops; /* NULL-terminated, the one without a scheme last */
	bool (*init)(GError **err);      /* once, before they are used */
};

/** seam_use() - the program's; of static lifetime. */
void seam_use(const struct seam *s);
/** seam_used() - what that was. Borrowed. */
const struct seam *seam_used(void);

#endif
