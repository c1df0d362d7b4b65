package records

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestJSONDecode(t *testing.T) {
	columns := []string{"age", "job", "é"}
	for line, want := range map[string][]string{
		`{"age":39,"job":"clerk","é":true}`:          {"39", "clerk", "true"},
		` { "job" : "" , "age" : -0.5e+10 } ` + "\r": {"-0.5e+10", "", "<nil>"},
		`{"é":false,"age":null,"job":"null"}`:        {"<nil>", "null", "false"},
		`{}`:                                         {"<nil>", "<nil>", "<nil>"},
		`{"job":"a\"\\\/\b\f\n\r\té\ud83d\ude00z"}`:  {"<nil>", "a\"\\/\b\f\n\r\té😀z", "<nil>"},
		`{"\u00e9":"\u0000","j\u006fb":"long enough to take the fast path"}`: {"<nil>", "long enough to take the fast path", "\x00"},
		`{"age":1e999,"job":"12345678"}`:                                     {"1e999", "12345678", "<nil>"},
	} {
		fields := make([][]byte, len(columns))
		if err := NewJSONDecoder(columns).Decode([]byte(line), fields); err != nil {
			t.Errorf("%s: %v", line, err)
		} else if diff := cmp.Diff(want, texts(fields)); diff != "" {
			t.Errorf("%s:\n%s", line, diff)
		}
	}
}

// texts renders fields, nil ones as "<nil>".
func texts(fields [][]byte) []string {
	out := make([]string, len(fields))
	for i, field := range fields {
		out[i] = string(field)
		if field == nil {
			out[i] = "<nil>"
		}
	}
	return out
}

func TestJSONErrors(t *testing.T) {
	columns := []string{"age", "hours_per_week", "job"}
	for line, want := range map[string]struct{ kind, text string }{
		``:                             {JSONSyntax, "byte 1 of the line: a JSON object is expected"},
		`[1]`:                          {JSONSyntax, "byte 1 of the line: a JSON object is expected"},
		`{`:                            {JSONSyntax, "byte 2 of the line: a name in quotes is expected"},
		`{age:1}`:                      {JSONSyntax, "byte 2 of the line: a name in quotes is expected"},
		`{"age" 1}`:                    {JSONSyntax, `byte 8 of the line: ":" is expected`},
		`{"age":1 "job":2}`:            {JSONSyntax, `byte 10 of the line: "," or "}" is expected`},
		`{"age":1,}`:                   {JSONSyntax, "byte 10 of the line: a name in quotes is expected"},
		`{"age":1} x`:                  {JSONSyntax, "byte 11 of the line: nothing may follow the object on its line"},
		`{"age":`:                      {JSONSyntax, "byte 8 of the line: a value is expected"},
		`{"age":x}`:                    {JSONSyntax, `field "age", byte 8 of the line: a value is expected`},
		`{"age":nul}`:                  {JSONSyntax, `field "age", byte 8 of the line: a value is expected`},
		`{"age":012}`:                  {JSONSyntax, `field "age", byte 9 of the line: the number is malformed`},
		`{"age":1.}`:                   {JSONSyntax, `field "age", byte 10 of the line: the number is malformed`},
		`{"age":NaN}`:                  {JSONSyntax, `field "age", byte 8 of the line: a value is expected`},
		`{"job":"a}`:                   {JSONSyntax, `field "job", byte 11 of the line: the string is not closed`},
		`{"job":"a\`:                   {JSONSyntax, `field "job", byte 10 of the line: the escape is none of JSON's, or half of a surrogate pair`},
		"{\"job\":\"a\tb\"}":           {JSONSyntax, `field "job", byte 10 of the line: a control character must be escaped, as \t or \u0009`},
		`{"job":"\ud800"}`:             {JSONSyntax, `field "job", byte 15 of the line: the escape is none of JSON's, or half of a surrogate pair`},
		`{"job":{"a":1}}`:              {NestedValue, `field "job" is an object or an array: write a number, a string, true, false or null`},
		`{"age":1,"age":null}`:         {Duplicate, `field "age" occurs twice`},
		`{"age":null,"\u0061ge":null}`: {Duplicate, `field "age" occurs twice`},
		"{\"job\":\"a\xff\"}":          {JSONEncoding, `field "job" is not UTF-8: convert the file`},
		"{\"j\xff\":1}":                {JSONEncoding, `a field's name is not UTF-8: convert the file`},
		`{"hour_per_week":1}`:          {UnknownField, `unknown field "hour_per_week": did you mean "hours_per_week"?`},
		`{"wage":1}`:                   {UnknownField, `unknown field "wage": did you mean "age"?`},
		`{"something":1}`:              {UnknownField, `unknown field "something": no column of the data has that name`},
	} {
		err := NewJSONDecoder(columns).Decode([]byte(line), make([][]byte, len(columns)))
		if got := malformedType(err); got != want.kind || err.Error() != want.text {
			t.Errorf("%s:\n got %s: %v\nwant %s: %s", line, got, err, want.kind, want.text)
		}
	}
}

// TestJSONDecoderAfterErrors decodes good and bad lines in turn.
func TestJSONDecoderAfterErrors(t *testing.T) {
	d := NewJSONDecoder([]string{"a", "b"})
	fields := make([][]byte, 2)
	for range 3 {
		if err := d.Decode([]byte(`{"b":1,"a":"\n"}`), fields); err != nil || string(fields[0]) != "\n" || string(fields[1]) != "1" {
			t.Fatalf("got %q, %v", fields, err)
		}
		if err := d.Decode([]byte(`{"a":1,"c":2}`), fields); malformedType(err) != UnknownField {
			t.Fatalf("an unknown field: %v", err)
		}
	}
}

