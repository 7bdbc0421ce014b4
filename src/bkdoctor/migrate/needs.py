"""What the migrated commands of a job need -> a partial job, made of the recipes that `bkdoctor snippet` prints."""

import re
from collections.abc import Mapping, Sequence

from bkdoctor.catalog.pattern import Recipe
from bkdoctor.fixes.yaml_tree import Node, documents
from bkdoctor.fixes.yaml_write import Style, item_lines, pair_lines, text_node
from bkdoctor.migrate.build import Build
from bkdoctor.migrate.docker import Login
from bkdoctor.migrate.flags import Target

Recipes = Mapping[tuple[str, str], Recipe]
_STYLE = Style()


def partial_job(
    recipes: Recipes, target: Target, builds: Sequence[Build], *, whole: bool, login: bool, logins: Sequence[Login]
) -> str:
    """Return what must be merged into a job, as YAML with the key `<job>`.

    `whole` also changes the image and the variables; `login` adds the recipe's own login, `logins` writes these.
    """
    build = _job(recipes, target, "build")
    config = _config(builds)
    lines = ["<job>:"]
    variables = _job(recipes, target, "mirror") if config and target == "rootless" else build
    for key in ("image", "services") if whole else ():
        lines += _pair(build, key)
    lines += _pair(variables, "variables") if whole or config else []
    before = [*_login(recipes, target, build, login, logins), *_certificates(recipes, target, builds)]
    before += _writes(recipes, target, config) if config else []
    before += _creates(recipes, build, config, whole=whole) if target == "buildx" else []
    if before:
        lines += ["  before_script:", *(line for text in before for line in item_lines(text_node(text), 4, _STYLE))]
    if target == "buildx":
        lines += _pair(build, "after_script")
    return "\n".join(lines) + "\n"


def _job(recipes: Recipes, target: Target, section: str) -> Node:
    return documents(recipes[target, section].snippet)[0].pairs[0][1]


def _pair(job: Node, key: str) -> list[str]:
    value = job.get(key)
    return pair_lines(text_node(key), value, 2, _STYLE) if value is not None else []


def _lines(job: Node, wanted: str) -> list[str]:
    """Return the lines of a before_script in which a text stands."""
    script = job.get("before_script")
    return [item.value for item in script.items if re.search(wanted, item.value)] if script else []


def _login(recipes: Recipes, target: Target, build: Node, login: bool, logins: Sequence[Login]) -> list[str]:
    known = r"auths|\.docker\"|docker login"
    if not logins:
        return _lines(build, known) if login else []
    if len(logins) == 1:
        one = logins[0]
        return [
            line.replace('"$CI_REGISTRY"', f'"{one.server}"')
            .replace('"$CI_REGISTRY_USER"', f'"{one.user}"')
            .replace('"$CI_REGISTRY_PASSWORD"', f'"{one.password}"')
            for line in _lines(build, known)
        ]
    many = _lines(_job(recipes, target, "auth-many"), known)
    entries = [
        f'"{one.server}": {{ "auth": "$(auth "{one.user}" "{one.password}")" }}'
        for one in {one.server: one for one in logins}.values()
    ]
    return [_with_entries(line, entries) for line in many]


def _with_entries(line: str, entries: Sequence[str]) -> str:
    """Return the lines that write config.json, with other entries."""
    found = re.search(r'(?m)^(?P<indent> *)"[^"\n]*": \{ "auth".*\n(?:\s*"[^"\n]*": \{ "auth".*\n)*', line)
    if not found:
        return line
    body = ",\n".join(f"{found['indent']}{entry}" for entry in entries)
    return f"{line[: found.start()]}{body}\n{line[found.end() :]}"


def _certificates(recipes: Recipes, target: Target, builds: Sequence[Build]) -> list[str]:
    paths = list(dict.fromkeys(path for build in builds for path in build.certificates))
    words = " ".join(f'"{path}"' for path in paths)
    lines = _lines(_job(recipes, target, "certificates"), r"SSL_CERT_FILE|ca-certificates") if paths else []
    return [line.replace('"$REGISTRY_CA"', words) for line in lines]


def _config(builds: Sequence[Build]) -> str:
    """Return the tables of buildkitd.toml that the builds want."""
    tables: dict[str, list[str]] = {}
    for build in builds:
        for host, lines in build.config.items():
            known = tables.setdefault(host, [])
            known += [line for line in lines if line not in known]
    return "\n".join(f'[registry."{host}"]\n' + "\n".join(f"  {line}" for line in tables[host]) for host in tables)


def _writes(recipes: Recipes, target: Target, config: str) -> list[str]:
    """Return the mirror recipe's line that writes buildkitd.toml, with other tables."""
    sign = "EOF" if "$" in config else "'EOF'"
    lines = _lines(_job(recipes, target, "mirror"), r"buildkitd\.toml <<")
    return [re.sub(r"(?s)<<'?EOF'?\n.*\nEOF", lambda _: f"<<{sign}\n{config}\nEOF", line) for line in lines]


def _creates(recipes: Recipes, build: Node, config: str, *, whole: bool) -> list[str]:
    waits = "docker info|" if whole else ""
    job = _job(recipes, "buildx", "mirror") if config else build
    return _lines(job, rf"{waits}context create|buildx create|buildx inspect")
