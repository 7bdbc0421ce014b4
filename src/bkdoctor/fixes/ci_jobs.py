"""From what the log says and a configuration to the job of the file that failed."""

from typing import cast

from bkdoctor.fixes.ci_config import Config, File
from bkdoctor.fixes.fill import job_name
from bkdoctor.fixes.result import CannotEdit
from bkdoctor.fixes.script_lines import family_of
from bkdoctor.fixes.yaml_tree import Node
from bkdoctor.model import Edit, Facts, Method

_COLLAPSED = "# collapsed multi-line command"


def find_job(config: Config, facts: Facts, edit: Edit, wanted: str | None) -> str:
    """Return the name of the job: the one asked for, the API's, else the one whose script the log shows.

    Raises CannotEdit, with the jobs that there are, when none or several fit.
    """
    jobs = config.jobs()
    if wanted is not None:
        if not any(config.entries(wanted)):
            raise CannotEdit(f"there is no job {wanted} in {config.main.path}: {_there_are(jobs)}")
        return wanted
    if facts.job is not None:
        return _known(config, facts.job, jobs)
    if not jobs:
        raise CannotEdit(f"{config.main.path} holds no jobs{_not_at_hand(config)}")
    fitting = _by_log(config, jobs, edit) or _by_method(config, jobs, facts)
    fitting = _by_image(config, fitting, facts) if len(fitting) > 1 else fitting
    if len(fitting) == 1:
        return fitting[0]
    if not fitting and len(jobs) == 1:
        return jobs[0]
    which = (
        f"any of {', '.join(fitting)} may be the job"
        if fitting
        else f"no job is the log's for sure: {_there_are(jobs)}"
    )
    raise CannotEdit(f"{which}: name it with --job NAME")


def method_of_job(config: Config, facts: Facts, edit: Edit, wanted: str | None) -> Method | None:
    """Return the method with which the job builds; None where it is not clear which job it is, or it builds in two."""
    try:
        job = find_job(config, facts, edit, wanted)
    except CannotEdit:
        return None
    families = {family_of(node.value) for _, node in _scripts(config, job)} - {None}
    return cast("Method", families.pop()) if len(families) == 1 else None


def _known(config: Config, name: str, jobs: list[str]) -> str:
    for candidate in (name, job_name(name)):
        if any(config.entries(candidate)):
            return candidate
    raise CannotEdit(
        f"there is no job {job_name(name)} in {config.main.path}{_not_at_hand(config)}: {_there_are(jobs)}"
    )


def _there_are(jobs: list[str]) -> str:
    return f"its jobs are {', '.join(jobs[:20])}" if jobs else "it has no jobs"


def _not_at_hand(config: Config) -> str:
    return f" (not at hand: {', '.join(config.missing[:5])})" if config.missing else ""


def _scripts(config: Config, job: str) -> list[tuple[File, Node]]:
    found = [config.effective(job, key) for key in ("before_script", "script")]
    return [pair for f in found if f for pair in config.scalars(f)]


def _by_log(config: Config, jobs: list[str], edit: Edit) -> list[str]:
    """Return the jobs of whose script the log shows most."""
    shown = {_first_line(c.removesuffix(_COLLAPSED)) for c in edit.commands} - {""}
    scores = {}
    for job in jobs:
        lines = [_first_line(node.value) for _, node in _scripts(config, job)]
        scores[job] = (sum(line in shown for line in lines), -sum(line not in shown for line in lines))
    best = max(scores.values(), default=(0, 0))
    return [job for job, score in scores.items() if score == best] if best[0] else []


def _first_line(text: str) -> str:
    return " ".join(text.strip().split("\n")[0].split())


def _by_method(config: Config, jobs: list[str], facts: Facts) -> list[str]:
    """Return the jobs that build with the log's method, or with any if that is not known."""
    built = {job: {family_of(node.value) for _, node in _scripts(config, job)} - {None} for job in jobs}
    return [job for job, families in built.items() if families and facts.method in (None, *families)]


def _by_image(config: Config, jobs: list[str], facts: Facts) -> list[str]:
    images = {}
    for job in jobs:
        found = config.effective(job, "image")
        node = found.node.real if found else None
        name = node.get("name") if node is not None and node.kind == "map" else node
        images[job] = name.real.value if name is not None else ""
    same = [job for job, image in images.items() if facts.image and image == facts.image]
    return same or jobs
