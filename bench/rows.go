package main

import "context"

const (
	batch        = 512
	targetAUC    = 0.905
	warmSeconds  = 5.5 // of Penstock's training, so that the figure is of a warm run of at least five seconds
	predictRows  = 1_000_000
	analysisRows = 3_200_000
)

// inputs is the width of the deep tower's input that is multiplied: five numbers and two embeddings of eight. One-hot
// columns are gathers, not products.
const inputs = 5 + 2*8

// rows are all pieces of work, in the order of BENCHMARKS.md.
func rows() []row {
	census, large := []int{100, 70, 48, 34}, []int{1024, 1024, 512}
	return []row{
		{
			name: "train", work: "train census, hidden 100-70-48-34, every step averaged over 8 shards", unit: "examples/s",
			penstock: trains(census), flops: trainFLOPs(census),
			peers: []peer{
				torchTraining("PyTorch, 1 process", "--epochs", "32"),
				torchTraining("PyTorch DistributedDataParallel, 2 processes", "--processes", "2", "--epochs", "12"),
				tensorFlowTraining("TensorFlow, compiled step", "--epochs", "12"),
				tensorFlowTraining("TensorFlow ParameterServerStrategy, 2 workers, 1 server", "--strategy", "ps", "--epochs", "6"),
			},
		},
		{
			name: "train-local", work: "the same, averaged after 16 local steps of each shard", unit: "examples/s",
			penstock: trains(census, "--strategy", "local", "--local-steps", "16"), flops: trainFLOPs(census),
			peers: []peer{torchTraining("PyTorch, 1 process", "--epochs", "32")},
		},
		{
			name: "train-large", work: "train census, hidden 1024-1024-512", unit: "examples/s",
			penstock: trains(large), flops: trainFLOPs(large),
			peers: []peer{
				torchTraining("PyTorch, 1 process", "--hidden", "1024", "1024", "512", "--steps-only", "60"),
			},
		},
		{
			name: "to-auc", work: "whole process, files to exported model, test AUC >= .905 on seeds 1 to 5 (`testdata/census.yaml`, 3 epochs)", unit: "s",
			pairs: 5, real: true, penstock: reachesAUC("testdata/census.yaml", 3), peers: []peer{torchToAUC()},
		},
		{
			name: "to-auc-peers", work: "the same with the peers' model (`bench/census-peers.yaml`, 4 epochs)", unit: "s",
			pairs: 5, real: true, penstock: reachesAUC(peersSpec, 4), peers: []peer{torchToAUC()},
		},
		{
			name: "predict-csv", work: "batch prediction, a million CSV rows to JSON lines", unit: "rows/s", penstock: predicts("csv"),
			peers: []peer{pandasPrediction(), beamPrediction(), sparkPrediction()},
		},
		{name: "predict-jsonl", work: "batch prediction, a million JSON lines to JSON lines", unit: "rows/s", penstock: predicts("jsonl")},
		{
			name: "serve", work: "online prediction, one instance a request, 8 connections, client and server on the same cores", unit: "requests/s",
			penstock: serves(requestRate), peers: []peer{bareServer(requestRate), fastAPI(requestRate)},
		},
		{
			name: "serve-p99", work: "the same, what the slowest hundredth of the requests takes at least", unit: "ms",
			penstock: serves(slowest), peers: []peer{bareServer(slowest), fastAPI(slowest)},
		},
		{name: "analyse", work: "analyse 3.2 million CSV rows, read and encode them once more, train one step", unit: "MB/s", penstock: analyses()},
		{name: "start", work: "start, `penstock --help`", unit: "ms", pairs: 21, penstock: starts},
		{name: "binary", work: "size of the binary", unit: "MB", pairs: 1, penstock: weighs},
	}
}

// trainFLOPs is what the products of one example's forward and backward pass take: for each layer the outputs, the
// gradient of the weights and that of the inputs, of which the first layer needs those of the embeddings alone.
func trainFLOPs(hidden []int) float64 {
	products, width := 0, inputs
	for _, h := range append(hidden[:len(hidden):len(hidden)], 1) {
		products += width * h
		width = h
	}
	numbers := 5 * hidden[0]
	return float64(2 * (3*products - numbers))
}

func trains(hidden []int, args ...string) side {
	return func(ctx context.Context, b *bench, _ int) (measurement, error) {
		return b.trainingRate(ctx, hidden, args...)
	}
}

func reachesAUC(config string, epochs int) side {
	return func(ctx context.Context, b *bench, pair int) (measurement, error) {
		return b.secondsToAUC(ctx, config, epochs, pair+1)
	}
}

func predicts(format string) side {
	return func(ctx context.Context, b *bench, _ int) (measurement, error) { return b.predictionRate(ctx, format) }
}

func analyses() side {
	return func(ctx context.Context, b *bench, _ int) (measurement, error) { return b.analysisRate(ctx) }
}

var (
	torchModules      = []string{"torch", "pandas", "numpy"}
	tensorFlowModules = []string{"tensorflow", "pandas", "portpicker"}
)

func torchTraining(name string, args ...string) peer {
	p := peer{name: name, environment: "torch", script: "torch_census.py", modules: torchModules}
	p.run = p.reports("examples_per_s", args...)
	return p
}

func tensorFlowTraining(name string, args ...string) peer {
	p := peer{name: name, environment: "tensorflow", script: "tf_census.py", modules: tensorFlowModules}
	p.run = p.reports("examples_per_s", args...)
	return p
}

// torchToAUC counts from the start of Python to the first epoch whose test AUC is reached: no model is exported.
func torchToAUC() peer {
	p := peer{name: "PyTorch, learning rate 3e-3 (its best)", environment: "torch", script: "torch_census.py", modules: torchModules}
	p.run = p.reportsBySeed("seconds_to_target_auc", "--lr", "3e-3", "--epochs", "10")
	return p
}

func pandasPrediction() peer {
	p := peer{name: "pandas + ONNX Runtime", environment: "torch", script: "predict_peers.py",
		modules: append([]string{"onnx", "onnxscript", "onnxruntime"}, torchModules...)}
	p.run = p.predictsWithONNX("pandas")
	return p
}

func beamPrediction() peer {
	p := peer{name: "Beam Python RunInference, DirectRunner", environment: "beam", script: "predict_peers.py",
		modules: []string{"apache_beam", "onnxruntime", "pandas"}}
	p.run = p.predictsWithONNX("beam")
	return p
}

func sparkPrediction() peer {
	p := peer{name: "Spark MLlib", environment: "beam", script: "spark_census.py", modules: []string{"pyspark"}}
	p.run = p.predictsWithSpark()
	return p
}
