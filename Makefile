# `make` alone prints the verbs. Each verb does its own set-up, which is quick when nothing is missing.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
# What somebody has set up for a Python of their own is not for this one.
unexport PYTHONPATH PYTHONHOME PYTHONSAFEPATH PYTHONSTARTUP PYTHONDONTWRITEBYTECODE PIP_USER PIP_TARGET PIP_PREFIX
.PHONY: $(shell sed -n "s,^\([a-z-]*\):.*\#\# .*,\1,p" Makefile)

PYTHON := .venv/bin/python
LOCKS := requirements.txt requirements-dev.txt
# A venv is right for exactly one content of the locks.
VENV := .venv/.locked-$(shell cat $(LOCKS) | sha256sum | cut -c1-16)
# checkov's own pins contradict ours.
CHECKOV_LOCK := tests/terraform/checkov/requirements.txt
CHECKOV := .venv-checkov/.locked-$(shell sha256sum $(CHECKOV_LOCK) | cut -c1-16)
COMPILE := CUSTOM_COMPILE_COMMAND='make lock' $(PYTHON) -m piptools compile --quiet --strip-extras \
	--generate-hashes --allow-unsafe --no-emit-options --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-19s %s\n", $$1, $$2 }' Makefile

$(VENV):
	@bash emulator/venv.sh $@ $(LOCKS)

$(CHECKOV):
	@bash emulator/venv.sh $@ $(CHECKOV_LOCK)

setup: $(VENV) ## Install what is missing: the virtual environment, ffmpeg, nginx, Java, the Firestore emulator
	@$(PYTHON) -m emulator setup

demo: setup ## Run the whole network on this machine until Ctrl-C (PORT=8080 NODES=3 CHEATS=dead,loop ENGINE=restream)
	@exec $(PYTHON) -m emulator demo

demo-once: setup ## Run it until the first whole epoch is settled, print a verdict in JSON (at most 180 s)
	@exec $(PYTHON) -m emulator demo-once

check: setup ## Linters, types, the import rule and unit tests (under a minute)
	@$(MAKE) --no-print-directory --output-sync --jobs=3 lint unit-functions unit-rest

# Three parts at once. The two of tests take about the same, so two cores are busy to the end.
.PHONY: lint unit-functions unit-rest
lint:
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy --strict
	@PYTHONPATH=functions:node_image .venv/bin/lint-imports
unit-functions:
	@$(PYTHON) -m pytest tests/unit/functions tests/unit/agent
unit-rest:
	@$(PYTHON) -m pytest tests/unit --ignore=tests/unit/functions --ignore=tests/unit/agent

test: check ## check, then documents, property, integration, end-to-end and browser tests
	@$(PYTHON) -m emulator setup --for-tests
	@$(MAKE) --no-print-directory --jobs=3 test-agent test-e2e test-rest

# Three parts side by side, since most of their time is waiting for real media. They are cut so that
# each takes about eleven minutes. Each line says whose it is.
.PHONY: test-agent test-e2e test-rest
test-agent:
	@$(PYTHON) -m pytest --durations=10 tests/e2e/test_agent*.py 2>&1 | sed -u 's/^/agent: /'
test-e2e:
	@$(PYTHON) -m pytest --durations=10 tests/e2e --ignore-glob='*/test_agent*' --ignore=tests/e2e/test_cheats.py 2>&1 | sed -u 's/^/e2e: /'
	@$(PYTHON) -m pytest --durations=10 tests/browser 2>&1 | sed -u 's/^/browser: /'
test-rest:
	@$(PYTHON) -m pytest --durations=10 tests/docs tests/property tests/integration tests/e2e/test_cheats.py 2>&1 | sed -u 's/^/rest: /'

end-to-end: setup ## The end-to-end tests of nodes and the network alone, with the engine of your choice (ENGINE=rtmp_relay; about 12 minutes)
	@$(PYTHON) -m emulator setup --for-tests
	@ENGINE=$(or $(ENGINE),restream) $(PYTHON) -m pytest --durations=10 tests/e2e

images: setup ## Build the images and really run them; what is in the node's: build/sbom-node.cdx.json (docker, podman, or BUILD_OFFLINE=program)
	@$(PYTHON) -m emulator need containers
	@$(PYTHON) -m pytest tests/image
	@$(PYTHON) -m tools.sbom localhost/restream-node:test build/sbom-node.cdx.json

test-cloud: setup ## terraform/ against the real provider's schemas, its images built and started, compose.yaml run (needs terraform, docker or podman)
	@$(PYTHON) -m emulator need terraform containers
	@$(MAKE) --no-print-directory $(CHECKOV)
	@$(PYTHON) -m pytest tests/terraform

preflight: $(VENV) ## Whether an apply would fail, asked before anything is made (PROJECT=my-network REGION=europe-west1; docs/ops.md)
	@$(PYTHON) -m tools.preflight --out build/preflight.json --project "$${PROJECT:-}" --region "$${REGION:-}" \
		$(if $(FIRESTORE_LOCATION),--firestore-location "$$FIRESTORE_LOCATION") $(if $(SCHEDULER_REGION),--scheduler-region "$$SCHEDULER_REGION") \
		$(if $(SIZE),--size "$$SIZE") $(if $(MACHINE),--machine "$$MACHINE") \
		$(if $(CURRENCY),--currency "$$CURRENCY")

