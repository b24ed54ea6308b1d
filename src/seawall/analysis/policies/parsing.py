"""Reading CEL. No function calls itself: nesting is bounded by the stack that the parser keeps, not by Python's."""

from __future__ import annotations

from msgspec import Struct

from seawall.analysis.policies.syntax import TOKEN, Node, SyntaxFault, node

#: What Kubernetes' parser takes: nested brackets, and steps from the whole down to its smallest part.
MOST_DEPTH = 250
_LITERALS = frozenset(["true", "false", "null"])
_BINDING = {"<": 3, "<=": 3, ">": 3, ">=": 3, "==": 3, "!=": 3, "in": 3, "+": 4, "-": 4, "*": 5, "/": 5, "%": 5}
_LOGIC = {"||": 1, "&&": 2}
_CLOSERS = {"(": ")", "[": "]", "{": "}"}
#: What is told of a text that ends too early.
_END = "the end"


class _Token(Struct):
    kind: str
    text: str
    at: int


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise SyntaxFault(f"{text[at]!r} means nothing here", at)
        kind = match.lastgroup or ""
        if kind != "space":
            if kind == "name" and match[0] == "in":
                kind = "sign"
            found.append(_Token(kind, match[0], at))
        at = match.end()
    found.append(_Token("end", _END, len(text)))
    return found


class _Operator(Struct):
    """An operator that waits for what stands behind it; a ternary's is ``?`` first and then ``:``."""

    text: str
    binding: int
    at: int


