"""Writes a copy of the workspace in which every mutant of the core stands behind a switch.

One build then holds all mutants (mutant schemata): `crate::mutant::on(17)` says whether number 17 is the one that
runs. What cannot go behind a switch is told by reason: `constant`, `const fn`, and what the compiler refuses.
"""
import re
import tree_sitter_rust
from tree_sitter import Language, Parser

PARSER = Parser(Language(tree_sitter_rust.language()))

# Numbers from 1 on; 0 is none, LIST writes down what is reached.
RUNTIME = """
//! Which mutant runs: `PORTCULLIS_MUTANT`. With `PORTCULLIS_REACHED`, a file, the mutants that are reached are written there.
use std::io::Write as _;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

const UNKNOWN: u32 = u32::MAX;
const LIST: u32 = u32::MAX - 1;
static ACTIVE: AtomicU32 = AtomicU32::new(UNKNOWN);
static REACHED: [AtomicBool; %d] = [const { AtomicBool::new(false) }; %d];
static FILE: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("PORTCULLIS_REACHED").ok());

/// Is it this one?
#[inline(always)]
pub fn on(id: u32) -> bool {
    let active = ACTIVE.load(Relaxed);
    active == id || (active >= LIST && ask(id))
}

#[cold]
#[inline(never)]
fn ask(id: u32) -> bool {
    let Some(file) = &*FILE else {
        let active = std::env::var("PORTCULLIS_MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        ACTIVE.store(active, Relaxed);
        return active == id;
    };
    ACTIVE.store(LIST, Relaxed);
    if !REACHED[id as usize].swap(true, Relaxed) {
        let mut file = std::fs::File::options().create(true).append(true).open(file).unwrap();
        file.write_all(format!("{id}\\n").as_bytes()).unwrap();
    }
    false
}
"""

EAGER = {"+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"}
ORDER = {"==", "!=", "<", ">", "<=", ">="}


