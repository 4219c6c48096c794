"""Bodies that are not JSON, or that two readers could read differently: each is 400 and none is 500.

The documents are in the shapes of Nicolas Seriot's JSONTestSuite ("Parsing JSON is a Minefield").
"""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from api.json_body import DEEPEST, BadJson, load_strict
from tests.api.conftest import Cast

MALFORMED: dict[str, bytes] = {
    # structure
    "whitespace alone": b"  \n",
    "an open object": b"{",
    "an open array": b"[",
    "an open text": b'{"decision": "appro',
    "an object closed twice": b"{}}",
    "an array closed as an object": b"[}",
    "two values": b"{}{}",
    "a trailing comma": b'{"decision": "approved",}',
    "a trailing comma in an array": b"[1,]",
    "a double comma": b"[1,,2]",
    "a leading comma": b"[,1]",
    "a comma alone": b"[,]",
    "a missing colon": b'{"decision" "approved"}',
    "a missing value": b'{"decision":}',
    "a missing key": b'{: "approved"}',
    "a double colon": b'{"decision":: "approved"}',
    "a comma for a colon": b'{"decision", "approved"}',
    "a key without quotes": b"{decision: 1}",
    "a key in single quotes": b"{'decision': 1}",
    "a number for a key": b"{1: 1}",
    "an emoji for a key": "{🎬: 1}".encode(),
    "a comment": b'{"decision": "approved"} // fine',
    "a block comment": b'/**/{"decision": "approved"}',
    "garbage after it": b'{"decision": "approved"}#',
    "a closing bracket after it": b'{"decision": "approved"}]',
    "a star": b"*",
    "an angle bracket": b"<.>",
    "a NUL byte": b"\0",
    "a NUL byte after it": b'{"decision": "approved"}\0',
    "a form feed": b"[\x0c]",
    "a word joiner": b"[\xe2\x81\xa0]",
    "no-break spaces": b"\xc2\xa0{}",
    # words
    "True": b'{"decision": True}',
    "nul": b'{"decision": nul}',
    "tru": b"[tru]",
    "an unknown word": b"[approved]",
    # numbers
    "NaN": b'{"decision": NaN}',
    "-NaN": b"[-NaN]",
    "Infinity": b'{"decision": Infinity}',
    "-Infinity": b'{"decision": -Infinity}',
    "Inf": b"[Inf]",
    "a plus sign": b"[+1]",
    "a leading zero": b"[012]",
    "a negative leading zero": b"[-012]",
    "a double zero": b"[00]",
    "a minus alone": b"[-]",
    "a double minus": b"[--1]",
    "a point at the start": b"[.5]",
    "a point at the end": b"[1.]",
    "a point before an exponent": b"[1.e1]",
    "an empty exponent": b"[1e]",
    "an exponent of a sign": b"[1e+]",
    "two points": b"[1.2.3]",
    "hexadecimal": b"[0x1f]",
    "underscores": b"[1_000]",
    "full-width digits": "[１]".encode(),
    "a space inside": b"[1 000]",
    "a number beyond a double": b"[1e400]",
    "a negative number beyond a double": b"[-1e99999]",
    "a long exponent": b"[1e" + b"9" * 5000 + b"]",
    "an integer beyond 64 bits": b"[18446744073709551616]",
    "a negative integer beyond 64 bits": b"[-9223372036854775809]",
    "an integer of 5,000 digits": b"[" + b"1" * 5000 + b"]",
    # texts
    "an escape that is none": b'["\\a"]',
    "a hexadecimal escape": b'["\\x00"]',
    "an unfinished escape": b'["\\u00A"]',
    "an escape of letters": b'["\\uqqqq"]',
    "a backslash at the end": b'["\\"]',
    "a newline inside": b'["a\nb"]',
    "a tab inside": b'["a\tb"]',
    "a control character inside": b'["\x1f"]',
    "single quotes": b"['a']",
    "an escaped NUL": b'{"note": "a\\u0000b"}',
    "an escaped NUL in a key": b'{"a\\u0000b": 1}',
    "a lone high surrogate": b'{"note": "\\ud800"}',
    "a lone low surrogate": b'{"note": "\\udc00"}',
    "surrogates in the wrong order": b'{"note": "\\udc00\\ud800"}',
    "a high surrogate twice": b'{"note": "\\ud800\\ud800"}',
    "a lone surrogate in a key": b'{"\\ud800": 1}',
    "a lone surrogate within": b'{"note": [{"a": "\\udead"}]}',
    # bytes
    "a byte that is no UTF-8": b'["\xff"]',
    "an overlong slash": b'["\xc0\xaf"]',
    "an overlong NUL": b'["\xc0\x80"]',
    "a surrogate in UTF-8": b'["\xed\xa0\x80"]',
    "a cut-off sequence": b'["\xe2\x82"]',
    "beyond Unicode": b'["\xf4\xbf\xbf\xbf"]',
    "Latin-1": '["é"]'.encode("latin-1"),
    "UTF-16": '{"decision": "approved"}'.encode("utf-16"),
    "UTF-16 without a mark": '{"decision": "approved"}'.encode("utf-16-le"),
    "UTF-32": '{"decision": "approved"}'.encode("utf-32"),
    "a byte order mark": b'\xef\xbb\xbf{"decision": "approved"}',
    "a byte order mark alone": b"\xef\xbb\xbf",
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    # doubled keys and depth
    "a key twice": b'{"decision": "approved", "decision": "rejected"}',
    "a key twice, once escaped": b'{"decision": 1, "\\u0064ecision": 2}',
    "a key twice within": b'{"note": {"a": 1, "a": 1}}',
    "too deep an array": b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1),
    "too deep an object": b'{"a":' * (DEEPEST + 1) + b"1" + b"}" * (DEEPEST + 1),
    "100,000 open arrays": b"[" * 100_000,
    "100,000 nested arrays": b"[" * 100_000 + b"]" * 100_000,
    "40,000 nested objects": b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
}


