"""Small stand-ins for libbpf's and the kernel's headers, of our own writing.

They are read where the machine lacks the real header, and hold what map
definitions and their types need, nothing else.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent

_FILES = {
    "linux/types.h": "types.h",
    "linux/bpf.h": "bpf.h",
    "bpf/bpf_helpers.h": "bpf_helpers.h",
    "stdint.h": "stdint.h",
    "stdbool.h": "stdbool.h",
    "stddef.h": "stddef.h",
    "stdarg.h": "stdarg.h",
    "linux/if_ether.h": "if_ether.h",
    "linux/in.h": "in.h",
    "linux/in6.h": "in6.h",
    "linux/ip.h": "ip.h",
    "linux/ipv6.h": "ipv6.h",
    "linux/tcp.h": "tcp.h",
    "linux/udp.h": "udp.h",
}
_ALIASES = {
    "bpf_helpers.h": "bpf/bpf_helpers.h",
    "asm/types.h": "linux/types.h",
    "sys/types.h": "stdint.h",
    "inttypes.h": "stdint.h",
}
_EMPTY = {
    "bpf/bpf_endian.h", "bpf_endian.h", "bpf/bpf_tracing.h", "bpf_tracing.h",
    "bpf/bpf_core_read.h", "bpf_core_read.h", "bpf/bpf_helper_defs.h", "asm/byteorder.h",
    "linux/stddef.h", "linux/ptrace.h", "linux/pkt_cls.h", "string.h", "limits.h", "asm/unistd.h",
    "linux/bpf_common.h", "asm/posix_types.h", "linux/icmp.h", "linux/icmpv6.h",
}  # fmt: skip

NAMES = frozenset(_FILES) | frozenset(_ALIASES) | _EMPTY

# Macros that a fragment may use without an include: the header, and whether
# the name counts only in front of a parenthesis.
_HELPERS = "bpf/bpf_helpers.h"
MACROS: dict[str, tuple[str, bool]] = {
    "SEC": (_HELPERS, True),
    "__uint": (_HELPERS, True),
    "__ulong": (_HELPERS, True),
    "__type": (_HELPERS, True),
    "__array": (_HELPERS, True),
    "__kptr": (_HELPERS, False),
    "__kptr_untrusted": (_HELPERS, False),
    "__percpu_kptr": (_HELPERS, False),
    "__always_inline": (_HELPERS, False),
    "__noinline": (_HELPERS, False),
    "__weak": (_HELPERS, False),
    "__hidden": (_HELPERS, False),
}


@cache
def read(name: str) -> str | None:
    """The text of the stand-in for a header's name, or None if there is none."""
    name = _ALIASES.get(name, name)
    if name in _EMPTY:
        return ""
    file = _FILES.get(name)
    return (_FOLDER / file).read_text(encoding="utf-8") if file else None
