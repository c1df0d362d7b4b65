package predictor

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"github.com/penstock-ml/penstock/models/metrics"
)

// Prediction is one prediction in parts, for tables: its numbers are the very
// digits that AppendJSON writes.
type Prediction struct {
	Key           string // "" where there is none
	ClassID       string
	Class         string
	Logistic      string // probability of the second class
	Logit         string
	Probabilities [2]string
}

// form is what the predictions of a model have in common.
type form struct {
	classes [2]string
	opening [2][]byte // by class id: the members up to the first number
}

func newForm(classes []string) (f form) {
	for id, class := range classes {
		f.classes[id] = class
		opening := append([]byte(`"class_ids":[`), byte('0'+id))
		opening = AppendString(append(opening, `],"classes":[`...), []byte(class))
		f.opening[id] = append(opening, `],"logistic":[`...)
	}
	return f
}

// classID is the class that a logit stands for: the second one where that is the
// likelier, as in the confusion matrix of package metrics.
func classID(logit float32) int {
	if logit > 0 {
		return 1
	}
	return 0
}

// AppendJSON appends the prediction of a finite logit as a JSON object without a
// line end. A nil key is left out; bytes of a key that are not UTF-8 become U+FFFD.
func (p *Predictor) AppendJSON(dst []byte, logit float32, key []byte) []byte {
	dst = append(dst, '{')
	if key != nil {
		dst = append(dst, `"key":`...)
		dst = AppendString(dst, key)
		dst = append(dst, ',')
	}
	dst = append(dst, p.form.opening[classID(logit)]...)
	probability := metrics.Sigmoid(logit)
	begin := len(dst)
	dst = appendFloat(dst, probability, 64)
	end := len(dst)
	dst = append(dst, `],"logits":[`...)
	dst = appendFloat(dst, float64(logit), 32)
	dst = append(dst, `],"probabilities":[`...)
	dst = appendFloat(dst, 1-probability, 64)
	dst = append(dst, ',')
	dst = append(dst, dst[begin:end]...)
	return append(dst, "]}"...)
}

// Prediction returns the prediction of a finite logit in parts.
func (p *Predictor) Prediction(logit float32, key []byte) Prediction {
	id := classID(logit)
	probability := metrics.Sigmoid(logit)
	digits := func(x float64, bits int) string { return string(appendFloat(nil, x, bits)) }
	return Prediction{
		Key:           string(key),
		ClassID:       strconv.Itoa(id),
		Class:         p.form.classes[id],
		Logistic:      digits(probability, 64),
		Logit:         digits(float64(logit), 32),
		Probabilities: [2]string{digits(1-probability, 64), digits(probability, 64)},
	}
}

// appendFloat is the one place where predicted numbers become digits: the fewest
// that give the same float of so many bits, without an exponent from 1e-6 up to
// 1e21, as in ECMAScript and encoding/json.
func appendFloat(dst []byte, x float64, bits int) []byte {
	size := math.Abs(x)
	if size == 0 || size >= 1e-6 && size < 1e21 {
		return strconv.AppendFloat(dst, x, 'f', -1, bits)
	}
	dst = strconv.AppendFloat(dst, x, 'e', -1, bits)
	// strconv pads exponents to two digits: e-09 becomes e-9.
	if n := len(dst); dst[n-2] == '0' && (dst[n-3] == '-' || dst[n-3] == '+') {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// AppendString appends a text as a JSON string; bytes that are not UTF-8 become U+FFFD.
func AppendString(dst, text []byte) []byte {
	if plain(text) {
		dst = append(dst, '"')
		dst = append(dst, text...)
		return append(dst, '"')
	}
	w := jx.Writer{Buf: dst}
	w.ByteStr(bytes.ToValidUTF8(text, []byte("\uFFFD")))
	return w.Buf
}

// plain tells that a text is its own JSON form: most are, and jx allocates.
func plain(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
