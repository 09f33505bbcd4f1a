#!/usr/bin/env python3
"""Records what a real kubectl prints as YAML: the oracle of src/object/yaml_write.c.

    tests/vectors/generate.py KUBECTL

writes yaml.jsonl (one object a line) and yaml.expected (kubectl's YAML of them, each closed by a
line of three dashes) beside this file. KUBECTL needs no cluster: `label --local` prints what it
reads. Left out, and listed on stderr, are objects that kubectl cannot print, and those it prints
now this way and now that: its order of keys is no total order ("00", "1<", "01").
"""
import json
import pathlib
import random
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
WORDS = r"""
y Y n N yes Yes YES no No NO on On ON off Off OFF true True TRUE false False FALSE yEs tRUE oN
null Null NULL nULL ~ nil none .nan .NaN .NAN .inf .Inf .INF +.inf -.inf -.INF .Nan inf nan
0 -0 +0 1 -1 +1 00 01 07 08 09 0777 0888 0o7 0o17 0o8 0x 0x1F 0xfg 0XAB 0b 0b1 0b102 0b101 -0b11
0b-1 0b+1 -0x1f +0x1f -0o17 +0b1 1_000 1_ _1 1__0 0x_1f 0_7 -_1 +_1 1e3 1e+3 1E-3 1e 1e+ e3 1.e3
.5 -.5 +.5 5. . .. ... - -- --- ---a .1e2 .1_5 ._1 1._5 1.2.3 1.2.3.4 0.0 -0.0 1e999 -1e999
1e-999 9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809
18446744073709551615 18446744073709551616 +18446744073709551615 +9223372036854775808
123456789012345678901234567890 0x7fffffffffffffff 0xffffffffffffffff 0x1ffffffffffffffff
1:2 1:20 12:30:45 190:20:30 190:20:30.15 1:60 1:6 1:99 -1:20 +1:20 1_0:20 1:2: :1 1: 1:2.5_
2001-12-14 2001-1-1 2001-13-01 2001-02-29 2000-02-29 2001-12-14T21:59:43Z
2001-12-14t21:59:43.10-05:00 2001-12-14T21:59:43 2001-12-14T1:2:3Z 2001-12-14T24:00:00Z
2001-12-14T23:60:00Z 2001-12-14T23:59:60Z 2001-12-14T21:59:43+24:00 2001-12-14T21:59:43+25:00
2001-12-14T21:59:43+5:00 2001-12-14T21:59:43.Z 2001-12-14T21:59:43,5Z
2001-12-14T21:59:43.123456789012Z 0000-01-01 9999-12-31 12001-12-14 201-1-1
2001-12-14Z 2001-1-01T00:00:00Z 2001-00-01 2001-12-32 2001-12-00
= << >> < > & * ! | # @ ` % ? ?a : :a a: a:b -a ,a a,b [a] {a} 'a' "a" a'b a"b a#b #a &a *a !a
!!str a|b |a >a %a @a `a a? a?b =a <<a http://x/y?a=b&c=d%20 k=v --flag=x -f $(VAR) ${VAR} {{x}}
*.example.com a.b/c 10m 1Gi 1.5Gi 250m 10.0.0.1 10.0.0.0/8 ::1 fe80::1 sha256:abc v1.2.3 50% "" ''
\\ \\n C:\\x ^a$ a\\ \\u0041 0x1.8p3 0x1p-2 1p3 1_2:30 Infinity -Infinity +Inf NaN infinity
""".split()
TEXTS = [
    "", " ", "  ", "\t", "\n", "\n\n", "\n\n\n", " \n", "\n ", "a\n", "a\n\n", "a\n\n\n", "a\nb",
    "a\nb\n", "a\n\nb\n", "\na", "\na\n", "\n\na\n", " a", "a ", " a ", "a  b", "\ta", "a\t",
    "a\tb", " a\nb", "a \nb", "a\n b", "a\n  b\n", "a\t\nb", "a\n\tb\n", "  a\n b\n", "a\n ",
    "a \n", "a\n\t", "a\n#b", "#a\nb", "- a\n- b", "a: b\nc: d\n", "---\na\n", "...\n",
    "a\r\nb\r\n", "a\rb", "\r", "a\r", "a: ", "a:\tb", "a :b", "a : b", ": a", "a #b", "a\t#b",
    "a# b", "# a", "- a", "-\ta", "? a", "?\ta", "a - b", "a, b", "[a, b]", "{a: b}", "it's", "'",
    "''", "\"", "\"\"", "'\"", "it's a \"test\"", "it's: a", "it's # x", "\\", "a\\b", "a: \\",
    "a: 'b'", "a: \"b\"", "2001-12-14 21:59:43.10", "2001-12-14  1:2:3",
    "2001-12-14 21:59:43.10 -5", "2001-12-14 21:59:43", "1 000", "1 2", "true false", "null ",
    " null", "~ ", "\u00a0", "a\u00a0b", "\u00e9t\u00e9", "na\u00efve: caf\u00e9", "\u4e2d\u6587",
    "\u4e2d: \u6587", "\U0001f600", "a \U0001f600 b", "a\n\U0001f600\n", "\u2028", "a\u2028b",
    "a\u2029b", "a\u2028\u2028b", "\u2028a", "a\u2028", "a\n\u2028b\n", "a\u2028\nb\n",
    "a \u2028b", "a\u2028 b", "a b\u2028c d", "it's\u2028x", "a\u2028\n", "\u2029\n", "a\nb\u2028",
    "a\nb\u2028\n", "\ufeff", "\ufeffabc d", "a\ufeffb", "\ufeff\n", "a\ufeff\n", "\ufffd",
    "\ufffc", "\ue000", "\ud7ff", "\u0300", "\u200b", "a\u200bb", "\u202e", "\u00ad", "\x00",
    "a\x00b", "\x01", "\x07", "\x08", "\x0b", "\x0c", "\x1b[1m", "\x1f", "a\x01\nb\n", "a\x1b",
    "tab\tand\nline\n", "x\n" * 30,
]
NUMBERS = [
    0, 1, -1, 42, -42, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -2**63, 2**63, 2**64 - 1, 2**64, 10**20,
    10**21, 10**25, 0.1, -0.1, 0.5, 1.5, 100.25, 12345.678, 123456.75, 999999.5, 1234567.5,
    123456789.125, 1e-3, 1e-4, 1e-5, 1.5e-5, 1e-6, 1e-7, 1.25e-7, 1e20, 1e21, 1.5e21, 1e100,
    1.7976931348623157e308, 5e-324, 0.1 + 0.2, 1 / 3, 2 / 3, 1e15 + 0.5, 3.0, -0.0, 99999.9,
    0.00012345,
]


