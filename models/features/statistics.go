package features

import (
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/penstock-ml/penstock/models/spec"
)

// Statistics are what one pass over training records gathers. Parts may be
// merged in any order. The zero value is the empty part of any spec: others can
// be merged into it, but only one made by [NewStatistics] can Add records.
type Statistics struct {
	records int64
	missing []int64        // records without a value, by slot
	numbers []moments      // by distinct column and log1p
	texts   []counts       // by distinct vocabulary column
	spreads []distribution // by distinct column of numbers whose quantiles are needed
	most    []int64        // values in a record, by distinct column with a separator
	target  targetStatistics
	mixed   bool // parts of different specs were merged

	columns columns
	slots   []slotStatistics // by slot; nil where records cannot be added
}

// statisticsLayout says what the elements of Statistics belong to. It follows
// from the spec alone.
type statisticsLayout struct {
	numbers []numberSource
	texts   []textSource
	bags    []textSource
	spreads []int // slots
}

// A numberSource is a column whose moments are taken, perhaps of its logarithm.
type numberSource struct {
	slot  int
	log1p bool
}

// NewStatistics makes empty statistics for the spec's features. The spec's
// columns must be resolved.
func NewStatistics(s *spec.Spec) *Statistics {
	c := newColumns(s)
	l := newStatisticsLayout(s, &c)
	st := &Statistics{
		missing: make([]int64, len(c.slots)),
		numbers: make([]moments, len(l.numbers)),
		texts:   make([]counts, len(l.texts)),
		spreads: make([]distribution, len(l.spreads)),
		most:    make([]int64, len(l.bags)),
		target:  newTargetStatistics(),
		columns: c,
		slots:   newSlotStatistics(&c, &l),
	}
	for i := range st.numbers {
		st.numbers[i] = newMoments()
	}
	for i := range st.texts {
		st.texts[i] = newCounts()
	}
	for i := range st.spreads {
		st.spreads[i] = newDistribution()
	}
	return st
}

func newStatisticsLayout(s *spec.Spec, c *columns) statisticsLayout {
	var l statisticsLayout
	for i := range s.Features {
		f := &s.Features[i]
		at := c.slot(f.Column)
		switch {
		case f.Kind == spec.Numeric && l.number(at, f) < 0:
			l.numbers = append(l.numbers, numberSource{at, f.Has(spec.Log1p)})
		case f.Kind == spec.Vocabulary && l.text(at, f) < 0:
			l.texts = append(l.texts, sourceOf(at, f))
		}
		if f.Separator != "" && l.bag(at, f) < 0 {
			l.bags = append(l.bags, sourceOf(at, f))
		}
		if f.NeedsQuantiles() && l.spread(at) < 0 {
			l.spreads = append(l.spreads, at)
		}
	}
	return l
}

// number is the index of a numeric feature's moments, or -1.
func (l *statisticsLayout) number(slot int, f *spec.Feature) int {
	return slices.Index(l.numbers, numberSource{slot, f.Has(spec.Log1p)})
}

// text is the index of the counts of a feature's texts, or -1.
func (l *statisticsLayout) text(slot int, f *spec.Feature) int {
	return slices.Index(l.texts, sourceOf(slot, f))
}

// bag is the index of the number of a feature's values, or -1.
func (l *statisticsLayout) bag(slot int, f *spec.Feature) int {
	return slices.Index(l.bags, sourceOf(slot, f))
}

// spread is the index of the distribution of a slot's numbers, or -1.
func (l *statisticsLayout) spread(slot int) int { return slices.Index(l.spreads, slot) }

// Add counts one record. Its fields are those of the spec's data.columns; they
// are not kept. An error is a [ColumnError], and the record does not count.
func (st *Statistics) Add(fields [][]byte) error {
	if st.slots == nil {
		return errors.New("records cannot be added to statistics that were unmarshalled; merge these into new ones")
	}
	for i := range st.slots {
		s := &st.slots[i]
		if s.raw = st.columns.raw(i, fields); s.find() {
			continue
		}
		if err := st.read(i); err != nil {
			return err
		}
	}
	target, err := st.target.read(&st.columns, fields)
	if err != nil {
		return err
	}
	st.count(&target)
	return nil
}

