package cli

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-ml/penstock/pipelines"
	"github.com/penstock-ml/penstock/runners"
)

// choice is a flag that takes one of a few words, the first by default.
type choice struct {
	value *string
	words []string
}

func newChoice(value *string, words ...string) *choice {
	*value = words[0]
	return &choice{value, words}
}

// newOptionalChoice has no default: the value stays empty.
func newOptionalChoice(value *string, words ...string) *choice { return &choice{value, words} }

func (c *choice) String() string { return *c.value }
func (c *choice) Type() string   { return "word" }
func (c *choice) Set(word string) error {
	if !slices.Contains(c.words, word) {
		return errors.New("use " + strings.Join(c.words, " or "))
	}
	*c.value = word
	return nil
}

// integer is a flag that takes a whole number within bounds.
type integer[T int | int64] struct {
	value    *T
	min, max int64
}

// atLeast makes a flag of value, which is its default, that takes min or more.
func atLeast[T int | int64](value *T, min int64) *integer[T] {
	return &integer[T]{value, min, math.MaxInt32}
}

func (n *integer[T]) String() string { return strconv.FormatInt(int64(*n.value), 10) }
func (n *integer[T]) Type() string   { return "int" }
func (n *integer[T]) Set(text string) error {
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < n.min || v > n.max {
		return fmt.Errorf("use a whole number from %d to %d", n.min, n.max)
	}
	*n.value = T(v)
	return nil
}

// runnerValue is the flag --runner.
type runnerValue struct {
	name   string
	runner *runners.Runner
	places []string // the command's flags for paths
}

func newRunnerValue(name string) *runnerValue {
	v := &runnerValue{}
	if err := v.Set(name); err != nil {
		panic(err) // a default that does not exist
	}
	return v
}

func (v *runnerValue) String() string { return v.name }
func (v *runnerValue) Type() string   { return "runner" }
func (v *runnerValue) Set(name string) error {
	runner, err := runners.Get(name)
	if err != nil {
		return fmt.Errorf("use %s", strings.Join(runners.Names(), " or "))
	}
	v.name, v.runner = name, runner
	return nil
}

// limit is a flag that takes a number of records or a share of them.
type limit struct{ value *pipelines.BadLimit }

// newLimit makes a flag whose default is a share.
func newLimit(value *pipelines.BadLimit, share float64) limit {
	value.Share = share
	return limit{value}
}

func (l limit) String() string { return l.value.String() }
func (l limit) Type() string   { return "number" }
func (l limit) Set(text string) error {
	if percent, ok := strings.CutSuffix(text, "%"); ok {
		share, err := strconv.ParseFloat(percent, 64)
		if err != nil || !(share >= 0 && share <= 100) {
			return errors.New("use a share from 0% to 100%")
		}
		*l.value = pipelines.BadLimit{Share: share / 100}
		return nil
	}
	count, err := strconv.ParseInt(text, 10, 64)
	if err != nil || count < 0 {
		return errors.New("use a whole number of records, or a share such as 1%")
	}
	*l.value = pipelines.BadLimit{Count: count}
	return nil
}
