package draft

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A role is what a column is good for.
type role int

const (
	leftOut role = iota
	number
	word   // of a vocabulary
	hashed // one of very many words
	theLabel
)

// Bounds between roles.
const (
	mostWords   = 5000 // of a vocabulary
	fewestWords = 20   // records with a word each, from which on a column names its records
	longText    = 60   // bytes on average, from which on a column is prose
)

// identifying are names of columns that tell records apart.
var identifying = regexp.MustCompile(`(?i)^(id|uuid|guid|key|index|row|rownames?|unnamed: ?0)$|[_ .-](id|uuid|guid|key)$|[a-z](ID|Id|UUID|GUID)$`)

// roleOf decides, and says why a column is left out.
func (c *column) roleOf() (role, string) {
	n := c.values()
	switch {
	case n == 0:
		return leftOut, "has no value"
	case c.distinct() == 1 && n == c.records:
		return leftOut, fmt.Sprintf("is always %s", c.only())
	case c.numeric():
		return c.roleOfNumber(n)
	case 10*c.dates > 9*c.texts:
		return leftOut, "is a date or time, which is no number: derive some, such as weekday or age"
	case c.texts > 0 && c.bytes/c.texts >= longText && 2*int64(c.distinct()) > n:
		return leftOut, "is prose"
	case n >= fewestWords && 10*int64(c.distinct()) > 9*n:
		return leftOut, "has another value in almost every record"
	case c.overflow || c.distinct() > mostWords:
		return hashed, ""
	}
	return word, ""
}

func (c *column) roleOfNumber(n int64) (role, string) {
	unique := !c.overflow && int64(c.distinct()) == n && n >= fewestWords && c.whole == c.numbers
	switch {
	case unique && c.steps:
		return leftOut, "counts the records"
	case (unique || c.overflow) && identifying.MatchString(c.name):
		return leftOut, "tells records apart"
	}
	return number, ""
}

// only is the value of a column that has one.
func (c *column) only() string {
	return c.seen[slices.IndexFunc(c.seen, c.isValue)]
}

func (c *column) isValue(text string) bool { return !slices.Contains(c.absent, text) }

// mostClassNumbers is up to how many whole numbers a label is one of classes; more are a number to predict.
const mostClassNumbers = 20

// regression guesses whether a label is a number to predict.
func (c *column) regression() bool {
	return c.numeric() && (c.whole < c.numbers || c.distinct() > mostClassNumbers)
}

// checkLabel says what keeps a column from being a label.
func (c *column) checkLabel(regression bool) error {
	switch {
	case c.values() == 0:
		return fmt.Errorf("column %s is to be the label and has no value", c.name)
	case c.distinct() == 1:
		return fmt.Errorf("column %s is to be the label and is always %s, which leaves nothing to learn", c.name, c.only())
	case regression && !c.numeric():
		return fmt.Errorf("column %s is to be the label of a regression and has %q, which is not a number", c.name, c.someText())
	case !regression && (c.overflow || 2*int64(c.distinct()) > c.values()+2):
		return fmt.Errorf("column %s is to be the label and has another value in almost every record; name a column of classes, or one of numbers with --label-kind regression", c.name)
	}
	return nil
}

func (c *column) someText() string {
	for _, text := range c.seen {
		if c.isValue(text) && !isNumber(text) {
			return strings.Clone(text)
		}
	}
	return ""
}
