package features

// A slotEncoder encodes what rows have of one column, and remembers the outcomes of frequent texts.
type slotEncoder struct {
	numbers   []numberEncoder
	ids       []idEncoder
	numbersAt []int32 // columns of a row
	idsAt     []int32
	memo      memo
	// The outcomes: that of the last value, and then those of the memo's texts.
	numbersOf []float32
	idsOf     []int32
}

// addNumbers adds a feature whose numbers begin in a column of the row.
func (s *slotEncoder) addNumbers(n numberEncoder, at, width int) {
	s.numbers = append(s.numbers, n)
	s.numbersAt = appendSpan(s.numbersAt, at, width)
	s.numbersOf = make([]float32, len(s.numbersAt))
}

func (s *slotEncoder) addIDs(e idEncoder, at, width int) {
	s.ids = append(s.ids, e)
	s.idsAt = appendSpan(s.idsAt, at, width)
	s.idsOf = make([]int32, len(s.idsAt))
}

func appendSpan(list []int32, at, width int) []int32 {
	for i := range width {
		list = append(list, int32(at+i))
	}
	return list
}

// encode makes the outcome of a value the last one's.
func (s *slotEncoder) encode(v *value, column string) (err error) {
	numbers, ids := s.numbersOf[:len(s.numbersAt)], s.idsOf[:len(s.idsAt)]
	for i := range s.numbers {
		if numbers, err = s.numbers[i].encode(numbers, v, column); err != nil {
			return err
		}
	}
	for _, e := range s.ids {
		if ids, err = e.encode(ids, v); err != nil {
			return err
		}
	}
	return nil
}

// keep remembers the last outcome as that of a text, if there is room, and returns where it is.
func (s *slotEncoder) keep(raw []byte) (outcome int) {
	if outcome = s.memo.add(raw); outcome > 0 {
		s.numbersOf = append(s.numbersOf, s.numbersOf[:len(s.numbersAt)]...)
		s.idsOf = append(s.idsOf, s.idsOf[:len(s.idsAt)]...)
	}
	return outcome
}

// write brings an outcome to its columns of a row.
func (s *slotEncoder) write(numbers []float32, ids []int32, outcome int) {
	scatter(numbers, s.numbersAt, s.numbersOf[outcome*len(s.numbersAt):])
	scatter(ids, s.idsAt, s.idsOf[outcome*len(s.idsAt):])
}

func scatter[T any](dst []T, at []int32, src []T) {
	src = src[:len(at)]
	for i, column := range at {
		dst[column] = src[i]
	}
}
