package tensorboard

import (
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// A Value is one named thing of an event: see NewScalar, NewHistogram, NewText and
// NewPRCurve.
type Value struct{ encoded []byte }

// NewScalar is a number, stored as float32.
func NewScalar(tag string, value float64) Value { return Value{appendScalar(nil, Scalar{tag, value})} }

// Field numbers of Summary.Value, SummaryMetadata, HistogramProto, TensorProto and
// PrCurvePluginData (tensorflow/core/framework/summary.proto and tensor.proto).
const (
	valueHistogram = 5
	valueTensor    = 8
	valueMetadata  = 9

	metadataPlugin = 1
	pluginName     = 1
	pluginContent  = 2

	histogramMin     = 1
	histogramMax     = 2
	histogramCount   = 3
	histogramSum     = 4
	histogramSquares = 5
	histogramLimits  = 6
	histogramBuckets = 7

	tensorType   = 1
	tensorShape  = 2
	tensorFloats = 5
	tensorTexts  = 8
	shapeDim     = 2
	dimSize      = 1
	typeFloat    = 1
	typeText     = 7

	curveThresholds = 2
)

// bucketEnds are the upper ends of a histogram's buckets: powers of two of both signs.
var bucketEnds = func() (ends []float64) {
	const smallest, largest = -24, 12
	for e := largest; e >= smallest; e-- {
		ends = append(ends, -math.Ldexp(1, e))
	}
	for e := smallest; e <= largest; e++ {
		ends = append(ends, math.Ldexp(1, e))
	}
	return append(ends, math.MaxFloat64)
}()

// NewHistogram is the distribution of numbers, by powers of two. Those that are not
// finite are left out.
func NewHistogram(tag string, x []float32) Value {
	least, most, sum, squares, count := math.Inf(1), math.Inf(-1), 0., 0., 0.
	buckets := make([]float64, len(bucketEnds))
	for _, v := range x {
		f := float64(v)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			continue
		}
		least, most = min(least, f), max(most, f)
		sum, squares, count = sum+f, squares+f*f, count+1
		at, _ := slices.BinarySearch(bucketEnds, f)
		buckets[at]++
	}
	if count == 0 {
		least, most = 0, 0
	}
	var h []byte
	for i, number := range []float64{least, most, count, sum, squares} {
		h = appendDouble(h, protowire.Number(histogramMin+i), number)
	}
	h = appendDoubles(h, histogramLimits, bucketEnds)
	h = appendDoubles(h, histogramBuckets, buckets)
	return Value{appendMessage(appendText(nil, valueTag, tag), valueHistogram, h)}
}

// NewText is a text in Markdown.
func NewText(tag, text string) Value {
	tensor := appendNumber(nil, tensorType, typeText)
	tensor = appendMessage(tensor, tensorShape, nil)
	tensor = appendText(tensor, tensorTexts, text)
	return newTensor(tag, "text", nil, tensor)
}

// A Threshold has the weights of both classes at and above a probability, and below.
type Threshold struct {
	TruePositives, FalsePositives, TrueNegatives, FalseNegatives float64
}

// NewPRCurve is a curve of precision and recall over thresholds of the probability
// that are evenly spaced from 0 to 1.
func NewPRCurve(tag string, curve []Threshold) Value {
	rows := make([][]float64, 6)
	for _, t := range curve {
		precision, recall := 1., 0.
		if predicted := t.TruePositives + t.FalsePositives; predicted > 0 {
			precision = t.TruePositives / predicted
		}
		if positives := t.TruePositives + t.FalseNegatives; positives > 0 {
			recall = t.TruePositives / positives
		}
		for i, v := range []float64{t.TruePositives, t.FalsePositives, t.TrueNegatives, t.FalseNegatives, precision, recall} {
			rows[i] = append(rows[i], v)
		}
	}
	var shape, floats []byte
	for _, size := range []int{len(rows), len(curve)} {
		shape = appendMessage(shape, shapeDim, appendNumber(nil, dimSize, uint64(size)))
	}
	for _, v := range slices.Concat(rows...) {
		floats = protowire.AppendFixed32(floats, math.Float32bits(float32(v)))
	}
	tensor := appendNumber(nil, tensorType, typeFloat)
	tensor = appendMessage(tensor, tensorShape, shape)
	tensor = appendMessage(tensor, tensorFloats, floats)
	return newTensor(tag, "pr_curves", appendNumber(nil, curveThresholds, uint64(len(curve))), tensor)
}

// newTensor is a value that a plugin of TensorBoard shows.
func newTensor(tag, plugin string, content, tensor []byte) Value {
	about := appendText(nil, pluginName, plugin)
	if content != nil {
		about = appendMessage(about, pluginContent, content)
	}
	v := appendText(nil, valueTag, tag)
	v = appendMessage(v, valueTensor, tensor)
	return Value{appendMessage(v, valueMetadata, appendMessage(nil, metadataPlugin, about))}
}

func appendText(b []byte, field protowire.Number, text string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), text)
}

func appendMessage(b []byte, field protowire.Number, message []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), message)
}

func appendNumber(b []byte, field protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), n)
}

func appendDouble(b []byte, field protowire.Number, x float64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), math.Float64bits(x))
}

// appendDoubles appends a packed list.
func appendDoubles(b []byte, field protowire.Number, list []float64) []byte {
	var packed []byte
	for _, x := range list {
		packed = protowire.AppendFixed64(packed, math.Float64bits(x))
	}
	return appendMessage(b, field, packed)
}
