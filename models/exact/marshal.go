package exact

import (
	"encoding/binary"
	"errors"
)

const negativeSign = 1 << 7

// MarshalBinary writes the sum: equal sums give the same bytes. The form is a
// byte of flags (infinities, NaN, the sign), the number of digits that are zero
// at the low end, in two bytes, and the others with four bytes each, all
// little-endian.
func (s *Sum) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// AppendBinary appends what MarshalBinary returns.
func (s *Sum) AppendBinary(b []byte) ([]byte, error) {
	negative, digit := s.magnitude()
	flags := byte(s.special)
	if negative {
		flags |= negativeSign
	}
	zeros := 0
	for zeros < len(digit) && digit[zeros] == 0 {
		zeros++
	}
	b = append(b, flags)
	b = binary.LittleEndian.AppendUint16(b, uint16(zeros))
	for _, d := range digit[zeros:] {
		b = binary.LittleEndian.AppendUint32(b, d)
	}
	return b, nil
}

var errMalformed = errors.New("not the bytes of an exact sum; they are damaged or from another version")

// UnmarshalBinary reads what MarshalBinary wrote, and nothing else: bytes that
// it would have written otherwise are an error.
func (s *Sum) UnmarshalBinary(b []byte) error {
	if len(b) < 3 || len(b)%4 != 3 {
		return errMalformed
	}
	flags, zeros, rest := b[0], int(binary.LittleEndian.Uint16(b[1:])), b[3:]
	negative := flags&negativeSign != 0
	kept := special(flags &^ negativeSign)
	n := len(rest) / 4
	if kept > positiveInf|negativeInf|notANumber || zeros+n > digits {
		return errMalformed
	}
	if n == 0 && (zeros != 0 || negative) {
		return errMalformed
	}
	*s = Sum{special: kept, pending: 1}
	for i := range n {
		s.digit[zeros+i] = int64(binary.LittleEndian.Uint32(rest[4*i:]))
	}
	if n > 0 && (s.digit[zeros] == 0 || s.digit[zeros+n-1] == 0 || s.digit[digits-1] > 1<<31-1) {
		return errMalformed
	}
	if negative {
		for i := range s.digit {
			s.digit[i] = -s.digit[i]
		}
	}
	return nil
}
