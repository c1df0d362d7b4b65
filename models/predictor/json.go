package predictor

import (
	"bytes"
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
