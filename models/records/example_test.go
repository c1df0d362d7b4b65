package records_test

import (
	"fmt"
	"strings"

	"github.com/penstock-ml/penstock/models/records"
)

// A malformed record is reported and the scan goes on.
func ExampleScanner() {
	text := "name,age\nAda,36\nGrace\n\"Hopper, Grace\",85\n"
	format := records.Format{Header: true, Columns: []string{"name", "age"}}
	s := records.NewScanner(strings.NewReader(text), format, "people.csv")
	for s.Scan() {
		r := s.Record()
		if r.Err != nil {
			fmt.Printf("line %d: %v\n", r.Line, r.Err)
			continue
		}
		fmt.Printf("line %d: %q\n", r.Line, r.Fields)
	}
	if err := s.Err(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// line 2: ["Ada" "36"]
	// line 3: 1 field where 2 columns are expected
	// line 4: ["Hopper, Grace" "85"]
}

func ExampleJSONDecoder() {
	d := records.NewJSONDecoder([]string{"name", "age"})
	fields := make([][]byte, 2)
	fmt.Println(d.Decode([]byte(`{"age": 36, "name": "Ada"}`), fields))
	fmt.Printf("%q\n", fields)
	fmt.Println(d.Decode([]byte(`{"agee": 36}`), fields))
	// Output:
	// <nil>
	// ["Ada" "36"]
	// unknown field "agee": did you mean "age"?
}
