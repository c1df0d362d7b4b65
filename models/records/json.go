package records

import "unicode/utf8"

// JSONDecoder decodes flat JSON objects into fields by column. It checks all of
// the syntax (RFC 8259) and, beyond that, UTF-8, surrogates and unique names
// (RFC 7493). It is for one goroutine and allocates nothing once warm.
type JSONDecoder struct {
	columns []string
	index   map[string]int

	leads []lead // of members, as the last objects had them

	seen   []int  // the number of the last object that had the column
	object int    // the number of the present object
	text   []byte // strings with escapes, decoded
	line   []byte
	at     int  // the next byte of line
	valid  bool // all of line is UTF-8
}

// A lead is what comes before a member's value: a comma, a name, a colon and the space around them. Objects mostly repeat
// their leads, and to compare one costs less than to decode it.
type lead struct {
	text   []byte // none: not known
	column int
}

// NewJSONDecoder returns a decoder of objects whose names are among columns.
func NewJSONDecoder(columns []string) *JSONDecoder {
	d := &JSONDecoder{
		columns: columns,
		index:   make(map[string]int, len(columns)),
		leads:   make([]lead, len(columns)),
		seen:    make([]int, len(columns)),
	}
	for i, name := range columns {
		d.index[name] = i
	}
	return d
}

// Decode decodes one JSON object. fields has one element for each column and
// receives numbers as they are written, strings without quotes and escapes,
// "true" and "false"; nil for null and for names that the object lacks. Fields
// refer to line or to the decoder and are valid until the next Decode. The
// error is a *RecordError that names the field.
func (d *JSONDecoder) Decode(line []byte, fields [][]byte) error {
	clear(fields)
	d.object++
	d.line, d.at, d.text = line, 0, d.text[:0]
	d.valid = utf8.Valid(line)
	d.space()
	if !d.accept('{') {
		return d.syntax("a JSON object is expected")
	}
	if err := d.members(fields); err != nil {
		return err
	}
	d.space()
	if d.at < len(d.line) {
		return d.syntax("nothing may follow the object on its line")
	}
	return nil
}

// members decodes the members of an object and its closing brace.
func (d *JSONDecoder) members(fields [][]byte) error {
	for i := 0; ; i++ {
		column, ok := d.again(i)
		if !ok {
			var err error
			if column, err = d.lead(i); column < 0 || err != nil {
				return err
			}
		}
		var err error
		if fields[column], err = d.value(column); err != nil {
			return err
		}
	}
}

// again moves behind the i-th lead if it is that of the last object, and returns its column.
func (d *JSONDecoder) again(i int) (column int, ok bool) {
	if i >= len(d.leads) {
		return 0, false
	}
	known := &d.leads[i]
	end := d.at + len(known.text)
	if end > len(d.line) || string(d.line[d.at:end]) != string(known.text) || d.seen[known.column] == d.object || len(known.text) == 0 {
		return 0, false
	}
	d.seen[known.column] = d.object
	d.at = end
	return known.column, true
}

// lead decodes the i-th lead and returns its column, or -1 behind the brace that closes the object.
func (d *JSONDecoder) lead(i int) (column int, err error) {
	begin := d.at
	d.space()
	if d.accept('}') {
		return -1, nil
	}
	if i > 0 && !d.accept(',') {
		return 0, d.syntax(`"," or "}" is expected`)
	}
	d.space()
	if column, err = d.name(); err != nil {
		return 0, err
	}
	d.space()
	if !d.accept(':') {
		return 0, d.syntax(`":" is expected`)
	}
	d.space()
	if i < len(d.leads) {
		d.leads[i] = lead{append(d.leads[i].text[:0], d.line[begin:d.at]...), column}
	}
	return column, nil
}

// name decodes a member's name, which must be that of a column that the object did not have.
func (d *JSONDecoder) name() (column int, err error) {
	if !d.accept('"') {
		return 0, d.syntax("a name in quotes is expected")
	}
	name, err := d.stringRest(-1)
	if err != nil {
		return 0, err
	}
	column, known := d.index[string(name)]
	if !known {
		return 0, d.unknown(string(name))
	}
	if d.seen[column] == d.object {
		return 0, malformed(Duplicate, "field %q occurs twice", d.columns[column])
	}
	d.seen[column] = d.object
	return column, nil
}

func (d *JSONDecoder) unknown(name string) error {
	if near := nearest(name, d.columns); near != "" {
		return malformed(UnknownField, "unknown field %q: did you mean %q?", name, near)
	}
	return malformed(UnknownField, "unknown field %q: no column of the data has that name", name)
}

// value decodes the value of a column.
func (d *JSONDecoder) value(column int) ([]byte, error) {
	if d.at >= len(d.line) {
		return nil, d.syntax("a value is expected")
	}
	switch c := d.line[d.at]; {
	case c == '"':
		d.at++
		return d.stringRest(column)
	case c == '-' || isDigit(c):
		return d.number(column)
	case c == 't':
		return d.word("true", column)
	case c == 'f':
		return d.word("false", column)
	case c == 'n':
		_, err := d.word("null", column)
		return nil, err
	case c == '{' || c == '[':
		return nil, malformed(NestedValue, "field %q is an object or an array: write a number, a string, true, false or null", d.columns[column])
	}
	return nil, d.fieldSyntax(column, "a value is expected")
}

// word decodes a value that is one of JSON's words.
func (d *JSONDecoder) word(word string, column int) ([]byte, error) {
	end := d.at + len(word)
	if end > len(d.line) || string(d.line[d.at:end]) != word {
		return nil, d.fieldSyntax(column, "a value is expected")
	}
	begin := d.at
	d.at = end
	return d.field(begin), nil
}

// number checks a number's grammar and returns it as it is written.
func (d *JSONDecoder) number(column int) ([]byte, error) {
	begin := d.at
	d.accept('-')
	ok := d.accept('0') || d.digits() // no digit may follow a leading zero
	if ok && d.accept('.') {
		ok = d.digits()
	}
	if ok && (d.accept('e') || d.accept('E')) {
		_ = d.accept('+') || d.accept('-')
		ok = d.digits()
	}
	if !ok || d.at < len(d.line) && isDigit(d.line[d.at]) {
		return nil, d.fieldSyntax(column, "the number is malformed")
	}
	return d.field(begin), nil
}

// field is the line from begin up to the cursor, with the padding that the line has.
func (d *JSONDecoder) field(begin int) []byte {
	return d.line[begin:d.at:min(d.at+padding, cap(d.line))]
}

// digits moves behind one digit or more.
func (d *JSONDecoder) digits() bool {
	begin := d.at
	for d.at < len(d.line) && isDigit(d.line[d.at]) {
		d.at++
	}
	return d.at > begin
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// space moves behind white space.
func (d *JSONDecoder) space() {
	for d.at < len(d.line) {
		if c := d.line[d.at]; c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return
		}
		d.at++
	}
}

// accept moves behind a character if it is the next.
func (d *JSONDecoder) accept(c byte) bool {
	if d.at < len(d.line) && d.line[d.at] == c {
		d.at++
		return true
	}
	return false
}

// what names a column's value, or a member's name for -1.
func (d *JSONDecoder) what(column int) string {
	if column < 0 {
		return "a field's name"
	}
	return "field \"" + d.columns[column] + "\""
}

func (d *JSONDecoder) syntax(reason string) error {
	return malformed(JSONSyntax, "byte %d of the line: %s", d.at+1, reason)
}

func (d *JSONDecoder) fieldSyntax(column int, reason string) error {
	return malformed(JSONSyntax, "%s, byte %d of the line: %s", d.what(column), d.at+1, reason)
}
