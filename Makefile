# `make help` lists the targets; CONTRIBUTING.md says when to use which.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help protos protos-check

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/^([a-z-]+):.*## (.*)$$/  \1\t\2/' | expand -t 20

.venv-protos/.stamp: requirements/protos.lock
	.venv/bin/uv venv --quiet --allow-existing --python .venv/bin/python .venv-protos
	.venv/bin/uv pip sync --quiet --require-hashes --python .venv-protos/bin/python $<
	@touch $@

protos: .venv-protos/.stamp ## Generate code and descriptors from protos/ (CHECK=1 only compares)
	@.venv-protos/bin/python tools/protos.py $(if $(CHECK),--check)

protos-check: ## Fail when the generated code is not what protos/ says
	@$(MAKE) --no-print-directory protos CHECK=1
