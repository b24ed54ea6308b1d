"""The page of attack paths in a real browser: pictures, evidence, graph, patches, narrow, dark, hostile names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from tests.cli.test_paths import ESTATE
from tests.conftest import Run
from tests.e2e.test_network_map import HOSTILE, browser

__all__ = ["browser"]


@pytest.fixture
def page(run: Run, tmp_path: Path, browser: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    hostile = json.dumps(HOSTILE)
    (tmp_path / "estate.yaml").write_text(ESTATE.replace("name: binder", f"name: {hostile}"))
    file = tmp_path / "paths.html"
    done = run("paths", str(tmp_path / "estate.yaml"), "--format", f"html={file}")
    assert done.returncode == 0, done.stderr
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.get(file.as_uri())
    yield browser
    assert browser.execute_script("return window.pwned") is None
    assert not [each for each in browser.get_log("browser") if each["level"] == "SEVERE"]


def click(browser: webdriver.Chrome, selector: str, number: int = 0) -> None:
    """Click something drawn, which the driver cannot always scroll to."""
    node = browser.find_elements(By.CSS_SELECTOR, selector)[number]
    browser.execute_script("arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))", node)


def text(browser: webdriver.Chrome, name: str) -> str:
    return str(browser.find_element(By.ID, name).text)


def test_draws_paths_and_tells_the_evidence_of_a_step(page: webdriver.Chrome) -> None:
    assert "1\nof 1 entry reach cluster-admin" in text(page, "cards")
    drawn = page.find_elements(By.CSS_SELECTOR, ".path")
    assert drawn and "endpoint shop/Deployment/web → cluster-admin" in drawn[0].text
    steps = drawn[0].find_elements(By.CSS_SELECTOR, ".step")
    assert len(steps) == 3 and len(drawn[0].find_elements(By.CSS_SELECTOR, ".place")) == 4
    click(page, ".path:first-of-type .step", 2)
    told = text(page, "panel")
    assert "binds ServiceAccount shop/web to ClusterRole </script>" in told
    assert "estate.yaml:" in told and "Any of these ends it" in told and "rbac-bind" in told
    link = page.find_element(By.CSS_SELECTOR, "#panel a")
    assert str(link.get_attribute("href")).startswith("https://")


def test_the_graph_is_walked_place_by_place(page: webdriver.Chrome) -> None:
    click(page, "#tab-graph")
    Select(page.find_element(By.ID, "kind")).select_by_value("identity")
    assert "identity shop/ServiceAccount web" in text(page, "view")
    page.find_element(By.ID, "search").send_keys("serviceaccount web")
    assert text(page, "count") == "1 place"
    click(page, "#view li button")
    assert "Leads on: " in text(page, "panel") and "cluster-admin" in text(page, "panel")
    click(page, "#view .place.cluster-admin")
    assert "cluster-admin" in page.find_element(By.CSS_SELECTOR, "#panel h2").text


def test_what_to_mend_comes_with_its_patch(page: webdriver.Chrome) -> None:
    click(page, "#tab-mend")
    told = text(page, "view")
    assert "The smallest set of changes that cuts every path that can be cut" in told
    assert '{"op":"add","path":"/spec/template/spec/automountServiceAccountToken","value":false}' in told
    assert "verified" in told and "0 are left" in told


@pytest.mark.parametrize("tab", ["paths", "graph", "mend"])
def test_fits_a_narrow_screen(page: webdriver.Chrome, tab: str) -> None:
    metrics: dict[str, Any] = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    page.refresh()
    click(page, f"#tab-{tab}")
    assert page.execute_script("return document.documentElement.scrollWidth") <= 390
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_turns_dark(page: webdriver.Chrome) -> None:
    before = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    page.find_element(By.ID, "theme").click()
    assert page.execute_script("return getComputedStyle(document.body).backgroundColor") != before


def test_asked_for_choke_points_it_begins_with_them(run: Run, tmp_path: Path, browser: webdriver.Chrome) -> None:
    (tmp_path / "estate.yaml").write_text(ESTATE)
    file = tmp_path / "cut.html"
    assert run("paths", "chokepoints", str(tmp_path / "estate.yaml"), "--format", f"html={file}").returncode == 0
    browser.get(file.as_uri())
    assert browser.find_element(By.ID, "tab-mend").get_attribute("aria-pressed") == "true"