class Switcher:
    """One file. `mutants` are those of it that are still to be tried, each with its `id`."""

    def __init__(self, source, mutants):
        self.source = source.encode()
        self.lines = [line.encode() for line in source.split("\n")]
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.tree = PARSER.parse(self.source).root_node
        self.failed = {}
        self.operators, self.arms, self.guards, self.fields, self.bodies = {}, {}, {}, {}, {}
        for mutant in mutants:
            self.place(mutant)

    def at(self, place):
        line = self.lines[place["line"] - 1].decode()
        return self.starts[place["line"] - 1] + len(line[: place["column"] - 1].encode())

    def place(self, mutant):
        start, end = self.at(mutant["span"]["start"]), self.at(mutant["span"]["end"])
        genre = mutant["genre"]
        function = self.around(start, end, "function_item")
        if genre != "FnValue" and function is None:
            self.failed[mutant["id"]] = "constant"
        elif function is not None and b"const" in self.modifiers(function):
            self.failed[mutant["id"]] = "const fn"
        elif self.tree.descendant_for_byte_range(start, end - 1).parent.type == "let_chain" and genre == "BinaryOperator":
            self.failed[mutant["id"]] = "let chain"
        elif genre in ("BinaryOperator", "UnaryOperator"):
            self.operators.setdefault(start, []).append(mutant)
        elif genre == "MatchArm":
            self.arms[self.around(start, end, "match_arm").start_byte] = mutant
        elif genre == "MatchArmGuard":
            self.guards.setdefault(start, []).append(mutant)
        elif genre == "StructField":
            self.fields[start] = mutant
        else:
            body = function.child_by_field_name("body")
            self.bodies.setdefault(body.start_byte, []).append(mutant)

    def modifiers(self, function):
        for child in function.children:
            if child.type == "function_modifiers":
                return self.text(child).split()
        return []

    def around(self, start, end, kind):
        node = self.tree.descendant_for_byte_range(start, end - 1)
        while node is not None and node.type != kind:
            node = node.parent
        return node

    def text(self, node):
        return self.source[node.start_byte : node.end_byte]

    def switched(self):
        return self.render(self.tree).decode()

    def render(self, node):
        kind = node.type
        if kind == "binary_expression" and self.mutants(node, "operator"):
            return self.binary(node)
        if kind == "compound_assignment_expr" and self.mutants(node, "operator"):
            return self.compound(node)
        if kind == "unary_expression" and node.start_byte in self.operators:
            (mutant,) = self.operators[node.start_byte]
            inner = self.render(node.children[1])
            choice = self.choice([(mutant, b"v")], self.text(node.children[0]) + b"v")
            return b"(match " + inner + b" { v => " + choice + b" })"
        if kind == "block" and node.start_byte in self.bodies:
            if self.bodies[node.start_byte][0]["function"]["return_type"].startswith("-> impl Iterator"):
                return self.iterator(node)
            values = b"".join(
                b"/*<%d*/ if %s { return %s; } /*>%d*/ "
                % (m["id"], on(m), m["replacement"].encode(), m["id"])
                for m in self.bodies[node.start_byte]
            )
            return b"{ " + values + self.inside(node)[1:]
        if kind == "match_arm" and node.start_byte in self.arms:
            return self.inside(node, {"pattern": self.arm})
        if kind == "match_pattern" and node.child_by_field_name("condition") is not None:
            return self.guard(node, None)
        if kind in ("field_initializer", "shorthand_field_initializer") and node.start_byte in self.fields:
            return self.initializer(node)
        return self.inside(node)

    def iterator(self, node):
        """Two types behind one `impl Iterator`: collected."""
        mutants = self.bodies[node.start_byte]
        item = re.search(r"<Item ?= ?(.*)>", mutants[0]["function"]["return_type"]).group(1).encode()
        options = [(m, b"Iterator::collect(%s)" % m["replacement"].encode()) for m in mutants]
        body = self.choice(options, b"Iterator::collect(" + self.inside(node) + b")")
        return b"{ let all: Vec<" + item + b"> = " + body + b"; all.into_iter() }"

    def inside(self, node, special=None):
        out, at = [], node.start_byte
        for index, child in enumerate(node.children):
            out.append(self.source[at : child.start_byte])
            name = node.field_name_for_child(index)
            out.append(special[name](child) if special and name in special else self.render(child))
            at = child.end_byte
        out.append(self.source[at : node.end_byte])
        return b"".join(out)

    def mutants(self, node, field):
        operator = node.child_by_field_name(field)
        return operator is not None and self.operators.get(operator.start_byte)

    def choice(self, options, otherwise):
        out = b""
        for mutant, text in options:
            out += b"if %s { /*<%d*/ %s /*>%d*/ } else " % (on(mutant), mutant["id"], text, mutant["id"])
        return out + b"{ " + otherwise + b" }"

    def group(self, mutants, text):
        ids = b",".join(b"%d" % m["id"] for m in mutants)
        return b"/*[%s*/" % ids + text + b"/*]%s*/" % ids

    def binary(self, node):
        mutants = self.mutants(node, "operator")
        left, right = (self.render(node.child_by_field_name(name)) for name in ("left", "right"))
        operator = self.text(node.child_by_field_name("operator"))
        name = operator.decode()
        if name in ("&&", "||"):
            (mutant,) = mutants
            choice = self.choice(
                [(mutant, b"l " + mutant["replacement"].encode() + b" " + right)],
                b"l " + operator + b" " + right,
            )
            return self.group(mutants, b"({ let l: bool = " + left + b"; " + choice + b" })")
        if name in ORDER:
            head, l, r = b"(match (&(" + left + b"), &(" + right + b")) { (l, r) => ", b"*l ", b" *r"
        else:
            assert name in EAGER, name
            head, l, r = b"(match ((" + left + b"), (" + right + b")) { (l, r) => ", b"l ", b" r"
        options = [(m, l + m["replacement"].encode() + r) for m in mutants]
        return self.group(mutants, head + self.choice(options, l + operator + r) + b" })")

    def compound(self, node):
        mutants = self.mutants(node, "operator")
        left, right = (self.render(node.child_by_field_name(name)) for name in ("left", "right"))
        operator = self.text(node.child_by_field_name("operator"))
        options = [(m, left + b" " + m["replacement"].encode() + b" r") for m in mutants]
        return self.group(
            mutants, b"{ let r = " + right + b"; " + self.choice(options, left + b" " + operator + b" r") + b" }"
        )

    def arm(self, pattern):
        mutant = self.arms[pattern.parent.start_byte]
        if pattern.child_by_field_name("condition") is not None:
            return self.guard(pattern, mutant)
        return self.inside(pattern) + b" /*<%d*/ if !%s /*>%d*/" % (mutant["id"], on(mutant), mutant["id"])

    def guard(self, pattern, deleted):
        condition = pattern.child_by_field_name("condition")
        mutants = self.guards.get(condition.start_byte, [])
        text = self.render(condition)
        chain = condition.type in ("let_chain", "let_condition")
        for mutant in mutants:
            number = mutant["id"]
            if mutant["replacement"] == "false":
                text = b"/*<%d*/ !%s && /*>%d*/ " % (number, on(mutant), number) + (text if chain else b"(" + text + b")")
            elif chain:
                self.failed[number] = "binds in a guard"
            else:
                text = b"/*<%d*/ (%s || (%s)) /*>%d*/" % (number, on(mutant), text, number)
        if deleted:
            text = b"/*<%d*/ !%s && /*>%d*/ " % (deleted["id"], on(deleted), deleted["id"]) + (
                text if chain or b" && " in text and text.startswith(b"/*<") else b"(" + text + b")"
            )
        head = self.source[pattern.start_byte : condition.start_byte]
        return head + text

    def initializer(self, node):
        mutant = self.fields[node.start_byte]
        base = next(c for c in node.parent.children if c.type == "base_field_initializer")
        base = self.text(base)[2:]
        if node.type == "shorthand_field_initializer":
            name, value = self.text(node), self.text(node)
        else:
            name, value = self.text(node.child_by_field_name("field")), self.render(node.child_by_field_name("value"))
        return name + b": " + self.group(
            [mutant], self.choice([(mutant, b"(" + base + b")." + name)], value)
        )


