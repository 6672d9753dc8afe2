# SPDX-License-Identifier: Apache-2.0
# A text as a string of C.
s/\\/\\\\/g
s/"/\\"/g
s/.*/"&\\n"/
