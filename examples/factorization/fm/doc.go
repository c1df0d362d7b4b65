// Package fm is an example of a model kind of one's own: a factorization
// machine (Rendle, "Factorization Machines", 2010), written in Gorgonia's plain
// operations. Its section of a spec:
//
//	model:
//	  kind: factorization_machine
//	  dimension: 8      # of the factors
//
// It uses every feature of the spec: numbers as they are, categorical ones
// one-hot. With x [inputs] so encoded, the logit is
//
//	bias + sum_i w_i x_i + sum_{i<j} <v_i, v_j> x_i x_j
//
// where the pairs' sum is taken in linear time as half the sum over the
// factors of (sum_i v_i x_i)^2 - sum_i (v_i x_i)^2.
package fm
