# SPDX-License-Identifier: Apache-2.0
"""The Understudy server, for the chain and the window: found or started, asked, followed."""
