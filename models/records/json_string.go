package records

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// stringRest decodes a string behind its opening quote. The column is only for
// errors; -1 stands for a name.
func (d *JSONDecoder) stringRest(column int) ([]byte, error) {
	begin := d.at
	d.at = endOfPlain(d.line, begin)
	if d.at == len(d.line) {
		return nil, d.fieldSyntax(column, "the string is not closed")
	}
	value := d.field(begin)
	if d.line[d.at] != '"' {
		var err error
		if value, err = d.escapedRest(begin, column); err != nil {
			return nil, err
		}
	}
	d.at++
	if !d.valid && !utf8.Valid(value) {
		return nil, malformed(JSONEncoding, "%s is not UTF-8: convert the file", d.what(column))
	}
	return value, nil
}

// endOfPlain returns the position of the first quote, backslash or control
// character from at on. It compares eight bytes at a time: x-0x01.. borrows into
// the top bit of a zero byte. Borrowing further can only mark bytes above a true
// one, and the lowest is taken.
func endOfPlain(line []byte, at int) int {
	const ones, tops, wordBytes = 0x0101010101010101, 0x8080808080808080, 8
	for ; at+wordBytes <= len(line); at += wordBytes {
		v := binary.LittleEndian.Uint64(line[at:])
		quote, backslash := v^('"'*ones), v^('\\'*ones)
		found := ((quote - ones) &^ quote) | ((backslash - ones) &^ backslash) | ((v - ' '*ones) &^ v)
		if found &= tops; found != 0 {
			return at + bits.TrailingZeros64(found)/8
		}
	}
	for at < len(line) && line[at] != '"' && line[at] != '\\' && line[at] >= ' ' {
		at++
	}
	return at
}

// escapedRest decodes a string with escapes, which began at begin and is plain
// up to the cursor. It leaves the cursor at the closing quote.
func (d *JSONDecoder) escapedRest(begin, column int) ([]byte, error) {
	start := len(d.text)
	d.text = append(d.text, d.line[begin:d.at]...)
	for d.at < len(d.line) {
		switch c := d.line[d.at]; {
		case c == '"':
			return d.text[start:len(d.text):len(d.text)], nil
		case c == '\\':
			if !d.escape() {
				return nil, d.fieldSyntax(column, "the escape is none of JSON's, or half of a surrogate pair")
			}
		case c < ' ':
			return nil, d.fieldSyntax(column, `a control character must be escaped, as \t or \u0009`)
		}
		plain := endOfPlain(d.line, d.at)
		d.text = append(d.text, d.line[d.at:plain]...)
		d.at = plain
	}
	return nil, d.fieldSyntax(column, "the string is not closed")
}

// escape decodes one escape sequence.
func (d *JSONDecoder) escape() bool {
	if d.at+1 >= len(d.line) {
		return false
	}
	c := d.line[d.at+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return d.escapedRune()
	default:
		return false
	}
	d.text = append(d.text, c)
	d.at += 2
	return true
}

// escapedRune decodes \uXXXX, or two of them that are a surrogate pair.
func (d *JSONDecoder) escapedRune() bool {
	const surrogates, low, end = 0xd800, 0xdc00, 0xe000
	r, ok := d.hex4()
	if !ok || r >= low && r < end {
		return false
	}
	if r >= surrogates && r < low {
		second, ok := d.hex4()
		if !ok || second < low || second >= end {
			return false
		}
		r = 0x10000 + (r-surrogates)<<10 + (second - low)
	}
	d.text = utf8.AppendRune(d.text, r)
	return true
}

// hex4 decodes one \uXXXX at the cursor.
func (d *JSONDecoder) hex4() (rune, bool) {
	const length = len(`\uXXXX`)
	if d.at+length > len(d.line) || d.line[d.at] != '\\' || d.line[d.at+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range d.line[d.at+2 : d.at+length] {
		digit := hexDigit(c)
		if digit < 0 {
			return 0, false
		}
		r = r<<4 | digit
	}
	d.at += length
	return r, true
}

// hexDigit returns the value of a hexadecimal digit, -1 for other characters.
func hexDigit(c byte) rune {
	switch {
	case isDigit(c):
		return rune(c - '0')
	case 'a' <= c && c <= 'f':
		return rune(c - 'a' + 10)
	case 'A' <= c && c <= 'F':
		return rune(c - 'A' + 10)
	}
	return -1
}
