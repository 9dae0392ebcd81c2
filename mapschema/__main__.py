"""``python -m mapschema``."""

import sys

from mapschema.cli import main

sys.exit(main())
