"""What /webhook takes and answers, for the app's OpenAPI page: the classes of `events` themselves."""

from typing import Any

import msgspec

from bkdoctor.bot.events import JobHook, PipelineHook


def _answer(description: str, **properties: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": list(properties),
        "properties": {name: {"type": kind} for name, kind in properties.items()},
    }
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _inlined(part: Any, parts: dict[str, Any]) -> Any:
    """Return a schema without references: OpenAPI has another place for them."""
    if isinstance(part, list):
        return [_inlined(item, parts) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(parts[part["$ref"]], parts)
    return {key: _inlined(value, parts) for key, value in part.items()}


def _body() -> dict[str, Any]:
    (pipeline, job), parts = msgspec.json.schema_components((PipelineHook, JobHook), ref_template="{name}")
    others = {
        "title": "Any other event: it is ignored",
        "type": "object",
        "properties": {"object_kind": {"not": {"enum": ["pipeline", "build"]}}},
    }
    schema = {"anyOf": [_inlined(pipeline, parts), _inlined(job, parts), others]}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


BODY = _body()
ANSWERS: dict[int | str, dict[str, Any]] = {
    202: _answer("The event is stored.", event="string", new="boolean"),
    204: {"description": "The event asks for nothing."},
    400: _answer("The body is no JSON object.", error="string"),
    401: _answer("Token or signature is missing or wrong.", error="string"),
    408: _answer("The body came too slowly.", error="string"),
    413: _answer("The body is too large.", error="string"),
    422: _answer("The body is no event of the kind that it says it is.", error="string"),
    503: _answer("The event cannot be stored.", error="string"),
}
