# SPDX-License-Identifier: Apache-2.0
"""``python -m understudy_davinci``: the companion of Resolve."""

import sys

from .companion import main

sys.exit(main())
