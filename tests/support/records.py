"""Random records: values of the schema's types, and the C that says the same."""

from __future__ import annotations

from random import Random

from mapschema.types import (
    Array,
    Enum,
    EnumValue,
    Float,
    FloatKind,
    Int,
    IntKind,
    Member,
    Pointer,
    Record,
    Type,
    Typedef,
    declare,
    spell,
    strip_typedefs,
)

_INTS: tuple[tuple[IntKind, bool | None], ...] = (
    ("bool", False), ("char", None), ("char", True), ("char", False), ("short", True),
    ("short", False), ("int", True), ("int", False), ("long", True), ("long", False),
    ("long long", True), ("long long", False),
)  # fmt: skip
_FLOATS: tuple[FloatKind, ...] = ("float", "double", "long double")


class RandomRecords:
    """Writes records one after another; `int128` is left out where a target lacks it."""

    def __init__(self, seed: int, *, int128: bool, long_double: bool = True) -> None:
        self.random = Random(seed)
        self.int128 = int128
        self.floats = _FLOATS if long_double else _FLOATS[:2]
        self.text: list[str] = []
        self.items: list[Typedef | Enum | Record] = []
        self.records: list[Record] = []
        self.typedefs: list[Typedef] = []
        self.enums: list[Enum] = []
        self.counter = 0
        self.prefix = f"r{seed & 0xFFFF:x}"

    def fresh(self, kind: str) -> str:
        self.counter += 1
        return f"{self.prefix}_{kind}{self.counter}"

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    # -- types ------------------------------------------------------------

    def integer(self) -> Int:
        if self.int128 and self.chance(5):
            return Int("int128", self.chance(50))
        return Int(*self.random.choice(_INTS))

    def enum(self) -> Enum:
        values: list[EnumValue] = []
        name = self.fresh("e")
        pool = [0, 1, 7, 127, 128, 255, 256, 40000, 70000, 2**31 - 1]
        if self.chance(25):
            pool += [2**31, 2**32 - 1]
        if self.chance(40):
            pool += [-1, -128, -129, -40000, -(2**31)]
        if self.chance(10):
            pool = [*pool, 2**33, 2**40]
        underlying: Type | None = None
        if self.chance(25):
            underlying = Int(
                self.random.choice(("char", "short", "int", "long long")), self.chance(50)
            )
            top = 2 ** ({"char": 8, "short": 16, "int": 32, "long long": 64}[underlying.kind] - 1)
            pool = [0, 1, 5, top - 1, -1 if underlying.signed else top]
        for _ in range(self.random.randint(1, 4)):
            values.append(EnumValue(self.fresh("V"), self.random.choice(pool)))
        packed = underlying is None and self.chance(40)
        enum = Enum(name, tuple(values), underlying, packed)
        attr = "__attribute__((packed)) " if packed else ""
        base = f" : {spell(underlying)}" if underlying else ""
        body = ", ".join(f"{item.name} = {item.value}LL" for item in values)
        self.text.append(f"enum {attr}{name}{base} {{ {body} }};")
        self.enums.append(enum)
        self.items.append(enum)
        return enum

    def typedef(self) -> Typedef:
        target = self.member_type(depth=2, typedefs=False)
        align = self.random.choice((1, 2, 4, 8, 16, 32)) if self.chance(40) else None
        name = self.fresh("t")
        attr = f" __attribute__((aligned({align})))" if align else ""
        self.text.append(f"typedef {declare(target, name)}{attr};")
        made = Typedef(name, target, align)
        self.typedefs.append(made)
        self.items.append(made)
        return made

    def member_type(self, depth: int, *, typedefs: bool = True) -> Type:
        roll = self.random.randrange(100)
        if roll < 45:
            return self.integer()
        if roll < 52:
            return Float(self.random.choice(self.floats))
        if roll < 60:
            return Pointer(
                self.random.choice(
                    (
                        "void",
                        "struct opaque",
                        "const char",
                        "void (void)",
                        "char *",
                        "void (*)(void)",
                    )
                )
            )
        if roll < 68:
            return self.random.choice(self.enums) if self.enums and self.chance(60) else self.enum()
        if roll < 76 and typedefs:
            return (
                self.random.choice(self.typedefs)
                if self.typedefs and self.chance(60)
                else self.typedef()
            )
        if roll < 86:
            element = self.member_type(depth + 1, typedefs=False)
            return Array(element, self.random.choice((0, 1, 2, 3, 5)))
        named = [r for r in self.records if r.name and not _has_flexible(r)]
        if named and depth < 3:
            return self.random.choice(named)
        return self.integer()

    # -- records ----------------------------------------------------------

    def bitfield(self) -> Member:
        pool: list[Type] = [self.integer()]
        if self.enums:
            pool.append(self.random.choice(self.enums))
        small = [t for t in self.typedefs if isinstance(strip_typedefs(t), (Int, Enum))]
        if small:
            pool.append(self.random.choice(small))
        type_ = self.random.choice(pool)
        base = strip_typedefs(type_)
        bits = {
            "bool": 1,
            "char": 8,
            "short": 16,
            "int": 32,
            "long": 32,
            "long long": 64,
            "int128": 128,
        }
        if isinstance(base, Enum):
            limit = 8 if base.packed or base.underlying else 32
        else:
            assert isinstance(base, Int)
            limit = bits[base.kind]
        if self.chance(10):
            return Member(None, type_, 0)
        width = self.random.randint(1, limit)
        name = None if self.chance(12) else self.fresh("b")
        packed = name is not None and self.chance(8)
        align = self.random.choice((1, 2, 4, 8, 16)) if name and self.chance(8) else None
        return Member(name, type_, width, packed, align)

    def member(self, depth: int) -> Member:
        if self.chance(28):
            return self.bitfield()
        if depth < 3 and self.chance(10):
            inner = self.build(depth + 1, tagged=False)
            name = None if self.chance(60) else self.fresh("m")
            return Member(name, inner)
        packed = self.chance(8)
        align = self.random.choice((1, 2, 4, 8, 16, 64)) if self.chance(8) else None
        return Member(self.fresh("m"), self.member_type(depth), None, packed, align)

    def build(self, depth: int, *, tagged: bool) -> Record:
        kind = "union" if self.chance(20) else "struct"
        members = [
            self.member(depth) for _ in range(self.random.randint(0 if self.chance(10) else 1, 7))
        ]
        if (
            kind == "struct"
            and tagged
            and members
            and self.chance(8)
            and any(m.name for m in members)
        ):
            members.append(Member(self.fresh("m"), Array(self.integer(), None)))
        packed = self.chance(18)
        align = self.random.choice((1, 2, 4, 8, 16, 32)) if self.chance(12) else None
        pack = (
            self.random.choice((1, 2, 4, 8)) if tagged and depth == 0 and self.chance(12) else None
        )
        if pack is not None:
            members = [_with_pack(m, pack) for m in members]
        return Record(
            self.fresh("s") if tagged else None, kind, tuple(members), packed, pack, align
        )

    def record(self) -> Record:
        record = self.build(0, tagged=True)
        text = render(record) + ";"
        if record.pack is not None:
            text = f"#pragma pack(push, {record.pack})\n{text}\n#pragma pack(pop)"
        self.text.append(text)
        self.text.append(f"extern char use_{record.name}[sizeof({record.spelling}) + 1];")
        self.records.append(record)
        self.items.append(record)
        return record