def long_texts(rng):
    words = ["lorem", "ipsum", "dolor:", "sit", "it's", "#amet", "x" * 30, "\u00e9" * 5, "a,b",
             "\u4e2d\u6587", "-", "\"quoted\"", "https://example.com/a/very/long/path?with=query",
             "\U0001f600", "\\", "y"]
    for n in range(60, 100, 3):
        yield "x" * n
        yield "x" * n + " y"
        yield "x" * (n - 20) + " " + "y" * 30 + " z " + "w" * 20
        yield "x" * n + "  two spaces"
        yield "x" * n + " : colon then more text"
        yield "x" * n + " it's: quoted and going on " + "y" * 20 + " z"
        yield "x" * n + " \x01 escapes " + "\u00a0" * 3 + " more " + "z" * 30 + "  two   three"
        yield "\u00e9" * n + " accented words fold by characters"
        yield "line one " + "x" * n + " is long\nline two " + "y" * n + " too\n"
    for _ in range(60):
        yield " ".join(rng.choice(words) for _ in range(rng.randint(5, 40)))
    for _ in range(30):
        yield "  ".join(rng.choice(words) for _ in range(rng.randint(5, 40)))
    for _ in range(20):
        yield "\n".join(" ".join(rng.choice(words) for _ in range(rng.randint(0, 25)))
                        for _ in range(rng.randint(2, 6)))


def random_texts(rng):
    pieces = list(PUNCTUATION) + list("aby019 ") + [
        "  ", "\n", "\t", ": ", " #", "- ", "\u00e9", "\u2028", "\u00a0", "\r", "\x02",
        "\U0001f600", "x" * 20, "ab cd"]
    for _ in range(900):
        yield "".join(rng.choice(pieces) for _ in range(rng.randint(1, 12)))
    for _ in range(120):
        yield "".join(rng.choice(pieces) for _ in range(rng.randint(30, 80)))


