"""The GitLab double with what the bot reads and writes: pipelines, merge requests, discussions, statuses, hooks.

with BotGitLab() as gitlab:
    gitlab.add_merge_request("group/app", 3, sha="a" * 40)
    gitlab.add_pipeline("group/app", 100, sha="a" * 40, jobs=[gitlab.failing(12, trace)], merge_request=3)
    gitlab.fail_after(Fault(reset=True), route="new discussion")

A request whose method, path, query or body GitLab would not know fails the test that made it.
"""

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from markdown_it import MarkdownIt

from .gitlab_double import TOKEN, Fault, GitLabDouble, Seen, _json
from .gitlab_double import Job as DoubleJob

BOT = 9
HUMAN = 5
SHA = "a" * 40
_PAGING = {"page", "per_page"}
_MARKDOWN = MarkdownIt("commonmark")
_P = "/api/v4/projects/(?P<project>[^/]+)"
_MR = _P + "/merge_requests/(?P<mr>[0-9]+)"
_PIPELINE = _P + "/pipelines/(?P<pipeline>[0-9]+)"
_COMMIT = _P + "/repository/commits/(?P<sha>[0-9a-f]+)"

Answer = Fault | DoubleJob


class Route:
    """A method and a path of GitLab's published API description, with the query or body keys that it takes."""

    def __init__(self, method: str, path: str, *keys: str, paged: bool = False) -> None:
        self.method = method
        self.form = re.compile(path)
        self.keys = set(keys) | (_PAGING if paged else set())


ROUTES = {
    "version": Route("GET", "/api/v4/version"),
    "user": Route("GET", "/api/v4/user"),
    "token": Route("GET", "/api/v4/personal_access_tokens/self"),
    "projects": Route(
        "GET",
        "/api/v4/projects",
        "membership",
        "archived",
        "simple",
        "order_by",
        "sort",
        "last_activity_after",
        paged=True,
    ),
    "group": Route("GET", "/api/v4/groups/(?P<group>[^/]+)"),
    "group projects": Route(
        "GET",
        "/api/v4/groups/(?P<group>[^/]+)/projects",
        *"include_subgroups with_shared archived order_by sort".split(),
        paged=True,
    ),
    "project jobs": Route("GET", _P + "/jobs", *"scope[] pagination order_by sort per_page cursor".split()),
    "pipelines": Route(
        "GET", _P + "/pipelines", "sha", "ref", "order_by", "sort", "scope", "updated_after", paged=True
    ),
    "pipeline": Route("GET", _PIPELINE),
    "pipeline jobs": Route("GET", _PIPELINE + "/jobs", "include_retried", "scope", paged=True),
    "bridges": Route("GET", _PIPELINE + "/bridges", paged=True),
    "merge request": Route("GET", _MR),
    "merge request pipelines": Route("GET", _MR + "/pipelines", paged=True),
    "versions": Route("GET", _MR + "/versions", paged=True),
    "diffs": Route("GET", _MR + "/diffs", paged=True),
    "discussions": Route("GET", _MR + "/discussions", paged=True),
    "new discussion": Route("POST", _MR + "/discussions", "body", "position"),
    "edit note": Route("PUT", _MR + "/discussions/(?P<discussion>[0-9a-f]{40})/notes/(?P<note>[0-9]+)", "body"),
    "delete note": Route("DELETE", _MR + "/discussions/(?P<discussion>[0-9a-f]{40})/notes/(?P<note>[0-9]+)"),
    "resolve": Route("PUT", _MR + "/discussions/(?P<discussion>[0-9a-f]{40})", "resolved"),
    "awards": Route("GET", _MR + "/notes/(?P<note>[0-9]+)/award_emoji", paged=True),
    "commit": Route("GET", _COMMIT),
    "commit merge requests": Route("GET", _COMMIT + "/merge_requests", paged=True),
    "statuses": Route("GET", _COMMIT + "/statuses", "name", "pipeline_id", paged=True),
    "new status": Route(
        "POST", _P + "/statuses/(?P<sha>[0-9a-f]+)", "state", "name", "description", "pipeline_id", "ref", "target_url"
    ),
    "file": Route("GET", _P + "/repository/files/(?P<file>[^/]+)/raw", "ref"),
    "hooks": Route("GET", "/api/v4/(?P<kind>projects|groups)/(?P<place>[^/]+)/hooks", paged=True),
    "new hook": Route("POST", "/api/v4/(?P<kind>projects|groups)/(?P<place>[^/]+)/hooks"),
    "edit hook": Route("PUT", "/api/v4/(?P<kind>projects|groups)/(?P<place>[^/]+)/hooks/(?P<hook>[0-9]+)"),
}
HOOK_KEYS = {
    *"url name description token signing_token enable_ssl_verification push_events issues_events job_events".split(),
    *"confidential_issues_events merge_requests_events tag_push_events note_events pipeline_events".split(),
    *"confidential_note_events wiki_page_events deployment_events releases_events".split(),
}
_FINISHED = {"success", "failed", "canceled", "skipped"}


