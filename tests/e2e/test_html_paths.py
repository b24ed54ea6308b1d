"""A permission path in the HTML report: told step by step, hostile names as text."""

from __future__ import annotations

import json
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By

from seawall.reports.html import page
from tests.e2e.test_html_report import HOSTILE, browser, document

__all__ = ["browser"]


def test_a_permission_path_is_told(browser: webdriver.Chrome, tmp_path: Path) -> None:
    report = document(1)
    ref = {"cluster": None, "apiVersion": "v1", "kind": "RoleBinding", "namespace": "shop", "name": HOSTILE}
    grant = {
        "binding": ref,
        "role": ref | {"kind": "Role", "name": "tokens"},
        "rule": "create serviceaccounts/token (core)",
    }
    step = {
        "subject": "User jane",
        "how": "requests a token for it",
        "target": "ServiceAccount shop/ops",
        "grants": [grant],
    }
    report["findings"][0]["evidence"].append({"type": "permission-path", "steps": [step, step | {"grants": []}]})
    file = tmp_path / "report.html"
    file.write_text(page(json.dumps(report, ensure_ascii=False).encode()), encoding="utf-8")
    browser.get(file.as_uri())
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    steps = browser.find_elements(By.CSS_SELECTOR, "ol.steps > li")
    assert [each.text.split("\n")[0] for each in steps] == [
        "User jane requests a token for it: ServiceAccount shop/ops"
    ] * 2
    assert "Role shop/tokens: create serviceaccounts/token (core)" in steps[0].text
    assert browser.execute_script("return window.pwned") is None
