"""The arithmetic of #if: a precedence parser over preprocessing tokens."""

from __future__ import annotations

from mapschema.frontends.c.integers import (
    ConstantError,
    Value,
    binary,
    parse_character,
    parse_integer,
    unary,
    usual_conversions,
)
from mapschema.frontends.c.tokens import Token

_PRECEDENCE = {
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, ">": 7, "<=": 7,
    ">=": 7, "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}  # fmt: skip
_MAX_DEPTH = 200


def evaluate(tokens: list[Token]) -> bool:
    """Whether an expanded #if expression is true; raises ConstantError.

    An identifier that is left has the value 0; all arithmetic is of 64 bits.
    """
    parser = _Parser(tokens)
    value = parser.conditional(0)
    if parser.at < len(tokens):
        raise ConstantError(f"unexpected '{tokens[parser.at].text}' in #if")
    return value.value != 0


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.unevaluated = 0
        """Depth of operands that && or || skips: there 1/0 is no error."""

    def peek(self) -> str:
        return self.tokens[self.at].text if self.at < len(self.tokens) else ""

    def expect(self, text: str) -> None:
        if self.peek() != text:
            raise ConstantError(f"expected '{text}' in #if")
        self.at += 1

    def conditional(self, depth: int) -> Value:
        condition = self.operators(1, depth)
        if self.peek() != "?":
            return condition
        self.at += 1
        left = condition if self.peek() == ":" else self.conditional(depth + 1)
        self.expect(":")
        right = self.conditional(depth + 1)
        return usual_conversions(left, right)[0 if condition.value else 1]

    def operators(self, lowest: int, depth: int) -> Value:
        left = self.operand(depth)
        while (level := _PRECEDENCE.get(self.peek(), 0)) >= lowest:
            op = self.peek()
            self.at += 1
            decided = (op == "&&" and not left.value) or (op == "||" and left.value != 0)
            self.unevaluated += decided
            right = self.operators(level + 1, depth + 1)
            self.unevaluated -= decided
            try:
                left = binary(op, left, right)
            except ConstantError:
                if not self.unevaluated:
                    raise
        return left

    def operand(self, depth: int) -> Value:
        if depth > _MAX_DEPTH:
            raise ConstantError("#if expression is nested too deeply")
        if self.at >= len(self.tokens):
            raise ConstantError("#if expression ends too early")
        token = self.tokens[self.at]
        self.at += 1
        if token.text == "(":
            value = self.conditional(depth + 1)
            self.expect(")")
            return value
        if token.kind == "punct" and token.text in "+-~!":
            return unary(token.text, self.operand(depth + 1))
        if token.kind == "num":
            value = parse_integer(token.text)
            suffixed = "u" in token.text.lower()
            return value.cast(64, not suffixed and value.value < 1 << 63)
        if token.kind == "chr":
            return parse_character(token.text).cast(64, True)
        if token.kind == "id":
            return Value(1 if token.text == "true" else 0, 64)
        raise ConstantError(f"unexpected '{token.text}' in #if")
