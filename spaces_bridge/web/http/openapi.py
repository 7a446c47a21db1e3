"""The OpenAPI 3.1 description of the public listener."""

from spaces_bridge import __version__
from spaces_bridge.web.http.openapi_schemas import schemas
from spaces_bridge.web.views import JsonBody

_SLUG: JsonBody = {
    "name": "slug",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "description": "The last part of a live space's page address.",
}
_BEARER: list[JsonBody] = [{}, {"bearer": []}]
_STRING: JsonBody = {"type": "string"}

LEFT_OUT = {
    "/": "the directory: a page for people",
    "/s/{slug}": "a live space's page: for people",
    "/s/{slug}/feed": "a WebSocket",
    "/verify": "the bot's keys: a page for people",
    "/verify/{ticket}": "the emoji of a verification: a page for people",
    "/static/{version}/{name}": "what the pages are made of, other with each version",
}
"""Addresses of the public listener that are left out of the description, and why."""

_REMOVED = "The bearer was removed"
_NOBODY_ENTERS = "The bearer was removed; guests are off; locked"
_NO_SPACE = "No such live space, or a private one"
_TOO_OFTEN = "Too often, or too many wrong tokens"
_AWAY = "A part of the server is away for a moment"


def document(base_url: str) -> JsonBody:
    """Return the description, for the public address `base_url`."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Spaces bridge", "version": __version__},
        "servers": [{"url": base_url}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas(),
        },
    }


def _paths() -> JsonBody:
    spaces: JsonBody = {
        "type": "object",
        "required": ["spaces"],
        "properties": {
            "spaces": {"type": "array", "items": {"$ref": "#/components/schemas/Space"}}
        },
    }
    space: JsonBody = {"$ref": "#/components/schemas/Space"}
    return {
        "/api/v1/spaces": {
            "get": _read("Public live and upcoming spaces", spaces, slug=False),
            "post": _create(),
        },
        "/api/v1/you": {"get": _you()},
        "/api/v1/spaces/{slug}": {"get": _read("One live space", space, slug=True)},
        "/api/openapi.json": {"get": _read("This description", {"type": "object"}, slug=False)},
        "/s/{slug}/whep": {"post": _negotiate("Listen over WebRTC (WHEP)")},
        "/s/{slug}/whep/{session}": {"delete": _leave("Stop listening")},
        "/s/{slug}/whip": {"post": _by_page(_negotiate("Speak over WebRTC (WHIP, RFC 9725)"))},
        "/s/{slug}/whip/{session}": {"delete": _leave("Close the microphone")},
        "/s/{slug}/live.ogg": {"get": _stream(), "post": _ticket()},
        "/s/{slug}/transcript.vtt": {"get": _transcript("WebVTT", "text/vtt")},
        "/s/{slug}/transcript.srt": {"get": _transcript("SubRip", "application/x-subrip")},
        "/s/{slug}/transcript.txt": {"get": _transcript("text", "text/plain")},
        "/s/{slug}/transcript.json": {"get": _transcript("JSON", "application/json")},
        "/s/{slug}/event.ics": {"get": _calendar()},
        "/s/{slug}/qr.svg": {"get": _qr()},
        "/s/{slug}/face/{face}": {"get": _face()},
    }


def _read(summary: str, schema: JsonBody, *, slug: bool) -> JsonBody:
    ok: JsonBody = {"description": "OK", "content": {"application/json": {"schema": schema}}}
    if not slug:
        return {"summary": summary, "responses": {"200": ok}}
    return _about_space(summary, {"200": ok, "403": _failure(_REMOVED)})


def _about_space(summary: str, responses: JsonBody, *parameters: JsonBody) -> JsonBody:
    """Return an operation below a live space's address, with the refusals that all have."""
    common: JsonBody = {
        "404": _failure(_NO_SPACE),
        "429": _failure(_TOO_OFTEN),
        "503": _failure(_AWAY),
    }
    return {
        "summary": summary,
        "parameters": [_SLUG, *parameters],
        "security": _BEARER,
        "responses": dict(sorted({**common, **responses}.items())),
    }


def _create() -> JsonBody:
    made: JsonBody = {"$ref": "#/components/schemas/MadeSpace"}
    wanted: JsonBody = {"$ref": "#/components/schemas/NewSpace"}
    location: JsonBody = {"description": "The page of the live space.", "schema": _STRING}
    return {
        "summary": "Make a live space: for those who may host, by the rules of `create`",
        "security": _BEARER,
        "requestBody": {"required": True, "content": {"application/json": {"schema": wanted}}},
        "responses": {
            "201": {
                "description": "Made; the same again for a `nonce` that was used",
                "headers": {"Location": location},
                "content": {"application/json": {"schema": made}},
            },
            "400": _failure("The body is not what is described here"),
            "401": _failure("Neither the bearer nor `openid` names anybody"),
            "408": _failure("The body does not come"),
            "409": _failure("May not host, or not this: the reason in words"),
            "413": _failure("More than 64 kB"),
            "415": _failure("A compressed body"),
            "429": _failure("Too often"),
            "503": _failure("The server that issued `openid` does not answer"),
        },
    }


