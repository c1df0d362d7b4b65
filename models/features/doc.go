// Package features turns the columns of records into the inputs of a model.
//
// It works in two passes. The first one gathers [Statistics] of the training
// records, in any number of parts; their Fit gives what the encoding has to
// know of the data ([Fitted]): vocabularies, means, deviations, the classes of
// the label. The second pass encodes records by an [Encoder], for training and
// for prediction alike.
//
// Statistics are exact, so that any partition of the records and any order of
// merging give the same Fitted, byte for byte.
//
// Both passes look at a column's frequent short texts once: what a text stands
// for is remembered, by statistics to count it, by encoders to copy it. Columns
// whose texts rarely come again are read anew each time.
//
// Of a feature with a separator a record may have several values. It has as many
// columns of ids as training saw in one record, and an id of its own fills those
// that a record leaves; the values behind are left out.
//
// A value is missing when its field is absent, empty, or one of data.missing.
// A column in which the training data had missing values may lack them later:
// a missing number becomes the mean, beside which a number of its own is 1 and
// else 0; a missing text has an id of its own. In every other column a missing
// value is an error.
package features
