"""The OpenAPI schemas of the public listener's JSON."""

from spaces_bridge.web.views import JsonBody

_MS: JsonBody = {"type": ["integer", "null"], "description": "Unix time in milliseconds."}
_STRING: JsonBody = {"type": "string"}
_COUNT: JsonBody = {"type": "integer", "minimum": 0}


def schemas() -> JsonBody:
    """Return the JSON Schemas by name, for `components` of the description."""
    return {
        "Space": _space(),
        "Person": _person(),
        "Post": _post(),
        "NewSpace": _new_space(),
        "MadeSpace": _made_space(),
        "You": _you(),
        "Problem": _problem(),
    }


def _person() -> JsonBody:
    return {
        "type": "object",
        "required": ["id", "name"],
        "properties": {
            "id": _STRING,
            "name": _STRING,
            "role": {"enum": ["host", "cohost", "speaker"]},
            "guest": {"type": "boolean"},
            "on_air": {"type": "boolean"},
            "muted": {"type": "boolean", "description": "By a host."},
            "tone": _COUNT,
            "picture": {
                "type": ["string", "null"],
                "format": "uri",
                "description": "404 where the person's profile has none: show a letter then.",
            },
        },
    }


def _post() -> JsonBody:
    return {
        "type": "object",
        "description": "A shared link; the newest five are shown.",
        "required": ["number", "kind", "url", "site", "by", "name", "at_ms"],
        "properties": {
            "number": _COUNT,
            "kind": {"enum": ["message", "link"], "description": "A message of the room, or not."},
            "url": {"type": "string", "format": "uri", "description": "http or https."},
            "site": {"type": "string", "description": "The server that the link leads to."},
            "by": _STRING,
            "name": _STRING,
            "at_ms": _COUNT,
        },
    }


def _space() -> JsonBody:
    person: JsonBody = {"$ref": "#/components/schemas/Person"}
    return {
        "type": "object",
        "required": ["id", "slug", "title", "state", "host", "stage", "listeners", "page"],
        "properties": {
            "id": _STRING,
            "slug": _STRING,
            "title": _STRING,
            "state": {"enum": ["scheduled", "live", "ended"]},
            "host": person,
            "cohosts": {"type": "array", "items": _STRING},
            "stage": {"type": "array", "items": person},
            "hands": _COUNT,
            "listeners": _COUNT,
            "reactions": {"type": "object", "additionalProperties": _COUNT},
            "speak_policy": {"enum": ["request", "everyone", "followed", "invited"]},
            "max_speakers": _COUNT,
            "max_cohosts": _COUNT,
            "queue_order": {"enum": ["arrival", "airtime"]},
            "private": {"type": "boolean"},
            "scheduled_at": _MS,
            "started_at": _MS,
            "ended_at": _MS,
            "calendar": {
                "type": ["string", "null"],
                "format": "uri",
                "description": "An iCalendar entry, while a time is set and it is to come.",
            },
            "language": {"type": "string", "description": "Of the captions; ISO 639-1 or auto."},
            "captions": {"type": "boolean"},
            "locked": {"type": "boolean", "description": "Nobody new comes in."},
            "chat": {"type": "boolean", "description": "Listeners may write in the room."},
            "guests": {"enum": ["off", "listen", "speak"]},
            "posts": {"type": "array", "items": {"$ref": "#/components/schemas/Post"}},
            "recording": {"type": "boolean"},
            "encrypted": {"type": "boolean"},
            "page": {"type": "string", "format": "uri"},
            "room_alias": {"type": ["string", "null"]},
        },
    }


def _new_space() -> JsonBody:
    return {
        "type": "object",
        "required": ["title"],
        "properties": {
            "title": {"type": "string", "maxLength": 200},
            "at": {**_MS, "description": "When it is planned for, Unix milliseconds; null: now."},
            "private": {"type": "boolean", "default": False},
            "speak_policy": {
                "enum": ["request", "everyone", "followed", "invited"],
                "default": "request",
            },
            "nonce": {
                "type": "string",
                "pattern": "^[A-Za-z0-9_-]{1,64}$",
                "description": "Chosen by the page: the same again makes no second live space.",
            },
            "openid": {
                "type": "object",
                "description": "Instead of a bearer: what a Matrix client gave a widget.",
                "required": ["access_token", "matrix_server_name"],
                "properties": {"access_token": _STRING, "matrix_server_name": _STRING},
            },
        },
    }


def _made_space() -> JsonBody:
    return {
        "type": "object",
        "required": ["slug", "page", "session"],
        "properties": {
            "slug": _STRING,
            "page": {"type": "string", "format": "uri"},
            "session": {
                "type": "string",
                "description": "The host's bearer there; the page takes it as `#t=` too.",
            },
        },
    }


def _you() -> JsonBody:
    return {
        "type": "object",
        "required": ["id", "may_host", "why"],
        "properties": {
            "id": _STRING,
            "may_host": {"type": "boolean"},
            "why": {
                "type": ["object", "null"],
                "description": "Why they may not: `code`, `text` and `with` as in a problem.",
            },
        },
    }


def _problem() -> JsonBody:
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": _STRING,
            "title": _STRING,
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "One plain sentence for people."},
            "code": {"type": "string", "description": "Stable, for programs; one sentence each."},
            "with": {
                "type": "object",
                "description": "Names, numbers and reasons of the sentence, by code.",
                "additionalProperties": {"type": ["string", "integer"]},
            },
        },
    }
