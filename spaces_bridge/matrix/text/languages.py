"""Languages that speech can be written down in, by code (ISO 639-1, a few of 639-3)."""

from spaces_bridge.core.errors import Rejected

AUTO = "auto"
_WRITTEN = """
    af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he
    hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne
    nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk
    ur uz vi yi yo yue zh
"""
CODES = frozenset(_WRITTEN.split())


def language_code(word: str) -> str:
    """Return the language's code, or "auto"; of `pt-BR` the language.

    Raises Rejected with a sentence.
    """
    code = word.lower().replace("_", "-").partition("-")[0]
    if code == AUTO or code in CODES:
        return code
    raise Rejected(
        "no_such_language",
        "`captions` takes on, off, auto, or a language's code such as en, de, pt or ja.",
    )
