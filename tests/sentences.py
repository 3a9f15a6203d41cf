"""The sentences that this program can say to callers, found in its source: what errors, rows and answers are given.

A sentence is read as a template: what an f-string puts in is a place, and where a name stands for text that the source
shows (a constant, a local variable, what a function returns), its text takes the place. A sentence with alternatives
is several templates.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, product
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]

_MOST_ALTERNATIVES = 64
_KEYWORDS = ("message", "reason", "detail")
"""Names by which sentences are given or kept."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Place(NamedTuple):
    """What is put into a sentence. kind: what the source tells of it: `quoted`, `number`, `sentence`, or nothing."""

    kind: str | None = None


Template = tuple[str | Place, ...]


class Sentence(NamedTuple):
    """`text` has `{}` for each place; `kinds` are theirs, in order."""

    text: str
    kinds: tuple[str | None, ...]
    where: str


@dataclass
class Module:
    """A parsed file with its constants and functions by name."""

    path: Path
    tree: ast.Module = field(init=False)
    _locals: dict[Function, dict[str, list[ast.expr]]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.tree = ast.parse(self.path.read_text())

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def functions(self) -> dict[str, Function]:
        return {node.name: node for node in ast.walk(self.tree) if isinstance(node, Function)}

    @cached_property
    def constants(self) -> dict[str, list[ast.expr]]:
        return _assigned(self.tree.body)

    @cached_property
    def attributes(self) -> dict[str, list[tuple[ast.expr, Function | None]]]:
        """What `something.x = ...` gives, by x, each with the function around it."""
        found: dict[str, list[tuple[ast.expr, Function | None]]] = {}
        for node, around in _within(self.tree, None):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Attribute):
                        found.setdefault(target.attr, []).append((node.value, around))
        return found

    def assigned_in(self, function: Function) -> dict[str, list[ast.expr]]:
        """What is assigned to the local names of a function."""
        if function not in self._locals:
            self._locals[function] = _assigned(function.body)
        return self._locals[function]

    def calls(self) -> Iterator[tuple[ast.Call, Function | None]]:
        """All calls, each with the function around it."""
        for node, around in _within(self.tree, None):
            if isinstance(node, ast.Call):
                yield node, around


def _within(node: ast.AST, around: Function | None) -> Iterator[tuple[ast.AST, Function | None]]:
    """All that is inside, each with the innermost function around it."""
    for child in ast.iter_child_nodes(node):
        yield child, around
        yield from _within(child, child if isinstance(child, Function) else around)


def _assigned(statements: Iterable[ast.stmt]) -> dict[str, list[ast.expr]]:
    """Values of plain names that are assigned somewhere in the statements, functions inside them left out."""
    found: dict[str, list[ast.expr]] = {}
    for statement in statements:
        if isinstance(statement, Function | ast.ClassDef):
            continue
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for target in targets:
                for name, value in _bound(target, statement.value):
                    found.setdefault(name, []).append(value)
        for name in ("body", "orelse", "finalbody"):
            for key, values in _assigned(getattr(statement, name, [])).items():
                found.setdefault(key, []).extend(values)
        for handler in getattr(statement, "handlers", []):
            for key, values in _assigned(handler.body).items():
                found.setdefault(key, []).extend(values)
    return found


def _bound(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple):
        if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts):
            for part, given in zip(target.elts, value.elts, strict=True):
                yield from _bound(part, given)
        elif isinstance(value, ast.IfExp):
            yield from _bound(target, value.body)
            yield from _bound(target, value.orelse)


def templates(expression: ast.expr, module: Module, around: Function | None, depth: int = 0) -> list[Template]:
    """What an expression of text can be; one place alone where the source does not tell."""
    unknown: list[Template] = [(_place_of(expression),)]
    if depth > 6:
        return unknown

    def inner(part: ast.expr) -> list[Template]:
        return templates(part, module, around, depth + 1)

    match expression:
        case ast.Constant(value=str(text)):
            return [(text,) if text else ()]
        case ast.JoinedStr(values=values):
            return _joined([inner(value) for value in values])
        case ast.FormattedValue(value=value, conversion=conversion, format_spec=spec):
            if conversion == ord("r"):
                return [(Place("quoted"),)]
            return [(Place("number"),)] if spec is not None else inner(value)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            both = inner(left), inner(right)
            return _joined(list(both)) if any(map(_has_text, chain(*both))) else unknown
        case ast.IfExp(body=body, orelse=orelse):
            return _distinct([*inner(body), *inner(orelse)])
        case ast.BoolOp(op=ast.Or(), values=values):
            return _distinct([each for value in values for each in inner(value)])
        case ast.Name(id=name):
            return _named(name, module, around, depth) or unknown
        case ast.Attribute(value=ast.Name(id="self"), attr=name) if name in module.attributes:
            given = module.attributes[name]
            return _told([templates(value, module, function, depth + 1) for value, function in given]) or unknown
        case ast.Call(func=ast.Name(id=name)) if name in module.functions:
            return returned(module, name, depth + 1) or unknown
        case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)) if name in module.functions:
            return returned(module, name, depth + 1) or unknown
    return unknown