class BotGitLab(GitLabDouble):
    """The server; what tests want to see of a merge request is in `discussions`."""

    def __init__(self, *, root: str = "") -> None:
        super().__init__(root=root)
        self.tokens[TOKEN] = {"api"}
        self.may_resolve = True
        self.merge_requests: dict[tuple[int, int], dict[str, Any]] = {}
        self.merge_request_pipelines: dict[tuple[int, int], list[int]] = {}
        self.pipelines: dict[int, dict[str, Any]] = {}
        self.pipeline_jobs: dict[int, list[int]] = {}
        self.children: dict[int, list[int]] = {}
        self.failed_bridges: dict[int, list[dict[str, Any]]] = {}
        """Trigger jobs that started no pipeline."""
        self.discussions: dict[tuple[int, int], list[dict[str, Any]]] = {}
        self.awards: dict[int, list[dict[str, Any]]] = {}
        self.parents: dict[str, list[str]] = {}
        self.statuses: list[dict[str, Any]] = []
        self.hooks: dict[str, list[dict[str, Any]]] = {}
        self.groups: dict[str, int] = {}
        self.archived: set[str] = set()
        self.without_jobs: set[str] = set()
        """Projects for which CI/CD is switched off."""
        self.files: dict[str, bytes] = {}
        self.diffs: list[dict[str, Any]] = []
        self.hidden: set[int] = set()
        """Projects that the token does not see."""
        self.writes: list[tuple[str, dict[str, Any]]] = []
        self.lock = threading.RLock()
        self._after: list[tuple[str, Fault]] = []
        self._last = 1000
        self._server.RequestHandlerClass = _handler(self, self._server.RequestHandlerClass)

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    # --- what a test says ---------------------------------------------------------------------------------------

    def project_id(self, project: str) -> int:
        return self.numbers.setdefault(project, len(self.numbers) + 71)

    def add_merge_request(
        self, project: str, iid: int, *, sha: str = SHA, branch: str = "feature", **fields: Any
    ) -> None:
        number = self.project_id(project)
        known = {
            "id": iid + 5000,
            "iid": iid,
            "project_id": number,
            "source_project_id": number,
            "target_project_id": number,
            "state": "opened",
            "sha": sha,
            "source_branch": branch,
            "head_pipeline": None,
        }
        self.merge_requests[number, iid] = known | fields
        self.merge_request_pipelines.setdefault((number, iid), [])
        self.discussions.setdefault((number, iid), [])

    def push(self, project: str, iid: int, sha: str) -> None:
        self.merge_requests[self.project_id(project), iid]["sha"] = sha

    def add_pipeline(
        self,
        project: str,
        number: int,
        *,
        sha: str = SHA,
        status: str = "failed",
        merge_request: int | None = None,
        parent: int | None = None,
        **fields: Any,
    ) -> None:
        """Add a pipeline; with `merge_request` it is in that one's list, unless it is a child of `parent`."""
        project_id = self.project_id(project)
        with self.lock:
            known = {
                "id": number,
                "iid": number,
                "project_id": project_id,
                "sha": sha,
                "ref": f"refs/merge-requests/{merge_request}/head" if merge_request else "feature",
                "status": status,
                "source": "parent_pipeline" if parent else "merge_request_event" if merge_request else "push",
                "web_url": f"{self.url}/{project}/-/pipelines/{number}",
                "updated_at": "2026-11-01T10:00:00Z",
            }
            self.pipelines[number] = known | fields
            self.pipeline_jobs.setdefault(number, [])
            if parent:
                self.children.setdefault(parent, []).append(number)
            elif merge_request:
                self.merge_request_pipelines[project_id, merge_request].append(number)

    def link(self, project: str, iid: int, number: int) -> None:
        """Put a pipeline of a branch or a fork into a merge request's list."""
        self.merge_request_pipelines[self.project_id(project), iid].append(number)

    def add_pipeline_job(
        self,
        project: str,
        pipeline: int,
        number: int,
        trace: bytes | Callable[[], Iterator[bytes]] | None,
        **fields: Any,
    ) -> None:
        known = {"pipeline": {"id": pipeline}, "allow_failure": False, "failure_reason": "script_failure"}
        if fields.get("status", "failed") != "failed":
            known.pop("failure_reason")
        self.add_job(project, number, trace=trace, **(known | fields))
        self.pipeline_jobs[pipeline].append(number)

    def add_discussion(
        self, project: str, iid: int, body: str, *, author: int = HUMAN, system: bool = False
    ) -> dict[str, Any]:
        discussion = self._discussion(body, author)
        discussion["notes"][0]["system"] = system
        self.discussions[self.project_id(project), iid].append(discussion)
        return discussion

    def reply(self, discussion: dict[str, Any], body: str, *, author: int = HUMAN) -> None:
        discussion["notes"].append(self._note(body, author))

    def vote(self, discussion: dict[str, Any], name: str = "thumbsdown", *, user: int = HUMAN) -> None:
        note = discussion["notes"][0]["id"]
        self.awards.setdefault(note, []).append({"id": self._number(), "name": name, "user": {"id": user}})

    def notes(self, project: str, iid: int) -> list[dict[str, Any]]:
        """First notes of the bot's threads that are no suggestions."""
        first = [d["notes"][0] for d in self.discussions[self.project_id(project), iid]]
        return [n for n in first if n["author"]["id"] == BOT and "bkdoctor:note" in n["body"]]

    def fail_after(self, fault: Fault, *, times: int = 1, route: str = "") -> None:
        """Do what the next requests ask for, and answer so."""
        self._after += [(route, fault)] * times

    # --- what GitLab does ---------------------------------------------------------------------------------------

    def fault_after(self, route: str) -> Fault | None:
        with self.lock:
            found = next((entry for entry in self._after if entry[0] in ("", route)), None)
            if found:
                self._after.remove(found)
            return found[1] if found else None

    def answer(self, route: str, found: dict[str, str], headers: dict[str, str]) -> Answer:
        answer = super().answer(route, found, headers)
        if self._number_of(found["project"]) in self.hidden:
            return _json(404, {"message": "404 Project Not Found"})
        return answer

    def _number_of(self, name: str) -> int | None:
        name = unquote(name)
        return next((n for path, n in self.numbers.items() if name in (path, str(n))), None)

    def _number(self) -> int:
        self._last += 1
        return self._last

    def _note(self, body: str, author: int) -> dict[str, Any]:
        return {
            "id": self._number(),
            "type": "DiscussionNote",
            "body": body,
            "author": {"id": author, "username": f"user{author}"},
            "system": False,
            "resolvable": True,
            "resolved": False,
            "position": None,
        }

    def _discussion(self, body: str, author: int) -> dict[str, Any]:
        return {"id": f"{self._number():040x}", "individual_note": False, "notes": [self._note(body, author)]}

    def do(self, route: str, found: dict[str, str], query: dict[str, str], body: dict[str, Any]) -> Answer:
        """Answer a request that is formed well."""
        project = self._number_of(found["project"]) if "project" in found else None
        if "project" in found and (project is None or project in self.hidden):
            return _json(404, {"message": "404 Project Not Found"})
        action = getattr(self, "_" + route.replace(" ", "_"))
        with self.lock:
            answer = action(project, found, query, body)
        if isinstance(answer, list):
            return _page(answer, query)
        return answer if isinstance(answer, Fault) else _json(200, answer)

    def _version(self, *_: Any) -> Any:
        return {"version": "18.10.0", "revision": "abc"}

    def _user(self, *_: Any) -> Any:
        return {"id": BOT, "username": "project_71_bot"}

    def _token(self, *_: Any) -> Any:
        return {"id": 1, "scopes": sorted(self.tokens[TOKEN]), "active": True, "expires_at": "2027-01-01"}

    def _projects(self, *_: Any) -> Any:
        return [{"id": n, "path_with_namespace": p} for p, n in self.numbers.items() if n not in self.hidden]

    def _group(self, _: Any, found: dict[str, str], *__: Any) -> Any:
        name = unquote(found["group"])
        number = self.groups.get(name)
        missing = _json(404, {"message": "404 Group Not Found"})
        return missing if number is None else {"id": number, "full_path": name}

    def _group_projects(self, _: Any, found: dict[str, str], query: dict[str, str], *__: Any) -> Any:
        name = unquote(found["group"])
        below = [
            p for p in self.numbers if p.startswith(f"{name}/") and not (p in self.archived and "archived" in query)
        ]
        if query.get("include_subgroups") != "true":
            below = [p for p in below if p.count("/") == name.count("/") + 1]
        access = {True: "disabled", False: "enabled"}
        rows = [(self.numbers[p], p, access[p in self.without_jobs]) for p in below]
        return [{"id": n, "path_with_namespace": p, "builds_access_level": a} for n, p, a in sorted(rows)]

    def _project_jobs(self, project: int, _: Any, query: dict[str, str], *__: Any) -> Any:
        path = next(p for p, n in self.numbers.items() if n == project)
        if path in self.without_jobs:
            return _json(403, {"message": "403 Forbidden"})
        assert (query["pagination"], query["order_by"], query["sort"]) == ("keyset", "id", "desc")
        before = int(query.get("cursor", "x999999999")[1:])
        mine = [job.fields for (name, number), job in self.jobs.items() if name == path and number < before]
        mine = sorted((f for f in mine if f["status"] == query.get("scope[]", f["status"])), key=lambda f: -f["id"])
        size = int(query["per_page"])
        part = _json(200, mine[:size])
        if len(mine) <= size:
            return part
        link = f'<https://gitlab.internal/api/v4/x?cursor=x{mine[size - 1]["id"]}&per_page={size}>; rel="next"'
        return Fault(body=part.body, headers=part.headers | {"Link": link})

    def _pipelines(self, project: int, _: Any, query: dict[str, str], *__: Any) -> Any:
        mine = [p for p in self.pipelines.values() if p["project_id"] == project and p["source"] != "parent_pipeline"]
        mine = [p for p in mine if all(p[key] == query[key] for key in ("sha", "ref") if key in query)]
        if query.get("scope") == "finished":
            mine = [p for p in mine if p["status"] in _FINISHED]
        mine = [p for p in mine if p["updated_at"] >= query.get("updated_after", "")]
        return sorted(mine, key=lambda p: p[query.get("order_by", "id")], reverse=query.get("sort") != "asc")

    def _pipeline(self, _: Any, found: dict[str, str], *__: Any) -> Any:
        return self.pipelines.get(int(found["pipeline"])) or _json(404, {"message": "404 Not found"})

    def _pipeline_jobs(self, project: int, found: dict[str, str], query: dict[str, str], *_: Any) -> Any:
        path = next(p for p, n in self.numbers.items() if n == project)
        rows = [self.jobs[path, number].fields for number in self.pipeline_jobs[int(found["pipeline"])]]
        last = {row["name"]: row["id"] for row in sorted(rows, key=lambda row: int(row["id"]))}
        if query.get("include_retried") != "true":
            rows = [row for row in rows if last[row["name"]] == row["id"]]
        return [row for row in rows if row["status"] == query.get("scope", row["status"])]

    def _bridges(self, _: Any, found: dict[str, str], *__: Any) -> Any:
        number = int(found["pipeline"])
        below = self.children.get(number, [])
        started = [
            {"id": 1, "name": "child", "status": "failed", "downstream_pipeline": self.pipelines[n]} for n in below
        ]
        return started + self.failed_bridges.get(number, [])

    def _merge_request(self, project: int, found: dict[str, str], *_: Any) -> Any:
        return self.merge_requests.get((project, int(found["mr"]))) or _json(404, {"message": "404 Not found"})

    def _merge_request_pipelines(self, project: int, found: dict[str, str], *_: Any) -> Any:
        numbers = self.merge_request_pipelines[project, int(found["mr"])]
        return [self.pipelines[n] for n in sorted(numbers, reverse=True)]

    def _versions(self, project: int, found: dict[str, str], *_: Any) -> Any:
        sha = self.merge_requests[project, int(found["mr"])]["sha"]
        return [{"id": 1, "head_commit_sha": sha, "base_commit_sha": "b" * 40, "start_commit_sha": "c" * 40}]

    def _diffs(self, *_: Any) -> Any:
        return self.diffs

    def _discussions(self, project: int, found: dict[str, str], *_: Any) -> Any:
        return self.discussions[project, int(found["mr"])]

    def _new_discussion(self, project: int, found: dict[str, str], _: Any, body: dict[str, Any]) -> Any:
        if fault := _refused(body.get("body")):
            return fault
        discussion = self._discussion(body["body"], BOT)
        if "position" in body:
            if fault := self._misplaced(body["position"]):
                return fault
            discussion["notes"][0] |= {"type": "DiffNote", "position": body["position"]}
        self.discussions[project, int(found["mr"])].append(discussion)
        return _json(201, discussion)

    def _misplaced(self, position: dict[str, Any]) -> Fault | None:
        known = {"position_type", "base_sha", "head_sha", "start_sha", "old_path", "new_path", "new_line", "old_line"}
        needed = known - {"old_line"}
        file = next((d for d in self.diffs if d["new_path"] == position.get("new_path")), None)
        if set(position) - known or needed - set(position) or file is None:
            return _json(400, {"message": '400 Bad request - Note {:line_code=>["can\'t be blank"]}'})
        return None

    def _find(self, project: int, found: dict[str, str]) -> dict[str, Any] | None:
        threads = self.discussions[project, int(found["mr"])]
        return next((d for d in threads if d["id"] == found["discussion"]), None)

    def _edit_note(self, project: int, found: dict[str, str], _: Any, body: dict[str, Any]) -> Any:
        thread = self._find(project, found)
        note = next((n for n in thread["notes"] if n["id"] == int(found["note"])), None) if thread else None
        if note is None:
            return _json(404, {"message": "404 Note Not Found"})
        if note["author"]["id"] != BOT:
            return _json(403, {"message": "403 Forbidden"})
        if fault := _refused(body.get("body")):
            return fault
        note["body"] = body["body"]
        return note

    def _delete_note(self, project: int, found: dict[str, str], *_: Any) -> Any:
        thread = self._find(project, found)
        if thread is None:
            return _json(404, {"message": "404 Note Not Found"})
        thread["notes"] = [n for n in thread["notes"] if n["id"] != int(found["note"])]
        if not thread["notes"]:
            self.discussions[project, int(found["mr"])].remove(thread)
        return Fault(status=204)

    def _resolve(self, project: int, found: dict[str, str], _: Any, body: dict[str, Any]) -> Any:
        thread = self._find(project, found)
        if thread is None or not isinstance(body.get("resolved"), bool):
            return _json(404 if thread is None else 400, {"message": "no"})
        if not self.may_resolve:
            return _json(403, {"message": "403 Forbidden"})
        for note in thread["notes"]:
            note["resolved"] = body["resolved"]
        return thread

    def _awards(self, _: Any, found: dict[str, str], *__: Any) -> Any:
        return self.awards.get(int(found["note"]), [])

    def _commit(self, _: Any, found: dict[str, str], *__: Any) -> Any:
        parents = self.parents.get(found["sha"])
        missing = _json(404, {"message": "404 Commit Not Found"})
        return missing if parents is None else {"id": found["sha"], "parent_ids": parents}

    def _commit_merge_requests(self, project: int, found: dict[str, str], *_: Any) -> Any:
        mine = [m for (number, _), m in self.merge_requests.items() if number == project]
        basic = [{k: v for k, v in m.items() if k != "head_pipeline"} for m in mine]
        return [m for m in basic if m["sha"] == found["sha"]]

    def _statuses(self, _: Any, found: dict[str, str], query: dict[str, str], *__: Any) -> Any:
        mine = [s for s in self.statuses if s["sha"] == found["sha"] and s["name"] == query.get("name", s["name"])]
        return [s for s in mine if str(s["pipeline_id"]) == query.get("pipeline_id", str(s["pipeline_id"]))][::-1]

    def _new_status(self, _: Any, found: dict[str, str], __: Any, body: dict[str, Any]) -> Any:
        states = {"pending", "running", "success", "failed", "canceled", "skipped"}
        if body.get("state") not in states or any(len(body.get(k, "")) > 255 for k in ("description", "target_url")):
            return _json(400, {"message": "400 Bad request"})
        status = {"id": self._number(), "sha": found["sha"], "status": body["state"]} | body
        self.statuses.append(status)
        return _json(201, status)

    def _file(self, _: Any, found: dict[str, str], *__: Any) -> Any:
        data = self.files.get(unquote(found["file"]))
        missing = _json(404, {"message": "404 File Not Found"})
        return missing if data is None else Fault(body=data, headers={"Content-Type": "text/plain"})

    def _hooks(self, _: Any, found: dict[str, str], *__: Any) -> Any:
        return self.hooks.get(f"{found['kind']}/{found['place']}", [])

    def _new_hook(self, _: Any, found: dict[str, str], __: Any, body: dict[str, Any]) -> Any:
        if set(body) - HOOK_KEYS or not str(body.get("url", "")).startswith("http"):
            return _json(400, {"error": "url is missing"})
        hook = {"id": self._number(), "alert_status": "executable"} | body
        self.hooks.setdefault(f"{found['kind']}/{found['place']}", []).append(hook)
        return _json(201, hook)

    def _edit_hook(self, _: Any, found: dict[str, str], __: Any, body: dict[str, Any]) -> Any:
        if set(body) - HOOK_KEYS:
            return _json(400, {"error": "unknown"})
        hook = next(h for h in self.hooks[f"{found['kind']}/{found['place']}"] if h["id"] == int(found["hook"]))
        hook |= body
        return hook


