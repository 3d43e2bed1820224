"""This machine's own IPv6 address, as the kernel lists it: one that lasts and is public."""

import ipaddress
from pathlib import Path

KERNELS_LIST = Path("/proc/net/if_inet6")
_TEMPORARY, _DEPRECATED, _TENTATIVE, _DUPLICATE = 0x01, 0x20, 0x40, 0x08
"""Flags of an address (linux/if_addr.h)."""
_UNUSABLE = _TEMPORARY | _DEPRECATED | _TENTATIVE | _DUPLICATE
_COLUMNS, _FLAGS = 6, 4


def own_ipv6(kernels_list: Path) -> str:
    """Empty where there is none, as on a machine without IPv6 and in most containers."""
    try:
        return _lasting(kernels_list.read_text())
    except (OSError, ValueError):
        return ""


def _lasting(text: str) -> str:
    """Of lines of `address index prefix scope flags name`, in hexadecimal. Raises ValueError."""
    for line in text.splitlines():
        columns = line.split()
        if len(columns) < _COLUMNS or int(columns[_FLAGS], 16) & _UNUSABLE:
            continue
        address = ipaddress.IPv6Address(int(columns[0], 16))
        if address.is_global:
            return str(address)
    return ""
