package features

import "math"

// slotStatistics say what the values of one column count in, and remember the frequent ones: each time that one comes
// again is counted, and what it stands for is added up when the statistics are asked for.
type slotStatistics struct {
	numbers     []int  // of the statistics
	logarithms  []bool // of these numbers
	texts       []int
	textSources []textSource
	bags        []int
	bagSources  []textSource
	spreads     []int

	memo   memo
	values []value // of the memo's texts
	times  []int64 // that they came again

	// What the record being added has, which must not count if it turns out to have an error.
	raw         []byte
	known       int   // the memo's number of it, or 0
	value       value // where that is 0
	transformed []float64
}

func newSlotStatistics(c *columns, l *statisticsLayout) []slotStatistics {
	slots := make([]slotStatistics, len(c.slots))
	for i, n := range l.numbers {
		s := &slots[n.slot]
		s.numbers, s.logarithms = append(s.numbers, i), append(s.logarithms, n.log1p)
		s.transformed = append(s.transformed, 0)
	}
	for i, source := range l.texts {
		s := &slots[source.slot]
		s.texts, s.textSources = append(s.texts, i), append(s.textSources, source)
	}
	for i, source := range l.bags {
		s := &slots[source.slot]
		s.bags, s.bagSources = append(s.bags, i), append(s.bagSources, source)
	}
	for i, slot := range l.spreads {
		slots[slot].spreads = append(slots[slot].spreads, i)
	}
	return slots
}

// find tells whether the record's value is known.
func (s *slotStatistics) find() bool {
	s.known = s.memo.find(s.raw)
	return s.known > 0
}

// check transforms the value, and says what is wrong with it.
func (s *slotStatistics) check(st *Statistics, column string) error {
	if s.value.missing {
		return nil
	}
	for i, logarithm := range s.logarithms {
		var err error
		if s.transformed[i], err = transform(&s.value, logarithm, column); err != nil {
			return err
		}
	}
	for i, text := range s.texts {
		if s.textSources[i].separator == "" && st.texts[text].find(s.value.text) >= 0 {
			continue
		}
		if err := checkUTF8(column, s.value.text); err != nil {
			return err
		}
	}
	return nil
}

// keep remembers the value if there is room, and if it can be added many times at once.
func (s *slotStatistics) keep() {
	for _, x := range s.transformed {
		if !squares(x) && !s.value.missing {
			return
		}
	}
	if s.memo.add(s.raw) == 0 {
		return
	}
	v := s.value
	v.text = append([]byte(nil), v.text...)
	s.values, s.times = append(s.values, v), append(s.times, 0)
}

// recall makes a remembered value the current one.
func (s *slotStatistics) recall(known int) {
	s.value = s.values[known]
	for i, logarithm := range s.logarithms {
		s.transformed[i], _ = transform(&s.value, logarithm, "") // it was checked before
	}
}

// squares tells whether the square of a number, and what is lost in rounding it, are within the range of float64.
func squares(x float64) bool {
	magnitude := math.Abs(x)
	return x == 0 || magnitude > 0x1p-400 && magnitude < 0x1p400
}
