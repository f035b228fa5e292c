# SPDX-License-Identifier: Apache-2.0
"""The menu scripts in Resolve's folders: written, removed, and looked after."""
