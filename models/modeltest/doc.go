// Package modeltest has the conformance suite that every kind of model passes:
// one test in the kind's package calls [Run].
package modeltest
