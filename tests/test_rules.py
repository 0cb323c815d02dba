# SPDX-License-Identifier: GPL-2.0-only
"""`iommuscope rules` and docs/rules.md list exactly the rules that check applies."""

import json
import re
import subprocess

import jsonschema
from conftest import REPO


def run(*words):
    done = subprocess.run([REPO / "build/iommuscope", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_rule_is_listed_with_what_it_needs():
    schema = json.loads(run("schema"))
    rules = [json.loads(line) for line in run("rules", "--format", "json").splitlines()]
    for rule in rules:
        jsonschema.validate(rule, schema)
        assert rule["needs"], f"{rule['rule']} can be checked without any record?"
    table = re.findall(r"X\((\w+)\)", (REPO / "user/rules/table.c").read_text())[:]
    assert len(rules) == len([name for name in table if name != "name"])


def test_text_and_docs_name_the_same_rules():
    names = [json.loads(line)["rule"] for line in run("rules", "--format", "json").splitlines()]
    text = run("rules")
    assert re.findall(r"^([A-Z]+(?:-[A-Z]+)*)\s+(?:security|resource|semantic)", text, re.M) == names
    docs = (REPO / "docs/rules.md").read_text()
    assert re.findall(r"^\| `?([A-Z]+(?:-[A-Z]+)*)`? \|", docs, re.M) == names
