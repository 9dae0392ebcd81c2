"""Go names for C names, by one rule.

The words of a C name (split at ``_`` and where a capital follows a small
letter) are capitalised and joined; a word that is an initialism is written in
capitals: ``src_ip`` is ``SrcIP``, ``ipv4_addr`` is ``IPv4Addr``.  A word in
capitals counts as a small one: ``DROP`` is ``Drop``.  A name that is taken
gets a number: ``FooBar``, ``FooBar2``.
"""

from __future__ import annotations

import re

INITIALISMS = {
    word.lower(): word
    for word in (
        "ACL", "API", "ARP", "ASN", "BGP", "BPF", "CIDR", "CNF", "CPU", "DNS", "DSCP", "ECN", "FD",
        "FIB", "GID", "GRE", "HTTP", "HTTPS", "ICMP", "ID", "IO", "IP", "JSON", "L2", "L3", "L4", "L7",
        "LPM", "LRU", "MAC", "MTU", "NAT", "NIC", "OS", "PID", "QPS", "RAM", "RTT", "SCTP", "SNI",
        "SQL", "SSH", "TC", "TCP", "TGID", "TID", "TLS", "TTL", "UDP", "UID", "URL", "UUID",
        "VIP", "VLAN", "VNI", "VPC", "VXLAN", "XDP",
    )
}  # fmt: skip
INITIALISMS |= {"ipv4": "IPv4", "ipv6": "IPv6", "icmpv6": "ICMPv6", "ip4": "IP4", "ip6": "IP6"}

KEYWORDS = frozenset(
    [
        "break",
        "case",
        "chan",
        "const",
        "continue",
        "default",
        "defer",
        "else",
        "fallthrough",
        "for",
        "func",
        "go",
        "goto",
        "if",
        "import",
        "interface",
        "map",
        "package",
        "range",
        "return",
        "select",
        "struct",
        "switch",
        "type",
        "var",
    ]
)

_SPLIT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")


def exported(name: str) -> str:
    """The exported Go name for a C name; ``X`` stands in front where no letter begins it."""
    words = [word for word in _SPLIT.split(name) if word]
    result = ""
    for word in words:
        known = INITIALISMS.get(word.lower())
        if known is not None:
            result += known
        elif word.isupper() and len(words) >= 1:
            result += word[0] + word[1:].lower()
        else:
            result += word[0].upper() + word[1:]
    if not result or not result[0].isalpha():
        result = "X" + result
    return result


class Names:
    """Hands out names of one scope, each once; what had to be renamed is noted."""

    def __init__(self, reserved: frozenset[str] | set[str] = frozenset()) -> None:
        self._taken = set(reserved)
        self.renamed: list[tuple[str, str, str]] = []
        """(C name, the Go name it would have had, the Go name it got)."""

    def take(self, wanted: str, source: str, *together: str) -> str:
        """A free name like `wanted`.

        `together` are patterns such as ``Set{}`` that must be free, too; all of
        them are taken.
        """
        name, number = wanted, 2
        while any(n in self._taken for n in (name, *(p.format(name) for p in together))):
            name = f"{wanted}{number}"
            number += 1
        self._taken.add(name)
        self._taken.update(pattern.format(name) for pattern in together)
        if name != wanted:
            self.renamed.append((source, wanted, name))
        return name
