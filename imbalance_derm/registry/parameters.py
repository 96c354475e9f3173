"""A component's parameters: the keyword-only arguments of its target, typed and validated."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints

import docstring_parser
from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from imbalance_derm.errors import InputError
from imbalance_derm.registry.manager import Registered, installed, suggest


@dataclass(frozen=True, slots=True)
class Parameter:
    """What ``imbderm plugins info`` shows of one parameter."""

    name: str
    type: str
    default: Any
    limits: str
    doc: str


@cache
def parameter_model(target: Any) -> type[BaseModel]:
    """Derive the model that validates the parameters of `target`.

    Bounds come from the annotation (``Annotated[float, Field(gt=0)]``), texts from the
    numpydoc section "Parameters".

    Raises
    ------
    InputError
        They cannot be described: a type is not to be found, or cannot be given as text.
    """
    with _describing(target):
        return _model(target)


@contextmanager
def _describing(target: Any) -> Iterator[None]:
    """Tell what stands in the way of a description as the fault of the part that it is."""
    try:
        yield
    except Exception as error:
        where = f"{target.__module__}:{getattr(target, '__qualname__', target)}"
        text = str(error).splitlines()[0] if str(error) else ""
        raise InputError(
            f"the parameters of {where} cannot be described: {type(error).__name__}: {text}; "
            "mend or remove that plugin"
        ) from error


def _model(target: Any) -> type[BaseModel]:
    hints = get_type_hints(
        target.__init__ if inspect.isclass(target) else target, include_extras=True
    )
    docs = {
        name: entry.description
        for entry in docstring_parser.parse(target.__doc__ or "").params
        for name in entry.arg_name.split(", ")  # numpydoc: "low, high : float"
    }
    fields: dict[str, Any] = {}
    for name, argument in inspect.signature(target).parameters.items():
        if argument.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        default = ... if argument.default is inspect.Parameter.empty else argument.default
        info = FieldInfo.from_annotated_attribute(hints.get(name, Any), default)
        info.description = " ".join((docs.get(name) or info.description or "").split())
        fields[name] = (info.annotation, info)
    config = ConfigDict(extra="forbid", validate_default=True, protected_namespaces=())
    return create_model("Parameters", __config__=config, **fields)


def describe(target: Any) -> list[Parameter]:
    """List the parameters of `target` with type, default, limits and text.

    Raises
    ------
    InputError
        As for :func:`parameter_model`.
    """
    model = parameter_model(target)
    with _describing(target):
        schema = model.model_json_schema()
    rows = []
    for name, info in model.model_fields.items():
        default = None if info.default is PydanticUndefined else to_jsonable_python(info.default)
        own = schema["properties"][name]
        rows.append(Parameter(name, _type(own), default, _limits(own), info.description or ""))
    return rows


_BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(choice) for choice in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return " | ".join(map(str, schema.get("enum", [schema.get("const")])))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if schema.get("type") == "object":
        return f"table of {_type(schema.get('additionalProperties', {}))}"
    names = {"string": "text", "integer": "int", "number": "float", "boolean": "true | false"}
    return names.get(schema.get("type", ""), "any")


def _limits(schema: dict[str, Any]) -> str:
    nested = [schema.get("items", {}), *schema.get("anyOf", [])]
    places = [schema, *(place for place in nested if isinstance(place, dict))]
    return ", ".join(
        f"{sign} {place[key]:g}"
        for place in places
        for key, sign in _BOUNDS.items()
        if key in place
    )


def validate(label: str, model: type[BaseModel], values: dict[str, Any]) -> dict[str, Any]:
    """Return `values` with every default filled in, as plain JSON types.

    Parameters
    ----------
    label : str
        Where the values stand, for the error: ``"synth"`` for ``--set synth.epochs=0``.

    Raises
    ------
    InputError
        A key is unknown (the nearest valid one is named) or a value is not allowed.
    """
    for key in values:
        if key not in model.model_fields:
            raise InputError(f"unknown setting '{label}.{key}'{suggest(key, model.model_fields)}")
    try:
        return model.model_validate(values).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join([label, *map(str, first["loc"])])
        raise InputError(
            f"{where}={first['input']!r}: {first['msg'][:1].lower()}{first['msg'][1:]}"
        ) from error


def create(kind: str, name: str, values: dict[str, Any] | None = None, *given: Any) -> Any:
    """Build component `name` of `kind` from parameter values.

    Parameters
    ----------
    values : dict of str to object, optional
        Parameters by name; missing ones take their defaults.
    *given
        The positional arguments that the kind's contract hands over.

    Raises
    ------
    InputError
        Unknown component, unknown parameter or a value out of range.

    Examples
    --------
    >>> create("loss", "focal", {"gamma": 1.5}).gamma
    1.5
    """
    entry, shorthand = resolve_name(kind, name)
    target = entry.load()
    filled = validate(kind, parameter_model(target), {**shorthand, **(values or {})})
    model = parameter_model(target).model_validate(filled)
    return target(
        *given, **{key: getattr(model, key) for key in parameter_model(target).model_fields}
    )


def resolve_name(kind: str, name: str) -> tuple[Registered, dict[str, Any]]:
    """Split ``NAME/VALUE`` into the component and the parameter that VALUE sets.

    Raises
    ------
    InputError
        Unknown component, or one that has no shorthand.
    """
    base, slash, value = name.partition("/")
    entry = installed().get(kind, base)
    if not slash:
        return entry, {}
    if not entry.component.shorthand:
        raise InputError(f"{kind} '{base}' takes no '/{value}'; set parameters with --set")
    return entry, {entry.component.shorthand: value}