def _with_pack(member: Member, pack: int) -> Member:
    """The pragma is in force for the records inside the braces, too."""
    if isinstance(member.type, Record) and member.type.name is None:
        inner = member.type
        members = tuple(_with_pack(m, pack) for m in inner.members)
        made = Record(None, inner.kind, members, inner.packed, pack, inner.align)
        return Member(member.name, made, member.bit_width, member.packed, member.align)
    return member


def _has_flexible(record: Record) -> bool:
    for member in record.members:
        base = strip_typedefs(member.type)
        if isinstance(base, Array) and base.count is None:
            return True
        if isinstance(base, Record) and _has_flexible(base):
            return True
    return False


def render(record: Record) -> str:
    """The definition in C; attributes stand in front of the tag."""
    attrs = "__attribute__((packed)) " if record.packed else ""
    if record.align is not None:
        attrs += f"__attribute__((aligned({record.align}))) "
    lines = [f"{record.kind} {attrs}{record.name + ' ' if record.name else ''}{{"]
    for member in record.members:
        attr = " __attribute__((packed))" if member.packed else ""
        if member.align is not None:
            attr += f" __attribute__((aligned({member.align})))"
        if isinstance(member.type, Record) and member.type.name is None:
            body = render(member.type).replace("\n", "\n  ")
            lines.append(f"  {body}{' ' + member.name if member.name else ''}{attr};")
        elif member.bit_width is not None:
            lines.append(f"  {spell(member.type)} {member.name or ''} : {member.bit_width}{attr};")
        else:
            lines.append(f"  {declare(member.type, member.name or '')}{attr};")
    lines.append("}")
    return "\n".join(lines)


# -- the same as a schema ---------------------------------------------------


def schema_text(items: list[Typedef | Enum | Record]) -> str:
    """The items in the DSL."""
    lines = ["schema random;"]
    for item in items:
        if isinstance(item, Typedef):
            align = f" @aligned({item.align})" if item.align else ""
            lines.append(f"typedef {declare(_without_tags(item.target), item.name)}{align};")
        elif isinstance(item, Enum):
            base = f" : {spell(item.underlying)}" if item.underlying else ""
            body = ", ".join(f"{v.name} = {v.value}" for v in item.values)
            lines.append(f"enum {item.name}{base}{' @packed' if item.packed else ''} {{ {body} }}")
        else:
            lines.append(f"{item.kind} {item.name}{_words(item)} {{\n{_members(item)}}}")
    return "\n".join(lines) + "\n"


def _words(record: Record) -> str:
    words = " @packed" if record.packed else ""
    words += f" @aligned({record.align})" if record.align else ""
    return words + (f" @pack({record.pack})" if record.pack else "")


def _without_tags(type_: Type) -> Type:
    """A pointer's target as the DSL can write it: any bare word."""
    if isinstance(type_, Pointer):
        return Pointer("void")
    if isinstance(type_, Array):
        return Array(_without_tags(type_.element), type_.count)
    return type_


def _members(record: Record) -> str:
    lines = []
    for member in record.members:
        words = " @packed" if member.packed else ""
        words += f" @aligned({member.align})" if member.align else ""
        if isinstance(member.type, Record) and member.type.name is None:
            inner = member.type
            name = f" {member.name}" if member.name else ""
            if name:
                lines.append(f"{inner.kind}{_words(inner)} {{\n{_members(inner)}}}{name}{words};")
            else:
                lines.append(f"{inner.kind}{_words(inner)} {{\n{_members(inner)}}};")
        elif member.bit_width is not None:
            name = f" {member.name}" if member.name else ""
            # the grammar wants an unnamed bit-field's enum without the word "enum"
            bare = spell(member.type) if member.name else spell(member.type).removeprefix("enum ")
            lines.append(f"{bare}{name} : {member.bit_width}{words};")
        else:
            lines.append(f"{declare(_without_tags(member.type), member.name or '')}{words};")
    return "".join(f"  {line}\n" for line in lines)