@pytest.mark.parametrize("name", MALFORMED)
def test_it_refuses(name: str) -> None:
    with pytest.raises(BadJson) as refusal:
        load_strict(MALFORMED[name])
    assert str(refusal.value).endswith(".")


def test_every_one_of_them_is_400_with_the_reason(cast: Cast) -> None:
    for name, body in MALFORMED.items():
        answer = cast.admin.post("/webhooks", body)
        assert (answer.status, answer.problem) == (400, "malformed-json"), name
        assert answer.audit["params"] == {"body": {"unreadable_bytes": len(body)}}


ACCEPTED: dict[bytes, object] = {
    b"{}": {},
    b' {"a":[]}\r\n\t ': {"a": []},
    b"[18446744073709551615, -9223372036854775808, -0, 1e2, 1E-2]": [2**64 - 1, -(2**63), 0, 100.0, 0.01],
    b'["\\u00e9\\ud83c\\udfac\\/\\b"]': ["é🎬/\b"],
    '["é🎬\u2028\u007f\ufeff"]'.encode(): ["é🎬\u2028\u007f\ufeff"],
    b'{"": 1, "__proto__": 2}': {"": 1, "__proto__": 2},
    b"[" * DEEPEST + b"]" * DEEPEST: None,
}


@pytest.mark.parametrize("body", ACCEPTED, ids=lambda body: body[:12].decode())
def test_it_reads_what_is_json(body: bytes) -> None:
    assert ACCEPTED[body] in (load_strict(body), None)


HEAVY: dict[str, bytes] = {
    "many keys and one of them twice": b"{" + b"".join(b'"a%d":1,' % number for number in range(60_000)) + b'"a9":1}',
    "many numbers": b"[" + b"1," * 250_000 + b"1]",
    "a text of escapes": b'["' + b"\\ud83c\\udfac" * 40_000 + b'"]',
    "a long fraction": b"[0." + b"1" * 500_000 + b"]",
}


@pytest.mark.parametrize("name", HEAVY)
def test_no_body_takes_long_to_read(name: str) -> None:
    """A second is ten times what the slowest takes; a quadratic step would take minutes."""
    began = time.process_time()
    with suppress(BadJson):
        load_strict(HEAVY[name])
    assert time.process_time() - began < 1
