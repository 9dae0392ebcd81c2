"""mapschema: struct layouts for eBPF maps, the same in C, Go and the kernel."""

__version__ = "0.1.0"
