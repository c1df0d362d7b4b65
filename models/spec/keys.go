package spec

import (
	"maps"
	"slices"
)

// featureKeys are the keys that each kind of feature has besides name and kind.
var featureKeys = map[string][]string{
	Numeric:    {"column", "transform", "quantiles"},
	Vocabulary: {"column", "oov_buckets", "min_count", "top_k", "separator"},
	Hash:       {"column", "buckets", "separator"},
	Bucketize:  {"column", "boundaries", "quantiles"},
	Cross:      {"features", "buckets"},
}

// optimizerKeys are the keys that each kind of optimizer has besides kind.
var optimizerKeys = map[string][]string{
	SGD:      {"learning_rate", "l2"},
	Momentum: {"learning_rate", "momentum", "l2"},
	Adagrad:  {"learning_rate", "initial_accumulator", "epsilon", "l2"},
	Adam:     {"learning_rate", "beta1", "beta2", "epsilon", "l2"},
	FTRL:     {"learning_rate", "initial_accumulator", "beta", "l1", "l2"},
}

func kinds(keys map[string][]string) []string { return slices.Sorted(maps.Keys(keys)) }
