"""Where mapschema keeps what it computed once: beside the user's other caches (XDG)."""

from __future__ import annotations

import os


def cache_folder() -> str | None:
    """The folder, made where it is missing; None where there is none to write to.

    MAPSCHEMA_NO_CACHE turns all caching off.
    """
    root = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    if os.environ.get("MAPSCHEMA_NO_CACHE") or not os.path.isabs(root):
        return None
    folder = os.path.join(root, "mapschema")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None
