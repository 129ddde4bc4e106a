"""The arithmetic of derived figures: numbers, the four operations, and words after a semicolon."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable

_OPERATIONS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_LONGEST = 200  # characters; what is longer is no sum that a reader follows


def arithmetic(text: str) -> str:
    """Return a text that is arithmetic, unchanged.

    Raises
    ------
    ValueError : when it is not: numbers, ``+ - * /`` and brackets, then words after a semicolon.
    """
    value_of(text)
    return text


def value_of(text: str) -> float:
    """Return what a text such as ``19 - 9 - 3; the rest`` comes to.

    Raises
    ------
    ValueError : when it is no arithmetic, or divides by 0.
    """
    written = text.partition(";")[0]
    if len(written) > _LONGEST:
        raise ValueError(f"arithmetic has at most {_LONGEST} characters; write it as 19 - 9 - 3")
    try:
        value = _value(ast.parse(written.strip(), mode="eval").body)
    except (SyntaxError, ZeroDivisionError, OverflowError) as problem:
        raise ValueError(f"'{text}' is no arithmetic; write it as 19 - 9 - 3") from problem
    if not math.isfinite(value):
        raise ValueError(f"'{text}' is no finite number; write it as 19 - 9 - 3")
    return value


def _value(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            return _OPERATIONS[type(op)](_value(left), _value(right))
        case _:
            raise ValueError(
                f"'{ast.unparse(node)}' is no arithmetic of numbers; write it as 19 - 9 - 3"
            )
