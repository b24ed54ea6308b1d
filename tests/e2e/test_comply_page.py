"""The page of compliance in a real browser: a phone, the dark, evidence that is folded away."""

from __future__ import annotations

from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.conftest import Run
from tests.e2e.test_html_report import browser, emulate, logged, phone

__all__ = ["browser"]

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web-%d, namespace: shop}
spec:
  hostNetwork: true
  containers: [{name: web, image: registry.example.com/web:1, securityContext: {privileged: true}}]
"""


def test_reads_on_a_phone_and_in_the_dark(run: Run, browser: webdriver.Chrome, tmp_path: Path) -> None:
    (tmp_path / "pods.yaml").write_text("---\n".join(POD % number for number in range(9)))
    file = tmp_path / "page.html"
    assert run("comply", "pss-baseline", "--on", "pods.yaml", "--format", f"html={file}", cwd=tmp_path).returncode == 1
    backgrounds = set()
    for scheme in ("light", "dark"):
        emulate(browser, scheme)
        phone(browser)
        browser.get(file.as_uri())
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        told = browser.find_element(By.CSS_SELECTOR, ".control li")
        assert told.size["width"] > 300
        backgrounds.add(told.find_element(By.XPATH, "ancestor::section").value_of_css_property("background-color"))
    assert len(backgrounds) == 2
    folded = browser.find_element(By.CSS_SELECTOR, "details")
    assert folded.find_element(By.TAG_NAME, "summary").text == "4 more places"
    folded.find_element(By.TAG_NAME, "summary").click()
    assert "web-8" in folded.text
    assert not logged(browser)
