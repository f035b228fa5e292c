# SPDX-License-Identifier: Apache-2.0
"""Understudy in DaVinci Resolve: Replace and Animate on the selected clips, started from the Scripts menu.

It runs in the product's own environment, as a companion of Resolve, and imports only the standard library and
``understudy_api``. Only ``host`` calls Resolve.
"""

VERSION = "0.1.0"
