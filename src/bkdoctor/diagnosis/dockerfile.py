"""From the name that a builder gives to the Dockerfile to its path, as the build's command tells it.

BuildKit names the file as it stands in its own folder: `Dockerfile` may be `services/web/Dockerfile` in the repository.
"""

import re
from posixpath import basename, join, normpath

from bkdoctor.trace.layout import Layout

_PLAIN = r"""["']?(?P<path>[\w./@+-]+)["']?(?=\s|$)"""
_FILE = re.compile(rf"\s(?:-f[ =]?|--file[ =]|--dockerfile[ =]|--opt[ =]filename=){_PLAIN}")
_FOLDER = re.compile(rf"\s--local[ =]dockerfile={_PLAIN}")
_ELSEWHERE = re.compile(r"(?:^|[;&|(]\s*)(?:cd|pushd)\s")
_BUILD = re.compile(r"\b(?:build|bake|buildctl(?:-daemonless\.sh)?|executor|bud)\b")


def path_of(layout: Layout, name: str, before: int) -> str:
    """Return the path of the Dockerfile of a build that failed at line `before`; its `name` where no command tells."""
    if "/" in name or any(_ELSEWHERE.search(c.text) for c in layout.commands if c.line <= before):
        return name
    build = next((c for c in reversed(layout.commands) if c.line <= before and _BUILD.search(c.text)), None)
    if build is None:
        return name
    file, folder = _FILE.search(build.text), _FOLDER.search(build.text)
    path = normpath(join(folder["path"] if folder else "", file["path"] if file else name))
    return path if basename(path) == name and not path.startswith("../") else name
