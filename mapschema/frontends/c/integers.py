"""C's integer arithmetic: a value with its width and sign, and the operators on it."""

from __future__ import annotations

import re
from dataclasses import dataclass


class ConstantError(Exception):
    """An expression has no integer value; the message says why."""


@dataclass(frozen=True, slots=True)
class Value:
    """An integer of a C type of `bits` bits."""

    value: int
    bits: int = 32
    signed: bool = True

    def cast(self, bits: int, signed: bool) -> Value:
        """The value converted to another width and sign, wrapped as C wraps it."""
        value = self.value & ((1 << bits) - 1)
        if signed and value >> (bits - 1):
            value -= 1 << bits
        return Value(value, bits, signed)


def usual_conversions(left: Value, right: Value) -> tuple[Value, Value]:
    """Both operands in their common type (C 6.3.1.8)."""
    left, right = promote(left), promote(right)
    bits = max(left.bits, right.bits)
    signed = all(v.signed for v in (left, right) if v.bits == bits)
    return left.cast(bits, signed), right.cast(bits, signed)


def promote(value: Value) -> Value:
    return value.cast(32, True) if value.bits < 32 else value


def unary(op: str, operand: Value) -> Value:
    operand = promote(operand)
    if op == "!":
        return Value(int(operand.value == 0))
    raw = {"+": operand.value, "-": -operand.value, "~": ~operand.value}.get(op)
    if raw is None:
        raise ConstantError(f"'{op}' is not allowed in a constant expression")
    return Value(raw).cast(operand.bits, operand.signed)


def binary(op: str, left: Value, right: Value) -> Value:
    """The value of ``left op right``; division by zero and wild shifts raise ConstantError."""
    if op == "&&":
        return Value(int(left.value != 0 and right.value != 0))
    if op == "||":
        return Value(int(left.value != 0 or right.value != 0))
    if op in ("<<", ">>"):
        left, right = promote(left), promote(right)
        if not 0 <= right.value < left.bits:
            raise ConstantError(f"shift by {right.value} of a {left.bits}-bit value")
        raw = left.value << right.value if op == "<<" else left.value >> right.value
        return Value(raw).cast(left.bits, left.signed)
    left, right = usual_conversions(left, right)
    a, b = left.value, right.value
    if op in _COMPARE:
        return Value(int(_COMPARE[op](a, b)))
    if op in ("/", "%"):
        if b == 0:
            raise ConstantError("division by zero")
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        raw = quotient if op == "/" else a - quotient * b
    elif op in _ARITHMETIC:
        raw = _ARITHMETIC[op](a, b)
    else:
        raise ConstantError(f"'{op}' is not allowed in a constant expression")
    return Value(raw).cast(left.bits, left.signed)


_COMPARE = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
_ARITHMETIC = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
}

_NUMBER = re.compile(r"(?i)(0x[0-9a-f]+|0b[01]+|[0-9]+)(u?(?:ll|l|z)?|(?:ll|l|z)u)")


def parse_integer(text: str) -> Value:
    """An integer constant with its C type (6.4.4.1); raises ConstantError."""
    match = _NUMBER.fullmatch(text.replace("'", ""))
    if match is None:
        raise ConstantError(f"'{text}' is not an integer constant")
    digits, suffix = match.group(1).lower(), match.group(2).lower()
    decimal = False
    if digits.startswith("0x"):
        number = int(digits, 16)
    elif digits.startswith("0b"):
        number = int(digits[2:], 2)
    elif digits.startswith("0") and len(digits) > 1:
        try:
            number = int(digits, 8)
        except ValueError:
            raise ConstantError(f"'{text}' is not an octal constant") from None
    else:
        if len(digits) > 40:
            raise ConstantError(f"integer constant of {len(digits)} digits is too large")
        number, decimal = int(digits), True
    unsigned = "u" in suffix
    widths = (64,) if "l" in suffix or "z" in suffix else (32, 64)
    for bits in widths:
        if not unsigned and number < 1 << (bits - 1):
            return Value(number, bits, True)
        if (unsigned or not decimal) and number < 1 << bits:
            return Value(number, bits, False)
    if number < 1 << 64:
        return Value(number, 64, False)
    raise ConstantError(f"integer constant {text} is too large")


_ESCAPES = {"n": 10, "t": 9, "r": 13, "0": 0, "a": 7, "b": 8, "f": 12, "v": 11, "e": 27}


def parse_character(text: str) -> Value:
    """A character constant; raises ConstantError."""
    wide = not text.startswith("'")
    body = text[text.index("'") + 1 : -1]
    codes: list[int] = []
    index = 0
    while index < len(body):
        char = body[index]
        index += 1
        if char != "\\":
            codes.extend([ord(char)] if wide else char.encode())
            continue
        escape = body[index : index + 1]
        index += 1
        if escape == "x":
            digits = re.match(r"[0-9A-Fa-f]+", body[index:])
            if digits is None:
                raise ConstantError(r"\x has no digits")
            codes.append(int(digits.group(), 16) & 0xFFFFFFFF)
            index += digits.end()
        elif escape in "01234567" and escape:
            digits = re.match(r"[0-7]{1,3}", body[index - 1 :])
            assert digits is not None
            codes.append(int(digits.group(), 8))
            index += digits.end() - 1
        else:
            codes.append(_ESCAPES.get(escape, ord(escape) if escape else 0))
    if not codes:
        raise ConstantError("empty character constant")
    if wide:
        return Value(codes[-1])
    if len(codes) == 1:
        return Value(codes[0]).cast(8, True).cast(32, True)
    value = 0
    for code in codes[-4:]:
        value = value << 8 | code & 0xFF
    return Value(value).cast(32, True)
