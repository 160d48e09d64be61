"""`python -m config.supervisor`, which `make up` and `manage.py up` become: runs one instance in the foreground."""

import os
import sys

from config.supervisor.plan import build_plan
from config.supervisor.running import run_in_foreground

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    sys.exit(run_in_foreground(build_plan))
