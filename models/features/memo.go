package features

const (
	// mostBytes is the length of the longest texts that a memo knows: four words.
	mostBytes = 32
	// mostKnown bounds a memo's texts.
	mostKnown = 4096
)

// A memo numbers the short texts that a column has, from 1, for what is known of each. Most columns of most tables have
// few different texts: to find one again costs a fraction of reading it anew. The zero memo is empty.
type memo struct {
	table  []memoSlot // a power of two of them, at least half of them free; nil once given up
	known  int        // texts
	found  int        // times that a text was known
	missed int        // times that it was not
}

// A memoSlot has a text in words; its next neighbours are tried when it is taken.
type memoSlot struct {
	words  words
	length int32
	number int32 // 0 for none
}

// words are the first 16 bytes of a text and, of one that has more, the last 16, which may overlap them. Zeros are behind
// a text that has fewer.
type words struct{ a, b, c, d uint64 }

// find is the number of a text, or 0.
func (m *memo) find(text []byte) int {
	if len(text) > mostBytes || len(m.table) == 0 {
		return 0
	}
	w := wordsOf(text)
	for i := w.hash(len(text)); ; i++ {
		slot := &m.table[i&uint64(len(m.table)-1)]
		if slot.words == w && int(slot.length) == len(text) {
			m.found++
			return int(slot.number) // 0 in a free one, which is like an empty text
		}
		if slot.number == 0 {
			return 0
		}
	}
}

// add numbers a text that find has not found, or answers 0 if it is too long or there are too many.
func (m *memo) add(text []byte) int {
	if m.missed++; len(text) > mostBytes || m.full() {
		return 0
	}
	if m.known++; 2*m.known > len(m.table) {
		m.grow()
	}
	m.place(memoSlot{wordsOf(text), int32(len(text)), int32(m.known)})
	return m.known
}

// full tells that no more texts are taken. A memo that rarely knows one is given up.
func (m *memo) full() bool {
	if m.known == mostKnown && m.missed > 4*mostKnown && m.found < m.missed {
		m.table = nil
	}
	return m.known == mostKnown
}

func (m *memo) place(slot memoSlot) {
	i := slot.words.hash(int(slot.length))
	for m.table[i&uint64(len(m.table)-1)].number != 0 {
		i++
	}
	m.table[i&uint64(len(m.table)-1)] = slot
}

func (m *memo) grow() {
	old := m.table
	m.table = make([]memoSlot, max(16, 2*len(old)))
	for _, slot := range old {
		if slot.number != 0 {
			m.place(slot)
		}
	}
}

// wordsOf are the words of a text of at most mostBytes. It reads memory behind the text, up to its capacity: no branch
// then depends on its length, which in most columns nothing foretells.
func wordsOf(text []byte) words {
	if n := len(text); n > 16 {
		return words{word(text), word(text[8:]), word(text[n-16:]), word(text[n-8:])}
	}
	if cap(text) < 16 {
		text = append(make([]byte, 0, 16), text...)
	}
	both, mask := text[:16], &textMasks[len(text)&31]
	return words{a: word(both) & mask[0], b: word(both[8:]) & mask[1]}
}

// hash is a secret one, as that of dictionaries is.
func (w words) hash(length int) uint64 {
	return fold(w.a^textSeeds[0], w.b^textSeeds[1]^uint64(length)) ^ fold(w.c^textSeeds[1], w.d^textSeeds[0])
}

// textMasks have ones where a text of so many bytes has them, in two words.
var textMasks = func() (masks [32][2]uint64) {
	for n := range 17 {
		masks[n] = [2]uint64{1<<(8*min(n, 8)) - 1, 1<<(8*max(n-8, 0)) - 1}
	}
	return masks
}()
