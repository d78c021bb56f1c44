# `make demo` and `make test` do all set-up by themselves.
.DEFAULT_GOAL := help
BIN := .venv/bin
.PHONY: help install demo run test lint check bench soak fuzz attack sounds speech lock format

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/installed: pyproject.toml requirements/dev.txt requirements/uv.txt scripts/install.sh
	@sh scripts/install.sh

install: .venv/installed ## Make .venv with the ringdove command

demo: install ## Ring simulated phones, and draw who rang and heard what when
	@$(BIN)/ringdove demo

run: install ## Keep a server up, with a few sample extensions
	@$(BIN)/ringdove serve --sample-data

# Four files at a time: they wait more than they work.
test: install ## Run the tests
	@sh scripts/peers.sh
	@$(BIN)/pytest -n 4 --dist loadfile

lint: install ## Check format, lint, types and import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

check: lint test ## Everything that has to pass before a commit lands

format: install ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: install ## Measure speed, beside Asterisk and Kamailio
	@sh scripts/bench_peers.sh
	@$(BIN)/python -m bench

soak: seconds ?= 600
soak: install ## Have a busy house live on a lossy network (seconds=60)
	@$(BIN)/python -m soak --seconds $(seconds)

fuzz: seconds ?= 600
fuzz: install ## Look for octets that break a promise (seconds=60 targets=sdp)
	@PYTHONPATH=tests $(BIN)/python -m fuzz --seconds $(seconds) $(targets)

attack: minutes ?= 10
attack: install ## Attack a server on loopback, and see that it holds (minutes=1)
	@PYTHONPATH=tests $(BIN)/python -m attack --minutes $(minutes)

sounds: install ## Compose the built-in sounds anew (needs Debian's espeak-ng)
	@$(BIN)/python scripts/sounds.py

speech: install ## Speak what callers are told anew (needs Debian's espeak-ng)
	@$(BIN)/python scripts/speech.py

lock: install ## Renew the hashed requirement files
	@sh scripts/lock.sh
