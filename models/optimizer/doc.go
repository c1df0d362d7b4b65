// Package optimizer applies averaged gradients to weights: SGD, momentum, Adagrad, Adam and FTRL, each a few lines over
// its kernel, with its state ("slots") as vectors as long as the weights.
//
// A parameter whose gradient travels as (row, values) pairs is updated lazily: only the rows that occurred in the round
// are touched, as the field does for embeddings. For SGD, Adagrad and FTRL that equals the dense update.
package optimizer
