// Package draft writes a first spec for a file of records: what its columns are, which
// of them can be features and how, and how a model of them is best trained.
//
//	file -> sniff: format, delimiter, header -> profile of each column -> roles -> spec, with comments
//
// What is drafted is what was found to train well, see the constants in recipe.go; it
// is a beginning, and a spec like any other.
package draft