def punctuated():
    for c in PUNCTUATION:
        yield from (c, c + c, c + "a", "a" + c, "a" + c + "b", c + " a", "a " + c, "a " + c + " b",
                    "a " + c + "b", "a" + c + " b", " " + c, c + "\n", "a\n" + c, c + "1", "1" + c)


def chunks(items, size):
    items = list(items)
    for i in range(0, len(items), size):
        yield items[i:i + size]


def shapes():
    deep = "leaf"
    for i in range(30):
        deep = {"k%d" % i: deep} if i % 3 else [deep]
    yield {"empty": {}, "list": [], "null": None, "yes": True, "no": False,
           "nested": [[], {}, [[]], [{}], [[1]]]}
    yield {"lists": [[1, [2, [3, []]]], [["a", "b"], {"a": [1]}], {"a": {"b": [{"c": []}]}}]}
    yield {"deep": deep, "maps": [{"a": 1, "b": {"c": 2}}, {"a": [{"x": 1}, {"y": 2}]}, "s", None]}
    yield {"literals": ["a\nb\n", ["c\nd", ["e\n\n"]], {"k": " f\n"}, {"l": ["\ng\n"]}]}
    for value in ("v", "v\nw\n", {}, [], {"a": 1}, [1, 2], [[1]], [{"a": 1, "b": 2}], None, 7,
                  "x" * 60 + " y " + "z" * 60 + " w"):
        yield {"k" * 128: value, "l" * 129: value, "m" * 200: {"n" * 150: value},
               "z": [{"o" * 140: value}]}
        yield {"two\nlines": value, "ends\n": value, "u\u2028v": value, "\n": value}
        yield {"word " * 40: value, "it's: " * 30: value, "\x01 " * 70: value, "tail \n": value}


def key_maps(rng, texts):
    keys = list(texts)
    rng.shuffle(keys)
    for chunk in chunks(keys, 12):
        yield {"keys": {k: i for i, k in enumerate(chunk)}}
    alphabet = ["a", "b", "A", "0", "1", "9", "00", "10", "-", "_", ".", "/", "\u00e9", "z9"]
    for _ in range(60):
        yield {"order": {"".join(rng.choice(alphabet) for _ in range(rng.randint(1, 6))): "v"
                         for _ in range(14)}}


def objects():
    rng = random.Random(36)
    texts = WORDS + TEXTS + list(punctuated()) + list(long_texts(rng)) + list(random_texts(rng))
    for chunk in chunks(texts, 10):
        yield {"map": {"k%d" % i: t for i, t in enumerate(chunk)}, "list": chunk[:5],
               "in": [{"a": chunk[-1], "b": [chunk[0]]}]}
    for chunk in chunks(NUMBERS, 8):
        yield {"numbers": chunk, "n": {"k%d" % i: v for i, v in enumerate(chunk)}}
    yield from shapes()
    yield from key_maps(rng, [t for t in WORDS + TEXTS + list(punctuated()) if len(t) < 60 and "\0" not in t])


def wrap(spec, i):
    return {"apiVersion": "vectors.example.com/v1", "kind": "Vector",
            "metadata": {"labels": {"vector": "yes"}, "name": "v%d" % i}, "spec": spec}


def print_yaml(kubectl, item):
    """kubectl's YAML of the item, or None when it fails on it or does not always print the same."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump(item, f)
        f.flush()
        runs = [subprocess.run(
            [kubectl, "label", "--local", "-f", f.name, "vector=yes", "-o", "yaml"],
            capture_output=True, check=False) for _ in range(2 + 12 * bool(item["spec"].keys() & {"keys", "order"}))]
    if any(run.returncode or run.stderr or run.stdout != runs[0].stdout for run in runs):
        return None
    return runs[0].stdout.decode()


def main():
    recorded = []
    for i, spec in enumerate(objects()):
        item = wrap(spec, i)
        document = print_yaml(sys.argv[1], item)
        if document:
            recorded.append((item, document))
        else:
            print("kubectl does not print", json.dumps(spec)[:100], file=sys.stderr)
    with open(HERE / "yaml.jsonl", "w") as f:
        for item, _ in recorded:
            f.write(json.dumps(item, separators=(",", ":")) + "\n")
    with open(HERE / "yaml.expected", "w", newline="") as f:
        for _, document in recorded:
            f.write(document + "---\n")
    print(len(recorded), "objects", file=sys.stderr)


main()
