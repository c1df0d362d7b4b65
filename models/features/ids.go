package features

import (
	"sort"

	"github.com/cespare/xxhash/v2"
	"github.com/penstock-ml/penstock/models/spec"
)

// An idEncoder gives the ids of a categorical feature: it writes them at the
// beginning of a row, and returns the rest of it. missing is the id of a missing
// value; such a value only comes where there is one.
type idEncoder interface {
	encode(row []int32, v *value) (rest []int32, err error)
}

func newIDEncoder(f *spec.Feature, fitted *FittedFeature) idEncoder {
	if f.Separator != "" {
		return &bagEncoder{textSource{separator: f.Separator}, newTextEncoder(f, fitted), fitted.Values, int32(fitted.Size - 1)}
	}
	if f.Kind == spec.Bucketize {
		return &bucketEncoder{bucketBoundaries(f, fitted), int32(fitted.Size - 1)}
	}
	return &oneEncoder{newTextEncoder(f, fitted), int32(fitted.Size - 1)}
}

// A textEncoder gives the id of a text.
type textEncoder interface {
	encodeText(text []byte) (int32, error)
}

func newTextEncoder(f *spec.Feature, fitted *FittedFeature) textEncoder {
	if f.Kind == spec.Hash {
		return hashEncoder{uint64(f.Buckets)}
	}
	vocabulary := newDictionary()
	for _, text := range fitted.Vocabulary {
		vocabulary.add(text)
	}
	return &vocabularyEncoder{f.Column, vocabulary, uint64(f.OOVBuckets)}
}

// A oneEncoder gives the id of a feature with one text.
type oneEncoder struct {
	texts   textEncoder
	missing int32
}

func (e *oneEncoder) encode(row []int32, v *value) (rest []int32, err error) {
	if row[0] = e.missing; !v.missing {
		row[0], err = e.texts.encodeText(v.text)
	}
	return row[1:], err
}

type vocabularyEncoder struct {
	column     string
	vocabulary dictionary
	oovBuckets uint64
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

type hashEncoder struct{ buckets uint64 }

func (e hashEncoder) encodeText(text []byte) (int32, error) {
	return int32(xxhash.Sum64(text) % e.buckets), nil
}

type bucketEncoder struct {
	boundaries []float64
	missing    int32
}

// encode counts the boundaries that are at most the number.
func (e *bucketEncoder) encode(row []int32, v *value) (rest []int32, err error) {
	if row[0] = e.missing; !v.missing {
		row[0] = int32(sort.Search(len(e.boundaries), func(i int) bool { return e.boundaries[i] > v.number }))
	}
	return row[1:], nil
}
