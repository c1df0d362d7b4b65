package features

import (
	"sort"

	"github.com/cespare/xxhash/v2"
	"github.com/penstock-ml/penstock/models/spec"
)

// An idEncoder gives the id of a categorical feature. missing is the id of a
// missing value; such a value only comes where there is one.
type idEncoder interface {
	encode(values []value) (int32, error)
}

func newIDEncoder(f *spec.Feature, fitted *FittedFeature, slot int) idEncoder {
	missing := int32(fitted.Size - 1)
	switch f.Kind {
	case spec.Vocabulary:
		vocabulary := newDictionary()
		for _, text := range fitted.Vocabulary {
			vocabulary.add(text)
		}
		return &vocabularyEncoder{slot, f.Column, vocabulary, uint64(f.OOVBuckets), missing}
	case spec.Hash:
		return &hashEncoder{slot, uint64(f.Buckets), missing}
	default:
		return &bucketEncoder{slot, bucketBoundaries(f, fitted), missing}
	}
}

type vocabularyEncoder struct {
	slot       int
	column     string
	vocabulary dictionary
	oovBuckets uint64
	missing    int32
}

func (e *vocabularyEncoder) encode(values []value) (int32, error) {
	v := &values[e.slot]
	if v.missing {
		return e.missing, nil
	}
	return e.encodeText(v.text)
}

func (e *vocabularyEncoder) encodeText(text []byte) (int32, error) {
	if id := e.vocabulary.find(text); id >= 0 {
		return id, nil
	}
	if e.oovBuckets == 0 {
		return 0, columnError(e.column, text, "is not in the vocabulary; correct it, or train with oov_buckets of at least 1")
	}
	return int32(len(e.vocabulary.texts)) + int32(xxhash.Sum64(text)%e.oovBuckets), nil
}

type hashEncoder struct {
	slot    int
	buckets uint64
	missing int32
}

func (e *hashEncoder) encode(values []value) (int32, error) {
	v := &values[e.slot]
	if v.missing {
		return e.missing, nil
	}
	return e.encodeText(v.text)
}

func (e *hashEncoder) encodeText(text []byte) (int32, error) {
	return int32(xxhash.Sum64(text) % e.buckets), nil
}

type bucketEncoder struct {
	slot       int
	boundaries []float64
	missing    int32
}

// encode counts the boundaries that are at most the number.
func (e *bucketEncoder) encode(values []value) (int32, error) {
	v := &values[e.slot]
	if v.missing {
		return e.missing, nil
	}
	return int32(sort.Search(len(e.boundaries), func(i int) bool { return e.boundaries[i] > v.number })), nil
}
