"""Hash functions of `hashlib`, from where it takes them: it loads OpenSSL, which takes longer than they are used.

An interpreter that has these modules under other names gives those of `hashlib` itself.
"""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import blake2b, sha256
else:
    try:
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
    try:
        from importlib import import_module

        sha256 = import_module("_sha2" if sys.version_info >= (3, 12) else "_sha256").sha256
    except (ImportError, AttributeError):
        from hashlib import sha256

__all__ = ["blake2b", "sha256"]
