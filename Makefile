# Everything a person or CI runs. Needs make and Python 3.11 or newer; the rest is installed into .venv.
PYTHON ?= python3
VENV := .venv/bin
CHECKS := format lint types javascript imports migrations django templates secrets

.DEFAULT_GOAL := help
.PHONY: help up test check bench bench-gateway bench-rollback bench-peak bench-studio bench-embed bench-search bench-claims loadtest faults attacks install install-runtime lock $(CHECKS:%=check-%)

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

up: install-runtime ## start the platform in the foreground; Ctrl-C stops it (PORT, YINGDA_HOME, DATABASE_URL, REDIS_URL)
	@exec $(VENV)/python -m config.supervisor

test: install ## the whole test suite, browser tests included (ARGS='-k name')
	@$(PYTHON) config/bootstrap.py browser
	@exec $(VENV)/python -m pytest -n 2 --dist loadgroup $(ARGS)

check: install ## format, lint, types of Python and JavaScript, import contracts, migrations, templates, secrets
	@$(MAKE) --no-print-directory --keep-going $(CHECKS:%=check-%)

check-format:
	$(VENV)/ruff format --check --quiet .

check-lint:
	$(VENV)/ruff check --quiet .

check-types:
	$(VENV)/mypy --no-error-summary .

check-javascript:
	@$(PYTHON) config/bootstrap.py typescript
	$(VENV)/python -m tests.javascript_types

check-imports: # quiet unless a contract is broken
	@echo $(VENV)/lint-imports; said=$$($(VENV)/lint-imports 2>&1) || { echo "$$said"; exit 1; }

check-migrations: # models against files: no database is asked, and its absence is no news
	env -u DATABASE_URL YINGDA_HOME=.venv/no-home YINGDA_LOG_LEVEL=CRITICAL \
	  $(VENV)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

check-django:
	$(VENV)/python manage.py check

check-templates:
	$(VENV)/djlint --lint --quiet templates

check-secrets: # addresses that say user:pass, and made-up order numbers, are examples
	git ls-files -z | xargs -0 $(VENV)/detect-secrets-hook --disable-plugin KeywordDetector \
	  --exclude-lines '//(user|me):[a-z]+@' --exclude-lines 'ABCDE12345678'

bench: install ## the benchmarks: a table, and JSON under var/reports/
	@exec $(VENV)/python -m tests.bench.run $(ARGS)

bench-gateway: install ## what the gateway adds to a call over the SDK and over raw HTTP
	@exec $(VENV)/python -m tests.bench.gateway $(ARGS)

bench-rollback: install ## how long a rollback takes to reach the last of four workers
	@exec $(VENV)/python -m tests.bench.rollback $(ARGS)

bench-peak: install ## more messages than can be answered in full: who gets what, and what is lost
	@exec $(VENV)/python -m tests.bench.peak $(ARGS)

bench-studio: install ## how long the pages of the prompt studio take with 10,000 SOPs, and a retrieval
	@exec $(VENV)/python -m tests.bench.studio $(ARGS)

bench-embed: install ## what embed.js adds to a shop's page before the widget is opened
	@exec $(VENV)/python -m tests.bench.embed $(ARGS)

bench-search: install ## how long a console waits for what it searches among a million messages
	@exec $(VENV)/python -m tests.bench.search $(ARGS)

bench-claims: install ## agents who race for what waits: claims, places told, how soon what waits is given out
	@exec $(VENV)/python -m tests.bench.claims $(ARGS)

loadtest: install ## 50 customers at a time, then so many questions a second: the table articles show, and a row for /analytics/ (ARGS='--quick')
	@exec $(VENV)/python -m tests.load.run $(ARGS)

faults: install ## the fault suite: a table, and JSON under var/reports/
	@exec $(VENV)/python -m tests.faults.run $(ARGS)

attacks: install ## the attack suite: a table by class, and JSON under var/reports/ (ARGS=tools)
	@$(PYTHON) config/bootstrap.py browser
	@exec $(VENV)/python -m tests.attacks.run $(ARGS)

install: ## .venv with everything that tests and checks need
	@$(PYTHON) config/bootstrap.py dev

install-runtime:
	@$(PYTHON) config/bootstrap.py runtime

lock: install ## renew constraints.txt from the two requirement files
	$(VENV)/uv pip compile --quiet --universal --no-header --no-annotate --output-file constraints.txt requirements.txt requirements-dev.txt
