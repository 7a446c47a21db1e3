"""Generated protobuf messages of any kind: every field of the schema may be set, or not."""

from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

FIELDS_MAX: Final = 4
ITEMS_MAX: Final = 3
_NUMBERS: Final = {
    FieldDescriptor.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: st.integers(0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_DOUBLE: st.floats(),
    FieldDescriptor.CPPTYPE_FLOAT: st.floats(width=32),
}


@st.composite
def any_message(
    draw: st.DrawFn, kind: Descriptor, texts: st.SearchStrategy[str], depth: int = 3
) -> Message:
    """Messages of this kind, nested so deep at most; `texts` is what strings are drawn from."""
    message = GetMessageClass(kind)()
    if not kind.fields:
        return message
    fields = st.lists(st.sampled_from(list(kind.fields)), min_size=1, max_size=FIELDS_MAX)
    for field in draw(fields):
        _set(draw, message, field, texts, depth)
    return message


def _set(
    draw: st.DrawFn,
    message: Message,
    field: FieldDescriptor,
    texts: st.SearchStrategy[str],
    depth: int,
) -> None:
    of = field.message_type
    if of is not None and depth == 0:
        return
    if of is not None and of.GetOptions().map_entry:
        _set_item(draw, getattr(message, field.name), of, texts, depth)
    elif field.is_repeated:
        place = getattr(message, field.name)
        for _ in range(draw(st.integers(0, ITEMS_MAX))):
            place.append(draw(_value(field, texts, depth)))
    elif of is not None:
        getattr(message, field.name).CopyFrom(draw(any_message(of, texts, depth - 1)))
    else:
        setattr(message, field.name, draw(_value(field, texts, depth)))


def _set_item(
    draw: st.DrawFn,
    place: Any,  # noqa: ANN401 - a map's type is the message's own affair
    entry: Descriptor,
    texts: st.SearchStrategy[str],
    depth: int,
) -> None:
    """Set one item of a map."""
    key, value = (entry.fields_by_name[name] for name in ("key", "value"))
    at = draw(_value(key, texts, 0))
    if value.message_type is None:
        place[at] = draw(_value(value, texts, 0))
    else:
        place[at].CopyFrom(draw(any_message(value.message_type, texts, depth - 1)))


def _value(
    field: FieldDescriptor, texts: st.SearchStrategy[str], depth: int
) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        return any_message(field.message_type, texts, depth - 1)
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values])
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return texts if field.type == FieldDescriptor.TYPE_STRING else st.binary(max_size=20)
    return _NUMBERS[field.cpp_type]
