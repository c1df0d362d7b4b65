package kernel_test

import (
	"fmt"

	"github.com/penstock-ml/penstock/models/kernel"
)

// A dense layer of two outputs on a batch of two examples with three inputs each.
func ExampleMulNN() {
	x := []float32{
		1, 2, 3,
		4, 5, 6,
	}
	w := []float32{
		1, -1,
		0, 1,
		1, -1,
	}
	bias := []float32{0.5, 0}
	y := make([]float32, 4)
	kernel.MulNN(y, 2, x, 3, w, 2, 2, 2, 3, bias, true)
	fmt.Println(y)
	// Output: [4.5 0 10.5 0]
}
