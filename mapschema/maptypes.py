"""The kernel's map types: their numbers, shapes and rules (`enum bpf_map_type`).

One table for the frontends, the generators and the rules.  Kernel versions are
those of the commit that added the type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Shape = Literal["hash", "array", "queue", "ring", "perf", "outer", "fd", "storage", "other"]


@dataclass(frozen=True, slots=True)
class MapType:
    """A map type; `name` without ``BPF_MAP_TYPE_``, `since` the first kernel.

    `cilium` is the constant's name in cilium/ebpf.  `has_key` and `has_value`
    say whether a definition gives them.  `fd_value`: the value is a 4-byte
    descriptor of something else.
    """

    name: str
    number: int
    cilium: str
    shape: Shape
    since: tuple[int, int]
    has_key: bool = True
    has_value: bool = True
    per_cpu: bool = False
    fd_value: bool = False

    @property
    def dsl(self) -> str:
        return self.name.lower()


_TABLE = (
    MapType("HASH", 1, "Hash", "hash", (3, 19)),
    MapType("ARRAY", 2, "Array", "array", (3, 19)),
    MapType("PROG_ARRAY", 3, "ProgramArray", "fd", (4, 2), fd_value=True),
    MapType("PERF_EVENT_ARRAY", 4, "PerfEventArray", "perf", (4, 3), fd_value=True),
    MapType("PERCPU_HASH", 5, "PerCPUHash", "hash", (4, 6), per_cpu=True),
    MapType("PERCPU_ARRAY", 6, "PerCPUArray", "array", (4, 6), per_cpu=True),
    MapType("STACK_TRACE", 7, "StackTrace", "other", (4, 6)),
    MapType("CGROUP_ARRAY", 8, "CGroupArray", "fd", (4, 8), fd_value=True),
    MapType("LRU_HASH", 9, "LRUHash", "hash", (4, 10)),
    MapType("LRU_PERCPU_HASH", 10, "LRUCPUHash", "hash", (4, 10), per_cpu=True),
    MapType("LPM_TRIE", 11, "LPMTrie", "hash", (4, 11)),
    MapType("ARRAY_OF_MAPS", 12, "ArrayOfMaps", "outer", (4, 12), fd_value=True),
    MapType("HASH_OF_MAPS", 13, "HashOfMaps", "outer", (4, 12), fd_value=True),
    MapType("DEVMAP", 14, "DevMap", "fd", (4, 14)),
    MapType("SOCKMAP", 15, "SockMap", "fd", (4, 14)),
    MapType("CPUMAP", 16, "CPUMap", "fd", (4, 15)),
    MapType("XSKMAP", 17, "XSKMap", "fd", (4, 18)),
    MapType("SOCKHASH", 18, "SockHash", "fd", (4, 18)),
    MapType("CGROUP_STORAGE", 19, "CGroupStorage", "storage", (4, 19)),
    MapType("REUSEPORT_SOCKARRAY", 20, "ReusePortSockArray", "fd", (4, 19)),
    MapType("PERCPU_CGROUP_STORAGE", 21, "PerCPUCGroupStorage", "storage", (4, 20), per_cpu=True),
    MapType("QUEUE", 22, "Queue", "queue", (4, 20), has_key=False),
    MapType("STACK", 23, "Stack", "queue", (4, 20), has_key=False),
    MapType("SK_STORAGE", 24, "SkStorage", "storage", (5, 2)),
    MapType("DEVMAP_HASH", 25, "DevMapHash", "fd", (5, 4)),
    MapType("STRUCT_OPS", 26, "StructOpsMap", "other", (5, 6)),
    MapType("RINGBUF", 27, "RingBuf", "ring", (5, 8), has_key=False, has_value=False),
    MapType("INODE_STORAGE", 28, "InodeStorage", "storage", (5, 10)),
    MapType("TASK_STORAGE", 29, "TaskStorage", "storage", (5, 11)),
    MapType("BLOOM_FILTER", 30, "BloomFilter", "other", (5, 16), has_key=False),
    MapType("USER_RINGBUF", 31, "UserRingbuf", "ring", (6, 1), has_key=False, has_value=False),
    MapType("CGRP_STORAGE", 32, "CgroupStorage", "storage", (6, 2)),
    MapType("ARENA", 33, "Arena", "other", (6, 9), has_key=False, has_value=False),
    MapType("INSN_ARRAY", 34, "InsnArray", "other", (6, 19)),
)
BY_NAME: dict[str, MapType] = {item.name: item for item in _TABLE}
BY_NUMBER: dict[int, MapType] = {item.number: item for item in _TABLE}

FLAGS: dict[str, int] = {
    "no_prealloc": 1 << 0,
    "no_common_lru": 1 << 1,
    "numa_node": 1 << 2,
    "rdonly": 1 << 3,
    "wronly": 1 << 4,
    "stack_build_id": 1 << 5,
    "zero_seed": 1 << 6,
    "rdonly_prog": 1 << 7,
    "wronly_prog": 1 << 8,
    "clone": 1 << 9,
    "mmapable": 1 << 10,
    "preserve_elems": 1 << 11,
    "inner_map": 1 << 12,
    "link": 1 << 13,
    "path_fd": 1 << 14,
    "vtype_btf_obj_fd": 1 << 15,
    "token_fd": 1 << 16,
    "segv_on_fault": 1 << 17,
    "no_user_conv": 1 << 18,
    "rb_overwrite": 1 << 19,
}
"""``BPF_F_*`` of map creation, by their names in lower case."""

NO_PREALLOC = FLAGS["no_prealloc"]


def flag_names(flags: int) -> list[str]:
    """The ``BPF_F_*`` names of the bits that are set; unknown bits as a number."""
    names = [f"BPF_F_{name.upper()}" for name, bit in FLAGS.items() if flags & bit]
    rest = flags & ~sum(FLAGS.values())
    return names + ([f"{rest:#x}"] if rest else [])