smoke: $(VENV) ## Whether a network works: a stream of its own is relayed and checked (API=https://… and SPONSOR_KEY_FILE=…; WAIT=paid follows it to its end; docs/ops.md)
	@PYTHONPATH=functions:node_image:. $(PYTHON) -m tools.smoke --out build/smoke.json --api "$${API:-}" \
		$(if $(PROJECT),--project "$$PROJECT") $(if $(REGION),--region "$$REGION") $(if $(WAIT),--wait "$$WAIT")

cost: $(VENV) ## What a network costs a month in the cloud, the dearest first (NODES=1000 HOURS=100 BITRATE=4; alone: the tables of docs/ops.md)
	@$(PYTHON) -m tools.cost --out build/cost.json $(if $(NODES),--nodes "$$NODES") $(if $(HOURS),--hours "$$HOURS") $(if $(BITRATE),--bitrate "$$BITRATE")

plan: ## What `terraform apply` would change in the cloud (docs/ops.md)
	@terraform -chdir=terraform init -input=false >/dev/null
	@terraform -chdir=terraform plan

chaos-node: setup ## How fast a node recovers from everything, and what it costs (OUTAGE_SECONDS=60 NODES=5; about 9 minutes)
	@PYTHONPATH=node_image:. $(PYTHON) -m bench.node.chaos_node

chaos: setup ## The whole network struck in every way, what it promised looked for (PAIRS=20 FREEZE=30 CUT=5 HOLD=5 SEED=1 ONLY=kill,pairs; about 25 minutes)
	@$(PYTHON) -m emulator setup --for-tests
	@PYTHONPATH=functions:node_image:. $(PYTHON) -m bench.chaos.chaos

soak: setup ## 200 simulated and 10 real nodes, 3 streams: whether anything grows, or Firestore is called more (MINUTES=60)
	@PYTHONPATH=functions:node_image:. $(PYTHON) -m bench.soak.soak

hostile-relay: setup ## What strangers' bytes do to the relay, and to nginx-rtmp beside it (SESSIONS=5000; about 3 minutes)
	@PYTHONPATH=node_image:. $(PYTHON) -m bench.node.hostile_relay

bench-relay: setup ## The relay beside nginx-rtmp: CPU, times, memory, a thousand nodes that come back (ROUNDS=3; about 6 minutes)
	@PYTHONPATH=node_image:. $(PYTHON) -m bench.node.relay_bench

bench-image: setup ## The node image: its size, its start, and its first check in a real network (NODES=5; about 6 minutes)
	@PYTHONPATH=node_image:. $(PYTHON) -m bench.node.image

fuzz: $(VENV) ## Chance against every reader of strangers' bytes, led by coverage; finds become cases (MINUTES=10 TARGETS=stats,amf)
	@PYTHONPATH=functions:node_image:. $(PYTHON) -m bench.fuzz.fuzz

nightly: setup ## The property tests as long as a night takes, 10^6 hostile sessions, chaos and soak (about five and a half hours)
	@HYPOTHESIS_PROFILE=nightly $(PYTHON) -m pytest tests/property/test_ledger.py tests/property/test_statements.py tests/property/test_money.py
	@SESSIONS=1000000 $(PYTHON) -m pytest tests/integration/test_hostile_fuzz.py
	@$(MAKE) --no-print-directory chaos soak

# Whatever make makes of a status, build/<verb>.json has it: 0 equal, 1 different, 2 cannot be told.
audit: $(VENV) ## Recompute a statement from public data alone (STREAM=… EPOCH=… API=https://…)
	@PYTHONPATH=functions $(PYTHON) -m tools.verify statement --out build/audit.json --stream "$(STREAM)" --epoch "$(EPOCH)" --api "$(API)"

verify: $(VENV) ## Recompute all of a stream's life, or all of a day (STREAM=… or DATE=2026-11-22; API=https://…)
	@PYTHONPATH=functions $(PYTHON) -m tools.verify all --out build/verify.json $(if $(STREAM),--stream "$(STREAM)") $(if $(DATE),--date "$(DATE)") --api "$(API)"

dry-run: $(VENV) ## Settle past epochs under other terms, writing nothing (STREAM=… EPOCH=… UNTIL=… RATE=2.5 MAX_PAID_NODES=… API=https://…)
	@PYTHONPATH=functions $(PYTHON) -m tools.verify dry-run --stream "$(STREAM)" --epoch "$(EPOCH)" --api "$(API)" \
		$(if $(UNTIL),--until $(UNTIL)) $(if $(RATE),--rate $(RATE)) $(if $(MAX_PAID_NODES),--max-paid-nodes $(MAX_PAID_NODES))