def on(mutant):
    return b"crate::mutant::on(%d)" % mutant["id"]


def runtime(count):
    return RUNTIME % (count + 1, count + 1)


MARK = re.compile(rb"/\*([<>\[\]])([\d,]+)\*/")


def blame(source, at):
    """The ids of the smallest switch around a byte, and whether it is one mutant's own text."""
    inside = []
    for mark in MARK.finditer(source):
        if mark.start() > at:
            break
        sign, ids = mark.group(1), [int(n) for n in mark.group(2).split(b",")]
        if sign in b"<[":
            inside.append((sign == b"<", ids))
        else:
            inside.pop()
    return inside[-1] if inside else None


def uncovered(source, at):
    """The arms of a match that is not exhaustive once they have guards, but for those that are a part of another arm."""
    node = PARSER.parse(source).root_node.descendant_for_byte_range(at, at)
    while node is not None and node.type != "match_expression":
        node = node.parent
    ids = []
    for arm in node.child_by_field_name("body").children if node is not None else []:
        pattern = arm.child_by_field_name("pattern")
        own = pattern and re.search(rb"^(.*)/\*<(\d+)\*/ if !crate::mutant::on\(\2\)", source[pattern.start_byte : pattern.end_byte])
        if own and own.group(1).count(b"::") < 2:
            ids.append(int(own.group(2)))
    return (True, ids) if ids else None
