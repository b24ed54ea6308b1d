"""The network map in a real browser: areas, edges that open, search, filters, themes, hostile names, many workloads."""

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
from selenium.webdriver.support.ui import Select

from tests.conftest import Run

HOSTILE = "</script><script>window.pwned=1</script><img src=x onerror='window.pwned=2'>@@SCRIPT@@ <!--\u2028"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --window-size=1280,900"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    driver, binary = shutil.which("chromedriver"), shutil.which("chromium") or shutil.which("google-chrome")
    if driver is None or binary is None:
        if os.environ.get("SEAWALL_E2E"):
            pytest.fail("chromium and chromedriver are needed; `make e2e-setup` installs them")
        pytest.skip("no chromium and chromedriver; `make e2e-setup` installs them")
    options = Options()
    options.binary_location = binary
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    yield chrome
    chrome.quit()


def workload(name: str, namespace: str, host: bool = False) -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"app": name[:20] if name.isalnum() else "x"}},
        "spec": {"hostNetwork": host, "containers": [{"name": "c", "ports": [{"containerPort": 8080}]}]},
    }
    spec = {"selector": {"matchLabels": {"app": "x"}}, "template": template}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def policy(namespace: str, ingress: list[Any], name: str = "in") -> dict[str, Any]:
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": ingress}
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec}


def make(run: Run, folder: Path, items: list[dict[str, Any]], code: int = 0) -> Path:
    (folder / "all.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    page = folder / "map.html"
    done = run("network", "reach", "--format", f"html={page}", str(folder / "all.json"))
    assert done.returncode == code, done.stderr
    return page


def small(extra: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    web = [
        {
            "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "web"}}}],
            "ports": [{"port": 8080}],
        }
    ]
    items = [workload("front", "web"), workload("cart", "shop"), workload("ledger", "billing"), policy("shop", web)]
    return [*items, policy("billing", []), workload("agent", "web", host=True), *(extra or [])]


def clean(browser: webdriver.Chrome) -> None:
    """No script error, nothing refused by the policy, nothing loaded, nothing run that came from names."""
    assert [entry for entry in browser.get_log("browser") if "favicon" not in entry["message"]] == []
    assert browser.execute_script("return window.pwned") is None
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert [name for name in loaded if not name.startswith("data:")] == []


def texts(browser: webdriver.Chrome, css: str) -> list[str]:
    return [node.text for node in browser.find_elements(By.CSS_SELECTOR, css)]


def test_areas_edges_and_panel(browser: webdriver.Chrome, run: Run, tmp_path: Path) -> None:
    browser.get(make(run, tmp_path, small()).as_uri())
    assert texts(browser, ".area .title .name") == ["Outside", "billing", "shop", "web"]
    titles = browser.execute_script(
        "return [...document.querySelectorAll('#edges path title')].map(t => t.textContent)"
    )
    assert "web to shop: 2 pairs" in titles
    assert "Outside to shop: 1 pair" not in titles
    browser.execute_script(
        "[...document.querySelectorAll('#edges path')].find(p => p.textContent.startsWith('web to shop'))"
        ".dispatchEvent(new MouseEvent('click'))"
    )
    panel = browser.find_element(By.ID, "panel").text
    assert "web/front[Deployment] → shop/cart[Deployment]" in panel
    assert "TCP 8080" in panel
    browser.find_element(By.CSS_SELECTOR, ".chip[title='shop/cart[Deployment]']").click()
    panel = browser.find_element(By.ID, "panel").text
    assert "NetworkPolicy shop/in" in panel
    assert "Reached by 2" in panel
    marks = browser.find_element(By.CSS_SELECTOR, ".chip[title='web/agent[Deployment]']").get_attribute("class")
    assert marks is not None
    assert {"host", "free", "open"} <= set(marks.split())
    clean(browser)


def test_search_filters_and_themes(browser: webdriver.Chrome, run: Run, tmp_path: Path) -> None:
    browser.get(make(run, tmp_path, small()).as_uri())
    search = browser.find_element(By.ID, "search")
    search.send_keys("cart")
    assert texts(browser, ".area .title .name") == ["Outside", "shop"]
    browser.find_element(By.ID, "clear").click()
    Select(browser.find_element(By.ID, "show")).select_by_value("free")
    assert texts(browser, ".area .title .name") == ["Outside", "web"]
    browser.find_element(By.ID, "clear").click()
    before = browser.find_element(By.ID, "count").text
    Select(browser.find_element(By.ID, "port")).select_by_value("TCP 8080")
    assert browser.find_element(By.ID, "count").text == before
    colour = "return getComputedStyle(document.body).backgroundColor"
    first = browser.execute_script(colour)
    browser.find_element(By.ID, "theme").click()
    assert browser.execute_script(colour) != first
    clean(browser)


def test_hostile_names_are_text(browser: webdriver.Chrome, run: Run, tmp_path: Path) -> None:
    hostile = [workload(HOSTILE, HOSTILE), policy(HOSTILE, [], HOSTILE)]
    browser.get(make(run, tmp_path, small(hostile)).as_uri())
    assert any("<script>" in name for name in texts(browser, ".area .title .name"))
    browser.find_elements(By.CSS_SELECTOR, ".area .chip")[1].click()
    clean(browser)


def test_the_page_says_what_is_missing(browser: webdriver.Chrome, run: Run, tmp_path: Path) -> None:
    bad = policy("shop", [{"from": [{"ipBlock": {"cidr": "x"}}]}], "bad")
    browser.get(make(run, tmp_path, small([bad]), 2).as_uri())
    assert "incomplete" in browser.find_element(By.ID, "incomplete").text
    assert "is not a CIDR" in browser.find_element(By.ID, "incomplete").text
    clean(browser)


def test_five_hundred_workloads_stay_usable(browser: webdriver.Chrome, run: Run, tmp_path: Path) -> None:
    items = [workload(f"svc{i}", f"team{i % 25}") for i in range(500)]
    items += [policy(f"team{n}", [{"from": [{"podSelector": {}}]}]) for n in range(20)]
    page = make(run, tmp_path, items)
    assert page.stat().st_size < 1_000_000
    browser.get(page.as_uri())
    assert "500 workloads" in browser.find_element(By.ID, "count").text
    assert len(browser.find_elements(By.CSS_SELECTOR, "#areas .chip")) < 400
    assert "too many to draw at once" in browser.find_element(By.ID, "foot").text
    titles = browser.find_elements(By.CSS_SELECTOR, ".area .title")
    next(title for title in titles if title.text.startswith("team20")).click()
    assert len(browser.find_elements(By.CSS_SELECTOR, "#edges > path")) > 10
    clean(browser)


def test_the_page_is_one_file(run: Run, tmp_path: Path) -> None:
    text = make(run, tmp_path, small()).read_text()
    assert re.findall(r"(?:src|href)=\"(?!data:)", text) == []
    assert not re.search(r"\son\w+=", text.split("<script")[0])
    assert "default-src 'none'" in text
