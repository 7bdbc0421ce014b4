"""Lines in which a tool tells of a failure that it went on after: a cache it does without, a try it repeats.

Sources: kaniko `pkg/executor/build.go`, `pkg/image/image_util.go`, `pkg/image/remote/remote.go`, `pkg/util/util.go`;
containers/common `pkg/retry/retry.go`, containerd `core/remotes/docker/resolver.go`.
"""

import re

_LOGRUS = r'(?:(?:WARN|ERRO|WARNING|ERROR)\[[^\]]*\]|time=\S+ level=(?:warning|error) msg=")\s*'
_OVERCOME = re.compile(
    _LOGRUS
    + r"(?:[Ee]rror uploading layer to cache: |Error while retrieving image from cache: "
    + r"|Failed to retrieve image \S+ from remapped registry |Retrying operation after |[Ff]ailed, retrying in )"
    + r'|time=\S+ level=(?:info|debug|warning) msg="trying next host'
)


def is_overcome(body: str) -> bool:
    """Say whether a line's tool goes on behind it: what ends the build stands elsewhere."""
    return _OVERCOME.match(body) is not None
