package features

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseNumberIsStrconvWithoutExtras(t *testing.T) {
	text := rapid.OneOf(
		rapid.StringMatching(`[-+]?[0-9]{0,18}(\.[0-9]{0,18})?([eE][-+]?[0-9]{1,3})?`),
		rapid.StringMatching(`[-+0-9.eExXpP_infatyNIA ]{0,8}`),
		rapid.Custom(func(t *rapid.T) string {
			return strconv.FormatFloat(rapid.Float64().Draw(t, "x"), 'g', -1, 64)
		}),
	)
	rapid.Check(t, func(t *rapid.T) {
		s := text.Draw(t, "text")
		want, err := strconv.ParseFloat(s, 64)
		refused := err != nil || strings.ContainsAny(s, "xXpP_iInN")
		got, err := ParseNumber([]byte(s))
		if refused != (err != nil) {
			t.Fatalf("%q: got %v, %v", s, got, err)
		}
		if !refused && math.Float64bits(got) != math.Float64bits(want+0) {
			t.Fatalf("%q: got %v, want %v", s, got, want)
		}
	})
}

func TestParseNumberRefuses(t *testing.T) {
	for text, want := range map[string]error{
		"": errSyntax, "-": errSyntax, ".": errSyntax, "1e": errSyntax, "1 2": errSyntax, "--1": errSyntax,
		"0x10": errSyntax, "1_0": errSyntax, "NaN": errSyntax, "Inf": errSyntax, "infinity": errSyntax, "0x1p-2": errSyntax,
		"1e309": errRange, "-1e309": errRange, strings.Repeat("9", 400): errRange,
	} {
		if x, err := ParseNumber([]byte(text)); err != want {
			t.Errorf("%q: got %v, %v", text, x, err)
		}
	}
}

func TestTrim(t *testing.T) {
	for text, want := range map[string]string{"": "", " ": "", "\t a b\r\n": "a b", "\u00a0x": "\u00a0x"} {
		if got := string(Trim([]byte(text))); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