def _page(rows: list[Any], query: dict[str, str]) -> Fault:
    number, size = int(query.get("page", "1")), int(query.get("per_page", "20"))
    if not 1 <= size <= 100:
        return _json(400, {"error": "per_page does not have a valid value"})
    part = _json(200, rows[(number - 1) * size : number * size])
    more = len(rows) > number * size
    # GitLab gives the address by its own name, which need not be the one that was asked
    link = f'<https://gitlab.internal/api/v4/x?page={number + 1}&per_page={size}>; rel="next"'
    return Fault(body=part.body, headers=part.headers | ({"Link": link} if more else {}))


def _refused(body: object) -> Fault | None:
    if not isinstance(body, str) or not body.strip() or len(body) > 1_000_000:
        return _json(400, {"message": '400 Bad request - Note {:note=>["can\'t be blank"]}'})
    inside: set[int] = set()
    for token in _MARKDOWN.parse(body):
        if token.type == "fence" and token.map:
            inside |= set(range(*token.map))
    actions = [x for n, x in enumerate(body.split("\n")) if n not in inside and re.match(r"\s*/[a-z]", x)]
    return _json(400, {"message": f"a quick action was run: {actions}"}) if actions else None


def _handler(double: BotGitLab, base: Any) -> type[BaseHTTPRequestHandler]:
    class Handler(base):  # type: ignore[misc]
        def do_GET(self) -> None:  # noqa: N802
            self._do("GET")

        def do_POST(self) -> None:  # noqa: N802
            self._do("POST")

        def do_PUT(self) -> None:  # noqa: N802
            self._do("PUT")

        def do_DELETE(self) -> None:  # noqa: N802
            self._do("DELETE")

        def _do(self, method: str) -> None:
            with contextlib.suppress(OSError):
                self._answer(method)

        def _answer(self, method: str) -> Any:
            parts = urlsplit(self.path)
            path = parts.path.removeprefix(double.root)
            body = self._body()
            wanted = [(n, r, r.form.fullmatch(path)) for n, r in ROUTES.items() if r.method == method]
            name, route, found = next((entry for entry in wanted if entry[2]), ("", None, None))
            if route is None or found is None:
                if method == "GET":
                    return self._get()
                double.unknown.append(f"{method} {self.path}")
                return self._send(_json(404, {"error": "404 Not Found"}))
            headers = {key.lower(): value for key, value in self.headers.items()}
            double.seen.append(Seen(name, self.path, headers))
            if fault := double.fault_for(name, self.path) or self._denied(method, headers, found.groupdict()):
                return self._send(fault)
            query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
            sent = query if method == "GET" else body
            if set(sent) - route.keys and "hook" not in name:
                double.unknown.append(f"{method} {self.path} {sorted(set(sent) - route.keys)}")
            if method != "GET":
                double.writes.append((name, body))
            answer = double.do(name, found.groupdict(), query, body)
            if after := double.fault_after(name):
                answer = after
            if isinstance(answer, Fault) and answer.status == 400:
                double.unknown.append(f"{method} {self.path} {body} {answer.body!r}")
            assert isinstance(answer, Fault)
            return self._send(answer)

        def _body(self) -> dict[str, Any]:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if not data:
                return {}
            assert self.headers["Content-Type"] == "application/json"
            body = json.loads(data)
            assert isinstance(body, dict)
            return body

        def _denied(self, method: str, headers: dict[str, str], found: dict[str, str]) -> Fault | None:
            token = headers.get("private-token", "")
            seen_by_all = {n for path, n in double.numbers.items() if path in double.public}
            if not token and method == "GET" and double._number_of(found.get("project", "")) in seen_by_all:
                return None
            if token not in double.tokens:
                return _json(401, {"message": "401 Unauthorized"})
            scopes = double.tokens[token]
            if "api" in scopes or (method == "GET" and "read_api" in scopes):
                return None
            return _json(403, {"error": "insufficient_scope", "scope": "api"})

    return Handler
