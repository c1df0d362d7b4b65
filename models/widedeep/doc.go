// Package widedeep has the built-in kind of model, wide_deep: a linear model
// over categorical features and crosses of them, which memorizes, added to a
// multilayer perceptron over numbers, one-hot columns and embeddings, which
// generalizes (Cheng et al., "Wide & Deep Learning for Recommender Systems",
// 2016). Either part may be left out. Its section of a spec:
//
//	model:
//	  kind: wide_deep
//	  wide: [occupation, education_x_occupation]    # categorical features
//	  deep:
//	    numeric: [age, hours_per_week]
//	    indicator: [education]                      # one-hot
//	    embedding: [{feature: occupation, dimension: 8}]
//	    hidden: [100, 70, 50, 34]                   # units; [] for none
//	    activation: relu                            # or tanh, sigmoid, silu
//	    dropout: 0.1                                # share of hidden units that a step does without
//
// The outputs are the wide part's sums of weights plus the deep part's outputs: one
// for two classes or a number, else one for each class. The parameters are in the
// groups "wide" and "deep", and are named
//
//	wide/bias [outputs]               wide/<feature>/weights [size, outputs]
//	deep/hidden_<n>/weights [inputs, units]       deep/hidden_<n>/bias [units]
//	deep/logits/weights [units, outputs]   deep/logits/bias [outputs], without a wide part
//	deep/indicator/<feature> [size, units]        deep/embedding/<feature> [size, dimension]
//
// where <n> counts from 1. The inputs of the first layer are the numeric
// features in the order listed, then the embeddings; the rows of the one-hot
// features' weights are in deep/indicator. Tables of more than 65,536 floats
// are sparse.
package widedeep
