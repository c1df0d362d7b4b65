package predictor

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestRequest(t *testing.T) {
	for body, want := range map[string]string{
		`{"instances":[]}`:                                        "",
		` { "instances" : [ {} , {"a":1} ] } `:                    `{}|{"a":1}`,
		`{"instances":[{"a":"}]\\\"{"},{"b":[{"c":null}]}]}`:      `{"a":"}]\\\"{"}|{"b":[{"c":null}]}`,
		`{"explain":true,"instances":[{"a":"\\"}]}`:               `{"a":"\\"}|explain`,
		`{"signature_name":"predict","instances":[{"a":"\\\\"}]}`: `{"a":"\\\\"}`,
	} {
		var r Request
		if err := r.Parse([]byte(body)); err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		got := string(bytes.Join(r.Instances, []byte("|")))
		if r.Explain {
			got += "|explain"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

func TestWrongRequests(t *testing.T) {
	for body, want := range map[string]string{
		"":                                 "it ends where an object is expected",
		"[]":                               "an object is expected at byte 0",
		"{}":                               `there is no "instances"`,
		`{"instances":[]} x`:               "there is more after the object, at byte 17",
		`{"instances":{}}`:                 `"instances" is no array`,
		`{"instances":[1]}`:                "instances[0] is no object",
		`{"instances":[{},"a"]}`:           "instances[1] is no object",
		`{"instances":[{}`:                 `it ends where "," or "]" is expected`,
		`{"instances":[{},]}`:              `a value is expected at byte 17`,
		`{"instances":[{"a":"b`:            "it ends where the end of a string is expected",
		`{"instances":[{"a":[1`:            "it ends where the end of an object or array is expected",
		`{"instances":[],"instances":[]}`:  `"instances" occurs twice`,
		`{"instance":[]}`:                  `unknown member "instance"`,
		`{"instances":[],"explain":1}`:     `"explain" is 1, not true or false`,
		`{instances:[]}`:                   "a name in quotes is expected at byte 1",
		`{"instances" []}`:                 `":" is expected at byte 13`,
		`{"a":` + strings.Repeat("[", 1e5): `unknown member "a"`,
		`{"instances":[{"a":` + strings.Repeat("[", 1e5): "values are nested more than 16 deep",
	} {
		var r Request
		err := r.Parse([]byte(body))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want %s", body, err, want)
		}
	}
}

// Whatever is valid JSON is read as encoding/json reads it.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"instances":[{"a":"\\\"","b":[1,{"c":2}]},{}],"explain":false}`))
	f.Add([]byte(`{"instances":[{"a":1.5e3}, {"a":null}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var r Request
		err := r.Parse(body)
		if !json.Valid(body) || err != nil {
			return
		}
		var want struct{ Instances []json.RawMessage }
		if err := json.Unmarshal(body, &want); err != nil {
			return // such as names that differ in case alone
		}
		if len(want.Instances) != len(r.Instances) {
			t.Fatalf("%d instances, want %d", len(r.Instances), len(want.Instances))
		}
		for i := range want.Instances {
			if !bytes.Equal(want.Instances[i], r.Instances[i]) {
				t.Fatalf("instances[%d] is %s, want %s", i, r.Instances[i], want.Instances[i])
			}
		}
	})
}
