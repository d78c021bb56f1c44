"""The interactive reference: request bodies in the OpenAPI schema, and pages that need nothing from elsewhere."""

from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from pydantic.json_schema import models_json_schema

from ringdove.api.form import Form

_ABOUT = """
The interface of a Ringdove server. Log in with `get_token`; every other request carries the token as `access_token` in
the query. Every answer is HTTP 200 with `errcode` and `errmsg`; `errcode` 0 is success. Numbers may come as text and
ids as numbers; empty text and null count as absent; unknown fields are ignored.
"""
_REFERENCE = "#/components/schemas/{model}"
_SCHEMA = "/openapi.json"
_PAGE = "/docs"
_ASSETS = "/docs/assets"

_forms: list[type[Form]] = []


def takes(
    form: type[Form],
    examples: dict[str, dict[str, Any]] | None = None,
    *,
    update: bool = False,
    file: str | None = None,
) -> dict[str, Any]:
    """Say that a route reads this form from its body (goes to `openapi_extra`); `examples` stand under their titles.

    With `update` the body is an `id` and those fields of the form that are to change, `number` never. With `file`, the
    example of a name, it is an upload with a part `file`.
    """
    if form not in _forms:
        _forms.append(form)
    name = f"{form.__name__}Changes" if update else form.__name__
    content: dict[str, Any] = {"schema": {"$ref": _REFERENCE.format(model=name)}}
    if examples:
        content["examples"] = {title: {"summary": title, "value": value} for title, value in examples.items()}
    if file:
        named = {"schema": {"type": "string"}, "example": f'form-data; name="file"; filename="{file}"'}
        content["encoding"] = {"file": {"headers": {"Content-Disposition": named}}}
    media_type = "multipart/form-data" if file else "application/json"
    return {"requestBody": {"required": True, "content": {media_type: content}}}


def add_reference(app: FastAPI) -> None:
    """Serve the schema at `/openapi.json` and the reference at `/docs`."""
    assets = files("fastapi_offline") / "static"
    app.mount(_ASSETS, StaticFiles(directory=str(assets)), name="assets")

    @app.get(_PAGE, include_in_schema=False)
    async def page() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url=_SCHEMA,
            title=f"{app.title} reference",
            swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{_ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{_ASSETS}/favicon.png",
            swagger_ui_parameters={"docExpansion": "list", "defaultModelsExpandDepth": 0, "persistAuthorization": True},
        )

    @app.get(_SCHEMA, include_in_schema=False)
    async def schema() -> dict[str, Any]:
        return app.openapi()

    def build() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = _schema(app)
        return app.openapi_schema

    app.openapi = build  # type: ignore[method-assign]  # FastAPI's own way to extend the schema


def _schema(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=app.routes)
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    _, definitions = models_json_schema([(form, "validation") for form in _forms], ref_template=_REFERENCE)
    schemas.update(definitions["$defs"])
    for form in _forms:
        schemas[f"{form.__name__}Changes"] = _changes(schemas[form.__name__])
    for family in schema["paths"].values():
        for operation in family.values():
            # Bad parameters are answered like everything else, never with 422.
            operation["responses"].pop("422", None)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return schema


def _changes(form: dict[str, Any]) -> dict[str, Any]:
    target = {"id": {"type": "integer", "minimum": 1, "description": "The unique id of the object."}}
    fields = {name: field for name, field in form["properties"].items() if name != "number"}
    return {
        "type": "object",
        "title": f"{form['title']}Changes",
        "description": "The id, and the fields to change; the others stay.",
        "required": ["id"],
        "properties": target | fields,
    }
