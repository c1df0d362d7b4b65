package predictor

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/go-faster/jx"
)

// AppendJSON appends the prediction that finite outputs of the network stand for as a
// JSON object without a line end. A nil key is left out; bytes of a key that are not
// UTF-8 become U+FFFD.
func (p *Predictor) AppendJSON(dst []byte, outputs []float32, key []byte) []byte {
	dst = append(dst, '{')
	if key != nil {
		dst = append(dst, `"key":`...)
		dst = AppendString(dst, key)
		dst = append(dst, ',')
	}
	return append(p.form.appendJSON(dst, outputs), '}')
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
