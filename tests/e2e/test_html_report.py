"""The HTML report in a real browser: layout, search and filters, themes, and hostile content."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from seawall.reports.html import render

HOSTILE = "</script><script>window.pwned=1</script><img src=x onerror='window.pwned=2'>@@SCRIPT@@"
LEVELS = ("critical", "high", "medium", "low", "info")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --window-size=1280,900"
)


def finding(number: int) -> dict[str, Any]:
    path = f"spec.template.spec.containers[{number}].securityContext.aVeryLongFieldNameThatWantsToBeWide"
    return {
        "rule": "rule-a" if number % 2 else "rule-b",
        "severity": LEVELS[number % 5],
        "confidence": "high",
        "resource": {
            "cluster": None,
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": f"ns{number % 3}",
            "name": f"pod-{number}",
        },
        "locations": [
            {"file": f"a/very/long/path/{'x' * 60}/{number}.yaml", "line": number + 1, "column": 3, "path": path}
        ],
        "message": HOSTILE if number == 0 else f"message {number}",
        "evidence": [{"type": "field", "path": path, "value": HOSTILE}],
        "fix": None,
        "fingerprint": f"{number:032x}",
        "status": "open",
        "waiver": None,
        "risk": 50,
    }


def document(count: int) -> dict[str, Any]:
    rule = {
        "title": "A title",
        "severity": "high",
        "scope": "workload",
        "aliases": ["KSV-0017"],
        "controls": {"pss": ["baseline"]},
    }
    rule |= {
        "why": "Because.",
        "remediation": "Mend it.",
        "references": ["https://kubernetes.io/", "javascript:alert(1)"],
    }
    return {
        "schema": "seawall.findings/v1",
        "tool": {"name": "seawall", "version": "0"},
        "inputs": [{"path": "shop", "kind": "manifests"}],
        "summary": {"complete": False, "files": 1, "resources": count, "skipped": {}, "kubernetesVersion": "1.37"},
        "findings": [finding(number) for number in range(count)],
        "rules": {"rule-a": rule, "rule-b": rule},
        "statuses": [],
        "errors": [{"source": "x.yaml", "where": "1:1", "message": "not YAML"}],
    }


def write(folder: Path, count: int) -> str:
    page = folder / "report.html"
    page.write_text(render(json.dumps(document(count)).encode()))
    return page.as_uri()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        if os.environ.get("SEAWALL_E2E"):
            pytest.fail("chromium and chromedriver are not installed: run `make e2e-setup`")
        pytest.skip("chromium and chromedriver are not installed: run `make e2e-setup`")
    options = Options()
    options.binary_location = shutil.which("chromium") or ""
    for flag in [*FLAGS.split(), f"--user-data-dir={tmp_path / 'profile'}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


def count(browser: webdriver.Chrome) -> str:
    return str(browser.find_element(By.ID, "count").text)


def test_search_and_filters(browser: webdriver.Chrome, tmp_path: Path) -> None:
    browser.get(write(tmp_path, 60))
    assert count(browser).startswith("60 of 60")
    browser.find_element(By.ID, "search").send_keys("message 59")
    WebDriverWait(browser, 10).until(lambda b: count(b).startswith("1 of 60"))
    browser.find_element(By.ID, "search").clear()
    browser.find_element(By.ID, "search").send_keys("ksv-0017")
    WebDriverWait(browser, 10).until(lambda b: count(b).startswith("60 of 60"))
    browser.find_element(By.CSS_SELECTOR, "[data-level=critical]").click()
    assert count(browser).startswith("48 of 60")
    browser.find_element(By.CSS_SELECTOR, "#group option[value=rule]").click()
    assert "2 groups" in count(browser)


def test_no_sideways_scroll_on_a_phone(browser: webdriver.Chrome, tmp_path: Path) -> None:
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(write(tmp_path, 60))
    for summary in browser.find_elements(By.CSS_SELECTOR, ".finding > summary")[:3]:
        summary.click()
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390


def test_light_and_dark(browser: webdriver.Chrome, tmp_path: Path) -> None:
    colours = []
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        browser.get(write(tmp_path, 5))
        colours.append(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
    assert colours[0] != colours[1]
    browser.find_element(By.ID, "theme").click()
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == colours[0]


def test_hostile_content_stays_text(browser: webdriver.Chrome, tmp_path: Path) -> None:
    browser.get(write(tmp_path, 10))
    browser.find_element(By.CSS_SELECTOR, ".finding > summary").click()
    text = browser.find_element(By.TAG_NAME, "body").text
    assert HOSTILE in text
    assert browser.execute_script("return window.pwned") is None
    assert not browser.find_elements(By.CSS_SELECTOR, "a[href^=javascript]")
    assert "This run is incomplete" in text
    assert not browser.get_log("browser")


def test_twenty_thousand_findings_stay_usable(browser: webdriver.Chrome, tmp_path: Path) -> None:
    browser.get(write(tmp_path, 20_000))
    assert count(browser).startswith("20000 of 20000")
    assert browser.execute_script("return document.querySelectorAll('*').length") < 10_000
    browser.find_element(By.ID, "search").send_keys("pod-19999")
    WebDriverWait(browser, 20).until(lambda b: count(b).startswith("1 of 20000"))


def test_nothing_is_fetched_from_elsewhere(tmp_path: Path) -> None:
    page = render(json.dumps(document(3)).encode())
    markup = re.sub(r'<script type="application/json".*?</script>', "", page, flags=re.DOTALL)
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", markup)
    assert "default-src 'none'" in page
