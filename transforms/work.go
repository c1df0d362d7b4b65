package transforms

import (
	"encoding/json"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/penstock-ml/penstock/models/parallel"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/models/training"
)

func init() {
	beam.RegisterCoder(reflect.TypeFor[RangeGroup](), encodeRangeGroup, decodeRangeGroup)
	beam.RegisterCoder(reflect.TypeFor[ShardGroup](), encodeShardGroup, decodeShardGroup)
}

// RangeGroup is one element of work over files: the ranges that one DoFn call handles, on all its cores.
type RangeGroup struct {
	Ranges []records.Range `json:"ranges"`
}

// ShardGroup is one element of work in a round: the shards that one DoFn call computes, on all its cores.
type ShardGroup struct {
	Shards []training.Shard `json:"shards"`
}

// Ranges makes a collection of the ranges in at most elements groups.
func Ranges(s beam.Scope, ranges []records.Range, elements int) beam.PCollection {
	var groups []RangeGroup
	for _, part := range parallel.Divide(ranges, elements) {
		groups = append(groups, RangeGroup{Ranges: part})
	}
	return beam.Reshuffle(s, beam.CreateList(s, groups))
}

// Shards makes a collection of the shards in at most elements groups.
func Shards(s beam.Scope, shards []training.Shard, elements int) beam.PCollection {
	var groups []ShardGroup
	for _, part := range parallel.Divide(shards, elements) {
		groups = append(groups, ShardGroup{Shards: part})
	}
	return beam.Reshuffle(s, beam.CreateList(s, groups))
}

// Beam's default for structs is a row schema by reflection; these descriptors are small and pass as JSON. The functions
// are one for each type because Beam finds them by name, and instances of a generic function share theirs.

func encodeRangeGroup(g RangeGroup) ([]byte, error) { return json.Marshal(g) }
func decodeRangeGroup(data []byte) (g RangeGroup, err error) {
	err = json.Unmarshal(data, &g)
	return g, err
}

func encodeShardGroup(g ShardGroup) ([]byte, error) { return json.Marshal(g) }
func decodeShardGroup(data []byte) (g ShardGroup, err error) {
	err = json.Unmarshal(data, &g)
	return g, err
}
