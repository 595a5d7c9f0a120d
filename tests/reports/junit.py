"""Reads a JUnit report from stdin, says what it saw, or what is wrong (exit status 1)."""

import re
import sys
import xml.etree.ElementTree as ElementTree
from io import BytesIO

SUITE = {"name", "tests", "failures", "errors", "skipped", "time"}
ATTRIBUTES = {
    "testsuites": SUITE,
    "testsuite": SUITE | {"timestamp"},
    "testcase": {"name", "classname", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message"},
    "properties": set(),
    "property": {"name", "value"},
    "system-out": set(),
    "system-err": set(),
}
CHILDREN = {
    "testsuites": ["testsuite"],
    "testsuite": ["properties", "testcase"],
    "testcase": ["properties", "failure", "error", "skipped", "system-out", "system-err"],
    "properties": ["property"],
}
OUTCOMES = ["failure", "error", "skipped"]


def demand(holds, why):
    if not holds:
        sys.exit(why)


def structure(element):
    demand(element.tag in ATTRIBUTES, f"the element {element.tag} is unknown")
    found, due = set(element.keys()), ATTRIBUTES[element.tag]
    demand(found == due, f"{element.tag} has the attributes {sorted(found)}, not {sorted(due)}")
    allowed = CHILDREN.get(element.tag, [])
    order = []
    for child in element:
        demand(child.tag in allowed, f"{child.tag} stands in {element.tag}")
        order.append(allowed.index(child.tag))
        structure(child)
    demand(order == sorted(order), f"the children of {element.tag} are out of order")
    if "time" in due:
        demand(re.fullmatch(r"\d+\.\d{3}", element.get("time")), "a time is in seconds")
    if "timestamp" in due:
        stamp = element.get("timestamp")
        demand(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", stamp), f"{stamp} is no time")


def outcome(case):
    found = [child.tag for child in case if child.tag in OUTCOMES]
    demand(len(found) < 2, f"{case.get('name')} has two outcomes")
    return found[0] if found else "passed"


def counts(cases):
    outcomes = [outcome(case) for case in cases]
    return [len(outcomes)] + [outcomes.count(word) for word in OUTCOMES]


def numbers(element):
    return [int(element.get(key)) for key in ("tests", "failures", "errors", "skipped")]


def properties(element):
    return {p.get("name"): p.get("value") for p in element.iterfind("properties/property")}


def elementtree(document):
    root = ElementTree.fromstring(document)
    demand(root.tag == "testsuites", f"the root is {root.tag}")
    structure(root)
    demand(numbers(root) == counts(root.iter("testcase")), "testsuites counts wrongly")
    print("suites", *numbers(root))
    for suite in root:
        name = suite.get("name")
        demand(numbers(suite) == counts(suite.iterfind("testcase")), f"{name} counts wrongly")
        print("suite", name, *numbers(suite), f"seed={properties(suite).get('seed')}")
        demand("seed" in properties(suite), f"{name} has no seed")
        for case in suite.iterfind("testcase"):
            demand(case.get("classname") == f"wireside.{name}", "a case is in another suite")
            points = properties(case)
            points = f"{points['score']}/{points['max_score']}" if points else "-"
            print(f"case {case.get('name')}: {outcome(case)} {points}")


def junitparser_agrees(document):
    """The parser that scripts around CI use, where it is installed."""
    try:
        from junitparser import Error, Failure, JUnitXml, Skipped
    except ImportError:
        return
    root = ElementTree.fromstring(document)
    xml = JUnitXml.fromroot(JUnitXml.fromfile(BytesIO(document))._elem)
    words = {Failure: "failure", Error: "error", Skipped: "skipped"}
    seen = [
        (suite.name, case.name, case.classname, case.time, [words[type(r)] for r in case.result])
        for suite in xml
        for case in suite
    ]
    due = [
        (
            suite.get("name"),
            case.get("name"),
            case.get("classname"),
            float(case.get("time")),
            [child.tag for child in case if child.tag in OUTCOMES],
        )
        for suite in root
        for case in suite.iterfind("testcase")
    ]
    demand(seen == due, f"junitparser reads {seen}")
    written = numbers(root)
    xml.update_statistics()
    demand([xml.tests, xml.failures, xml.errors, xml.skipped] == written, "junitparser counts otherwise")


document = sys.stdin.buffer.read()
demand(b"]]>" not in document, "some parsers end a CDATA section at ]]> wherever it stands")
elementtree(document)
junitparser_agrees(document)
