# Everything is done by these targets; `make` alone lists them.
GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build, start the service with a demo receiver, in ./hookswitch-demo, show its main job; Ctrl-C ends it
	@bin/hookswitch demo

build: ## build the static binary bin/hookswitch
	@echo "building bin/hookswitch ($(VERSION))"
	@CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/hookswitch ./cmd/hookswitch

manual: build ## write the manual page and the shells' completions to bin/manual
	@mkdir -p bin/manual
	@bin/hookswitch man > bin/manual/hookswitch.1
	@bin/hookswitch completion bash > bin/manual/hookswitch.bash
	@bin/hookswitch completion zsh > bin/manual/_hookswitch
	@bin/hookswitch completion fish > bin/manual/hookswitch.fish
	@echo "wrote bin/manual"

PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 freebsd/amd64 windows/amd64

dist: manual ## make archives for PLATFORMS with their SHA256SUMS in bin/dist
	@rm -rf bin/dist && mkdir -p bin/dist
	@set -e; for p in $(PLATFORMS); do \
		os=$${p%/*}; name=hookswitch-$(VERSION)-$$os-$${p#*/}; suffix=; [ $$os != windows ] || suffix=.exe; \
		echo "building $$name"; mkdir bin/dist/$$name; \
		CGO_ENABLED=0 GOOS=$$os GOARCH=$${p#*/} $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/dist/$$name/hookswitch$$suffix ./cmd/hookswitch; \
		cp -r LICENSE README.md CHANGELOG.md bin/manual deploy/systemd deploy/hookswitch.example.yaml bin/dist/$$name; \
		tar -C bin/dist -czf bin/dist/$$name.tar.gz $$name; rm -r bin/dist/$$name; done
	@cd bin/dist && sha256sum *.tar.gz > SHA256SUMS && cat SHA256SUMS

test: clients ## run all tests, with the race detector (needs a C compiler), in under 6 minutes
	$(GO) vet ./...
	$(GO) test -race -timeout 5m ./...

check: ## everything a change must pass: format, vet, staticcheck, tests, known vulnerabilities where reachable
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w on these"; exit 1; }
	$(GO) tool staticcheck ./...
	$(MAKE) test
	@$(GO) build -o bin/ golang.org/x/vuln/cmd/govulncheck && bin/govulncheck ./...; code=$$?; \
	if [ $$code = 3 ]; then exit 1; elif [ $$code != 0 ]; then echo "govulncheck could not reach its database: not checked"; fi

bench: ## measure speed as ratios to yardsticks of the same run; nothing else should run meanwhile
	$(GO) test -run '^$$' -bench "Ratio|Match" -benchtime 2s -timeout 20m ./rpc ./delivery ./service

chaos: ## the scenes with a million deliveries or webhooks, and a simulated day, with their bounds; nothing else should run meanwhile
	$(GO) test -run 'DeadEndpoint' -v -timeout 30m ./cmd/hookswitch -args -pending 1000000
	$(GO) test -run 'HouseOfMany' -v -timeout 30m ./service -args -webhooks 1000000
	$(GO) test -run 'LevelsOff' -v -timeout 30m ./delivery -args -churn 100

fuzz: ## run every fuzz target for FUZZTIME (default 10s) each
	@for p in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
		echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzzminimizetime 10x -fuzztime $(or $(FUZZTIME),10s) $$p || exit 1; done; done

clients: clients/npm/node_modules/.package-lock.json clients/typescript/node_modules/.package-lock.json
clients/%/node_modules/.package-lock.json: clients/%/package.json clients/%/package-lock.json
	@echo "installing what the tests need of npm, in clients/$*"
	@cd clients/$* && npm ci --no-audit --no-fund --silent
	@touch $@

docs: ## make docs/methods.md from the schemas
	$(GO) run ./reference/generate markdown > docs/methods.md.new && mv docs/methods.md.new docs/methods.md

typescript: clients/typescript/node_modules/.package-lock.json ## make the TypeScript client from the schemas, in clients/typescript/dist
	$(GO) run ./reference/generate typescript > clients/typescript/src/methods.ts
	cd clients/typescript && npm run --silent check && npm run --silent build

.PHONY: help run build manual dist test check bench chaos fuzz clients docs typescript
