package features

import (
	"errors"
	"strconv"
	"unsafe"
)

var (
	errSyntax = errors.New("is not a decimal number; correct it, or list it in data.missing if it stands for no value")
	errRange  = errors.New("is beyond the range of float64; correct it")
)

// ParseNumber reads a field of a numeric feature: a decimal number, with a
// fraction and an exponent or without. Unlike strconv it refuses hexadecimal
// digits, underscores, infinities and NaN. Negative zero is read as zero. Errors
// end a sentence that begins with the field.
func ParseNumber(b []byte) (float64, error) {
	if x, ok := parseInteger(b); ok {
		return x, nil
	}
	for _, c := range b {
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return 0, errSyntax
		}
	}
	// The string does not outlive the call: ParseFloat copies it into its errors.
	x, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(b), len(b)), 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, errRange
	case err != nil:
		return 0, errSyntax
	}
	return x + 0, nil
}

// parseInteger reads integers of at most 15 digits, which float64 holds
// exactly. They are most numbers in most tables, and strconv takes thrice as long.
func parseInteger(b []byte) (float64, bool) {
	digits := b
	if len(b) > 0 && b[0] == '-' {
		digits = b[1:]
	}
	if len(digits) == 0 || len(digits) > 15 {
		return 0, false
	}
	var n int64
	for _, c := range digits {
		d := c - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + int64(d)
	}
	if len(digits) < len(b) {
		n = -n
	}
	return float64(n), true
}
