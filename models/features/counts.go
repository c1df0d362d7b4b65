package features

import (
	"cmp"
	"slices"
)

// counts are the numbers of records by text.
type counts struct {
	dictionary
	count []int64 // by the number of the text
}

func newCounts() counts { return counts{dictionary: newDictionary()} }

// addFound counts n records with a text that find has found at index i, or not.
func (c *counts) addFound(i int32, text []byte, n int64) {
	if i < 0 {
		c.addCount(string(text), n)
		return
	}
	c.count[i] += n
}

func (c *counts) addCount(text string, n int64) {
	i := int(c.add(text))
	if i == len(c.count) {
		c.count = append(c.count, 0)
	}
	c.count[i] += n
}

func (c *counts) merge(other *counts) {
	for i, text := range other.texts {
		c.addCount(text, other.count[i])
	}
}

func (c *counts) clone() counts {
	copied := newCounts()
	copied.merge(c)
	return copied
}

// A counted text occurs in so many records.
type counted struct {
	text  string
	count int64
}

// byText lists the counts by the bytes of their texts.
func (c *counts) byText() []counted {
	all := make([]counted, len(c.texts))
	for i := range all {
		all[i] = counted{c.texts[i], c.count[i]}
	}
	slices.SortFunc(all, func(a, b counted) int { return cmp.Compare(a.text, b.text) })
	return all
}

// vocabulary lists the texts with at least minCount records, the most frequent
// first and equals by their bytes; at most topK of them, if that is not 0.
func (c *counts) vocabulary(minCount int64, topK int) []string {
	all := c.byText()
	slices.SortStableFunc(all, func(a, b counted) int { return cmp.Compare(b.count, a.count) })
	texts := []string{}
	for _, t := range all {
		if t.count < minCount || topK > 0 && len(texts) == topK {
			break
		}
		texts = append(texts, t.text)
	}
	return texts
}
