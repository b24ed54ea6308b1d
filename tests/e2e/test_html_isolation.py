"""The page of what falls in a real browser: pictures, filters, details, themes, a phone, hostile names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.by import By

from seawall.reports.isolation import html
from tests.e2e.test_html_report import HOSTILE, browser, by_id, choose, counted, emulate, logged, phone, search

__all__ = ["browser"]


def row(number: int) -> dict[str, Any]:
    lost = {"name": HOSTILE if number == 0 else f"shop/thing-{number}", "how": "mounted"}
    token = {"account": f"shop/account-{number}", "workloads": [], "admin": "", "strong": ["reads Secrets everywhere"],
             "requested": False}  # fmt: skip
    return {
        "name": HOSTILE if number == 0 else f"node-{number}", "pool": f"pool-{number % 3}", "pods": 5, "radius": 40,
        "workloads": [], "tenants": ["a"], "tokens": [token], "secrets": [lost], "readable": 2, "places": ["*"],
        "volumes": [], "roles": [], "rights": [], "sensitive": [lost], "untrusted": [lost] if number % 2 else [],
        "escapes": [], "cluster": ["its token comes to every right"] if number == 5 else [], "taints": [],
        "kubelet": "", "mixed": bool(number % 2), "nodes": [], "controlPlane": False,
    }  # fmt: skip


def write(folder: Path, count: int) -> str:
    total = {"nodes": count, "secrets": 10, "tokens": 20, "tenants": 4, "volumes": 0, "mixed": 1, "clusterNodes": 1}
    document = {
        "schema": "seawall.isolation/v1", "by": "node", "rows": [row(n) for n in range(count)], "total": total,
        "notes": [HOSTILE], "complete": False, "problems": [HOSTILE],
    }  # fmt: skip
    file = folder / "isolation.html"
    file.write_bytes(html(json.dumps(document).encode()))
    return file.as_uri()


def test_pictures_filters_and_details(browser: webdriver.Chrome, tmp_path: Path) -> None:
    browser.get(write(tmp_path, 300))
    assert counted(browser) == "300 of 300 nodes"
    assert len(browser.find_elements(By.CSS_SELECTOR, "#rows svg.picture")) == 120
    assert len(browser.find_elements(By.CSS_SELECTOR, "#rows svg.picture circle.ring")) == 1
    choose(browser, "pool", "pool-1")
    assert counted(browser) == "100 of 300 nodes"
    choose(browser, "what", "mixed")
    assert counted(browser) == "50 of 300 nodes"
    search(browser, "node-151", "1 of")
    browser.find_element(By.CSS_SELECTOR, "#rows button").click()
    text = by_id(browser, "detail").text
    assert "What falls with node-151" in text
    assert "reads Secrets everywhere" in text


def test_hostile_names_themes_and_a_phone(browser: webdriver.Chrome, tmp_path: Path) -> None:
    for scheme in ("light", "dark"):
        emulate(browser, scheme)
        browser.get(write(tmp_path, 8))
        browser.find_element(By.CSS_SELECTOR, "#rows button").click()
        assert browser.execute_script("return window.pwned") is None
        assert "incomplete" in by_id(browser, "incomplete").text
    assert [each for each in logged(browser) if each["level"] == "SEVERE"] == []
    phone(browser)
    browser.get(write(tmp_path, 8))
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
