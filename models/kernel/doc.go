// Package kernel holds the float32 kernels that training and prediction run on: matrix products, elementwise
// functions, gathers, optimizers and the fixed-point sums of gradients.
//
// # Which kernel runs
//
// Three implementations exist: AVX-512 and AVX2 in assembly (written by the generator in gen) and portable Go. The
// fastest that the processor and the operating system support is chosen at start-up; the environment variable
// PENSTOCK_KERNEL (avx512, avx2 or portable) or [Select] forces one. [Err] reports a variable that names none.
//
// # One result
//
// All implementations give the same bits for the same input, whatever the shape, the strides or the position of an
// element, including denormals, infinities and signed zeros; only a NaN's payload is free. That rests on three rules:
//
//   - Every element of a product starts from its start value (zero, the bias or c itself) and takes one fused
//     multiply-add, rounded once to float32, for each k in ascending order. Blocking over rows and columns is free,
//     blocking over k reloads the accumulator, and no sum is ever split. In a product of more than 16 columns the terms
//     whose factor in a is zero are left out, or those whose factor in b is where [MulTN] says so: they would add
//     nothing but the sign of a zero, and the NaN of a zero times something that is not finite.
//   - Elementwise functions are a fixed sequence of correctly rounded operations, written the same way in the assembly
//     and in Go. Conversions such as float32(x*y) + z stand wherever the compiler could fuse and must not.
//   - Reductions over elements have a fixed order, given by the function's comment.
//
// # Conventions
//
// Matrices are row-major; the leading dimension (ldc, lda, ...) is the distance between rows in elements. An operand
// shorter than its shape says is a programming error and panics before anything is written. Destinations of
// elementwise functions may be one of their sources, but may not overlap them otherwise; a product's c overlaps
// neither a nor b. NaN propagates everywhere, but for the terms that products leave out, so that a diverged model is
// noticed.
//
// No function allocates once it has run before, and all but [Select] may be called from any number of goroutines.
package kernel

//go:generate go -C gen run . -dir ..
