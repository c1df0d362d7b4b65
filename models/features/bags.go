package features

import (
	"bytes"

	"github.com/penstock-ml/penstock/models/spec"
)

// mostValues is how many values of a feature with a separator are taken of a record; those behind are left out.
const mostValues = 16

// A textSource is a column of texts, perhaps with several in a value.
type textSource struct {
	slot      int
	separator string
}

func sourceOf(slot int, f *spec.Feature) textSource { return textSource{slot, f.Separator} }

// each calls a function for each different text in a value, up to mostValues, and returns how many there are. Spaces
// around texts are not part of them, and empty ones are none.
func (s *textSource) each(value []byte, visit func(text []byte)) (n int) {
	if s.separator == "" {
		visit(value)
		return 1
	}
	var seen [mostValues][]byte
	for len(value) > 0 && n < mostValues {
		var text []byte
		text, value, _ = bytes.Cut(value, []byte(s.separator))
		if text = Trim(text); len(text) == 0 || contains(seen[:n], text) {
			continue
		}
		seen[n] = text
		visit(text)
		n++
	}
	return n
}

func contains(list [][]byte, text []byte) bool {
	for _, t := range list {
		if bytes.Equal(t, text) {
			return true
		}
	}
	return false
}

// A bagEncoder gives the ids of a feature that may have several values: one for each and, in the columns that are left,
// the last id, of none.
type bagEncoder struct {
	source  textSource
	texts   textEncoder
	columns int
	none    int32
}

func (e *bagEncoder) encode(row []int32, v *value) (rest []int32, err error) {
	row, rest = row[:e.columns], row[e.columns:]
	n := 0
	if !v.missing {
		e.source.each(v.text, func(text []byte) {
			id, failed := e.texts.encodeText(text)
			if failed != nil {
				err = failed
			}
			if n < len(row) {
				row[n] = id
				n++
			}
		})
	}
	for i := n; i < len(row); i++ {
		row[i] = e.none
	}
	return rest, err
}
