// Package predictor turns records into predictions.
//
// A [Predictor] is a model at rest: spec, fitted features and weights, made from
// an export by [Load]. It never changes, so any number of goroutines share it.
// Each of them scores by a [Scorer] of its own:
//
//	p, err := predictor.Load(ctx, dir)
//	s, err := p.NewScorer(0)
//	for each record {
//		s.Add(fields)
//		if s.Full() {
//			results, err := s.Score() // one for each Add, in order
//			...
//		}
//	}
//	results, err := s.Score() // of the rest
//
// and writes each result by [Predictor.AppendJSON] or, for a table, looks at the
// parts of a [Prediction]. Batch, streaming and online prediction and the command
// line all do, so that they give the same digits for the same record: a logit
// depends neither on the other records of its batch nor on the batch's size.
//
// # The form of a prediction
//
//	{"class_ids":[0],"classes":["<=50K"],"logistic":[p],"logits":[z],"probabilities":[1-p,p]}
//
// and of more classes, with a logit and a probability for each, and of a number
//
//	{"class_ids":[2],"classes":["red"],"logits":[x,y,z],"probabilities":[p,q,r]}
//	{"predictions":[y]}
//
// The logit z is a float32 in the fewest digits that tell it from its neighbours;
// the probability p of the second class is computed from it in float64, and both
// probabilities are printed in the fewest digits of that. The class is the second
// one where z > 0, and of more classes the first with the highest logit. A number is
// computed from the network's output, in float64. Where the spec names a key column and the record has a value
// there, a member "key" comes first, always as a string: CSV knows no other type,
// and a record has the same prediction in every format.
package predictor
