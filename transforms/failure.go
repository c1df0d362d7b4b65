package transforms

import (
	"context"
	"errors"
	"strings"
)

// A runner wraps a DoFn's error in an account of its plan, and one that speaks a protocol keeps only the text. These
// brackets let Cause find the sentence again.
const (
	openFailure  = "⟦"
	closeFailure = "⟧"
)

type failure struct{ cause error }

func (f *failure) Error() string { return openFailure + f.cause.Error() + closeFailure }
func (f *failure) Unwrap() error { return f.cause }

// fail marks an error of a DoFn; nil stays nil.
func fail(err error) error {
	if err == nil {
		return nil
	}
	return &failure{err}
}

// Cause is the error that a DoFn of this package returned, freed of what the runner put around it: as a value where the
// runner kept it, else as its text. Other errors are returned as they are.
func Cause(err error) error {
	var f *failure
	if errors.As(err, &f) {
		return f.cause
	}
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	text := err.Error()
	if _, after, ok := strings.Cut(text, openFailure); ok {
		if sentence, _, ok := strings.Cut(after, closeFailure); ok {
			return errors.New(sentence)
		}
	}
	return err
}