verify-schedule: $(VENV) ## Confirm a past day's checks from public data alone (DATE=2026-11-22 API=https://…)
	@PYTHONPATH=functions $(PYTHON) -m tools.verify schedule --out build/verify-schedule.json --date "$(DATE)" --api "$(API)"

tamper: $(VENV) ## Every way to falsify a recorded network, before audit and verify; build/tamper.json (about four minutes)
	@PYTHONPATH=functions:node_image:. $(PYTHON) -m bench.tampering.tamper

simulate-suspicion: $(VENV) ## How soon cheats are flagged, how often honest nodes are (simulated outcomes, real rules)
	@PYTHONPATH=functions $(PYTHON) -m bench.simulations.simulate_suspicion

simulate-payout: $(VENV) ## What cheats earn per minute that they serve, beside honest nodes (real rules; about 12 minutes on two processors)
	@PYTHONPATH=functions $(PYTHON) -m bench.simulations.simulate_payout

search-strategies: $(VENV) ## Search for operators whom the rules pay too well, rivals who harm, sponsors who do not pay (POLICIES=5000 SEEDS=4; about 40 minutes, and goes on where it was interrupted)
	@PYTHONPATH=functions $(PYTHON) -m bench.simulations.search_strategies \
		$(if $(POLICIES),--policies $(POLICIES)) $(if $(SEEDS),--seeds $(SEEDS))

bench-checks: setup ## What a check costs, and twelve a second of 4 Mbit/s (SECONDS=600 RATE=12; about 15 minutes)
	@PYTHONPATH=functions:node_image:. $(PYTHON) -m bench.checks

bench-settle: $(VENV) ## What settling an epoch of 10,000 nodes costs: CPU seconds and documents
	@PYTHONPATH=functions $(PYTHON) -m bench.settle

cheats: setup ## Every cheat, and honest nodes of 65 kinds, before the real prober; about 25 minutes (KINDS=hevc,still CHECKS=200 CHEATS=none TRIALS=20 ENGINE=rtmp_relay)
	@PYTHONPATH=functions:node_image $(PYTHON) -m bench.cheats --engine $(or $(ENGINE),restream) --kinds "$(or $(KINDS),all)" \
		--cheats "$(or $(CHEATS),all)" --checks $(or $(CHECKS),2100) --trials $(or $(TRIALS),20) $(ARGS)

bench-sweep: $(VENV) ## CPU per poll beside Prometheus and blackbox_exporter, and 10,000 far-away nodes (ROUNDS=5)
	@PYTHONPATH=functions $(PYTHON) -m bench.sweep

bench-store: $(VENV) ## Firestore reads and writes of a node-day, counted at the client; uptime's maths (NODES=10000 SHARDS=1)
	@PYTHONPATH=functions $(PYTHON) -m bench.store

hostile-api: setup ## What strangers may send to the api, each with its right answer, and floods beside /health (about a minute)
	@PYTHONPATH=functions:node_image:. $(PYTHON) -m bench.hostile_api.hostile_api

load: setup ## The whole network with thousands of simulated nodes that come, leave and return (NODES=500,2000,5000; about 25 minutes)
	@PYTHONPATH=functions:node_image:. $(PYTHON) -m bench.load.load $(if $(NODES),--nodes $(NODES))

bench-api: setup ## Heartbeats beside a bare route, the dashboard of 1,000 nodes, cold starts (about two minutes)
	@PYTHONPATH=functions:node_image:. $(PYTHON) -m bench.api

show: $(VENV) ## Print a sweep readably (SWEEP=latest or an id, LINES=40; project or emulator by the environment)
	@PYTHONPATH=functions $(PYTHON) -m tools.show_sweep "$(or $(SWEEP),latest)"

sponsor: $(VENV) ## Give a sponsor a key, which opens within a minute (NAME=city-radio PROJECT=my-network ACTION=new, another, revoke or list; HASH=; docs/ops.md)
	@PYTHONPATH=functions $(PYTHON) -m tools.sponsor "$${ACTION:-new}" $(if $(NAME),--name "$$NAME") \
		$(if $(PROJECT),--project "$$PROJECT") $(if $(DATABASE),--database "$$DATABASE") $(if $(HASH),--hash "$$HASH")

lock: $(VENV) ## Pin the dependencies anew after a change of requirements*.in
	@$(COMPILE) --output-file requirements.txt requirements.in
	@$(COMPILE) --output-file node_image/requirements.txt node_image/requirements.in
	@$(COMPILE) --output-file requirements-dev.txt requirements-dev.in
	@for in in functions/*/requirements.in emulator/cloud_scheduler/requirements.in tests/terraform/checkov/requirements.in; do \
		$(COMPILE) --output-file "$${in%.in}.txt" "$$in"; done

pin: $(VENV) ## Base images by digest, and rtmp_relay by its whole commit, as they are now (needs skopeo or docker, and the network)
	@$(PYTHON) -m tools.pins

pip-audit: $(VENV) ## The locked packages against the database of known vulnerabilities (needs the network)
	@$(PYTHON) -m tools.pip_audit

clean: ## Remove everything that was made here: environment, logs, caches
	@rm -rf .venv .venv-checkov .venv*.lock build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