class _Frame:
    """An open bracket: what it belongs to, the items that are complete, and the one that is being read."""

    def __init__(self, kind: str, closer: str, at: int, text: str = "", kids: tuple[Node, ...] = ()) -> None:
        self.kind, self.closer, self.at, self.text = kind, closer, at, text
        self.kids = list(kids)
        self.marks: list[str] = []
        self.mark = ""
        self.operands: list[Node] = []
        self.operators: list[_Operator] = []
        #: Of a map, the key whose value is being read; of a message, whether a field's name has been.
        self.key: Node | None = None

    def reduce(self, binding: int) -> None:
        """Make nodes of the operators that bind at least as tightly."""
        while self.operators and self.operators[-1].binding >= binding:
            operator = self.operators.pop()
            if operator.text == "?":
                raise SyntaxFault("a ? has no :", operator.at)
            self._make(operator)

    def _make(self, operator: _Operator) -> None:
        text, at, operands = operator.text, operator.at, self.operands
        if text == ":":
            operands[-3:] = [node("ternary", "?", tuple(operands[-3:]), at)]
        elif operator.binding == 6:
            operands[-1:] = [node("prefix", text, (operands[-1],), at)]
        elif text in _LOGIC:
            count = 2
            while self.operators and self.operators[-1].text == text:
                at = self.operators.pop().at
                count += 1
            operands[-count:] = [node("logic", text, tuple(operands[-count:]), at)]
        else:
            operands[-2:] = [node("binary", text, tuple(operands[-2:]), at)]

    def is_empty(self) -> bool:
        """Whether it is a list, a map or a message of which nothing has been read."""
        read = self.kids or self.mark or self.key or self.operands or self.operators
        return self.kind in ("list", "map", "message") and not read

    def may_end(self) -> bool:
        """Whether it may be closed where an item could begin: it is empty, or its last comma is one too many."""
        if self.operands or self.operators or self.key or self.mark:
            return False
        if self.kind in ("call", "method"):
            return len(self.kids) == (self.kind == "method")
        return self.kind in ("list", "map", "message")

    def item(self) -> Node:
        """The expression that has been read."""
        self.reduce(0)
        made = self.operands.pop()
        if made.steps > MOST_DEPTH:
            raise SyntaxFault(f"more than {MOST_DEPTH} operators, selections and calls are nested", made.at)
        return made

    def made(self) -> Node:
        """What the bracket is, when it is closed."""
        if self.kind == "paren":
            return self.kids[0]
        return node(self.kind, self.text, tuple(self.kids), self.at, tuple(self.marks))


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._next = 0
        self._frames = [_Frame("paren", _END, 0)]

    def parse(self) -> Node:
        wants_operand = True
        while self._frames:
            token = self._take()
            wants_operand = self._operand(token) if wants_operand else self._operator(token)
        return self._whole

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _peek(self) -> str:
        """The next token, if it is a sign."""
        token = self._tokens[self._next] if self._next < len(self._tokens) else self._tokens[-1]
        return token.text if token.kind == "sign" else ""

    def _accept(self, sign: str) -> bool:
        if self._peek() != sign:
            return False
        self._next += 1
        return True

    def _push(self, made: Node) -> None:
        if made.steps > MOST_DEPTH:
            raise SyntaxFault(f"more than {MOST_DEPTH} operators, selections and calls are nested", made.at)
        self._frames[-1].operands.append(made)

    def _open(self, kind: str, sign: str, at: int, text: str = "", kids: tuple[Node, ...] = ()) -> bool:
        if len(self._frames) > MOST_DEPTH:
            raise SyntaxFault(f"more than {MOST_DEPTH} brackets are nested", at)
        frame = _Frame(kind, _CLOSERS[sign], at, text, kids)
        self._frames.append(frame)
        if kind in ("list", "map", "index") and self._accept("?"):
            frame.mark = "?"
        if kind == "message":
            self._field(frame)
        return True

    def _operand(self, token: _Token) -> bool:
        """What begins an operand; whether another is wanted behind it."""
        frame, text, at = self._frames[-1], token.text, token.at
        if token.kind in ("number", "string") or text in _LITERALS:
            self._push(node("literal", text, (), at))
            return False
        if token.kind == "name":
            return self._name(text, at)
        if token.kind == "sign":
            if text in ("!", "-"):
                while self._accept(text[0]):
                    text += text[0]
                frame.operators.append(_Operator(text, 6, at))
                return True
            if text == "." and self._tokens[self._next].kind == "name":
                return self._name(f".{self._take().text}", at)
            if text in _CLOSERS:
                return self._open({"(": "paren", "[": "list", "{": "map"}[text], text, at)
            if text == frame.closer and frame.may_end():
                return self._close(frame)
            if text == "," and frame.is_empty() and self._peek() == frame.closer:
                return True
        raise SyntaxFault(f"an expression is missing before {text[:40]}", at)

    def _name(self, text: str, at: int) -> bool:
        opened = self._tokens[self._next].at
        if self._accept("("):
            return self._open("call", "(", opened, text)
        self._push(node("name", text, (), at))
        return False

    def _operator(self, token: _Token) -> bool:
        """What stands behind an operand; whether another operand is wanted behind it."""
        frame, text, at = self._frames[-1], token.text, token.at
        if text in _BINDING and token.kind == "sign":
            frame.reduce(_BINDING[text])
            frame.operators.append(_Operator(text, _BINDING[text], at))
            return True
        if text in _LOGIC:
            frame.reduce(_LOGIC[text] + 1)
            frame.operators.append(_Operator(text, _LOGIC[text], at))
            return True
        if text == ".":
            return self._select(frame)
        if text == "[":
            return self._open("index", "[", at, "", (frame.operands.pop(),))
        if text == "?":
            frame.reduce(1)
            if any(each.text == "?" for each in frame.operators[-1:]):
                raise SyntaxFault("a ? within a ? needs parentheses", at)
            frame.operators.append(_Operator("?", 0, at))
            return True
        if text == "{" and (name := _qualified(frame.operands[-1])):
            frame.operands.pop()
            return self._open("message", "{", at, name)
        return self._separator(frame, token)

    def _select(self, frame: _Frame) -> bool:
        optional = self._accept("?")
        token = self._take()
        if token.kind not in ("name", "quoted") and token.text != "in":
            raise SyntaxFault(f"a field's name is missing before {token.text[:40]}", token.at)
        operand = frame.operands.pop()
        opened = self._tokens[min(self._next, len(self._tokens) - 1)].at
        if not optional and token.kind == "name" and self._accept("("):
            return self._open("method", "(", opened, token.text, (operand,))
        self._push(node("member?" if optional else "member", token.text, (operand,), token.at))
        return False

    def _separator(self, frame: _Frame, token: _Token) -> bool:
        """What ends an item."""
        text = token.text
        if text == ":":
            frame.reduce(1)
            if frame.operators and frame.operators[-1].text == "?":
                frame.operators[-1].text = ":"
                return True
            if frame.kind == "map" and frame.key is None:
                frame.key = frame.item()
                return True
        elif text == "," and frame.kind not in ("paren", "index"):
            self._finish(frame, token)
            if frame.kind in ("list", "map") and self._accept("?"):
                frame.mark = "?"
            if frame.kind == "message":
                self._field(frame)
            return True
        elif text == frame.closer and (token.kind != "string"):
            self._finish(frame, token)
            return self._close(frame)
        raise SyntaxFault(f"{text[:40]} is not expected here", token.at)

    def _finish(self, frame: _Frame, token: _Token) -> None:
        item = frame.item()
        if frame.kind == "map":
            if frame.key is None:
                raise SyntaxFault(f"a : is missing before {token.text[:40]}", token.at)
            frame.kids.append(frame.key)
            frame.key = None
        frame.kids.append(item)
        if frame.kind in ("list", "map", "message"):
            frame.marks.append(frame.mark)
        if frame.kind != "index":
            frame.mark = ""

    def _field(self, frame: _Frame) -> None:
        """The name of a message's field, if there is one more."""
        if self._peek() == frame.closer:
            return
        mark = "?" if self._accept("?") else ""
        token = self._take()
        if token.kind not in ("name", "quoted") or not self._accept(":"):
            raise SyntaxFault(f"a field's name is missing before {token.text[:40]}", token.at)
        frame.mark = f"{mark}{token.text}"

    def _close(self, frame: _Frame) -> bool:
        self._frames.pop()
        if frame.kind == "index" and frame.mark:
            frame.kind = "index?"
        made = frame.made()
        if self._frames:
            self._push(made)
        else:
            self._whole = made
        return False


def _qualified(given: Node) -> str:
    """The name that a chain of names is; empty where it is none."""
    parts: list[str] = []
    while given.kind == "member":
        parts.append(given.text)
        given = given.kids[0]
    return ".".join(reversed([*parts, given.text])) if given.kind == "name" else ""


def parse_cel(text: str) -> Node:
    """The tree of an expression.

    Raises:
        SyntaxFault: it is no CEL, or nested more deeply than Kubernetes' parser takes.
    """
    return _Parser(text).parse()
