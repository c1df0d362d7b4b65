package features

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

// A dictionary numbers distinct texts in the order in which they were added. A
// look-up is what analysis and encoding do most: this one takes half of a map's
// time, whose hash is made for more than short texts.
type dictionary struct {
	texts []string
	table []textSlot // a power of two of them, at least half of them free
}

// A textSlot refers to a text; its next neighbours are tried when it is taken.
type textSlot struct {
	hash   uint64
	number int32 // of the text, from 1; 0 for none
}

func newDictionary() dictionary { return dictionary{table: make([]textSlot, 16)} }

// find is the number of a text, or -1.
func (d *dictionary) find(text []byte) int32 {
	hash := hashText(text)
	for i := hash; ; i++ {
		slot := &d.table[i&uint64(len(d.table)-1)]
		if slot.number == 0 {
			return -1
		}
		if slot.hash == hash && d.texts[slot.number-1] == string(text) {
			return slot.number - 1
		}
	}
}

// add returns the number of a text, a new one if it is new.
func (d *dictionary) add(text string) int32 {
	key := []byte(text)
	if number := d.find(key); number >= 0 {
		return number
	}
	d.texts = append(d.texts, text)
	if 2*len(d.texts) > len(d.table) {
		d.grow()
	}
	d.place(textSlot{hashText(key), int32(len(d.texts))})
	return int32(len(d.texts)) - 1
}

func (d *dictionary) place(slot textSlot) {
	i := slot.hash
	for d.table[i&uint64(len(d.table)-1)].number != 0 {
		i++
	}
	d.table[i&uint64(len(d.table)-1)] = slot
}

func (d *dictionary) grow() {
	old := d.table
	d.table = make([]textSlot, 2*len(old))
	for _, slot := range old {
		if slot.number != 0 {
			d.place(slot)
		}
	}
}

// textSeeds are secret, so that no file can be written whose texts collide. The
// numbers of texts do not depend on their hashes.
var textSeeds = [2]uint64{rand.Uint64(), rand.Uint64()}

// hashText folds 16 bytes at a time by a 128-bit product, as wyhash does
// (https://github.com/wangyi-fudan/wyhash). The last two words overlap the rest
// of the text where it is no multiple of them.
func hashText(text []byte) uint64 {
	n := len(text)
	a, b := textSeeds[0], textSeeds[1]^uint64(n)
	switch {
	case n > 16:
		for rest := text; len(rest) > 16; rest = rest[16:] {
			a = fold(a^word(rest), textSeeds[1]^word(rest[8:]))
		}
		a, b = a^word(text[n-16:]), b^word(text[n-8:])
	case n >= 8:
		a, b = a^word(text), b^word(text[n-8:])
	case n >= 4:
		a, b = a^uint64(binary.LittleEndian.Uint32(text)), b^uint64(binary.LittleEndian.Uint32(text[n-4:]))
	case n > 0:
		a ^= uint64(text[0]) | uint64(text[n/2])<<8 | uint64(text[n-1])<<16
	}
	return fold(a, b)
}

func word(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}
