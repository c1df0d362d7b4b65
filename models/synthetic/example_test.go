package synthetic_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/penstock-ml/penstock/models/synthetic"
)

func ExampleCensus() {
	var file bytes.Buffer
	truth, err := synthetic.Census(context.Background(), &file, 1, 0, 100_000)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d rows; no model is expected to exceed an AUC of %.4f on them\n", truth.Examples, *truth.AUC)
	// Output: 100000 rows; no model is expected to exceed an AUC of 0.9258 on them
}
