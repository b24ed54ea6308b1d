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
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from seawall.reports.html import page

HOSTILE = "</script><script>window.pwned=1</script><img src=x onerror='window.pwned=2'>@@SCRIPT@@ <!--\u2028"
LEVELS = ("critical", "high", "medium", "low", "info")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --window-size=1280,900"
)


def finding(number: int) -> dict[str, Any]:
    path = f"spec.template.spec.containers[{number}].securityContext.aVeryLongFieldNameThatWantsToBeWide"
    waiver = {"reason": "Known", "source": "waivers.yaml", "owner": "shop", "expires": "2030-01-01"}
    return {
        "rule": "rule-a" if number % 2 else "rule-b",
        "severity": LEVELS[number % 5],
        "confidence": "high",
        "resource": {
            "cluster": None,
            "apiVersion": "v1",
            "kind": "Pod" if number % 4 else "Deployment",
            "namespace": f"ns{number % 3}" if number % 7 else None,
            "name": f"pod-{number}",
        },
        "locations": [
            {"file": f"a/very/long/path/{'x' * 60}/{number}.yaml", "line": number + 1, "column": 3, "path": path}
        ],
        "message": HOSTILE if number == 0 else f"message {number}",
        "evidence": [{"type": "field", "path": path, "value": HOSTILE}],
        "fix": None,
        "fingerprint": f"{number:032x}",
        "status": "waived" if number % 20 == 19 else "open",
        "waiver": waiver if number % 20 == 19 else None,
        "risk": 50,
    }


def document(count: int, complete: bool = False) -> dict[str, Any]:
    rule = {
        "title": HOSTILE,
        "severity": "high",
        "scope": "workload",
        "aliases": ["KSV-0017"],
        "controls": {"pss": ["baseline"], "cis-k8s-1.8": ["5.2.2"], "cis-k8s-1.9": ["5.2.2"]},
        "why": "Because.",
        "remediation": "Mend it.",
        "references": ["https://kubernetes.io/", "javascript:alert(1)"],
    }
    return {
        "schema": "seawall.findings/v1",
        "tool": {"name": "seawall", "version": "0"},
        "inputs": [{"path": "shop", "kind": "manifests"}],
        "summary": {"complete": complete, "files": 1, "resources": count, "skipped": {}, "kubernetesVersion": "1.37"},
        "findings": [finding(number) for number in range(count)],
        "rules": {"rule-a": rule, "rule-b": rule | {"scope": "network", "aliases": ["CKV_K8S_16"]}},
        "statuses": [{"rule": "rule-c", "state": "not-judged", "reason": HOSTILE}],
        "errors": [{"source": "x.yaml", "where": "1:1", "message": "not YAML"}],
    }


