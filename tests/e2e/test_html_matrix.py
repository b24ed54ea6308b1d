"""The matrix of subjects and resources in a real browser: 300 subjects, filters, themes, details, hostile names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from seawall.reports.html import fill
from tests.e2e.test_html_report import HOSTILE, browser, by_id, choose, counted, emulate, logged, phone, search

__all__ = ["browser"]

KINDS = ("User", "Group", "ServiceAccount")
RBAC = "rbac.authorization.k8s.io/v1"


def entry(number: int, verbs: list[str], namespace: str | None) -> dict[str, Any]:
    binding = {"apiVersion": RBAC, "kind": "RoleBinding", "name": f"binding-{number}", "namespace": namespace}
    role = {"apiVersion": RBAC, "kind": "Role", "name": HOSTILE if number == 0 else "role", "namespace": namespace}
    return {"verbs": verbs, "namespace": namespace, "names": [], "binding": binding, "role": role}


def document(count: int) -> dict[str, Any]:
    verbs = (["get", "list"], ["create"], ["*"])
    rows = []
    for number in range(count):
        kind = KINDS[number % 3]
        home = f"ns-{number % 10}" if kind == "ServiceAccount" else ""
        cells = [
            {"column": column, "entries": [entry(number, verbs[(number + column) % 3], home or None)]}
            for column in range(40)
            if (number + column) % 4 == 0
        ]
        name = HOSTILE if number == 0 else f"subject-{number}"
        rows.append({"subject": {"kind": kind, "name": name, "namespace": home}, "cells": cells})
    columns = [{"group": "example.com" if n else "", "resource": HOSTILE if n == 4 else f"thing{n}"} for n in range(40)]
    return {
        "schema": "seawall.access/v1", "tool": {"name": "seawall", "version": "0"}, "question": "matrix",
        "matrix": {"columns": columns, "rows": rows}, "complete": False, "problems": [HOSTILE],
    }  # fmt: skip


def write(folder: Path, count: int) -> str:
    file = folder / "matrix.html"
    file.write_text(
        fill("matrix", json.dumps(document(count), ensure_ascii=False).encode(), base="report"), encoding="utf-8"
    )
    return file.as_uri()


def test_a_matrix_of_300_subjects(browser: webdriver.Chrome, tmp_path: Path) -> None:
    browser.get(write(tmp_path, 300))
    assert counted(browser) == "300 of 300 subjects"
    assert len(browser.find_elements(By.CSS_SELECTOR, "tbody tr")) == 100
    by_id(browser, "more").click()
    by_id(browser, "more").click()
    assert len(browser.find_elements(By.CSS_SELECTOR, "tbody tr")) == 300
    # Head and subject stay in sight while the table scrolls.
    box = by_id(browser, "scroll")
    browser.execute_script("arguments[0].scrollTo(300, 4000)", box)
    assert browser.find_element(By.CSS_SELECTOR, "thead th").is_displayed()
    place = "return arguments[1].getBoundingClientRect().top - arguments[0].getBoundingClientRect().top"
    head = browser.find_element(By.CSS_SELECTOR, "thead th")
    assert abs(browser.execute_script(place, box, head)) < 4


def test_search_and_filters(browser: webdriver.Chrome, tmp_path: Path) -> None:
    browser.get(write(tmp_path, 300))
    search(browser, "subject-29", "11 of")
    search(browser, "binding-17 ", "11 of")
    by_id(browser, "clear").click()
    choose(browser, "kind", "ServiceAccount")
    assert counted(browser) == "100 of 300 subjects"
    choose(browser, "namespace", "ns-2")
    assert counted(browser) == "10 of 300 subjects"
    by_id(browser, "clear").click()
    choose(browser, "resource", "1")
    assert counted(browser) == "75 of 300 subjects"
    choose(browser, "power", "all")
    assert counted(browser) == "25 of 300 subjects"
    assert by_id(browser, "clear").is_displayed()
    browser.find_element(By.TAG_NAME, "body").send_keys("/")
    assert browser.switch_to.active_element == by_id(browser, "search")


def test_a_cell_tells_its_bindings(browser: webdriver.Chrome, tmp_path: Path) -> None:
    browser.get(write(tmp_path, 30))
    search(browser, "subject-5", "1 of")
    browser.find_element(By.CSS_SELECTOR, "tbody td button").click()
    WebDriverWait(browser, 10).until(lambda b: by_id(b, "detail").is_displayed())
    text = by_id(browser, "detail").text
    assert "ServiceAccount ns-5/subject-5" in text
    assert "by RoleBinding ns-5/binding-5, which grants Role ns-5/role" in text
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not by_id(browser, "detail").is_displayed()


def test_hostile_names_and_a_strict_policy(browser: webdriver.Chrome, tmp_path: Path) -> None:
    for scheme in ("light", "dark"):
        emulate(browser, scheme)
        browser.get(write(tmp_path, 30))
        assert browser.execute_script("return window.pwned") is None
        browser.find_element(By.CSS_SELECTOR, "tbody td button").click()
        assert HOSTILE.split("\u2028")[0].strip()[:20] in by_id(browser, "detail").text
        assert browser.execute_script("return window.pwned") is None
        assert "incomplete" in by_id(browser, "incomplete").text
    before = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    browser.find_element(By.CSS_SELECTOR, "#detail button").click()
    by_id(browser, "theme").click()
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") != before
    assert [each for each in logged(browser) if each["level"] == "SEVERE"] == []


def test_a_phone_scrolls_the_table_alone(browser: webdriver.Chrome, tmp_path: Path) -> None:
    phone(browser)
    browser.get(write(tmp_path, 30))
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