// TestJSONDecoderAfterOthers: what a decoder remembers of objects changes nothing in the next.
func TestJSONDecoderAfterOthers(t *testing.T) {
	columns := []string{"a", "b", "é"}
	member := rapid.Custom(func(r *rapid.T) string {
		draw := func(of ...string) string { return rapid.SampledFrom(of).Draw(r, "piece") }
		return draw("", "", " ") + draw(`"a"`, `"b"`, `"\u00e9"`, `"é"`, `"c"`, `b`) + draw(":", ":", " : ", "") + draw("1", `"x"`, "null", `"\n"`, "-", "[")
	})
	rapid.Check(t, func(r *rapid.T) {
		d := NewJSONDecoder(columns)
		for range rapid.IntRange(1, 30).Draw(r, "objects") {
			line := []byte("{" + strings.Join(rapid.SliceOfN(member, 0, 4).Draw(r, "members"), ",") + "}")
			for range 2 { // now the object follows itself
				got, want := make([][]byte, len(columns)), make([][]byte, len(columns))
				failed, err := NewJSONDecoder(columns).Decode(line, want), d.Decode(line, got)
				if diff := cmp.Diff(fmt.Sprint(failed, texts(want)), fmt.Sprint(err, texts(got))); diff != "" {
					r.Fatalf("%s:\n%s", line, diff)
				}
			}
		}
	})
}

func TestJSONLines(t *testing.T) {
	f := Format{Kind: JSONL, Columns: []string{"x"}}
	rows := scanString(t, byteOrderMark+"{\"x\":1}\r\n\n \t\r\n{\"x\":]\n{\"x\":\"3\"}", f)
	want := []row{
		{Offset: 3, Line: 1, Raw: `{"x":1}`, Fields: []string{"1"}},
		{Offset: 17, Line: 4, Raw: `{"x":]`, Malformed: true},
		{Offset: 24, Line: 5, Raw: `{"x":"3"}`, Fields: []string{"3"}},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	rows = scanString(t, "{\"any\":[1]}\n", Format{Kind: JSONL})
	if diff := cmp.Diff([]row{{Line: 1, Raw: `{"any":[1]}`}}, rows); diff != "" {
		t.Errorf("without columns:\n%s", diff)
	}
}

// TestJSONAgreesWithTheStandardLibrary draws lines that are almost objects.
func TestJSONAgreesWithTheStandardLibrary(t *testing.T) {
	pieces := []string{
		`"a"`, `"b"`, `"\u00e9"`, ":", ",", "{", "}", `{"a":`, "1", "-", "0", ".5", "e+7", " ", "true", "null", "[", "]",
		`"12345678`, `"`, `\n`, `\`, `\ud83d`, `\ude00`, "\xff", "é", "\x01", "fals", "e",
	}
	rapid.Check(t, func(r *rapid.T) {
		line := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 12).Draw(r, "pieces"), "")
		checkJSON(t, []byte(line))
		checkJSON(t, []byte(`{"a":`+line+`}`))
	})
}

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":1,"b":"x"}`, `{"a":"\u00e9\ud83d\ude00"}`, `{"a":-1.5E-7 , "b" : null}`, `{"a":tru}`, `{"a":"12345678\"` + "\x1f" + `"}`, `{"a":{}}`, `{"":0}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) { checkJSON(t, line) })
}

// checkJSON compares the decoder with encoding/json, which knows neither
// invalid UTF-8 nor duplicates nor half surrogate pairs as errors.
func checkJSON(t testing.TB, line []byte) {
	t.Helper()
	columns, want, ok := oracleObject(line)
	got := make([][]byte, len(columns))
	err := NewJSONDecoder(columns).Decode(line, got)
	switch {
	case !ok && err == nil:
		t.Fatalf("%q is accepted", line)
	case ok && err != nil:
		t.Fatalf("%q: %v", line, err)
	case ok:
		if diff := cmp.Diff(want, texts(got)); diff != "" {
			t.Fatalf("%q:\n%s", line, diff)
		}
	}
}

// oracleObject decodes a flat object with encoding/json. ok is false for what
// the decoder has to refuse.
func oracleObject(line []byte) (names, values []string, ok bool) {
	if !json.Valid(line) || !utf8.Valid(line) || halfSurrogates(line) {
		return nil, nil, false
	}
	tokens := json.NewDecoder(bytes.NewReader(line))
	tokens.UseNumber()
	if first, _ := tokens.Token(); first != json.Delim('{') {
		return nil, nil, false
	}
	values = []string{}
	seen := map[string]bool{}
	for tokens.More() {
		name := mustToken(tokens).(string)
		value := mustToken(tokens)
		if _, nested := value.(json.Delim); nested || seen[name] {
			return names, nil, false
		}
		seen[name] = true
		names = append(names, name)
		values = append(values, text(value))
	}
	return names, values, true
}

// mustToken reads a token of what is known to be valid.
func mustToken(d *json.Decoder) json.Token {
	token, err := d.Token()
	if err != nil && !errors.Is(err, io.EOF) {
		panic(err)
	}
	return token
}

// text renders a token as the decoder does.
func text(token json.Token) string {
	switch v := token.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return "<nil>"
}

// escapes finds the escapes of a line, surrogate pairs as one.
var escapes = regexp.MustCompile(`(?i)\\u(d[89ab]..\\ud[c-f]..|....)|\\[^u]`)

// halfSurrogates reports whether a valid line has an escape that encoding/json
// replaces by U+FFFD.
func halfSurrogates(line []byte) bool {
	for _, escape := range escapes.FindAll(bytes.ToLower(line), -1) {
		if len(escape) == len(`\uXXXX`) && escape[2] == 'd' && escape[3] >= '8' {
			return true
		}
	}
	return false
}