// read reads what the record being added has in a slot, where that is not known.
func (st *Statistics) read(slot int) (err error) {
	s := &st.slots[slot]
	if s.value, err = st.columns.read(slot, s.raw); err != nil {
		return err
	}
	return s.check(st, st.columns.slots[slot].name)
}

// count adds the record that was read.
func (st *Statistics) count(target *targetValue) {
	st.records++
	for i := range st.slots {
		if s := &st.slots[i]; s.known > 0 {
			s.times[s.known-1]++
		} else {
			st.countValue(i, 1)
			s.keep()
		}
	}
	st.target.add(target, &st.columns.target)
}

// countValue adds n records that have a slot's value.
func (st *Statistics) countValue(slot int, n int64) {
	s := &st.slots[slot]
	if s.value.missing {
		st.missing[slot] += n
		return
	}
	for i, number := range s.numbers {
		st.numbers[number].add(s.transformed[i], n)
	}
	for i, text := range s.texts {
		s.textSources[i].each(s.value.text, func(t []byte) { st.texts[text].addFound(st.texts[text].find(t), t, n) })
	}
	for i, bag := range s.bags {
		values := s.bagSources[i].each(s.value.text, func([]byte) {})
		st.most[bag] = max(st.most[bag], int64(values))
	}
	for _, spread := range s.spreads {
		st.spreads[spread].add(s.value.number, n)
	}
}

// settle adds the records whose values were known and that have only been counted.
func (st *Statistics) settle() {
	for i := range st.slots {
		s := &st.slots[i]
		for known, n := range s.times {
			if n > 0 {
				s.recall(known)
				st.countValue(i, n)
				s.times[known] = 0
			}
		}
	}
}

func checkUTF8(column string, text []byte) error {
	if !utf8.Valid(text) {
		return columnError(column, text, "is not UTF-8; convert the file to UTF-8, or hash the column")
	}
	return nil
}

// Records is the number of records that were added.
func (st *Statistics) Records() int64 { return st.records }

// Merge adds another part of the same spec, which stays what it is.
func (st *Statistics) Merge(other *Statistics) {
	if other.isZero() {
		return
	}
	other.settle()
	if st.isZero() {
		st.become(other)
		return
	}
	st.mixed = st.mixed || other.mixed || !st.fits(other)
	if st.mixed {
		return
	}
	st.records += other.records
	for i, n := range other.missing {
		st.missing[i] += n
	}
	for i := range other.numbers {
		st.numbers[i].merge(&other.numbers[i])
	}
	for i := range other.texts {
		st.texts[i].merge(&other.texts[i])
	}
	for i := range other.spreads {
		st.spreads[i].merge(&other.spreads[i])
	}
	for i, n := range other.most {
		st.most[i] = max(st.most[i], n)
	}
	st.target.merge(&other.target)
}

func (st *Statistics) isZero() bool { return st.target.classes.table == nil }

// fits tells whether both are of one spec, as far as their sizes show.
func (st *Statistics) fits(other *Statistics) bool {
	return len(st.missing) == len(other.missing) && len(st.numbers) == len(other.numbers) && len(st.texts) == len(other.texts) && len(st.spreads) == len(other.spreads) && len(st.most) == len(other.most)
}

// become makes zero statistics a copy of others.
func (st *Statistics) become(other *Statistics) {
	st.records, st.mixed = other.records, other.mixed
	st.missing = slices.Clone(other.missing)
	st.numbers = slices.Clone(other.numbers)
	st.texts = make([]counts, len(other.texts))
	for i := range st.texts {
		st.texts[i] = other.texts[i].clone()
	}
	st.spreads = make([]distribution, len(other.spreads))
	for i := range st.spreads {
		st.spreads[i] = other.spreads[i].clone()
	}
	st.most = slices.Clone(other.most)
	st.target = other.target.clone()
}
