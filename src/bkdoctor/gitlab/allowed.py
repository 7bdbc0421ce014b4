"""Names of projects, as a configuration lists them -> whether a project is one of those."""

from fnmatch import fnmatchcase

import msgspec


class Allowed(msgspec.Struct, frozen=True, kw_only=True):
    """Which projects may be worked for."""

    projects: tuple[str, ...] = ()
    """Ids, paths or globs such as `group/*`; none: all."""
    denied: tuple[str, ...] = ()
    """In the same form; goes before `projects`."""

    @property
    def restricts(self) -> bool:
        """Whether any project is left out."""
        return bool(self.projects or self.denied)

    def allows(self, project_id: int, path: str) -> bool:
        """Whether this project may be; a path that is not known is empty."""
        return not _listed(self.denied, project_id, path) and (
            not self.projects or _listed(self.projects, project_id, path)
        )


def _listed(names: tuple[str, ...], project_id: int, path: str) -> bool:
    return any(name == str(project_id) or fnmatchcase(path.lower(), name.lower()) for name in names)
