"""Key and value sizes of a map, as cilium/ebpf and libbpf give them to the kernel."""

from __future__ import annotations

from mapschema import maptypes
from mapschema.layout import Layouts
from mapschema.types import MapDef


def key_size(item: MapDef, layouts: Layouts) -> int:
    """Size of the key in bytes; raises LayoutError where its type has none."""
    kind = maptypes.BY_NAME[item.type]
    if kind.shape == "ring" or not kind.has_key:
        return 0
    if item.key is not None:
        return layouts.size(item.key)
    if item.key_size is not None:
        return item.key_size
    return 4 if kind.fd_value else 0


def value_size(item: MapDef, layouts: Layouts) -> int:
    """Size of the value in bytes; raises LayoutError where its type has none."""
    kind = maptypes.BY_NAME[item.type]
    if kind.shape == "ring" or not kind.has_value:
        return 0
    if kind.fd_value:
        return 4
    if item.value is not None:
        return layouts.size(item.value)
    return item.value_size or 0