def returned(module: Module, name: str, depth: int = 0) -> list[Template]:
    """The texts that a function returns; none where the source does not tell any."""
    function = module.functions[name]
    values = [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value is not None]
    return _told([templates(value, module, function, depth) for value in values])


def _named(name: str, module: Module, around: Function | None, depth: int) -> list[Template]:
    local = module.assigned_in(around).get(name) if around is not None else None
    values = local if local is not None else module.constants.get(name, [])
    return _told([templates(value, module, around if local is not None else None, depth + 1) for value in values])


def _told(found: Iterable[list[Template]]) -> list[Template]:
    """All of them, if any has text of its own."""
    flat = _distinct([each for some in found for each in some])
    return flat if any(map(_has_text, flat)) else []


def _has_text(template: Template) -> bool:
    return any(isinstance(part, str) for part in template)


def _place_of(expression: ast.expr) -> Place:
    return Place("sentence" if isinstance(expression, ast.Attribute) and expression.attr == "message" else None)


def _joined(parts: list[list[Template]]) -> list[Template]:
    combined = [_merged(part for piece in chosen for part in piece) for chosen in product(*parts)]
    assert len(combined) <= _MOST_ALTERNATIVES, "too many alternatives in one sentence"
    return _distinct(combined)


def _merged(parts: Iterable[str | Place]) -> Template:
    """With neighbouring texts as one."""
    merged: list[str | Place] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return tuple(merged)


def _distinct(found: Iterable[Template]) -> list[Template]:
    return list(dict.fromkeys(found))


def sentence_of(template: Template, where: str) -> Sentence:
    text = "".join(part if isinstance(part, str) else "{}" for part in template)
    return Sentence(text, tuple(part.kind for part in template if isinstance(part, Place)), where)


def errors_of(modules: Iterable[Module]) -> set[str]:
    """Names of the classes that derive from CosiaError, wherever they stand."""
    classes = [node for module in modules for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]
    known = {"CosiaError"}
    while further := {each.name for each in classes if known & set(map(_name, each.bases))} - known:
        known |= further
    return known


def sentences(module: Module, errors: set[str], sinks: set[str], telling: Iterable[str] = ()) -> Iterator[Sentence]:
    """What a module can say.

    errors: classes whose first argument is a sentence. sinks: functions any of whose arguments may be one, and whatever
    is given by the names `message`, `reason` and `detail`. telling: functions of the module that return sentences.
    """
    for call, around in module.calls():
        name, where = _name(call.func), f"{module.name}:{call.lineno}"
        if isinstance(call.func, ast.Attribute) and _name(call.func.value) == "log":
            continue
        if name in errors:
            given = call.args[:1]
        elif name in sinks:
            given = list(call.args)
        else:
            given = []
        given += [keyword.value for keyword in call.keywords if keyword.arg in _KEYWORDS]
        for argument in given:
            for template in templates(argument, module, around):
                if _is_sentence(template):
                    yield sentence_of(template, where)
    for name in _KEYWORDS:
        for value, around in module.attributes.get(name, []):
            for template in filter(_is_sentence, templates(value, module, around)):
                yield sentence_of(template, f"{module.name}:{value.lineno}")
    for name in telling:
        for template in filter(_has_text, returned(module, name)):
            yield sentence_of(template, f"{module.name}:{module.functions[name].lineno}")


def _is_sentence(template: Template) -> bool:
    """Not a name: it has several words, or places beside text."""
    texts = [part for part in template if isinstance(part, str)]
    return any(" " in text.strip() for text in texts) or (len(texts) < len(template) and any(map(str.strip, texts)))


def _name(expression: ast.expr) -> str:
    if isinstance(expression, ast.Name):
        return expression.id
    return expression.attr if isinstance(expression, ast.Attribute) else ""
