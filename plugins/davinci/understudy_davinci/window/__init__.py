# SPDX-License-Identifier: Apache-2.0
"""The options window: one of our own, the same on every edition of Resolve. Only ``view`` and ``look`` know Tk."""
