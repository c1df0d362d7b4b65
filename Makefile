# Every target works on a fresh clone; Go fetches what go.mod pins.

# Without cgo the binary is static, and one build of Beam serves build and test. The race detector alone needs cgo.
export CGO_ENABLED := 0
GO      ?= go
OUT     ?= demo
BINARY  := bin/penstock
NO_BEAM := ./models/... ./storage/...
BEAM    := $(shell $(GO) list ./... 2>/dev/null | grep -v -e /models -e /storage)

.PHONY: build demo test test-all lint clean

build: ## the binary, static
	$(GO) build -ldflags='-s -w' -o $(BINARY) .

demo: build ## generate data, train, evaluate, predict one by one and in batch
	OUT='$(OUT)' sh testdata/demo.sh

test: ## vet, the race detector on all that is free of Beam, and every other test
	$(GO) vet ./...
	CGO_ENABLED=1 $(GO) test -race $(NO_BEAM)
	$(GO) test $(BEAM)

test-all: test ## also the race detector on the packages with Beam, which compiles Beam once more
	CGO_ENABLED=1 $(GO) test -race $(BEAM)

lint: ## formatting and staticcheck
	@test -z "$$(gofmt -l .)" || { echo 'gofmt these files:'; gofmt -l .; exit 1; }
	$(GO) tool -modfile=tools/go.mod staticcheck ./...

clean:
	rm -rf bin '$(OUT)'
