package records

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// csvParser cuts lines into fields.
type csvParser struct {
	delimiter byte
	columns   []string // empty: any number of fields
	fields    [][]byte

	// The state of a record with quotes, which may span lines and buffers: so
	// fields are kept as positions until the record is complete.
	spans []span
	text  []byte // the contents of quoted fields that are not as in the record
	open  bool   // the last field's quote is not closed yet
}

// span is a field's place in the record or, if it had to be decoded, in text.
type span struct {
	begin, end int
	decoded    bool
}

func newCSVParser(f Format) csvParser {
	return csvParser{
		delimiter: f.delimiter(),
		columns:   f.Columns,
		fields:    make([][]byte, max(len(f.Columns), 1)),
	}
}

// checkCount compares a record's number of fields with that of the columns.
func (p *csvParser) checkCount(n int) error {
	if len(p.columns) == 0 || n == len(p.columns) {
		return nil
	}
	return malformed(FieldCount, "%s where %d columns are expected", plural(n, "field"), len(p.columns))
}

// plain cuts a line without quotes, which has padding behind it.
func (p *csvParser) plain(line []byte) ([][]byte, error) {
	n := splitFields(p.fields, line, p.delimiter)
	if n < 0 {
		n = bytes.Count(line, []byte{p.delimiter}) + 1
		if err := p.checkCount(n); err != nil {
			return nil, err
		}
		p.fields = make([][]byte, n)
		splitFields(p.fields, line, p.delimiter)
	}
	return p.fields[:n], p.checkCount(n)
}

// splitFields cuts a line at its delimiters and returns how many fields it has,
// -1 if more than there is room for. It finds the delimiters of many bytes
// before it goes from one to the next: how many there are of them in a few bytes
// nothing foretells.
func splitFields(fields [][]byte, line []byte, delimiter byte) int {
	n, begin := 0, 0
	for at := 0; at < len(line); at += blockBits {
		found := occurrences((*[blockBits]byte)(line[at:at+blockBits]), delimiter)
		if rest := len(line) - at; rest < blockBits {
			found &= 1<<rest - 1 // those behind are of the next line
		}
		for ; found != 0; found &= found - 1 {
			if n >= len(fields) {
				return -1
			}
			end := at + bits.TrailingZeros64(found)
			fields[n] = line[begin : end : end+padding]
			n++
			begin = end + 1
		}
	}
	if n >= len(fields) {
		return -1
	}
	fields[n] = line[begin : len(line) : len(line)+padding]
	return n + 1
}

// blockBits is how many bytes a word has a bit for.
const blockBits = 64

// occurrences has a bit for each byte that is c. A word XOR the repeated c has a
// zero byte for each of them, and ^((v&0x7f.. + 0x7f..) | v) has the top bit of
// exactly the zero bytes set; a product brings eight top bits together.
func occurrences(block *[blockBits]byte, c byte) (found uint64) {
	const low7, gather = 0x7f7f7f7f7f7f7f7f, 0x0102040810204080
	pattern := uint64(c) * 0x0101010101010101
	for i := 0; i < blockBits; i += 8 {
		v := binary.LittleEndian.Uint64(block[i:]) ^ pattern
		zeros := ^((v&low7 + low7) | v | low7)
		found |= zeros >> 7 * gather >> 56 << i
	}
	return found
}

// reset begins a record with quotes.
func (p *csvParser) reset() {
	p.spans = p.spans[:0]
	p.text = p.text[:0]
	p.open = false
}

// quoted returns the fields of the record that was parsed by line.
func (p *csvParser) quoted(raw []byte) [][]byte {
	if len(p.fields) < len(p.spans) {
		p.fields = make([][]byte, len(p.spans))
	}
	for i, s := range p.spans {
		source := raw
		if s.decoded {
			source = p.text
		}
		p.fields[i] = source[s.begin:s.end:min(s.end+padding, cap(source))]
	}
	return p.fields[:len(p.spans)]
}

// line parses one line of a record, at an offset in it. A quoted field that
// goes on in the next line leaves open set.
func (p *csvParser) line(line []byte, offset int) error {
	at, more := 0, true
	var err error
	for more && err == nil {
		switch {
		case p.open:
			at, more, err = p.quotedField(line, at, offset)
		case at < len(line) && line[at] == '"':
			p.open = true
			p.spans = append(p.spans, span{begin: len(p.text), decoded: true})
			at++
		default:
			at, more, err = p.plainField(line, at, offset)
		}
	}
	return err
}

// plainField parses a field without quotes around it. It returns the begin of
// the next field, if there is one.
func (p *csvParser) plainField(line []byte, at, offset int) (next int, more bool, err error) {
	field := line[at:]
	if i := bytes.IndexByte(field, p.delimiter); i >= 0 {
		field, more = field[:i], true
	}
	p.spans = append(p.spans, span{begin: offset + at, end: offset + at + len(field)})
	if i := bytes.IndexByte(field, '"'); i >= 0 {
		return 0, false, malformed(Quotes, "%s, byte %d of its line: a quote inside a field that does not begin with one: put the whole field in quotes and double those within",
			p.field(), at+i+1)
	}
	return at + len(field) + 1, more, nil
}

// quotedField parses the contents of a quoted field up to its closing quote or
// the end of the line. It returns the begin of the next field, if there is one.
func (p *csvParser) quotedField(line []byte, at, offset int) (next int, more bool, err error) {
	i := bytes.IndexByte(line[at:], '"')
	if i < 0 {
		p.text = append(p.text, line[at:]...)
		return 0, false, nil
	}
	quote := at + i
	next = quote + 1
	switch {
	case next == len(line), line[next] == p.delimiter:
		p.closeField(line[at:quote], offset+at)
		return next + 1, next < len(line), nil
	case line[next] == '"':
		p.text = append(p.text, line[at:next]...)
		return next + 1, true, nil
	}
	return 0, false, malformed(Quotes, "%s, byte %d of its line: text after the closing quote: double the quotes within a field",
		p.field(), next+1)
}

// closeField ends a quoted field with the last part of its contents, which is
// at an offset in the record. What needs no decoding is not copied.
func (p *csvParser) closeField(rest []byte, offset int) {
	p.open = false
	field := &p.spans[len(p.spans)-1]
	if field.begin == len(p.text) {
		*field = span{begin: offset, end: offset + len(rest)}
		return
	}
	p.text = append(p.text, rest...)
	field.end = len(p.text)
}

// breakLine adds the line break between two lines of a quoted field. As in
// encoding/csv it is "\n", however the file writes it.
func (p *csvParser) breakLine() { p.text = append(p.text, '\n') }

// openError tells of a quoted field that never ends.
func (p *csvParser) openError(advice string) error {
	return malformed(Quotes, "%s: its quote is not closed: %s", p.field(), advice)
}

// field names the field that is being parsed.
func (p *csvParser) field() string { return fieldName(len(p.spans)-1, p.columns) }