def _you() -> JsonBody:
    you: JsonBody = {"$ref": "#/components/schemas/You"}
    return {
        "summary": "Whom the bearer names, and whether they may host",
        "security": [{"bearer": []}],
        "responses": {
            "200": {"description": "OK", "content": {"application/json": {"schema": you}}},
            "401": _failure("The bearer names nobody (any more)"),
            "429": _failure("Too many wrong tokens"),
        },
    }


def _negotiate(summary: str) -> JsonBody:
    sdp: JsonBody = {"application/sdp": {"schema": _STRING}}
    location: JsonBody = {"description": "DELETE it to leave.", "schema": _STRING}
    created: JsonBody = {
        "description": "Answer",
        "content": sdp,
        "headers": {"Location": location},
    }
    responses: JsonBody = {
        "201": created,
        "400": _failure("The offer is refused"),
        "403": _failure("The bearer may not speak, or was removed; guests are off; locked"),
        "408": _failure("The body did not come within 20 s"),
        "409": _failure("Not live yet; or ousted by another microphone of the same person"),
        "410": _failure("Ended"),
        "413": _failure("More than 16 kB"),
        "415": _failure("Not application/sdp, or compressed"),
        "503": _failure("Too busy at this moment, or full"),
    }
    return {**_about_space(summary, responses), "requestBody": {"required": True, "content": sdp}}


def _leave(summary: str) -> JsonBody:
    """Return the operation that ends a session; its address is enough, without a bearer token."""
    return {
        "summary": summary,
        "parameters": [_SLUG, _in_path("session")],
        "responses": {
            "200": {
                "description": "Done. With a sentence where too much was sent and it was cut.",
                "content": {"text/plain": {"schema": _STRING}},
            },
            "404": _failure("No such connection, or it has ended"),
        },
    }


def _transcript(name: str, content_type: str) -> JsonBody:
    schema: JsonBody = {"type": "object"} if content_type == "application/json" else _STRING
    ok: JsonBody = {"description": "OK", "content": {content_type: {"schema": schema}}}
    return _about_space(f"Captions so far, {name}", {"200": ok, "403": _failure(_REMOVED)})


def _by_page(operation: JsonBody) -> JsonBody:
    page = _query("page", "An id the page gives itself, so that it can come back.")
    again = _query(
        "again", "The microphone of this page was lost: refused when another page has it by now."
    )
    return {**operation, "parameters": [_SLUG, page, again]}


def _query(name: str, description: str) -> JsonBody:
    place: JsonBody = {"name": name, "in": "query", "required": False}
    return {**place, "description": description, "schema": _STRING}


def _in_path(name: str) -> JsonBody:
    return {"name": name, "in": "path", "required": True, "schema": _STRING}


def _stream() -> JsonBody:
    text = "From the Location of a POST; in place of the bearer, for a minute."
    responses: JsonBody = {
        "200": {"description": "OK", "content": {"audio/ogg": {"schema": _STRING}}},
        "403": _failure(_NOBODY_ENTERS),
        "409": _failure("Not live yet"),
        "410": _failure("Ended"),
        "503": _failure("Too many listen over HTTP, or a part of the server is away"),
    }
    return _about_space("Listen over HTTP", responses, _query("ticket", text))


def _ticket() -> JsonBody:
    location: JsonBody = {"description": "Play it within a minute.", "schema": _STRING}
    responses: JsonBody = {
        "201": {"description": "Made", "headers": {"Location": location}},
        "403": _failure(_NOBODY_ENTERS),
        "409": _failure("Not live yet"),
        "410": _failure("Ended"),
    }
    return _about_space("An address of the stream for players that send no header", responses)


def _calendar() -> JsonBody:
    entry: JsonBody = {"description": "OK", "content": {"text/calendar": {"schema": _STRING}}}
    responses: JsonBody = {
        "200": entry,
        "304": {"description": "The entry of `If-None-Match` is the newest"},
        "403": _failure(_REMOVED),
        "404": _failure("No such live space, or a private one, or no time is set"),
    }
    return _about_space("The scheduled time, for calendars", responses)


def _qr() -> JsonBody:
    code: JsonBody = {"description": "OK", "content": {"image/svg+xml": {"schema": _STRING}}}
    responses: JsonBody = {"200": code, "403": _failure(_REMOVED)}
    return _about_space("The address of the page as a QR code", responses)


def _face() -> JsonBody:
    schema: JsonBody = {"type": "string", "format": "binary"}
    kinds = ("image/png", "image/jpeg", "image/gif", "image/webp")
    content: JsonBody = {kind: {"schema": schema} for kind in kinds}
    responses: JsonBody = {
        "200": {"description": "OK", "content": content},
        "404": _failure("No such live space, or a private one; nobody there, or no picture"),
    }
    blank = _query("or", "`blank`: a transparent dot in place of 404 for a missing picture.")
    summary = "Somebody's picture, by the address in a person's `picture`"
    # a token changes nothing here: private live spaces show no pictures
    return {**_about_space(summary, responses, _in_path("face"), blank), "security": []}


def _failure(description: str) -> JsonBody:
    schema: JsonBody = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": description,
        "content": {"application/problem+json": {"schema": schema}},
    }