def write(folder: Path, report: dict[str, Any]) -> str:
    file = folder / "report.html"
    file.write_text(page(json.dumps(report, ensure_ascii=False).encode()), encoding="utf-8")
    return file.as_uri()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    chromium, driver_path = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver_path):
        reason = "chromium and chromedriver are not installed: run `make e2e-setup`"
        if os.environ.get("SEAWALL_E2E"):
            pytest.fail(reason)
        pytest.skip(reason)
    options = Options()
    options.binary_location = chromium
    for flag in [*FLAGS.split(), f"--user-data-dir={tmp_path / 'profile'}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # A named driver keeps selenium from looking for one on the network.
    driver = webdriver.Chrome(options=options, service=Service(driver_path))
    yield driver
    driver.quit()


def emulate(browser: webdriver.Chrome, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def phone(browser: webdriver.Chrome) -> None:
    # Chromium's window has a minimum width; emulated metrics have none.
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def by_id(browser: webdriver.Chrome, name: str) -> WebElement:
    element: WebElement = browser.find_element(By.ID, name)
    return element


def counted(browser: webdriver.Chrome) -> str:
    return by_id(browser, "count").text


def choose(browser: webdriver.Chrome, select: str, value: str) -> None:
    browser.find_element(By.CSS_SELECTOR, f"#{select} option[value='{value}']").click()


def search(browser: webdriver.Chrome, words: str, expected: str) -> None:
    by_id(browser, "search").clear()
    by_id(browser, "search").send_keys(words)
    WebDriverWait(browser, 20).until(lambda b: counted(b).startswith(expected))


def logged(browser: webdriver.Chrome) -> list[dict[str, Any]]:
    # Selenium's own get_log has no types.
    entries: list[dict[str, Any]] = browser.execute("getLog", {"type": "browser"})["value"]
    return entries


def background(browser: webdriver.Chrome) -> str:
    return str(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))


def test_search_narrows(browser: webdriver.Chrome, tmp_path: Path) -> None:
    browser.get(write(tmp_path, document(60)))
    assert counted(browser).startswith("57 of 60"), "waived findings are not shown at first"
    search(browser, "MESSAGE pod-58", "1 of 60")
    search(browser, "ksv-0017", "27 of 60")
    search(browser, "NETWORK no such thing", "0 of 60")
    assert "Nothing matches" in browser.find_element(By.CSS_SELECTOR, ".empty").text
    by_id(browser, "search").send_keys(Keys.ESCAPE)
    assert counted(browser).startswith("57 of 60")


def test_slash_focuses_the_search(browser: webdriver.Chrome, tmp_path: Path) -> None:
    browser.get(write(tmp_path, document(5)))
    browser.find_element(By.TAG_NAME, "body").send_keys("/")
    assert browser.switch_to.active_element == by_id(browser, "search")
    assert by_id(browser, "search").get_attribute("value") == ""


def test_severity_tiles_toggle(browser: webdriver.Chrome, tmp_path: Path) -> None:
    browser.get(write(tmp_path, document(60)))
    critical, high = (browser.find_element(By.CSS_SELECTOR, f"[data-level={level}]") for level in LEVELS[:2])
    assert critical.get_attribute("aria-pressed") == "false"
    critical.click()
    assert critical.get_attribute("aria-pressed") == "true"
    assert counted(browser).startswith("12 of 60")
    high.click()
    assert counted(browser).startswith("24 of 60")
    critical.click()
    high.click()
    assert counted(browser).startswith("57 of 60")


def test_filters_and_groups(browser: webdriver.Chrome, tmp_path: Path) -> None:
    browser.get(write(tmp_path, document(60)))
    choose(browser, "status", "")
    assert counted(browser).startswith("60 of 60")
    choose(browser, "status", "=waived")
    assert counted(browser).startswith("3 of 60")
    by_id(browser, "clear").click()
    choose(browser, "kind", "=Deployment")
    assert counted(browser).startswith("15 of 60")
    choose(browser, "ruleScope", "=workload")
    assert counted(browser).startswith("0 of 60")
    by_id(browser, "clear").click()
    choose(browser, "namespace", "=")
    assert counted(browser).startswith("9 of 60"), "objects without a namespace can be asked for"
    by_id(browser, "clear").click()
    for grouping, groups in (("rule", 2), ("namespace", 4), ("file", 57), ("object", 57)):
        browser.find_element(By.CSS_SELECTOR, f"[data-group={grouping}]").click()
        assert f"in {groups} groups" in counted(browser)


def test_a_finding_opens_by_its_link(browser: webdriver.Chrome, tmp_path: Path) -> None:
    browser.get(write(tmp_path, document(60)) + f"#{19:032x}")
    assert counted(browser).startswith("1 of 60")
    text = browser.find_element(By.CSS_SELECTOR, ".finding[open]").text
    for part in ("message 19", "Because.", "Mend it.", "cis-k8s 1.8, 1.9", "KSV-0017", "waivers.yaml", f"{19:032x}"):
        assert part in text


def test_no_sideways_scroll_on_a_phone(browser: webdriver.Chrome, tmp_path: Path) -> None:
    phone(browser)
    browser.get(write(tmp_path, document(60)))
    by_id(browser, "expand").click()
    for summary in browser.find_elements(By.CSS_SELECTOR, ".finding > summary")[:3]:
        summary.click()
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390


def test_light_and_dark(browser: webdriver.Chrome, tmp_path: Path) -> None:
    colours = []
    for scheme in ("light", "dark"):
        emulate(browser, scheme)
        browser.get(write(tmp_path, document(5)))
        colours.append(background(browser))
    assert colours[0] != colours[1]
    by_id(browser, "theme").click()
    assert background(browser) == colours[0]


def test_hostile_content_stays_text(browser: webdriver.Chrome, tmp_path: Path) -> None:
    browser.get(write(tmp_path, document(10)))
    browser.find_element(By.CSS_SELECTOR, ".finding > summary").click()
    text = browser.find_element(By.TAG_NAME, "body").text
    assert HOSTILE.strip() in text
    assert browser.execute_script("return window.pwned") is None
    assert not browser.find_elements(By.CSS_SELECTOR, "img, a[href^=javascript]")
    assert "This run is incomplete" in text
    assert "x.yaml:1:1: not YAML" in text
    assert not logged(browser), "no error, and nothing against the Content-Security-Policy"


def test_the_policy_stops_a_foreign_script(browser: webdriver.Chrome, tmp_path: Path) -> None:
    uri = write(tmp_path, document(1))
    page = tmp_path / "report.html"
    page.write_text(page.read_text("utf-8").replace("</body>", "<script>window.pwned=1</script></body>"), "utf-8")
    browser.get(uri)
    assert browser.execute_script("return window.pwned") is None
    assert "Content Security Policy" in str(logged(browser))


def test_a_document_with_little_in_it_is_shown(browser: webdriver.Chrome, tmp_path: Path) -> None:
    browser.get(write(tmp_path, {"findings": [{"rule": "constructor", "message": "bare"}]}))
    assert counted(browser).startswith("1 of 1 finding")
    browser.find_element(By.CSS_SELECTOR, ".finding > summary").click()
    browser.get(write(tmp_path, document(0, complete=True)))
    assert "Nothing was found in what was scanned" in browser.find_element(By.CSS_SELECTOR, ".empty").text
    assert not by_id(browser, "incomplete").is_displayed()
    assert not logged(browser)


def test_twenty_thousand_findings_stay_usable(browser: webdriver.Chrome, tmp_path: Path) -> None:
    report = document(0) | {"findings": [finding(number) | {"status": "open"} for number in range(20_000)]}
    browser.get(write(tmp_path, report))
    assert counted(browser).startswith("20,000 of 20,000")
    assert len(browser.find_elements(By.CSS_SELECTOR, ".group")) == 200
    assert browser.execute_script("return document.querySelectorAll('*').length") < 10_000
    by_id(browser, "more").click()
    assert len(browser.find_elements(By.CSS_SELECTOR, ".group")) == 400
    search(browser, "pod-19999", "1 of 20,000")


def test_nothing_is_fetched_from_elsewhere(browser: webdriver.Chrome, tmp_path: Path) -> None:
    uri = write(tmp_path, document(3))
    page = (tmp_path / "report.html").read_text("utf-8")
    markup = re.sub(r'<script type="application/json".*?</script>', "", page, flags=re.DOTALL)
    assert not re.search(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//|@import""", markup)
    assert "default-src 'none'" in page
    browser.get(uri)
    browser.find_element(By.CSS_SELECTOR, ".finding > summary").click()
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    links = [link.get_attribute("href") or "" for link in browser.find_elements(By.CSS_SELECTOR, "[src], [href]")]
    assert [link for link in links if link.startswith("http")] == ["https://kubernetes.io/"]


def test_rendered_objects_tell_their_values(browser: webdriver.Chrome, tmp_path: Path) -> None:
    report = document(1)
    rendered = {"type": "rendered", "tool": "helm", "unit": "charts/shop", "likely": True, "values": ["image.tag"]}
    report["findings"][0]["evidence"].append({**rendered, "hook": HOSTILE})
    report["findings"][0]["locations"].append({"file": "values.yaml", "line": 3, "column": 3, "path": "image.tag"})
    browser.get(write(tmp_path, report))
    browser.find_element(By.CSS_SELECTOR, ".finding > summary").click()
    text = browser.find_element(By.CSS_SELECTOR, ".finding").text
    assert "Set by the values image.tag" in text and "a good guess" in text and "values.yaml:3" in text
    assert browser.execute_script("return window.pwned === undefined")
